"""A run with several heads afterwards: evaluate, predict, page, card, compare, its saved model."""

import csv
import io
import json

import numpy as np
import pytest

ROWS = np.random.default_rng(3).normal(size=(120, 2))
SIZE, AGE = (ROWS[:, 0] * 20 + 90).round(1), (ROWS[:, 1] * 5 + 20).round(1)
PRICE = (3 * SIZE - 2 * AGE + 50).round(1)
SOLD = np.where(AGE < 20, "yes", "no")
PLACE = np.array(["north", "south", "west"])[(SIZE > 80).astype(int) + (SIZE > 100)]
RECIPE = """
name: houses
data: {{name: table, path: {path}, drop: [id]}}
model: {{name: mlp, units: [16, 8]}}
heads:
  price: {{loss: huber, weight: 0.9, metrics: [mean_absolute_error]}}
  sold: {{weight: 0.5}}
  place: {{}}
  price_early: {{target: price, from: hidden_1, weight: 0.1}}
activation: relu
optimizer: {{name: adam, learning_rate: 0.02}}
training: {{epochs: 30, batch_size: 16, early_stopping: {{monitor: val_price_mean_absolute_error, patience: 30}}}}
health: off
"""


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    folder = tmp_path_factory.mktemp("houses")
    lines = [
        f"{number},{size},{age},{price},{sold},{place}"
        for number, (size, age, price, sold, place) in enumerate(zip(SIZE, AGE, PRICE, SOLD, PLACE, strict=True))
    ]
    (folder / "houses.csv").write_text("\n".join(["id,size,age,price,sold,place", *lines]) + "\n")
    return folder


@pytest.fixture(scope="module")
def result(houses, tensorflow):
    import hornbook

    recipe = hornbook.load_recipe(RECIPE.format(path=houses / "houses.csv"))
    return hornbook.train(recipe, runs=houses / "runs")


@pytest.fixture(scope="module")
def report(result):
    from hornbook.inference.evaluate import evaluate_run

    return evaluate_run(str(result.run), errors=3)


@pytest.fixture(scope="module")
def truth(result):
    """Targets of the test split and what the model returns for it, by head."""
    from hornbook.inference.run_splits import load_splits
    from hornbook.inference.trained import load_run

    trained = load_run(result.run)
    splits, _ = load_splits(trained)
    outputs = np.asarray(trained.model(splits.test.x))
    columns = {"price": slice(0, 1), "sold": slice(1, 2), "place": slice(2, 5), "price_early": slice(5, 6)}
    y = {name: splits.test.of_head(splits.info.head(name)).y for name in columns}
    return {name: (y[name], outputs[:, place]) for name, place in columns.items()}


def test_training_records_each_head_and_stops_by_one(result):
    names = {"price_loss", "price_mean_absolute_error", "sold_loss", "sold_accuracy", "place_accuracy"}
    names |= {"price_early_root_mean_squared_error", "price_early_loss", "place_loss"}
    assert {name for name in result.test if name != "loss"} == names
    assert {"loss", "val_loss"} | names | {f"val_{name}" for name in names} <= {*result.history[-1]}
    best = min(row["val_price_mean_absolute_error"] for row in result.history)
    assert result.history[result.best_epoch - 1]["val_price_mean_absolute_error"] == best
    assert result.validation["price_mean_absolute_error"] == pytest.approx(best, rel=1e-5)
    weights = {"price": 0.9, "sold": 0.5, "place": 1.0, "price_early": 0.1}
    assert result.test["loss"] == pytest.approx(sum(w * result.test[f"{n}_loss"] for n, w in weights.items()), rel=1e-5)
    assert set(result.baseline) == {"price_mean_absolute_error", "price_early_root_mean_squared_error"}


def test_evaluate_says_of_each_head_what_it_says_of_a_run_with_one(report, truth):
    y, outputs = truth["price"]
    assert report.metrics["price_mean_absolute_error"] == pytest.approx(np.abs(outputs[:, 0] - y).mean(), rel=1e-5)
    place, (y, outputs) = report.heads["place"], truth["place"]
    expected = np.zeros((3, 3), int)
    np.add.at(expected, (y, outputs.argmax(axis=1)), 1)
    assert place.confusion == expected.tolist()
    assert [*place.classes] == ["north", "south", "west"]
    sold, (y, outputs) = report.heads["sold"], truth["sold"]
    assert sold.threshold == 0.5
    assert sold.metrics["accuracy"] == pytest.approx(((outputs[:, 0] > 0.5) == y).mean())
    assert report.heads["price"].baseline["mean_absolute_error"] > report.metrics["price_mean_absolute_error"]
    assert len(report.heads["price"].errors.examples) == 3


def test_the_text_of_evaluate_has_a_part_for_each_head(report):
    text = report.text()
    assert max(map(len, text.splitlines()[1:])) <= 80
    for name in ("price", "sold", "place", "price_early"):
        assert f"\nhead {name}\n" in text
    assert "\nnorth " in text


def test_one_head_is_evaluated_as_if_there_were_no_other(result, truth, report):
    from hornbook.inference.evaluate import evaluate_run

    own = evaluate_run(str(result.run), head="sold", calibration=True, threshold=None)
    assert own.metrics == {key: pytest.approx(value) for key, value in report.heads["sold"].metrics.items()}
    y, outputs = truth["sold"]
    brier = ((outputs[:, 0].astype(float) - y) ** 2).mean()
    assert own.confidence.figures["plain"]["brier"] == pytest.approx(brier, rel=1e-4)
    strict = evaluate_run(str(result.run), head="sold", threshold=0.9)
    assert strict.metrics["accuracy"] == pytest.approx(((outputs[:, 0] > 0.9) == y).mean())


def test_predict_writes_the_columns_of_each_head(result, houses, truth, hornbook_command):
    done = hornbook_command(f"hornbook predict {result.run} --split test --keep index --keep size")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [*rows[0]] == [
        "index", "size", "price", "sold", "probability_sold_yes",
        "place", "probability_place_north", "probability_place_south", "probability_place_west", "price_early",
    ]  # fmt: skip
    np.testing.assert_allclose([float(row["price"]) for row in rows], truth["price"][1][:, 0], rtol=1e-5)
    np.testing.assert_allclose([float(row["probability_sold_yes"]) for row in rows], truth["sold"][1][:, 0], rtol=1e-4)
    places = np.array(["north", "south", "west"])[truth["place"][1].argmax(axis=1)]
    assert [row["place"] for row in rows] == places.tolist()


def test_predict_with_one_head_writes_what_a_run_with_one_does(result, houses, hornbook_command):
    path = houses / "new.csv"
    path.write_text("size,age\n100,10\n60,30\n")
    done = hornbook_command(f"hornbook predict {result.run} --input {path} --head sold --threshold 0.5")
    assert [*csv.DictReader(io.StringIO(done.out)).fieldnames] == ["prediction", "probability_yes"]
    output = houses / "all.npz"
    hornbook_command(f"hornbook predict {result.run} --input {path} -o {output}")
    arrays = np.load(output)
    assert {"price_scores", "sold_probabilities", "sold_labels", "place_class_names"} <= {*arrays}
    assert arrays["place_probabilities"].shape == (2, 3)


def test_a_file_with_targets_is_evaluated_for_every_head(result, houses, report):
    from hornbook.inference.evaluate import evaluate_run

    own = evaluate_run(str(result.run), input=str(houses / "houses.csv"))
    assert own.count == 120
    assert own.heads["place"].classes["north"]["support"] == (PLACE == "north").sum()
    alone = evaluate_run(str(result.run), input=str(houses / "houses.csv"), head="place")
    assert alone.metrics["accuracy"] == own.metrics["place_accuracy"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("evaluate {run} --calibration", "--calibration is about one head, and this run has several. Name one: --head price."),
        ("evaluate {run} --threshold 0.4", "--threshold is about one head"),
        ("predict {run} --split test --mc-samples 5", "--mc-samples is about one head"),
        ("evaluate {run} --head prize", "the run has no such head. It has price, sold, place and price_early."),
        ("evaluate {run} --head price --calibration", "is about probabilities of classes, and this run's task is regression"),
        ("export {run} --to keras", "an export is of a run with one head"),
    ],
)  # fmt: skip
def test_what_is_of_one_head_asks_which(result, hornbook_command, line, message):
    done = hornbook_command("hornbook " + line.format(run=result.run))
    assert done.code != 0
    assert message in " ".join(done.err.split())
    assert "Traceback" not in done.err


def test_gates_are_about_figures_of_heads(result, hornbook_command):
    assert hornbook_command(f"hornbook evaluate {result.run} --require 'test_sold_accuracy>=0'").code == 0
    failed = hornbook_command(f"hornbook evaluate {result.run} --require 'test_sold_accuracy>=1.1'")
    assert failed.code == 3
    unknown = hornbook_command(f"hornbook evaluate {result.run} --require 'test_sald_accuracy>=0.1'")
    assert "'sald_accuracy' is not recorded" in unknown.err


def test_page_and_card_show_each_head(result):
    from hornbook.inference.report.card import card_of
    from hornbook.inference.report.page import page_of
    from hornbook.runs.directory import find_run

    page, card = page_of(find_run(result.run)), card_of(find_run(result.run))
    for name in ("price", "sold", "place", "price_early"):
        assert f'<h2 id="predictions-{name}">Predictions of {name} on the test split</h2>' in page
        assert f"### {name.replace('_', chr(92) + '_')}\n" in card
    assert page.count("<h3>Confusion</h3>") == 2
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    assert "price (regression), sold (binary)" in card
    assert "place: 3 classes: north, south, west." in card


def test_compare_has_a_line_for_each_heads_figures(result, houses, hornbook_command):
    import hornbook
    from hornbook.inference.evaluate import split_of

    recipe = hornbook.load_recipe(
        RECIPE.format(path=houses / "houses.csv"), ["heads.sold.weight=0.1", "training.epochs=2"]
    )
    other = hornbook.train(recipe, runs=houses / "runs")
    done = hornbook_command(f"hornbook compare {result.run} {other.run}")
    for text in ("heads.sold.weight", "price_mean_absolute_error", "sold_accuracy"):
        assert text in done.out
    averaged = hornbook_command(f"hornbook predict {result.run} {other.run} --split test")
    assert (
        "averaging takes a run with one head, and this one has several (price, sold, place, price_early). Name one: --head "
        "NAME." in averaged.err
    )
    output = houses / "mean.csv"
    done = hornbook_command(f"hornbook predict {result.run} {other.run} --split test --head sold --output {output}")
    assert done.code == 0, done.err
    models = [run.model.predict(split_of(str(result.run), "test").x, verbose=0)["sold"] for run in (result, other)]
    found = [float(row["probability_yes"]) for row in csv.DictReader(io.StringIO(output.read_text()))]
    np.testing.assert_allclose(found, np.mean(models, axis=0)[:, 0], rtol=1e-4)
    done = hornbook_command(f"hornbook evaluate {result.run} {other.run} --head sold --json")
    assert done.code == 0, done.err
    right = (np.mean(models, axis=0)[:, 0] > 0.5) == split_of(str(result.run), "test").y[:, 1]
    assert json.loads(done.out)["averaged"]["accuracy"] == pytest.approx(right.mean())


def test_the_saved_model_returns_outputs_by_name(result, truth):
    import keras

    model = keras.models.load_model(result.run / "checkpoints" / "best.keras")
    x = np.array([[100.0, 10.0], [60.0, 30.0]], np.float32)
    outputs = model.predict(x, verbose=0)
    assert {name: array.shape for name, array in outputs.items()} == {
        "price": (2, 1), "sold": (2, 1), "place": (2, 3), "price_early": (2, 1),
    }  # fmt: skip
    for name, array in result.model.predict(x, verbose=0).items():
        np.testing.assert_allclose(outputs[name], array, rtol=1e-4, atol=1e-6)


def test_json_of_evaluate_has_the_heads(report):
    record = json.loads(json.dumps(report.record()))
    assert [*record["heads"]] == ["price", "sold", "place", "price_early"]
    assert record["heads"]["place"]["confusion"]


def test_layers_of_a_run_with_several_heads_are_reused(result, houses):
    import hornbook

    reuse = {"from": str(result.run), "layers": "hidden_1", "freeze": True}
    tree = {
        "name": "again",
        "data": {
            "name": "table",
            "path": str(houses / "houses.csv"),
            "drop": ["id", "price", "place"],
            "target": "sold",
        },
        "model": {"name": "mlp", "units": [4]},
        "reuse": reuse,
        "training": {"epochs": 1, "batch_size": 16},
        "health": "off",
    }
    again = hornbook.train(hornbook.load_recipe(tree), runs=houses / "runs")
    kernels = [model.get_layer("hidden_1").kernel.numpy() for model in (result.model, again.model)]
    np.testing.assert_array_equal(*kernels)


def test_one_head_is_exported_as_a_model_of_its_own(result, houses):
    import keras

    from hornbook.exports.export import export_run

    (export,) = export_run(str(result.run), "keras", head="place", output=houses / "place.keras")
    x = np.array([[100.0, 10.0], [60.0, 30.0]], np.float32)
    outputs = keras.models.load_model(export.path).predict(x, verbose=0)
    np.testing.assert_allclose(outputs, result.model.predict(x, verbose=0)["place"], rtol=1e-4, atol=1e-6)


def test_shrinking_says_the_one_thing_that_keeps_it_from_several_heads(result, hornbook_command):
    done = hornbook_command(f"hornbook shrink {result.run}")
    assert done.code == 2
    assert (
        "shrink: 'shrink' is for a network with one head, and this has several. Name a run with one head."
        in " ".join(done.err.split())
    )
    assert done.err.count("expected") == 0
    assert "is not what the earlier run has" not in done.err
