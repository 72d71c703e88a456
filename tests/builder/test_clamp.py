"""Predictions kept within the range of the training targets, and a loss that is not."""

import keras
import numpy as np
import pytest

X = np.random.default_rng(2).normal(size=(32, 3)).astype(np.float32)
Y = np.column_stack([X @ np.float32([1, 2, -1]), 100 + 30 * X[:, 0]])
TREE = {
    "data": {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}},
    "task": "regression",
    "training": {"epochs": 1, "batch_size": 8, "engine": "graph"},
}


@pytest.mark.parametrize("model", [{}, {"ensemble": 3}])
def test_outputs_stay_within_the_range_of_each_target(prepare, tmp_path, model):
    tree = {**TREE, "head": {"clamp": True}, "model": {"name": "mlp", "units": [4], **model}}
    built = prepare(tree, (X, Y)).built
    built.model.save(tmp_path / "model.keras")
    outputs = np.asarray(keras.models.load_model(tmp_path / "model.keras")(X * 1000))
    assert outputs.min(axis=0) == pytest.approx(Y.min(axis=0), rel=1e-6)
    assert outputs.max(axis=0) == pytest.approx(Y.max(axis=0), rel=1e-6)
    scores = np.asarray(built.logits_model(X * 1000))
    assert np.abs(scores).max() > 10  # in deviations: what is learned from is not cut off
    assert np.asarray(built.activate(scores)).max() == outputs.max()


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("engine", ["graph", "fit"])
def test_training_is_the_same_with_it(prepare, run_epochs, engine, standardize):
    def weights(**head):
        tree = {
            **TREE,
            "head": {"standardize_targets": standardize, **head},
            "training": TREE["training"] | {"engine": engine},
        }
        prepared = prepare({**tree, "optimizer": {"name": "sgd", "learning_rate": 1e-5}}, (X * 50, Y))
        return run_epochs(prepared)[0]["loss"], prepared.built.model.get_weights()

    (loss, ours), (expected, theirs) = weights(clamp=True), weights()
    assert loss == pytest.approx(expected, rel=1e-5)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
