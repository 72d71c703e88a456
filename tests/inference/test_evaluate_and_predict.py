"""Evaluation and prediction against Keras's own and scikit-learn's."""

import csv
import dataclasses
import io
import json
import sys

import numpy as np
import pytest
from sklearn import metrics as sk

import hornbook
from hornbook.builder import compile_plain
from hornbook.builder.build import as_targets
from hornbook.display.terminal import Escaping
from hornbook.engine import evaluation
from hornbook.engine.evaluation import Evaluator
from hornbook.engine.prediction import large_batch, predict_scores
from hornbook.errors import DataError, RunError, UsageError
from hornbook.inference.evaluate import evaluate_run
from hornbook.inference.predict import predict_file
from hornbook.inference.trained import load_run

RNG = np.random.default_rng(5)
X = RNG.normal(size=(70, 4)).astype(np.float32)
TARGETS = {
    "multiclass": RNG.integers(0, 3, 70),
    "binary": RNG.integers(0, 2, 70),
    "multilabel": RNG.integers(0, 2, (70, 3)),
    "regression": RNG.normal(size=70).astype(np.float32),
}


def built(prepare, task, **more):
    recipe = {"task": task, "regularization": {"l2": 0.05, "dropout": 0.5}, "normalization": "batch_normalization"}
    return prepare({**recipe, "training": {"batch_size": 16}, **more}, (X, TARGETS[task]))


@pytest.fixture(scope="module")
def multiclass(prepare):
    """A network of three classes before its start."""
    return built(prepare, "multiclass")


@pytest.mark.parametrize("task", TARGETS)
def test_loss_penalty_and_metrics_equal_those_of_keras(prepare, task):
    prepared = built(prepare, task)
    y = as_targets(prepared.splits.train.y, prepared.built.model)
    found = Evaluator(prepared.built)(X, y)
    model = compile_plain(prepared.built, prepared.recipe, for_training=True)
    expected = model.evaluate(X, y, verbose=0, return_dict=True)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5)


def test_the_size_of_batches_changes_nothing(multiclass, monkeypatch):
    whole = Evaluator(multiclass.built)(X, TARGETS["multiclass"])
    scores = predict_scores(multiclass.built.model, X)
    monkeypatch.setattr(evaluation, "large_batch", lambda model: 16)
    monkeypatch.setattr("hornbook.engine.prediction.large_batch", lambda model: 16)
    small = Evaluator(multiclass.built)(X, TARGETS["multiclass"])
    assert small == pytest.approx(whole, rel=1e-5)
    np.testing.assert_allclose(predict_scores(multiclass.built.model, X), scores, rtol=1e-5)


def test_predictions_equal_those_of_keras_and_are_probabilities(multiclass):
    model = multiclass.built.model
    scores = predict_scores(model, X)
    np.testing.assert_allclose(scores, model.predict(X, verbose=0), rtol=1e-5)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    assert predict_scores(model, X[:0]).shape == (0, 3)


@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_a_model_that_was_changed_predicts_as_keras_does(tensorflow):
    import keras

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="elu"), keras.layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
    np.testing.assert_array_equal(predict_scores(model, x), model.predict(x, verbose=0))
    model.set_weights([2 * weight for weight in model.get_weights()])
    np.testing.assert_array_equal(predict_scores(model, x), model.predict(x, verbose=0))
    model.quantize("int8")
    np.testing.assert_array_equal(predict_scores(model, x), model.predict(x, verbose=0))


def test_wide_layers_get_smaller_batches(prepare, multiclass):
    narrow = multiclass.built.model
    wide = built(prepare, "binary", model={"name": "mlp", "units": [30_000]}).built.model
    assert large_batch(narrow) == 32_768
    assert large_batch(wide) == 69  # 2^21 numbers


@pytest.fixture(scope="module")
def run(tmp_path_factory, tensorflow):
    """A finished run on iris."""
    folder = tmp_path_factory.mktemp("runs")
    tree = {"name": "flowers", "data": "iris", "model": {"name": "mlp", "units": [8]}, "optimizer": "adam"}
    tree["training"] = {"epochs": 15, "batch_size": 9, "early_stopping": {"patience": 20}, "engine": "graph"}
    return hornbook.train(hornbook.load_recipe(tree), runs=str(folder), progress=False)


def test_the_report_of_a_run_equals_scikit_learns(run):
    from hornbook.data import load

    report = evaluate_run(str(run.run))
    splits = load(run.recipe.data, seed=42)
    y, predicted = splits.test.y, run.model.predict(splits.test.x, verbose=0).argmax(axis=1)
    assert report.count == 30
    assert report.metrics == pytest.approx(run.test, rel=1e-5)
    assert report.metrics["accuracy"] == pytest.approx(sk.accuracy_score(y, predicted))
    assert report.confusion == sk.confusion_matrix(y, predicted).tolist()
    assert report.classes["setosa"]["f1-score"] == pytest.approx(sk.f1_score(y, predicted, average=None)[0])
    assert report.notes == ()
    json.dumps(report.record())
    lines = report.text().splitlines()
    assert lines[0].startswith("test split of ")
    assert all(len(line) <= 80 for line in lines[1:])
    validation = evaluate_run(str(run.run), split="validation", which="last")
    assert validation.metrics["loss"] == pytest.approx(run.history[-1]["val_loss"], rel=1e-5)


def test_final_weights_are_used_unless_others_are_asked_for(run):
    assert load_run(run.run).which == "best"
    weights = {which: load_run(run.run, which=which).model.get_weights()[1] for which in ("best", "last", None)}
    assert (weights["best"] == weights[None]).all()


def test_csv_predictions_hold_a_label_and_a_probability_per_class(run, tmp_path):
    rows = np.array([[5.1, 3.5, 1.4, 0.2], [6.5, 3.0, 5.8, 2.2]], np.float32)
    np.savez(tmp_path / "new.npz", x=rows)
    notes = predict_file(str(run.run), tmp_path / "new.npz", output=tmp_path / "out.csv")
    assert notes[-1] == f"wrote 2 predictions to {tmp_path / 'out.csv'}"
    with (tmp_path / "out.csv").open() as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == ["prediction", "probability_setosa", "probability_versicolor", "probability_virginica"]
    expected = run.model.predict(rows, verbose=0)
    for row, scores in zip(found, expected, strict=True):
        values = [float(row[name]) for name in list(row)[1:]]
        np.testing.assert_allclose(values, scores, rtol=1e-4, atol=1e-6)
        assert row["prediction"] == ["setosa", "versicolor", "virginica"][int(np.argmax(scores))]
    predict_file(str(run.run), tmp_path / "new.npz", output=tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as arrays:
        assert (arrays["labels"] == expected.argmax(axis=1)).all()
        np.testing.assert_allclose(arrays["probabilities"], expected, rtol=1e-5)
        assert arrays["class_names"].tolist() == ["setosa", "versicolor", "virginica"]


@pytest.mark.parametrize(("is_terminal", "name"), [(True, r"=a\x1b[2J"), (False, "=a\x1b[2J")])
def test_predictions_in_a_terminal_show_control_characters_and_a_pipe_gets_them(
    run, tmp_path, monkeypatch, is_terminal, name
):
    loaded = load_run(str(run.run))
    info = dataclasses.replace(loaded.info, class_names=("=a\x1b[2J", "b", "c"))
    monkeypatch.setattr("hornbook.inference.predict.load_run", lambda *_, **__: dataclasses.replace(loaded, info=info))
    np.savez(tmp_path / "new.npz", x=np.zeros((2, 4), np.float32))
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: is_terminal, raising=False)
    monkeypatch.setattr(sys, "stdout", Escaping(stream))
    predict_file(str(run.run), tmp_path / "new.npz", output=None)
    assert stream.getvalue().splitlines()[0] == f"prediction,probability_{name},probability_b,probability_c"


def test_what_cannot_be_predicted_is_a_clear_error_and_writes_nothing(run, tmp_path):
    np.savez(tmp_path / "wrong.npz", x=np.zeros((2, 7), np.float32))
    with pytest.raises(DataError, match="7"):
        predict_file(str(run.run), tmp_path / "wrong.npz", output=tmp_path / "out.csv")
    with pytest.raises(UsageError, match=r"written as \.csv or \.npz"):
        predict_file(str(run.run), tmp_path / "wrong.npz", output=tmp_path / "out.txt")
    with pytest.raises(UsageError, match="there is no such folder"):
        predict_file(str(run.run), tmp_path / "wrong.npz", output=tmp_path / "none" / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.npz"]


def test_a_damaged_model_is_an_error_that_names_the_file(run, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run.run, copy)
    (copy / "checkpoints" / "best.keras").write_bytes(b"not a model")
    with pytest.raises(RunError, match=r"best\.keras: this is not a model saved by Keras 3"):
        load_run(copy)
    (copy / "checkpoints" / "best.keras").unlink()
    with pytest.raises(RunError, match="The run ended before a model was saved"):
        load_run(copy)


def test_scores_of_several_classes_are_not_called_probabilities(tmp_path):
    tree = {
        "name": "scores",
        "data": "iris",
        "model": {"name": "mlp", "units": [8]},
        "head": {"loss": "categorical_hinge"},
    }
    training = {"epochs": 6, "batch_size": 27, "engine": "graph", "metrics": ["accuracy", "f1_score"]}
    training["early_stopping"] = {"monitor": "val_f1_score", "patience": 5}
    result = hornbook.train({**tree, "training": training}, runs=str(tmp_path), progress=False)
    rows = np.array([[5.1, 3.5, 1.4, 0.2], [6.5, 3.0, 5.8, 2.2]], np.float32)
    np.savez(tmp_path / "new.npz", x=rows)
    for name in ("out.csv", "out.npz"):
        predict_file(str(result.run), tmp_path / "new.npz", output=tmp_path / name)
    header = (tmp_path / "out.csv").read_text().splitlines()[0]
    assert header == "prediction,score_setosa,score_versicolor,score_virginica"
    with np.load(tmp_path / "out.npz") as arrays:
        np.testing.assert_allclose(arrays["scores"], result.model.predict(rows, verbose=0), rtol=1e-5)
    scores = [row["val_f1_score"] for row in result.history]
    assert result.best_epoch == 1 + int(np.argmax(scores))
    assert result.validation["f1_score"] == pytest.approx(max(scores), rel=1e-6)
    report = evaluate_run(str(result.run))
    assert report.metrics == pytest.approx(result.test, rel=1e-5)
    assert report.metrics["f1_score"] == pytest.approx(np.mean([row["f1-score"] for row in report.classes.values()]))


@pytest.mark.parametrize(
    ("head", "threshold"),
    [
        ({"loss": "squared_hinge"}, 0.0),
        ({"loss": "mean_squared_error", "activation": "linear"}, 0.5),
        ({"units": 1, "activation": "step", "loss": "perceptron"}, 0.5),
    ],
)
def test_binary_labels_follow_the_loss(tmp_path, head, threshold, generator):
    """Those of probabilities are among the files of one's own."""
    tree = {
        "name": "two",
        "data": {"name": "blobs", "centers": 2, "examples": 60, "split": {"validation": 8, "test": 20}},  # 32 are left
        "model": {"name": "mlp", "units": [4]},
        "head": head,
    }
    recipe = hornbook.load_recipe({**tree, "training": {"epochs": 1, "engine": "graph"}})
    result = hornbook.train(recipe, runs=str(tmp_path), progress=False)
    x = generator.uniform(-10, 10, (50, 2)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    predict_file(str(result.run), tmp_path / "x.npz", output=tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as file:
        found = list(csv.DictReader(file))
    assert "score_1" in found[0]
    scores = np.asarray(result.model(x, training=False))[:, 0]
    assert [row["prediction"] for row in found] == [str(int(score > threshold)) for score in scores]
    report = evaluate_run(str(result.run))
    accuracy = sum(report.confusion[k][k] for k in (0, 1)) / report.count
    assert report.metrics["accuracy"] == pytest.approx(accuracy)
