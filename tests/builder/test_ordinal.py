"""Classes in an order: probabilities of the proportional odds model, one score, and the distance between ranks."""

import keras
import numpy as np
import pytest
from scipy.special import expit

import hornbook
from hornbook.builder.heads.metrics import RankError
from hornbook.exports.stripped import stripped
from hornbook.inference.trained import load_run
from hornbook.layers.ordinal import OrderedClasses

RNG = np.random.default_rng(7)
X = RNG.normal(size=(96, 3)).astype(np.float32)
GRADES = np.digitize(X @ np.array([1.0, 1.0, -1.0]) + 0.3 * RNG.normal(size=96), [-1.5, 0.0, 1.5])
NAMES = np.array(["poor", "fair", "good", "best"])
TREE = {
    "name": "grades",
    "data": {"name": "arrays", "split": {"validation": 16, "test": 16, "method": "first"}},
    "model": {"name": "mlp", "units": [4]},
    "optimizer": {"name": "adam", "learning_rate": 0.05},
    "head": {"ordinal": True},
    "task": "multiclass",
    "training": {"epochs": 12, "batch_size": 16, "engine": "graph", "metrics": ["accuracy", "rank_error"]},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory, tensorflow):
    tree = {**TREE, "data": {**TREE["data"], "classes": NAMES.tolist()}}
    return hornbook.train(tree, data=(X, NAMES[GRADES]), runs=str(tmp_path_factory.mktemp("runs")), progress=False)


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_probabilities_are_those_between_thresholds(classes):
    layer = OrderedClasses(classes)
    scores = np.float32([[-30], [-1.5], [0], [0.3], [25]])
    found = np.exp(np.asarray(layer(scores), np.float64))
    np.testing.assert_allclose(found[2], 1 / classes, rtol=1e-5)
    up_to = np.hstack([np.zeros((5, 1)), expit(layer.thresholds - scores.astype(np.float64)), np.ones((5, 1))])
    np.testing.assert_allclose(found, np.diff(up_to, axis=1), rtol=1e-4, atol=1e-7)
    layer.bias.assign(np.linspace(-3, -9, classes - 1))
    assert (np.diff(layer.thresholds) > 0).all()
    np.testing.assert_allclose(layer.computed(scores, [np.asarray(layer.bias)]), layer(scores), rtol=1e-5)


def test_one_score_tells_all_classes_in_the_order_that_is_given(run):
    model = load_run(run.run).model
    assert model.get_layer("head").units == 1
    assert model.count_params() == 3 * 4 + 4 + 4 + 3
    probabilities = np.asarray(model(X))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    scores = np.asarray(keras.Model(model.input, model.get_layer("head").output)(X))[:, 0]
    assert (np.diff(probabilities.argmax(axis=1)[np.argsort(scores)]) >= 0).all()
    assert np.corrcoef(scores, GRADES)[0, 1] > 0.8
    np.testing.assert_allclose(stripped(model)(X), probabilities, rtol=1e-5)


def test_figures_are_of_the_probabilities_and_ranks(run):
    probabilities, y = np.asarray(load_run(run.run).model(X[16:32]), np.float64), GRADES[16:32]
    assert run.test["loss"] == pytest.approx(-np.log(probabilities[np.arange(16), y]).mean(), rel=1e-4)
    assert run.test["rank_error"] == pytest.approx(np.abs(probabilities.argmax(axis=1) - y).mean())
    assert load_run(run.run).info.class_names == tuple(NAMES)


def test_a_rank_error_is_weighted():
    metric = RankError()
    metric.update_state([0, 3], np.float32([[0, 1, 0, 0], [1, 0, 0, 0]]), [3.0, 1.0])
    assert float(metric.result()) == pytest.approx(1.5)


def test_texts_without_an_order_are_refused(tmp_path):
    with pytest.raises(hornbook.HornbookError, match=r"the classes are texts \(best, fair, good, poor\), whose order"):
        hornbook.train(TREE, data=(X, NAMES[GRADES]), runs=str(tmp_path), progress=False)
