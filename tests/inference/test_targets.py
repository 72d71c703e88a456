"""Several targets keep their names: in predictions, in the metrics of each, and in a run's result."""

import csv
import json

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk

import hornbook
from hornbook.data import load
from hornbook.data.sources.arrays import from_arrays
from hornbook.errors import DataError
from hornbook.inference.evaluate import evaluate_run
from hornbook.inference.predict import predict_file
from hornbook.recipes import load_recipe

RNG = np.random.default_rng(6)
X = RNG.normal(size=(96, 3)).astype(np.float32)
Y = (X @ RNG.normal(size=(3, 2)) * [1, 50] + [2, 100]).astype(np.float32)
SPLIT = {"validation": 16, "test": 16, "method": "first"}  # 64 are left, two batches of 32


@pytest.fixture(scope="module")
def run(tmp_path_factory, tensorflow):
    """A finished run on a table with two targets."""
    folder = tmp_path_factory.mktemp("targets")
    columns = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "height": Y[:, 0], "weight": Y[:, 1]}
    pl.DataFrame(columns).write_csv(folder / "people.csv")
    tree = {
        "name": "people",
        "data": {"name": "table", "path": str(folder / "people.csv"), "target": ["height", "weight"], "split": SPLIT},
        "model": {"name": "mlp", "units": [8]},
        "training": {"epochs": 2, "engine": "graph", "metrics": ["mean_absolute_error", "r2_score"]},
    }
    return hornbook.train(tree, runs=str(folder / "runs"), progress=False)


def test_metrics_of_each_target_stand_in_the_result_and_in_evaluate(run):
    splits = load(run.recipe.data, seed=42)
    predicted = run.model.predict(splits.test.x, verbose=0)
    assert list(run.targets) == ["height", "weight"]
    for column, name in enumerate(run.targets):
        y, p = splits.test.y[:, column], predicted[:, column]
        expected = {"mean_absolute_error": sk.mean_absolute_error(y, p), "r2_score": sk.r2_score(y, p)}
        assert run.targets[name] == pytest.approx(expected, rel=1e-4)
    assert run.targets["weight"]["mean_absolute_error"] > 5 * run.targets["height"]["mean_absolute_error"]
    report = evaluate_run(str(run.run))
    for name, figures in run.targets.items():
        assert report.targets[name] == pytest.approx(figures, rel=1e-5)
    assert json.loads(json.dumps(report.record()))["targets"] == report.targets
    height, weight = (report.targets[name] for name in ("height", "weight"))
    assert report.text().splitlines()[-3:] == [
        "target  mean_absolute_error    r2_score",
        f"height  {height['mean_absolute_error']:>19.4f}  {height['r2_score']:>10.4f}",
        f"weight  {weight['mean_absolute_error']:>19.4f}  {weight['r2_score']:>10.4f}",
    ]
    assert json.loads((run.run / "result.json").read_text())["targets"] == run.targets
    assert not any("height" in name for row in run.history for name in row)


def test_predictions_carry_the_names_of_the_targets(run, tmp_path):
    np.savez(tmp_path / "new.npz", x=X[:5])
    for name in ("out.csv", "out.npz"):
        predict_file(str(run.run), tmp_path / "new.npz", output=tmp_path / name)
    expected = run.model.predict(X[:5], verbose=0)
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["prediction_height", "prediction_weight"]
    np.testing.assert_allclose([[float(value) for value in row.values()] for row in rows], expected, rtol=1e-5)
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["target_names"].tolist() == ["height", "weight"]
        np.testing.assert_allclose(arrays["scores"], expected, rtol=1e-5)


def info_of(tmp_path, y, **more):
    np.savez(tmp_path / "data.npz", x=X, y=y)
    recipe = load_recipe({"data": {"name": "npz", "path": str(tmp_path / "data.npz"), **more}, "model": "mlp"})
    return load(recipe.data, seed=1).info


def test_arrays_are_given_names_by_the_recipe(tmp_path):
    assert info_of(tmp_path, Y, target_names=["height", "weight"]).target_names() == ("height", "weight")
    assert info_of(tmp_path, Y).target_names() == ("1", "2")
    assert info_of(tmp_path, Y[:, 0]).target_names() == ()
    labels = info_of(tmp_path, Y > [2, 100], target_names=["tall", "heavy"])
    assert (labels.task, labels.class_names, labels.target_names()) == ("multilabel", ("tall", "heavy"), ())


@pytest.mark.parametrize(
    ("y", "names", "sentence"),
    [
        (
            Y,
            ["a", "b", "c"],
            r"there are 3 names of targets \(a, b, c\), but the targets have 2 columns\. Name each once",
        ),
        (Y[:, 0], ["a", "b"], r"there are 2 names of targets \(a, b\), but the targets have 1 column\."),
        (Y, ["a", "a"], "two targets are called 'a'"),
    ],
)
def test_names_that_do_not_fit_are_refused(tmp_path, y, names, sentence):
    with pytest.raises(DataError, match=sentence):
        info_of(tmp_path, y, target_names=names)


def test_columns_of_a_data_frame_are_the_names(tmp_path):
    frame = pl.DataFrame({"height": Y[:, 0], "weight": Y[:, 1]})
    for x in (X, pl.DataFrame(X, schema=["a", "b", "c"])):
        assert from_arrays((x, frame)).info.target_names() == ("height", "weight")
