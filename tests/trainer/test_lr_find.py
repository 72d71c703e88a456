"""The range test leaves no trace, and `learning_rate: auto` trains as if the number had been given."""

import json
import signal
from functools import partial

import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.errors import InconclusiveError, RecipeError, UsageError

DIGITS = {"name": "digits", "limit": 320, "split": {"validation": 40, "test": 40}}
RECIPE = {
    "name": "few",
    "data": DIGITS,
    "model": {"name": "mlp", "units": [16]},
    "normalization": "batch_normalization",
    "regularization": {"dropout": 0.1},
    "optimizer": {"name": "sgd", "learning_rate": "auto", "momentum": 0.9},
    "schedule": "one_cycle",
    "training": {"epochs": 3, "batch_size": 32, "engine": "graph"},
}

STEPS = 100
"""Updates of a range test that finds something; by default there are three times as many."""


@pytest.fixture(scope="module")
def train(tensorflow):
    from hornbook.trainer.train import train as train_recipe

    return lambda tree, runs, **options: train_recipe(load_recipe(tree), runs=runs, **options)


def with_rate(rate, **more):
    return RECIPE | {"optimizer": RECIPE["optimizer"] | {"learning_rate": rate}} | more


def weights(result):
    return [weight.tobytes() for weight in result.model.get_weights()]


def variables_of(built):
    found = [*built.training_model.variables, *built.optimizer.variables]
    return [v.numpy().tobytes() for v in found + [v for metric in built.metrics for v in metric.variables]]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {
            "model": {"name": "cnn", "filters": [4], "dense": [8]},
            "optimizer": {"name": "adamw", "accumulation": 3, "ema": 0.9},
            "schedule": "constant",
        },
    ],
    ids=["dropout, batch norm", "convolutions, accumulation, averaged weights"],
)
def test_a_range_test_puts_everything_back(prepare, run_epochs, more):
    from hornbook.trainer.lr_find.search import range_test

    tree = with_rate(0.01) | more
    untouched, tested = prepare(tree), prepare(tree)
    before = variables_of(tested.built)
    curve = range_test(tested, np.geomspace(1e-5, 1, 30))
    assert len(curve.losses) >= 11
    assert np.isfinite(curve.losses).all()
    assert variables_of(tested.built) == before
    assert run_epochs(tested, 2) == run_epochs(untouched, 2)
    assert variables_of(tested.built) == variables_of(untouched.built)


def test_what_is_frozen_stays_frozen_after_an_error(prepare):
    from hornbook.trainer.lr_find.search import unchanged

    built = prepare(with_rate(0.01)).built
    layer, before = built.model.get_layer("head"), variables_of(built)
    layer.trainable = False

    def fail():
        with unchanged(built):
            layer.trainable = True
            layer.bias.assign(layer.bias + 1.0)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not layer.trainable
    assert variables_of(built) == before


def test_the_losses_are_those_of_training(prepare, run_epochs):
    """Ten steps at one rate, batch by batch, and one epoch of ten steps have the same mean loss."""
    from hornbook.trainer.lr_find.search import range_test

    tree = with_rate(0.01, data=DIGITS | {"limit": 320, "split": {"validation": 40, "test": 40}}, schedule="constant")
    prepared = prepare(tree)
    curve = range_test(prepared, np.full(10, 0.01))
    assert np.mean(curve.losses) == pytest.approx(run_epochs(prepared)[0]["loss"], rel=1e-5)


def test_a_rate_that_destroys_the_weights_ends_the_test(prepare):
    from hornbook.trainer.lr_find.search import range_test

    tree = with_rate(0.01, normalization="none", optimizer={"name": "sgd"}, schedule="constant")
    prepared = prepare(tree)
    curve = range_test(prepared, np.geomspace(1, 1e30, 60))
    assert curve.diverged
    assert len(curve.losses) < 60
    assert np.isfinite(np.concatenate([variable.numpy().ravel() for variable in prepared.built.model.variables])).all()


def test_further_seeds_use_the_same_compiled_program(prepare):
    from hornbook.engine import programs
    from hornbook.trainer.lr_find.search import search_rate

    prepared = prepare(with_rate(0.01))
    search_rate(prepared, seeds=1, steps=12)
    before = len(programs._CACHE)
    search = search_rate(prepared, seeds=3, steps=12)
    assert len(programs._CACHE) == before
    assert [curve.seed for curve in search.curves] == [42, 43, 44]
    assert len({curve.losses[0] for curve in search.curves}) == 3


@pytest.mark.whole
def test_a_rate_that_is_annealed_may_be_twice_as_high_as_one_that_is_held(prepare):
    from hornbook.trainer.lr_find.search import search_rate

    schedules = ["constant", "exponential", {"name": "cosine", "end_factor": 0.5}]  # the last stays high
    found = [
        search_rate(prepare(with_rate(0.01, schedule=schedule)), seeds=1, steps=STEPS).rate for schedule in schedules
    ]
    assert found[1] == pytest.approx(2 * found[0], rel=0.1)
    assert found[2] == found[0]


@pytest.fixture(scope="module")
def searches():
    """The searches that `found` has made."""
    return []


@pytest.fixture(scope="module")
def found(train, tmp_path_factory, searches):
    """A run whose rate was found; Ctrl-C ended it after its second epoch, and it was resumed without another search."""
    import keras

    from hornbook.trainer.lr_find import auto
    from hornbook.trainer.resume import resume

    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epoch == 1 and signal.raise_signal(signal.SIGINT)
    )
    with pytest.MonkeyPatch.context() as patch:
        search = auto.search_rate
        patch.setattr(auto, "search_rate", lambda prepared: searches.append(search(prepared)) or searches[-1])
        stopped = train(RECIPE, tmp_path_factory.mktemp("auto"), callbacks=[stop])
        assert (stopped.state, len(stopped.history)) == ("interrupted", 2)
        patch.setattr(auto, "search_rate", None)
        return resume(stopped.run)


def test_auto_writes_the_number_into_the_resolved_recipe(found):
    rate = found.recipe.optimizer.learning_rate
    assert 1e-4 < rate < 1
    assert f"learning_rate: {rate}" in (found.run / "recipe.yaml").read_text()
    assert load_recipe(found.run / "recipe.yaml").optimizer.learning_rate == rate
    assert max(row["learning_rate"] for row in found.history) <= rate


def test_auto_leaves_the_search_with_the_run(found):
    facts = json.loads((found.run / "lr_find.json").read_text())
    assert facts["suggestion"] == found.recipe.optimizer.learning_rate
    assert [curve["seed"] for curve in facts["curves"]] == [42, 43, 44]
    assert facts["band"][0] <= facts["suggestion"] * 1.05
    assert (found.run / "lr_find.svg").read_text().startswith("<svg")
    assert f"learning_rate: {facts['suggestion']} found by a range test" in (found.run / "log.txt").read_text()


def test_a_run_with_a_found_rate_equals_one_that_was_given_it_and_never_stopped(found, train, tmp_path):
    given = train(with_rate(found.recipe.optimizer.learning_rate), tmp_path)
    assert weights(given) == weights(found)
    assert given.test == found.test
    assert not (given.run / "lr_find.json").exists()


def test_an_inconclusive_search_fails_shows_the_plot_and_begins_no_run(train, tmp_path, monkeypatch):
    from hornbook.trainer.lr_find import auto

    monkeypatch.setattr(auto, "search_rate", partial(auto.search_rate, seeds=1, steps=60))
    arrays = {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}}
    tree = with_rate("auto", name="flat", data=arrays, normalization="none", schedule="constant")
    data = np.zeros((64, 3), np.float32), np.arange(64) % 2  # nothing to learn from
    with pytest.raises(InconclusiveError) as caught:
        train(tree | {"training": {"batch_size": 64, "engine": "graph"}}, tmp_path, data=data)
    text = str(caught.value)
    assert caught.value.exit_code == 1
    assert "optimizer.learning_rate: auto found nothing, the range test is inconclusive." in text
    assert "  seed 42: the loss does not fall: 0.693 at the start, 0.693 at best" in text
    assert "●" in text
    assert [path.name for path in (tmp_path / "flat").iterdir()] == ["lr_find.svg"]


def test_a_run_with_an_open_rate_does_not_begin(prepare):
    from hornbook.trainer.prepare import prepare as prepare_recipe
    from hornbook.trainer.session import Session

    prepared = prepare_recipe(load_recipe(RECIPE))
    with pytest.raises(ValueError, match="learning_rate: auto has to be found first"):
        Session(prepared)


def test_the_plots_show_every_rule_and_fit_into_80_columns(found, searches):
    import xml.etree.ElementTree as ElementTree

    from hornbook.trainer.lr_find.plot import svg
    from hornbook.trainer.lr_find.report import lines

    (search,) = searches
    shown = lines(search, ["-c", "few.yaml"])
    assert [line for line in shown if len(line) > 80] == []
    assert any("▲" in line and "1e" not in line for line in shown)
    assert shown[-1] == f"next    hornbook train -c few.yaml optimizer.learning_rate={search.rate:g}"
    picture = svg(search, "few <1>")
    texts = [element.text for element in ElementTree.fromstring(picture).iter() if element.tag.endswith("text")]
    assert {"few <1>", "loss", "learning rate", "1e-3"} <= set(texts)
    assert "bold: seed 42, smoothed; light: seeds 43, 44; grey: seed 42 batch by batch" in texts
    named = [text.split()[0] for text in texts if text.startswith(("steepest", "valley", "minimum/10", "suggestion"))]
    assert sorted(named) == ["minimum/10", "steepest", "suggestion", "valley"]
    assert f"suggestion {search.rate:.2g}" in texts
    assert "http:" not in picture.replace("http://www.w3.org/2000/svg", "")
    assert svg(search, "few <1>") == picture


@pytest.mark.parametrize("num_steps", [0, 1, 4, 40])
def test_a_search_that_saw_little_or_nothing_has_a_picture(num_steps):
    from hornbook.trainer.lr_find.plot import svg
    from hornbook.trainer.lr_find.suggest import Curve, conclude

    rates = np.geomspace(1e-6, 1e-3, 40)[:num_steps]
    search = conclude([Curve(42, rates, np.full(num_steps, 0.693), diverged=True)])
    picture = svg(search, "flat: inconclusive")
    assert ">flat: inconclusive</text>" in picture
    assert ("no step had a finite loss" in picture) == (num_steps == 0)
    assert "suggestion" not in picture


@pytest.mark.parametrize(
    "more",
    [
        {"training": {"strategy": "mirrored"}},
        {"pretraining": "autoencoder", "schedule": "constant"},
        {"optimizer": {"name": "adafactor", "learning_rate": "auto"}},
    ],
)
def test_what_a_range_test_cannot_stand_for_is_refused(more):
    with pytest.raises(RecipeError, match="optimizer.learning_rate: "):
        load_recipe(RECIPE | more)


def test_the_command(capsys, monkeypatch, tmp_path, tensorflow):
    from hornbook.commands.lr_find import lr_find

    monkeypatch.chdir(tmp_path)
    small = ["data.limit=320", "model.units=[16]", "training.engine=graph"]
    lr_find("he_elu_bn", small, seeds=1, steps=STEPS, output=tmp_path / "plot.svg", as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["reasons"] == []
    assert facts["curves"][0]["rules"].keys() == {"steepest", "valley", "minimum/10"}
    assert len(facts["curves"][0]["rates"]) == len(facts["curves"][0]["losses"]) == len(facts["curves"][0]["smoothed"])
    assert [path.name for path in tmp_path.iterdir()] == ["plot.svg"]


def test_the_command_ends_with_1_where_it_is_inconclusive(capsys, tensorflow):
    import typer

    from hornbook.commands.lr_find import lr_find

    with pytest.raises(typer.Exit) as caught:
        lr_find(
            "he_elu_bn",
            ["data.limit=320", "model.units=[16]", "training.engine=graph"],
            seeds=1,
            highest=1e-4,
            steps=60,
        )
    assert caught.value.exit_code == 1
    out = capsys.readouterr().out
    assert "found   nothing: the range test is inconclusive" in out
    assert "why     seed 42: the loss does not fall" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lowest": 1.0, "highest": 0.1}, "--min 1 --max 0.1: expected two rates above 0, the smaller one first."),
        ({"output": "x.pdf"}, "--output x.pdf: the plot is an SVG picture. Name a file that ends in .svg."),
    ],
)
def test_options_that_cannot_mean_anything(options, message):
    from pathlib import Path

    from hornbook.commands.lr_find import lr_find

    options = {key: Path(value) if key == "output" else value for key, value in options.items()}
    with pytest.raises(UsageError) as caught:
        lr_find("he_elu_bn", **options)
    assert str(caught.value) == message
