"""Layers that Keras lacks."""

import keras
import numpy as np
import pytest

from hornbook.layers import ApproximateGelu, RandomizedLeakyReLU, Step
from hornbook.layers.activations import gelu


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_slopes_are_uniform_between_the_bounds_while_training():
    layer = RandomizedLeakyReLU(0.2, 0.8, seed=1)
    slopes = -numpy(layer(-np.ones((100, 200), np.float32), training=True))
    assert slopes.min() >= 0.2
    assert slopes.max() <= 0.8
    assert slopes.mean() == pytest.approx(0.5, abs=0.005)  # standard error 0.173/√20000 = 0.0012
    assert slopes.var() == pytest.approx(0.6**2 / 12, rel=0.03)
    assert len(np.unique(slopes)) > 19000  # per element


def test_positive_inputs_are_never_changed():
    layer = RandomizedLeakyReLU()
    x = np.array([[0.0, 0.1, 5.0]], np.float32)
    assert (numpy(layer(x, training=True)) == x).all()
    assert (numpy(layer(x)) == x).all()


def test_the_slope_is_its_mean_at_inference():
    assert numpy(RandomizedLeakyReLU(0.2, 0.8)(-np.ones((1, 3), np.float32)))[0] == pytest.approx([-0.5] * 3)


def test_the_gradient_of_a_negative_input_is_its_slope(tensorflow):
    layer, x = RandomizedLeakyReLU(0.2, 0.8, seed=3), tensorflow.Variable([[-2.0, -1.0, 3.0]])
    with tensorflow.GradientTape() as tape:
        y = layer(x, training=True)
    slopes = numpy(tape.gradient(y, x))
    np.testing.assert_allclose(slopes * x.numpy(), numpy(y), rtol=1e-6)
    assert slopes[0, 2] == 1


def test_a_step_is_one_from_zero_on_and_carries_its_weighted_sum():
    z = keras.ops.convert_to_tensor([[-1.0, 0.0, 1e-6, 2.0]])
    y = Step()(z)
    assert numpy(y).tolist() == [[0, 1, 1, 1]]
    assert numpy(y._keras_logits).tolist() == numpy(z).tolist()


def test_gelu_is_keras_own_layer_unless_it_approximates():
    assert type(gelu()) is keras.layers.Activation
    assert type(gelu(approximate=True)) is ApproximateGelu


@pytest.mark.parametrize("layer", [Step(), ApproximateGelu(), RandomizedLeakyReLU(0.1, 0.2, seed=4)])
def test_layers_are_read_back_from_a_saved_model(tmp_path, layer):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), layer])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.layers[-1].get_config() == layer.get_config()
    x = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    assert (numpy(again(x)) == numpy(model(x))).all()


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_layers_compute_in_the_precision_they_are_given(dtype):
    for layer in (Step(dtype=dtype), ApproximateGelu(dtype=dtype), RandomizedLeakyReLU(dtype=dtype)):
        y = layer(np.ones((2, 3), np.float32), training=True)
        assert keras.backend.standardize_dtype(y.dtype) == layer.compute_dtype
