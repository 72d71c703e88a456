"""Weights of examples count in loss and metrics as Keras's `sample_weight` does, and scikit-learn's."""

import keras
import numpy as np
import pytest
from sklearn import metrics as sk

from hornbook.builder.randomness import permutation
from hornbook.engine.evaluation import Evaluator, of_mean
from hornbook.errors import RecipeError

RNG = np.random.default_rng(7)
X = RNG.normal(size=(75, 6)).astype(np.float32)  # 75 = 4 batches of 16 and one of 11
Y = RNG.integers(0, 3, 75)
WEIGHTS = np.where(np.arange(75) % 9 == 0, 0, RNG.exponential(size=75)).astype(np.float32)
DATA = {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}}
RECIPE = {
    "seed": 5,
    "data": DATA,
    "model": {"name": "mlp", "units": [8]},
    "activation": "elu",
    "optimizer": {"name": "sgd", "learning_rate": 0.05},
    "training": {"epochs": 2, "batch_size": 16},
}


def with_engine(engine, **training):
    return {**RECIPE, "training": {**RECIPE["training"], "engine": engine, **training}}


@pytest.fixture(scope="module")
def by_hand(prepare):
    """First weights, logs and last weights of the same network in plain Keras, by `fit(sample_weight=…)`."""
    start = prepare(with_engine("graph"), (X, Y)).built.model.get_weights()
    hidden, head = keras.layers.Dense(8, activation="elu"), keras.layers.Dense(3, activation="softmax")
    model = keras.Sequential([keras.Input((6,)), hidden, head])
    model.set_weights(start)
    model.compile(
        keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy", weighted_metrics=["accuracy"], run_eagerly=True
    )
    logs = []
    for epoch in range(2):
        order = permutation(5, epoch, 75)
        history = model.fit(
            X[order], Y[order], sample_weight=WEIGHTS[order], batch_size=16, shuffle=False, verbose=0
        ).history
        logs.append({name: values[0] for name, values in history.items()})
    loss, accuracy = model.evaluate(X, Y, sample_weight=WEIGHTS, batch_size=75, verbose=0)
    return logs, model.get_weights(), {"loss": loss, "accuracy": accuracy}


@pytest.mark.parametrize("engine", ["graph", "xla", "fit"])
def test_every_engine_weighs_like_keras(prepare, run_epochs, by_hand, engine):
    expected, weights, evaluated = by_hand
    prepared = prepare(with_engine(engine), {"x": X, "y": Y, "weights": WEIGHTS})
    logs = run_epochs(prepared, 2)
    for row, wanted in zip(logs, expected, strict=True):
        assert row == pytest.approx(wanted, rel=1e-4)
    for value, wanted in zip(prepared.built.model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)
    if engine == "graph":
        assert Evaluator(prepared.built).of_split(prepared.splits.train) == pytest.approx(evaluated, rel=1e-4)


def test_weights_of_examples_multiply_those_of_classes(prepare, run_epochs):
    """Three times the weight of a class, said once for the class and once for its examples."""
    tripled = np.where(Y == 1, 3.0, 1.0)
    of_examples = prepare(with_engine("graph"), {"x": X[:64], "y": Y[:64], "weights": (tripled * WEIGHTS)[:64]})
    of_class = prepare(
        with_engine("graph", class_weights={1: 3.0}), {"x": X[:64], "y": Y[:64], "weights": WEIGHTS[:64]}
    )
    assert run_epochs(of_class, 2)[1]["loss"] == pytest.approx(run_epochs(of_examples, 2)[1]["loss"], rel=1e-5)


def test_fit_refuses_both_since_its_metrics_would_count_classes_too(prepare):
    with pytest.raises(RecipeError, match="one weight for class and example"):
        prepare(with_engine("fit", class_weights={1: 3.0}), {"x": X, "y": Y, "weights": WEIGHTS})


def test_figures_of_a_regression_are_weighted_and_the_mean_they_are_compared_with(prepare):
    y = (X @ RNG.normal(size=6) + 3).astype(np.float32)
    metrics = ["r2_score", "mean_absolute_error", "root_mean_squared_error"]
    recipe = {**RECIPE, "task": "regression", "training": {"epochs": 1, "metrics": metrics}}
    prepared = prepare(recipe, {"x": X, "y": y, "weights": WEIGHTS})
    figures = Evaluator(prepared.built).of_split(prepared.splits.train)
    predicted = prepared.built.model.predict(X, verbose=0)[:, 0]
    assert figures["r2_score"] == pytest.approx(sk.r2_score(y, predicted, sample_weight=WEIGHTS), rel=1e-3)
    wanted = sk.mean_absolute_error(y, predicted, sample_weight=WEIGHTS)
    assert figures["mean_absolute_error"] == pytest.approx(wanted, rel=1e-4)
    baseline = of_mean(prepared.recipe, prepared.splits.train, prepared.splits.train)
    assert baseline["r2_score"] == pytest.approx(0, abs=1e-5)
    deviation = np.sqrt(np.average((y - np.average(y, weights=WEIGHTS)) ** 2, weights=WEIGHTS))
    assert baseline["root_mean_squared_error"] == pytest.approx(deviation, rel=1e-4)
