"""Dropout and weight decay that change during a run: inputs of the compiled program, batch by batch."""

import numpy as np
import pytest

RNG = np.random.default_rng(9)
X, Y = RNG.normal(size=(40, 4)).astype(np.float32), np.arange(40) % 2
TREE = {"model": {"name": "mlp", "units": [6]}, "training": {"epochs": 2, "batch_size": 16, "engine": "graph"}}
FALLING = {"name": "piecewise_constant", "boundaries": ["2 steps"], "factors": [1.0, 0.25]}


def with_engine(engine, **more):
    return {**TREE, **more, "training": TREE["training"] | {"engine": engine}}


@pytest.mark.parametrize("engine", ["graph", *(pytest.param(name, marks=pytest.mark.whole) for name in ("xla", "fit"))])
def test_weight_decay_follows_its_schedule(prepare, run_epochs, engine):
    """Inputs of 0 give the first kernel no gradient: all that changes it is the decay, here by hand."""
    decay = {"rate": 3.0, "schedule": FALLING}
    optimizer = {"name": "sgd", "learning_rate": 0.1, "weight_decay": decay}
    prepared = prepare(
        with_engine(engine, optimizer=optimizer, schedule={"name": "polynomial", "decay_steps": "100%"}), (X * 0, Y)
    )
    kernel = prepared.built.model.get_layer("hidden_1").kernel
    expected = kernel.numpy().astype(np.float64)
    run_epochs(prepared, 2)
    rates = 0.1 * (1 - np.arange(6) / 6)
    for rate, factor in zip(rates, [1, 1, 0.25, 0.25, 0.25, 0.25], strict=True):
        expected *= 1 - rate * 3.0 * factor
    np.testing.assert_allclose(kernel.numpy(), expected, rtol=1e-4)
    assert prepared.built.optimizer.weight_decay == 3.0  # the number is there again


@pytest.mark.parametrize("engine", ["graph", pytest.param("fit", marks=pytest.mark.whole)])
def test_dropout_follows_its_schedule(prepare, run_epochs, engine):
    def weights(**regularization):
        prepared = prepare(with_engine(engine, regularization=regularization), (X, Y))
        logs = run_epochs(prepared, 2)
        rates = [layer.rate for layer in prepared.built.model.layers if "dropout" in layer.name]
        return prepared.built.model.get_weights(), logs, rates

    at_once = {"name": "piecewise_constant", "boundaries": ["3 steps"], "factors": [0.0, 0.0]}
    later = {"name": "piecewise_constant", "boundaries": ["3 steps"], "factors": [0.0, 1.0]}
    plain, none = weights(), weights(dropout=0.5, dropout_schedule=at_once)
    np.testing.assert_allclose(none[1][1]["loss"], plain[1][1]["loss"], rtol=1e-6)
    half = weights(dropout=0.5, dropout_schedule=later)
    assert half[1][0]["loss"] == pytest.approx(plain[1][0]["loss"], rel=1e-6)  # the first epoch has none
    assert abs(half[1][1]["loss"] - plain[1][1]["loss"]) > 1e-4
    assert half[2] == [0.5]
