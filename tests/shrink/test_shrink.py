"""`hornbook shrink` leaves an ordinary run, proved and measured, or nothing."""

import json
import shutil

import keras
import numpy as np
import pytest
import yaml

import hornbook
from hornbook import load_recipe
from hornbook.errors import DataError, GateError, RecipeError, RunError, UsageError
from hornbook.runs.directory import find_run


@pytest.fixture(scope="module")
def folded(shrink):
    """The result of a run that folds alone."""
    return shrink()


@pytest.fixture(scope="module")
def small(shrink):
    """The result of a run with everything."""
    return shrink({"prune": {"share": 0.8}, "precision": "int8", "calibration": 64}, training={"epochs": 3})


def kernels(model):
    return [variable.numpy() for variable in model.weights if variable.path.endswith("/kernel")]


def test_a_folded_model_is_smaller_and_predicts_the_same(folded, earlier):
    from hornbook.inference.evaluate import split_of
    from hornbook.inference.trained import load_run

    assert [type(layer).__name__ for layer in folded.model.layers] == [
        "InputLayer", "Flatten", "Dense", "ReLU", "Dense", "ReLU", "Dense", "Softmax",
    ]  # fmt: skip
    before, rows = load_run(earlier).model, np.asarray(split_of(earlier, "test").x, np.float32)
    np.testing.assert_allclose(folded.model(rows), before(rows, training=False), rtol=0, atol=1e-5)
    assert folded.test == pytest.approx(find_run(earlier).result["test"])
    assert (folded.epochs, folded.stop_reason, folded.history) == (0, "nothing to fine-tune", [])


def test_the_record_says_what_became_of_each_layer(folded, earlier):
    record = find_run(folded.run).shrink
    assert record["folded"] == {
        "hidden_1_normalization": ["hidden_1"], "hidden_2_normalization": ["hidden_2"], "scale": ["hidden_1"],
    }  # fmt: skip
    assert record["removed"] == ["hidden_1_dropout", "hidden_2_dropout"]
    assert record["source"] == str(find_run(earlier).model_path())
    assert 0 < record["difference"] < 1e-5
    assert record["size"]["after"]["parameters"] == 1990 < record["size"]["before"]["parameters"]
    assert {split: (row["lost"], row["examples"]) for split, row in record["metric"].items()} == {
        "validation": (0.0, 64), "test": (0.0, 40),
    }  # fmt: skip


def test_the_recipe_is_the_earlier_one_with_a_section_more(folded, earlier):
    ours, theirs = (yaml.safe_load(find_run(run).recipe_text) for run in (folded.run, earlier))
    assert ours["shrink"]["from"] == str(earlier)
    assert ours["name"] == "earlier_shrunk"
    assert ours["optimizer"]["learning_rate"] == pytest.approx(0.01)
    changed = {"name", "shrink", "optimizer", "training"}
    assert {key: value for key, value in ours.items() if key not in changed} == {
        key: value for key, value in theirs.items() if key not in changed
    }


def test_zeros_stay_zero_and_weights_have_levels(small):
    model = keras.models.load_model(find_run(small.run).model_path(), compile=False)
    for kernel in kernels(model):
        steps = np.abs(kernel).max(axis=0) / 127
        np.testing.assert_allclose(
            kernel / np.where(steps > 0, steps, 1), np.round(kernel / np.where(steps > 0, steps, 1)), atol=1e-3
        )
    assert [row["zeros"] for row in small.history] == pytest.approx([1 - 0.2, 0.8, 0.8], abs=0.11)
    assert small.history[-1]["zeros"] == pytest.approx(0.8, abs=1e-3)
    size = find_run(small.run).shrink["size"]
    assert size["after"]["compressed"] < 0.6 * size["before"]["compressed"]


def test_both_models_of_a_run_are_the_smaller_ones(small):
    for which in ("best", "last"):
        model = keras.models.load_model(find_run(small.run).model_path(which), compile=False)
        zeros = sum((kernel == 0).sum() for kernel in kernels(model))
        assert zeros > 0.5 * sum(kernel.size for kernel in kernels(model))


@pytest.fixture(scope="module")
def pruned_at_once(shrink):
    """The kernels of the earlier run with 70 % of their weights at zero, before any fine-tuning."""
    return kernels(shrink({"prune": {"share": 0.7, "schedule": "once"}, "fold": "none", "units": False}).model)


@pytest.mark.whole
@pytest.mark.parametrize(("engine", "optimizer"), [
    ("xla", {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("graph", {"name": "adam", "learning_rate": 0.01, "ema": {"momentum": 0.9}, "accumulation": 2}),
    ("fit", {"name": "adamw", "learning_rate": 0.01}),
])  # fmt: skip
def test_zeros_survive_every_engine_and_optimizer(engine, optimizer, shrink, pruned_at_once):
    prune = {"share": 0.7, "schedule": "once"}
    training = {"epochs": 2, "engine": engine, "batch_size": 32}
    result = shrink({"prune": prune, "fold": "none", "units": False}, optimizer=optimizer, training=training)
    for kernel, first in zip(kernels(result.model), pruned_at_once, strict=True):
        assert (kernel == 0).mean() == pytest.approx(0.7, abs=0.01)
        assert np.array_equal(kernel == 0, first == 0)


def test_page_and_card_say_what_was_gained_and_lost(small):
    from hornbook.inference.report.card import card_of
    from hornbook.inference.report.page import page_of

    size, lost = small.shrink["size"], small.shrink["metric"]["validation"]
    packed = f"{size['before']['compressed']:,} to {size['after']['compressed']:,} bytes with gzip"
    for text in (page_of(find_run(small.run)), card_of(find_run(small.run))):
        assert packed in text
        assert f"lost {lost['lost']:.2f}" in text


@pytest.mark.whole
def test_commands_work_on_the_run(small, hornbook_command, tmp_path):
    for line in (
        "evaluate {}",
        "predict {} --split test -o {}/rows.csv",
        "report {}",
        "export {} --to keras",
        "resume {}",
    ):
        done = hornbook_command(f"hornbook {line.format(small.run, tmp_path)}")
        assert done.code == 0, done.err
    listed = hornbook_command(f"hornbook runs list {small.run.parents[1]}")
    assert "earlier_shrunk" in listed.out


@pytest.mark.whole
def test_the_same_recipe_gives_the_same_bits(small, tmp_path, tensorflow):
    from hornbook.trainer.reproduce import reproduce

    again = reproduce(small.run, runs=tmp_path)
    assert again.is_same, again.text()


def test_the_command_writes_the_recipe_from_its_options(earlier, hornbook_command, tmp_path):
    line = f"hornbook shrink {earlier} --share 0.5 --epochs 2 --precision float16 --max-loss 100 --runs {tmp_path}"
    done = hornbook_command(f"{line} training.engine=graph training.batch_size=64")
    assert done.code == 0, done.err
    assert "hidden_1_normalization into hidden_1" in done.err
    assert "accuracy" in done.out
    assert max(map(len, [*done.out.splitlines(), *done.err.splitlines()])) <= 80 + len(str(tmp_path))
    recipe = load_recipe(tmp_path / "earlier_shrunk" / "latest" / "recipe.yaml")
    assert (recipe.shrink.prune.share, recipe.shrink.precision, recipe.training.epochs) == (0.5, "float16", 2)


def test_python_has_the_verb_too(earlier, tmp_path):
    result = hornbook.shrink(earlier, fold="normalization", runs=tmp_path, progress=False)
    assert "scale" in [layer.name for layer in result.model.layers]


def test_a_worse_model_is_not_kept(shrink, earlier, tmp_path):
    with pytest.raises(
        GateError, match=r"accuracy on 64 validation examples falls from .* at most 0.5 are allowed"
    ) as error:
        shrink({"prune": {"share": 0.95}, "max_loss": 0.5}, runs=tmp_path)
    assert error.value.exit_code == 3
    assert "Nothing was kept" in str(error.value)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.whole
def test_a_refused_run_leaves_the_link_to_the_one_before(shrink, tmp_path):
    kept = shrink(runs=tmp_path).run
    with pytest.raises(GateError):
        shrink({"prune": {"share": 0.95}, "max_loss": 0.0}, runs=tmp_path)
    assert (tmp_path / "earlier_shrunk" / "latest").resolve() == kept


@pytest.mark.whole
def test_a_smaller_model_is_made_smaller_again(small, tmp_path, tensorflow):
    from hornbook.trainer.train import train

    recipe = load_recipe({"shrink": {"from": str(small.run), "precision": "float16", "max_loss": 100}})
    assert train(recipe, runs=tmp_path).recipe.name == "earlier_shrunk"


BAD = {
    "a key that contradicts": ({"calibration": 64}, {}, "'calibration' is for 'precision: int8'"),
    "too few rows": ({"precision": "int8", "calibration": 10}, {}, "at least 32, found 10"),
    "all weights": ({"prune": {"share": 1.0}}, {}, "shrink.prune.share: expected a number below 1, found 1"),
    "two amounts": ({"prune": {"share": 0.5, "threshold": 0.1}}, {}, "give either 'share' or 'threshold'"),
    "an amount of nothing": ({"prune": {"scope": "layer"}}, {}, "give either 'share' or 'threshold'"),
    "fine-tuning of nothing": ({}, {"training": {"epochs": 3}}, "nothing is pruned, so there is nothing to fine-tune"),
    "zeros behind the end": ({"prune": {"share": 0.5, "until": 9}}, {"training": {"epochs": 3}}, "ends before all of the share is zero"),
    "another network": ({}, {"activation": "tanh"}, "activation: is not what the earlier run has"),
    "half precision": ({}, {"training": {"precision": "mixed_float16"}}, "a smaller model computes in float32"),
    "pretraining": ({}, {"pretraining": {"name": "autoencoder"}}, "has learned already"),
    "an open rate": ({}, {"optimizer": {"name": "sgd", "learning_rate": "auto"}}, "is not found by a range test"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_meant_is_said_in_a_sentence(case, earlier):
    section, more, message = BAD[case]
    with pytest.raises(RecipeError) as error:
        load_recipe({"shrink": {"from": str(earlier), **section}, **more})
    assert message in str(error.value)


def test_no_epochs_are_for_smaller_models_alone():
    with pytest.raises(RecipeError, match=r"training.epochs: expected a number of at least 1, found 0"):
        load_recipe("he_elu_bn", ["training.epochs=0"])


def test_nothing_to_fold_is_an_error(folded, tensorflow, tmp_path):
    from hornbook.trainer.train import train

    with pytest.raises(RecipeError, match="there is nothing to fold or to remove, and nothing else is asked for"):
        train(load_recipe({"shrink": {"from": str(folded.run)}}), runs=tmp_path)


def test_other_data_is_refused_or_noted(earlier, tensorflow, tmp_path):
    from hornbook.trainer.train import train

    tree = {"shrink": {"from": str(earlier)}}
    arrays = np.zeros((100, 5), np.float32), np.arange(100) % 10
    with pytest.raises(RecipeError, match=r"data of another input shape: 8×8×1, and now 5"):
        train(load_recipe(tree | {"data": {"name": "arrays"}}), data=arrays, runs=tmp_path)
    few = {"name": "digits", "limit": 20, "split": {"validation": 64, "test": 40}}
    training = {"batch_size": 10}
    recipe = load_recipe({"shrink": tree["shrink"] | {"precision": "int8"}, "data": few, "training": training})
    with pytest.raises(DataError, match="int8 needs at least 32 training rows"):
        train(recipe, runs=tmp_path)


@pytest.mark.parametrize("damage", ["unfinished", "damaged model", "no result"])
def test_an_earlier_run_that_is_not_whole_is_named(damage, earlier, hornbook_command, tmp_path):
    run = tmp_path / "broken" / "1"
    shutil.copytree(earlier, run)
    if damage == "unfinished":
        result = json.loads((run / "result.json").read_text())
        (run / "result.json").write_text(json.dumps(result | {"state": "interrupted"}))
    elif damage == "damaged model":
        find_run(run).model_path().write_bytes(b"PK")
    else:
        (run / "result.json").unlink()
    done = hornbook_command(f"hornbook shrink {run} --runs {tmp_path / 'runs'}")
    expected = {
        "unfinished": "is not finished: interrupted. Finish it first: hornbook resume",
        "damaged model": "this is not a model saved by Keras 3 as .keras",
        "no result": "result.json",
    }
    assert done.code in (1, 2)
    assert expected[damage] in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "runs").exists()


def test_an_option_of_pruning_alone_is_refused(earlier, hornbook_command):
    done = hornbook_command(f"hornbook shrink {earlier} --until 50%")
    assert (done.code, done.out) == (2, "")
    assert "--until says how weights become zero. Say how many too" in done.err


def test_an_earlier_model_that_has_changed_stops_a_resumed_run(earlier, tensorflow, tmp_path):
    from hornbook.trainer.resume import resume
    from hornbook.trainer.train import train

    shutil.copytree(earlier, tmp_path / "a" / "1")
    result = train(load_recipe({"shrink": {"from": str(tmp_path / "a" / "1")}}), runs=tmp_path)
    for state in ("running", "finished"):
        facts = json.loads((result.run / "result.json").read_text())
        (result.run / "result.json").write_text(json.dumps(facts | {"state": state}))
        if state == "running":
            record = json.loads((result.run / "shrink.json").read_text())
            (result.run / "shrink.json").write_text(json.dumps(record | {"sha256": "0"}))
            with pytest.raises(RunError, match="the earlier model has changed since this run began"):
                resume(result.run)
        else:
            with pytest.raises(UsageError, match="a run that makes a model smaller keeps its length"):
                resume(result.run, ["training.epochs=3"])
