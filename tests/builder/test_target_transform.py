"""Targets learned as logarithms or by their quantiles; predictions, metrics and saved models in their own unit."""

import keras
import numpy as np
import pytest
from scipy.stats import norm
from sklearn.preprocessing import QuantileTransformer

import hornbook
from hornbook.data.facts import Preprocessing
from hornbook.data.targets.scales import with_transformed_targets
from hornbook.engine.evaluation import Evaluator
from hornbook.exports.stripped import stripped
from hornbook.inference.evaluate import evaluate_run
from hornbook.inference.trained import load_run
from hornbook.layers.targets import TargetTransform

RNG = np.random.default_rng(5)
X = RNG.normal(size=(96, 3)).astype(np.float32)
Y = np.exp(X @ np.array([1.0, -0.5, 0.25]) + 0.1 * RNG.normal(size=96)) * 1000
TREE = {
    "name": "skewed",
    "data": {"name": "arrays", "split": {"validation": 16, "test": 16, "method": "first"}, "standardize": False},
    "model": {"name": "mlp", "units": [4]},
    "optimizer": {"name": "sgd", "learning_rate": 0.05},
    "training": {"epochs": 2, "engine": "graph", "metrics": ["root_mean_squared_error"]},
}
TRAIN, TEST = slice(32, None), slice(16, 32)


@pytest.fixture(scope="module")
def train(tmp_path_factory, tensorflow):
    def run(y, transform, engine="graph", **head):
        tree = {**TREE, "head": {"target_transform": transform, **head}}
        tree["training"] = TREE["training"] | {"engine": engine}
        return hornbook.train(tree, data=(X, y), runs=str(tmp_path_factory.mktemp("runs")), progress=False)

    return run


@pytest.fixture(scope="module")
def runs(train):
    return {transform: train(Y, transform) for transform in ("log", "quantile")}


def knots(y):
    return with_transformed_targets(Preprocessing(), y, "quantile").target_knots


def test_quantiles_are_those_of_scikit_learn():
    y = RNG.gamma(2.0, size=500)
    (found,) = knots(y)
    oracle = QuantileTransformer(n_quantiles=500, output_distribution="normal", subsample=None).fit(y[:, None])
    layer = TargetTransform("quantile", [found])
    values = np.linspace(*np.quantile(y, [0.02, 0.98]), 300)[:, None]
    np.testing.assert_allclose(layer.learned(values.astype(np.float32)), oracle.transform(values), atol=0.03)
    normal = np.linspace(-2, 2, 50)[:, None]
    np.testing.assert_allclose(layer(normal.astype(np.float32)), oracle.inverse_transform(normal), rtol=0.02)
    assert np.asarray(layer.learned(np.float32([[y.max()]])))[0, 0] == pytest.approx(norm.ppf(1 - 0.5 / 500), rel=1e-4)


def test_what_is_learned_returns_also_with_ties_and_several_targets():
    y = np.column_stack([np.round(RNG.gamma(2.0, size=400)), RNG.normal(size=400) * 1e5, np.full(400, 3.0)])
    layer = TargetTransform("quantile", knots(y))
    learned = np.asarray(layer.learned(y.astype(np.float32)))
    np.testing.assert_allclose(layer(learned), y, rtol=1e-4, atol=0.05)
    assert np.abs(learned[:, :2].mean(axis=0)).max() < 0.2
    beyond = np.asarray(layer(np.float32([[-9, -9, -9], [9, 9, 9]])))
    np.testing.assert_allclose(beyond, [y.min(axis=0), y.max(axis=0)], rtol=1e-6)


@pytest.mark.parametrize("transform", ["log", "quantile"])
def test_the_loss_is_of_what_is_learned_and_metrics_are_in_the_unit(runs, transform):
    run = runs[transform]
    (column,) = knots(Y[TRAIN])
    learn = np.log if transform == "log" else lambda values: np.interp(values, *np.array(column).T)
    mean, deviation = learn(Y[TRAIN]).mean(), learn(Y[TRAIN]).std()
    predicted = np.asarray(run.model(X[TEST]))[:, 0].astype(np.float64)
    errors = (learn(predicted) - learn(Y[TEST])) / deviation
    assert run.test["loss"] == pytest.approx(np.mean(errors**2), rel=1e-3)
    assert run.test["root_mean_squared_error"] == pytest.approx(np.sqrt(np.mean((predicted - Y[TEST]) ** 2)), rel=1e-5)
    assert 100 < predicted.mean() < 5000
    assert f"{mean:.4g}" in (run.run / "log.txt").read_text()


@pytest.mark.parametrize("transform", ["log", "quantile"])
def test_the_saved_run_evaluates_and_is_exported_alike(runs, transform):
    run = runs[transform]
    trained = load_run(run.run)
    figures = Evaluator(trained.built())(X[TEST], Y[TEST, None].astype(np.float32))
    assert figures == pytest.approx(run.test, rel=1e-5)
    np.testing.assert_allclose(stripped(trained.model)(X), run.model(X), rtol=1e-5)
    plain = run.model.evaluate(X[TEST], Y[TEST], verbose=0, return_dict=True)
    assert plain["loss"] == pytest.approx(run.test["loss"], rel=1e-3)


def test_engines_agree_and_a_clamp_is_in_the_unit(train):
    y = np.stack([Y, Y[::-1]], axis=1)
    results = [train(y, "quantile", engine, clamp=True) for engine in ("graph", "fit")]
    for one, other in zip(results[0].model.get_weights(), results[1].model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    outputs = np.asarray(results[0].model(X * 100))
    assert outputs.min() >= y[TRAIN].min() * (1 - 1e-6)
    assert outputs.max() <= y[TRAIN].max() * (1 + 1e-6)


def test_runs_that_share_programs_keep_their_own_quantiles(train, runs):
    other = train(Y**2, "quantile")
    predicted = np.asarray(other.model(X[TEST]))[:, 0]
    assert other.test["root_mean_squared_error"] == pytest.approx(
        np.sqrt(np.mean((predicted - Y[TEST] ** 2) ** 2)), rel=1e-4
    )
    assert other.test["loss"] == pytest.approx(runs["quantile"].test["loss"], rel=0.05)  # ranks are the same


def test_targets_without_a_logarithm_are_refused(train, runs, tmp_path):
    with pytest.raises(hornbook.HornbookError, match="only targets above 0 have a logarithm, and the lowest is -3"):
        train(np.where(np.arange(96) == 2, -3, Y), "log")
    np.savez(tmp_path / "new.npz", x=X[:4], y=np.array([1.0, 2.0, 0.0, 3.0]))
    with pytest.raises(hornbook.HornbookError, match="targets above 0 are learned as logarithms, and 1 of 4 is not"):
        evaluate_run(str(runs["log"].run), input=tmp_path / "new.npz")


def test_the_layer_is_saved_whole(tmp_path):
    layer = TargetTransform("quantile", [[(0.0, -1.0), (2.0, 1.0)]])
    inputs = keras.Input((1,))
    keras.Model(inputs, layer(inputs)).save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(loaded(np.float32([[0.0], [0.5], [3.0]])), [[1.0], [1.5], [2.0]])
