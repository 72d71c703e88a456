"""Activations against their formulas at points picked by hand."""

import math

import keras
import numpy as np
import pytest

from hornbook.recipes.language.spec import catalog

Z = np.array([-4.0, -1.0, -0.25, 0.0, 0.5, 2.0, 4.0])
ERF = np.array([math.erf(z / math.sqrt(2)) for z in Z])
SIGMOID = 1 / (1 + np.exp(-Z))
SOFTPLUS = np.log1p(np.exp(Z))
HARD_SIGMOID = np.array([0, 2 / 6, 2.75 / 6, 0.5, 3.5 / 6, 5 / 6, 1])

VALUES = {
    "linear": Z,
    "step": [0, 0, 0, 1, 1, 1, 1],
    "sigmoid": SIGMOID,
    "tanh": np.tanh(Z),
    "relu": [0, 0, 0, 0, 0.5, 2, 4],
    "leaky_relu": [-1.2, -0.3, -0.075, 0, 0.5, 2, 4],
    "randomized_leaky_relu": Z * np.where(Z < 0, (0.125 + 1 / 3) / 2, 1),
    "prelu": [-1, -0.25, -0.0625, 0, 0.5, 2, 4],
    "elu": np.where(Z > 0, Z, np.exp(Z) - 1),
    "selu": 1.0507009873554805 * np.where(Z > 0, Z, 1.6732632423543772 * (np.exp(Z) - 1)),
    "gelu": Z * (1 + ERF) / 2,
    "silu": Z * SIGMOID,
    "mish": Z * np.tanh(SOFTPLUS),
    "softplus": SOFTPLUS,
    "softsign": [-0.8, -0.5, -0.2, 0, 1 / 3, 2 / 3, 0.8],
    "exponential": np.exp(Z),
    "hard_sigmoid": HARD_SIGMOID,
    "hard_tanh": [-1, -1, -0.25, 0, 0.5, 1, 1],
    "hard_silu": Z * HARD_SIGMOID,
    "parametric_selu": 1.0507009873554805 * np.where(Z > 0, Z, 1.6732632423543772 * (np.exp(Z) - 1)),
    "parametric_mish": Z * np.tanh(SOFTPLUS),
    "softmax": np.exp(Z) / np.exp(Z).sum(),
}


def apply(name, **options):
    layer = catalog("activation")[name](**options).build()
    return keras.ops.convert_to_numpy(layer(Z[None].astype(np.float32)))[0]


@pytest.mark.parametrize("name", catalog("activation"))
def test_an_activation_follows_its_formula(name):
    np.testing.assert_allclose(apply(name), VALUES[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("relu", {"max_value": 3.0}, [0, 0, 0, 0, 0.5, 2, 3]),
        ("relu", {"threshold": 1.0}, [0, 0, 0, 0, 0, 2, 4]),
        ("relu", {"negative_slope": 0.5}, [-2, -0.5, -0.125, 0, 0.5, 2, 4]),
        ("leaky_relu", {"negative_slope": 0.01}, [-0.04, -0.01, -0.0025, 0, 0.5, 2, 4]),
        ("elu", {"alpha": 2.0}, np.where(Z > 0, Z, 2 * (np.exp(Z) - 1))),
        ("prelu", {"initial_slope": 0.5}, [-2, -0.5, -0.125, 0, 0.5, 2, 4]),
        ("gelu", {"approximate": True}, Z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (Z + 0.044715 * Z**3)))),
        ("randomized_leaky_relu", {"lower": 0.5, "upper": 0.7}, np.where(Z < 0, 0.6 * Z, Z)),
    ],
)
def test_options_change_the_formula(name, options, expected):
    np.testing.assert_allclose(apply(name, **options), expected, rtol=1e-5, atol=1e-6)


def test_prelu_learns_one_slope_per_unit_and_per_channel(prepare):
    images = np.zeros((4, 6, 6, 2), np.uint8)
    recipe = {"model": {"name": "cnn", "filters": [5], "dense": [7]}, "activation": "prelu"}
    model = prepare({**recipe, "training": {"batch_size": 2}}, (images, np.array([0, 1, 2, 1]))).built.model
    assert model.get_layer("hidden_1_activation").alpha.shape == (1, 1, 5)
    assert model.get_layer("hidden_2_activation").alpha.shape == (7,)
    assert (model.get_layer("hidden_2_activation").alpha.numpy() == 0.25).all()


def test_parametric_activations_learn_how_far_from_a_line_each_unit_is(tensorflow):
    layer = catalog("activation")["parametric_mish"]().build()
    z = np.stack([Z, Z], axis=1).astype(np.float32)
    layer(z)
    layer.set_weights([np.float32([0.25, -2.0])])
    mish = (Z * np.tanh(SOFTPLUS))[:, None]
    np.testing.assert_allclose(layer(z), z + [0.25, -2.0] * (mish - z), rtol=1e-5, atol=1e-6)
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again.activation == "mish"
    assert [weight.name for weight in layer.trainable_weights] == ["alpha"]


def test_a_parametric_activation_is_no_plain_function():
    assert catalog("activation")["parametric_selu"]().function_name() is None
