"""Rounded weights are what fewer bits hold, and calibration makes sums differ less."""

import numpy as np
import pytest
from keras import layers

from hornbook.errors import RunError
from hornbook.shrinking.rounding import round_to_half, round_to_levels, rounded


def test_half_precision_is_exact_and_refuses_what_it_cannot_hold(network):
    model = network((5,), layers.Dense(4), layers.BatchNormalization())
    round_to_half(model)
    for weight in model.get_weights():
        assert np.array_equal(weight, weight.astype(np.float16).astype(np.float32))
    model.layers[1].bias.assign([1e5, 0, 0, 0])
    with pytest.raises(RunError, match="weights beyond 65504"):
        round_to_half(model)


def test_each_unit_has_255_levels_that_its_largest_weight_says(network, generator):
    model = network(
        (6, 6, 2), layers.Conv2D(3, 3, name="maps"), layers.Flatten(), layers.Dense(4, "softmax", name="sums")
    )
    changed = round_to_levels(model, generator.normal(size=(40, 6, 6, 2)).astype(np.float32))
    assert set(changed) == {"maps", "sums"}
    for name in ("maps", "sums"):
        kernel = model.get_layer(name).kernel.numpy().reshape(-1, model.get_layer(name).kernel.shape[-1])
        steps = np.abs(kernel).max(axis=0) / 127
        assert np.allclose(kernel / steps, np.round(kernel / steps), atol=1e-3)
    assert model.get_layer("sums").activation.__name__ == "softmax"


@pytest.mark.parametrize("kind", [layers.SeparableConv2D, layers.DepthwiseConv2D])
def test_each_channel_of_a_depthwise_kernel_has_levels_of_its_own(network, generator, kind):
    layer = kind(4, 3, name="maps") if kind is layers.SeparableConv2D else kind(3, depth_multiplier=2, name="maps")
    model = network((6, 6, 3), layer, layers.Flatten())
    variable = model.get_layer("maps").weights[0]
    variable.assign(variable.numpy() * np.array([1000.0, 1.0, 0.001])[:, None])  # (3, 3, channels, multiplier)
    before = variable.numpy()
    round_to_levels(model, generator.normal(size=(20, 6, 6, 3)).astype(np.float32))
    half_a_step = np.abs(before).max(axis=(0, 1)) / 127 / 2
    assert (np.abs(variable.numpy() - before) <= half_a_step * 1.001).all()
    assert (variable.numpy() != before).any()


def test_calibration_costs_less_than_rounding_to_the_largest_weight(network, generator):
    rows = generator.normal(size=(200, 30)).astype(np.float32) + 1.0
    model = network((30,), layers.Dense(4, name="sums"))
    kernel = model.get_layer("sums").kernel
    weights = kernel.numpy()
    weights[0] = 3.0  # one weight that takes up all levels
    rows[:, 0] = 0.0  # for an input that says nothing
    kernel.assign(weights)
    exact = np.asarray(model(rows))
    plain = rows @ rounded(weights, np.abs(weights).max(axis=0) / 127) + model.get_layer("sums").bias.numpy()
    round_to_levels(model, rows)
    assert np.abs(np.asarray(model(rows)) - exact).mean() < 0.8 * np.abs(plain - exact).mean()


def test_zeros_stay_zero():
    kernel = np.array([[0.0, 0.0], [0.4, 0.0], [-1.0, 0.0]], np.float32)
    found = rounded(kernel, np.array([1 / 128, 1.0]))
    assert found.tolist() == [[0.0, 0.0], [51 / 128, 0.0], [-127 / 128, 0.0]]
