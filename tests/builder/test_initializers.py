"""Initializers: sampled variances against theory, and who gets which."""

import keras
import numpy as np
import pytest

FAN_IN, FAN_OUT = 300, 400
X = np.zeros((4, FAN_IN), np.float32)
Y = np.array([0, 1, 2, 1])


def kernels(prepare, initializer, activation="relu", **more):
    recipe = {"initializer": initializer, "activation": activation, "model": {"name": "mlp", "units": [FAN_OUT]}}
    model = prepare({**recipe, "training": {"batch_size": 4}, **more}, (X, Y)).built.model
    return model.get_layer("hidden_1").kernel.numpy(), model.get_layer("head").kernel.numpy()


VARIANCES = {
    "glorot_normal": 1 / 350,
    "glorot_uniform": 1 / 350,
    "he_normal": 2 / 300,
    "he_uniform": 2 / 300,
    "lecun_normal": 1 / 300,
    "lecun_uniform": 1 / 300,
    "random_normal": 0.05**2,
    "random_uniform": 0.1**2 / 12,
    "truncated_normal": 0.05**2 * 0.774,  # cut at two deviations
    "variance_scaling": 1 / 300,
    "orthogonal": 1 / 400,  # orthonormal rows of 400 numbers
}


@pytest.mark.parametrize("name", VARIANCES)
def test_the_variance_of_a_kernel_is_what_theory_says(prepare, name):
    kernel, _ = kernels(prepare, name)
    assert kernel.shape == (FAN_IN, FAN_OUT)
    # 120,000 numbers: the standard error of the variance is below 0.5 %, of the mean below 0.3 % of the deviation
    assert kernel.var() == pytest.approx(VARIANCES[name], rel=0.015)
    assert abs(kernel.mean()) < 0.01 * kernel.std()


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 300), ("fan_out", 400), ("fan_avg", 350)])
@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform"])
def test_variance_scaling_divides_its_scale_by_the_fan(prepare, mode, fan, distribution):
    options = {"name": "variance_scaling", "scale": 3.0, "mode": mode, "distribution": distribution}
    assert kernels(prepare, options)[0].var() == pytest.approx(3 / fan, rel=0.015)


def test_shapes_of_distributions_differ(prepare):
    uniform, normal = (kernels(prepare, name)[0] for name in ("he_uniform", "he_normal"))
    assert np.abs(uniform).max() <= np.sqrt(6 / 300)
    assert np.abs(normal).max() > np.sqrt(6 / 300)


def test_constants_orthogonal_and_identity_matrices(prepare):
    assert (kernels(prepare, "zeros")[0] == 0).all()
    assert (kernels(prepare, "ones")[0] == 1).all()
    assert (kernels(prepare, {"name": "constant", "value": 0.5})[0] == 0.5).all()
    orthogonal = kernels(prepare, {"name": "orthogonal", "gain": 2.0})[0]
    np.testing.assert_allclose(orthogonal @ orthogonal.T, 4 * np.eye(300), atol=1e-4)
    np.testing.assert_array_equal(kernels(prepare, {"name": "identity", "gain": 3.0})[0], 3 * np.eye(300, 400))


def test_rows_of_numbers_become_the_kernel_as_written(prepare):
    rows = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
    recipe = {"initializer": {"name": "constant", "value": rows, "bias": {"name": "constant", "value": 0.7}}}
    recipe |= {"model": {"name": "mlp", "units": [3]}, "training": {"batch_size": 2}}
    hidden = prepare(recipe, (np.zeros((4, 2), np.float32), Y)).built.model.get_layer("hidden_1")
    np.testing.assert_allclose(hidden.kernel.numpy(), rows)
    np.testing.assert_allclose(hidden.bias.numpy(), 0.7)


# Géron, ch. 11: Glorot for none, tanh, logistic, softmax; He for ReLU and its variants, ELU included; LeCun for SELU.
GLOROT, HE, LECUN = 1 / 350, 2 / 300, 1 / 300
SUITED = {
    **dict.fromkeys(["linear", "tanh", "sigmoid", "softmax"], GLOROT),
    **dict.fromkeys(["relu", "leaky_relu", "randomized_leaky_relu", "prelu", "elu", "gelu", "silu", "mish"], HE),
    "selu": LECUN,
}


def test_ntk_weights_are_standard_normal_and_inputs_are_scaled(prepare):
    tree = {"initializer": "ntk", "head": {"initializer": "ntk"}, "training": {"batch_size": 4}}
    model = prepare({**tree, "model": {"name": "mlp", "units": [FAN_OUT]}}, (X, Y)).built.model
    (kernel, bias), (head, _) = (model.get_layer(name).get_weights() for name in ("hidden_1", "head"))
    assert kernel.std() == pytest.approx(1, rel=0.015)
    assert head.std() == pytest.approx(1, rel=0.1)
    x = np.random.default_rng(2).normal(size=(5, X.shape[1])).astype(np.float32)
    hidden = np.maximum(x @ kernel / np.sqrt(X.shape[1]) + bias, 0)
    logits = keras.Model(model.input, model.get_layer("head_activation").input)(x)
    np.testing.assert_allclose(logits, hidden @ head / np.sqrt(FAN_OUT), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("activation", SUITED)
def test_default_is_what_theory_recommends_for_the_activation(prepare, activation):
    for recipe in ({}, {"initializer": "default"}):
        tree = {"activation": activation, "model": {"name": "mlp", "units": [FAN_OUT]}, "training": {"batch_size": 4}}
        model = prepare({**tree, **recipe}, (X, Y)).built.model
        assert model.get_layer("hidden_1").kernel.numpy().var() == pytest.approx(SUITED[activation], rel=0.015)
        assert (model.get_layer("hidden_1").bias.numpy() == 0).all()


def test_the_head_starts_as_its_own_activation_needs_unless_told_otherwise(prepare):
    _, head = kernels(prepare, "he_normal")
    assert head.shape == (FAN_OUT, 3)
    assert np.abs(head).max() <= np.sqrt(6 / (FAN_OUT + 3))  # glorot_uniform
    own = {"initializer": {"name": "constant", "value": 0.25, "bias": "ones"}}
    recipe = {"model": {"name": "mlp", "units": [4]}, "training": {"batch_size": 2}, "head": own}
    model = prepare({**recipe, "initializer": {"name": "he_normal", "bias": "zeros"}}, (X, Y)).built.model
    assert (model.get_layer("head").kernel.numpy() == 0.25).all()
    assert (model.get_layer("head").bias.numpy() == 1).all()
    assert (model.get_layer("hidden_1").bias.numpy() == 0).all()


def test_without_hidden_layers_the_initializer_is_the_heads(prepare):
    recipe = {"model": {"name": "mlp"}, "initializer": {"name": "constant", "value": 0.5, "bias": "ones"}}
    model = prepare({**recipe, "training": {"batch_size": 2}}, (X, Y)).built.model
    assert (model.get_layer("head").kernel.numpy() == 0.5).all()
    assert (model.get_layer("head").bias.numpy() == 1).all()


def test_convolutions_count_their_fan_by_the_whole_window(prepare):
    images = np.zeros((4, 8, 8, 20), np.uint8)
    recipe = {"model": {"name": "cnn", "filters": [300]}, "initializer": "he_normal", "training": {"batch_size": 2}}
    kernel = prepare(recipe, (images, Y)).built.model.get_layer("hidden_1").kernel.numpy()
    assert kernel.shape == (3, 3, 20, 300)
    assert kernel.var() == pytest.approx(2 / (3 * 3 * 20), rel=0.02)


def test_recurrent_weights_stay_orthogonal_and_both_directions_start_differently(prepare):
    x = np.zeros((4, 5, 3), np.float32)
    model = {"name": "rnn", "cell": "gru", "units": [8], "bidirectional": True}
    built = prepare({"model": model, "training": {"batch_size": 2}}, (x, Y)).built.model
    layer = built.get_layer("hidden_1")
    forward, backward = layer.forward_layer.cell, layer.backward_layer.cell
    recurrent = forward.recurrent_kernel.numpy()
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(8), atol=1e-5)
    assert (forward.kernel.numpy() != backward.kernel.numpy()).any()
    assert (recurrent != backward.recurrent_kernel.numpy()).any()
    assert layer.backward_layer.go_backwards
