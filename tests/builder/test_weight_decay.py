"""Weight decay: decoupled, on kernels alone unless the recipe says otherwise."""

import numpy as np
import pytest

X = np.zeros((8, 3), np.float32)  # with inputs, targets and biases of 0 no gradient moves a kernel
Y = np.zeros(8, np.float32)


def recipe(decay, name="sgd"):
    return {
        "task": "regression",
        "model": {"name": "mlp", "units": [4]},
        "activation": "tanh",
        "initializer": {"name": "he_normal", "bias": {"name": "constant", "value": 1e-3}},
        "normalization": {"name": "batch_normalization", "position": "after_activation", "center": False},
        "optimizer": {"name": name, "learning_rate": 0.1, "weight_decay": decay},
        "training": {"epochs": 1, "batch_size": 8, "engine": "graph"},
    }


def moved(prepare, run_epochs, tree):
    """Return {path: weight after one step without minus with decay, over the weight before}."""
    results = []
    for decay in (0, tree["optimizer"]["weight_decay"]):
        prepared = prepare({**tree, "optimizer": {**tree["optimizer"], "weight_decay": decay}}, (X, Y))
        before = {v.path: v.numpy().copy() for v in prepared.built.model.trainable_variables}
        run_epochs(prepared)
        results.append({v.path: v.numpy().copy() for v in prepared.built.model.trainable_variables})
    return {path: np.mean((results[0][path] - results[1][path]) / before[path]) for path in before}


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_kernels_lose_rate_times_decay_of_themselves_and_nothing_else_does(prepare, run_epochs, name):
    shares = moved(prepare, run_epochs, recipe(0.5, name))
    for path, share in shares.items():
        expected = 0.1 * 0.5 if path.endswith("kernel") else 0.0
        assert share == pytest.approx(expected, rel=1e-3, abs=1e-6), path


def test_an_empty_exclude_decays_everything(prepare, run_epochs):
    shares = moved(prepare, run_epochs, recipe({"rate": 0.5, "exclude": []}))
    assert {path.rpartition("/")[2] for path in shares} == {"kernel", "bias", "gamma"}
    for path, share in shares.items():
        assert share == pytest.approx(0.05, rel=2e-3), path


def test_each_group_can_be_excluded_by_itself(prepare, run_epochs):
    shares = moved(prepare, run_epochs, recipe({"rate": 0.5, "exclude": ["bias"]}))
    assert shares["hidden_1/bias"] == pytest.approx(0, abs=1e-6)
    assert shares["hidden_1_normalization/gamma"] == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize(("name", "rate"), [("adamw", 0.004), ("muon", 0.004), ("adam", None), ("sgd", None)])
def test_only_optimizers_made_for_it_decay_by_default(prepare, name, rate):
    tree = recipe(0)
    del tree["optimizer"]["weight_decay"]
    optimizer = prepare({**tree, "optimizer": {"name": name}}, (X, Y)).built.optimizer
    assert optimizer.weight_decay == rate


def test_no_decay_means_none_even_where_keras_has_a_default(prepare):
    assert not prepare(recipe(0, "adamw"), (X, Y)).built.optimizer.weight_decay
