"""Factors of rates and decays of some variables, against plain gradient descent by hand."""

import numpy as np
import pytest

from hornbook.errors import RecipeError

X = np.random.default_rng(5).normal(size=(16, 3)).astype(np.float32)
Y = X @ np.float32([1, -2, 0.5])
TREE = {
    "data": {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}},
    "task": "regression",
    "head": {"standardize_targets": False},
    "model": {"name": "mlp", "units": [4], "front_scale": True},
    "activation": "parametric_selu",
    "initializer": {"name": "he_normal", "bias": "ones"},
    "training": {"epochs": 1, "batch_size": 16, "engine": "graph"},
}
FACTORS = {"front_scale": {"rate": 6.0, "decay": 0.5}, "bias": 0.1, "activation": 0.25, "head": 3}


def moved(prepare, run_epochs, optimizer, engine="graph"):
    """Return how far each variable has moved in one step, by its path."""
    prepared = prepare({**TREE, "optimizer": optimizer, "training": TREE["training"] | {"engine": engine}}, (X, Y))
    variables = prepared.built.model.trainable_variables
    before = {variable.path: variable.numpy() for variable in variables}
    run_epochs(prepared)
    return {variable.path: variable.numpy() - before[variable.path] for variable in variables}, before


@pytest.fixture(scope="module")
def plain(prepare, run_epochs):
    return moved(prepare, run_epochs, {"name": "sgd", "learning_rate": 0.01})


@pytest.mark.parametrize("engine", ["graph", "fit"])
def test_steps_are_the_usual_ones_times_the_factors(prepare, run_epochs, plain, engine):
    steps, _ = moved(prepare, run_epochs, {"name": "sgd", "learning_rate": 0.01, "factors": FACTORS}, engine)
    expected = {
        "front_scale/kernel": 6, "hidden_1/kernel": 1, "hidden_1/bias": 0.1, "hidden_1_activation/alpha": 0.25,
        "head/kernel": 3, "head/bias": 0.3,
    }  # fmt: skip
    assert set(steps) == set(expected)
    for path, factor in expected.items():
        np.testing.assert_allclose(steps[path], plain[0][path] * factor, rtol=1e-3, atol=1e-7, err_msg=path)


def test_decay_is_a_share_of_the_rate_with_a_factor_of_its_own(prepare, run_epochs, plain):
    optimizer = {"name": "sgd", "learning_rate": 0.01, "weight_decay": 2.0, "factors": FACTORS}
    steps, before = moved(prepare, run_epochs, optimizer)
    decay = {"front_scale/kernel": 6 * 0.5, "hidden_1/kernel": 1, "head/kernel": 3, "hidden_1/bias": 0}
    rate = {"front_scale/kernel": 6, "hidden_1/kernel": 1, "head/kernel": 3, "hidden_1/bias": 0.1}
    for path, factor in decay.items():
        by_hand = plain[0][path] * rate[path] - before[path] * 2.0 * 0.01 * factor
        np.testing.assert_allclose(steps[path], by_hand, rtol=1e-3, atol=1e-6, err_msg=path)


def test_the_factors_are_there_again_after_a_search_for_the_rate(prepare, run_epochs, plain):
    from hornbook.trainer.lr_find.search import unchanged

    tree = {**TREE, "optimizer": {"name": "sgd", "learning_rate": 0.01, "factors": {"hidden_1": 2}}}
    prepared = prepare(tree, (X, Y))
    with unchanged(prepared.built):
        pass
    before = prepared.built.model.get_layer("hidden_1").kernel.numpy()
    run_epochs(prepared)
    step = prepared.built.model.get_layer("hidden_1").kernel.numpy() - before
    np.testing.assert_allclose(step, plain[0]["hidden_1/kernel"] * 2, rtol=1e-3, atol=1e-7)


def test_a_key_without_layers_is_refused_with_what_there_is(prepare):
    with pytest.raises(RecipeError, match="optimizer.factors.numbers: there is no layer 'numbers'.*hidden_1"):
        prepare({**TREE, "optimizer": {"name": "sgd", "factors": {"numbers": 0.1}}}, (X, Y))
