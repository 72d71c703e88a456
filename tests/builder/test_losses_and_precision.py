"""Losses against their formulas, computed before the last activation; precision of weights, layers and head."""

import keras
import numpy as np
import pytest

X = np.random.default_rng(8).normal(size=(24, 4)).astype(np.float32)
Y = np.arange(24) % 3
Z = np.array([[-2.0], [0.5], [3.0]], np.float32)  # raw scores
T = np.array([[1.0], [0.0], [1.0]], np.float32)
P = 1 / (1 + np.exp(-Z))
REAL = np.array([[-1.0], [2.0], [0.5]], np.float32)
POSITIVE = np.array([[0.5], [2.0], [1.0]], np.float32)

FORMULAS = {
    "binary_crossentropy": (Z, T, {}, -(T * np.log(P) + (1 - T) * np.log(1 - P))),
    "binary_focal_crossentropy": (
        Z, T, {}, -(T * (1 - P) ** 2 * np.log(P) + (1 - T) * P**2 * np.log(1 - P)),
    ),
    "hinge": (Z, T, {}, np.maximum(0, 1 - (2 * T - 1) * Z)),
    "perceptron": (Z, T, {}, ((Z > 0) - T) * Z),
    "mean_squared_error": (Z, REAL, {}, (Z - REAL) ** 2),
    "mean_absolute_error": (Z, REAL, {}, np.abs(Z - REAL)),
    "huber": (Z, REAL, {"delta": 2.0}, np.where(np.abs(Z - REAL) <= 2, (Z - REAL) ** 2 / 2, 2 * np.abs(Z - REAL) - 2)),
    "log_cosh": (Z, REAL, {}, np.log(np.cosh(Z - REAL))),
    "poisson": (np.exp(Z), POSITIVE, {}, np.exp(Z) - POSITIVE * Z),
    "mean_squared_logarithmic_error": (np.exp(Z), POSITIVE, {}, (np.log1p(np.exp(Z)) - np.log1p(POSITIVE)) ** 2),
}  # fmt: skip


def loss_of(prepare, loss, **more):
    task = (
        "binary"
        if loss["name"] in ("binary_crossentropy", "binary_focal_crossentropy", "hinge", "perceptron")
        else "regression"
    )
    head = {"loss": loss} | ({"activation": "exponential"} if loss["name"] == "poisson" else {})
    y = Y % 2 if task == "binary" else np.abs(X[:, 0])
    return prepare({"task": task, "head": head, "training": {"batch_size": 8}, **more}, (X, y)).built


@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_follows_its_formula(prepare, name):
    scores, targets, options, expected = FORMULAS[name]
    built = loss_of(prepare, {"name": name, **options})
    assert float(built.loss(targets, scores)) == pytest.approx(expected.mean(), rel=1e-5)


def test_label_smoothing_moves_targets_towards_one_half(prepare):
    built = loss_of(prepare, {"name": "binary_crossentropy", "label_smoothing": 0.2})
    t = T * 0.8 + 0.1
    assert float(built.loss(T, Z)) == pytest.approx(-(t * np.log(P) + (1 - t) * np.log(1 - P)).mean(), rel=1e-5)


@pytest.mark.parametrize("task", ["multiclass", "binary", "multilabel"])
def test_cross_entropy_stays_exact_far_beyond_what_probabilities_can_say(prepare, task):
    y = {"multiclass": Y, "binary": Y % 2, "multilabel": np.eye(3, dtype=int)[Y]}[task]
    built = prepare({"task": task, "training": {"batch_size": 8}}, (X, y)).built
    units = built.model.output_shape[-1]
    scores = np.full((1, units), -200.0, np.float32)
    if task == "multiclass":
        scores[0, 1] = 0.0
        assert float(built.loss(np.array([0]), scores)) == pytest.approx(200, rel=1e-5)
    else:
        assert float(built.loss(np.ones((1, units), np.float32), scores)) == pytest.approx(200, rel=1e-5)
    assert built.from_logits
    outputs = built.activate(keras.ops.convert_to_tensor(np.zeros((1, units), np.float32))).numpy()
    np.testing.assert_allclose(outputs, 1 / 3 if task == "multiclass" else 0.5)


def test_both_views_share_every_variable_and_agree(prepare):
    built = prepare({"training": {"batch_size": 8}}, (X, Y)).built
    assert [v.path for v in built.model.weights] == [v.path for v in built.logits_model.weights]
    assert all(a is b for a, b in zip(built.model.weights, built.logits_model.weights, strict=True))
    scores = built.logits_model(X).numpy()
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    np.testing.assert_allclose(built.model(X).numpy(), shifted / shifted.sum(axis=1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_float32_weights_and_head_and_learns(prepare, run_epochs, precision):
    recipe = {
        "model": {"name": "mlp", "units": [8]},
        "normalization": "batch_normalization",
        "regularization": {"dropout": 0.1, "l2": 1e-4},
        "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "ema": 0.9, "weight_decay": 0.01},
        "schedule": "one_cycle",
        "training": {"epochs": 15, "batch_size": 8, "precision": precision},
    }
    y = (X[:, 0] > 0).astype(int)
    prepared = prepare(recipe, (X, y))
    assert prepared.recipe.training.engine == ("graph" if precision == "mixed_float16" else "xla")
    model = prepared.built.model
    half = precision.removeprefix("mixed_")
    for layer in model.layers:
        if layer.name.startswith("hidden"):
            assert layer.compute_dtype == half, layer.name
        assert all(keras.backend.standardize_dtype(v.dtype) == "float32" for v in layer.weights)
    assert model.get_layer("head").compute_dtype == "float32"
    assert keras.backend.standardize_dtype(model(X).dtype) == "float32"
    logs = run_epochs(prepared, 15)
    assert logs[-1]["loss"] < 0.75 * logs[0]["loss"]


def test_float16_scales_the_loss_so_that_small_gradients_survive(prepare, run_epochs):
    optimizer = {"name": "sgd", "learning_rate": 1e6, "momentum": 0.9, "ema": 0.5}
    recipe = {"task": "regression", "activation": "linear", "optimizer": optimizer, "initializer": "ones"}
    recipe["head"] = {"initializer": "ones", "standardize_targets": False}
    training = {"batch_size": 24, "precision": "mixed_float16", "engine": "graph"}
    x = np.full((24, 4), 1e-4, np.float32)
    prepared = prepare({**recipe, "training": training}, (x, np.full(24, 1e-3, np.float32)))
    built = prepared.built.optimizer
    assert type(built) is keras.optimizers.LossScaleOptimizer
    assert (built.inner_optimizer.momentum, built.inner_optimizer.use_ema) == (0.9, True)
    before = prepared.built.model.get_layer("hidden_1").kernel.numpy().copy()
    (logs,) = run_epochs(prepared)
    moved = before - prepared.built.model.get_layer("hidden_1").kernel.numpy()
    error = 4 * 4 * 1e-4 - 1e-3  # four inputs of 1e-4 into each of four units of weight one
    assert logs["loss"] == pytest.approx(error**2, rel=0.01)  # unscaled
    np.testing.assert_allclose(moved, 1e6 * 2 * error * 1e-4, rtol=0.02)  # 1.2e-7 is nearly nothing in float16
