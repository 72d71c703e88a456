"""Weights rounded to what fewer bits can hold, in a model that computes in float32 as before.

An exported file then holds the same numbers in two bytes or one: half precision exactly, whole numbers times a scale for
each unit. Which scale, is chosen on training rows: the largest weights may be cut off where the others gain. Jacob et al.
(2018), arXiv:1712.05877; Nagel et al. (2019), arXiv:1906.04721, section 4.2, for the bias.
"""

from typing import Any

import keras
import numpy as np

from hornbook.data.source import Array
from hornbook.errors import RunError
from hornbook.shrinking.graph import CONVOLUTIONS, weight_names
from hornbook.shrinking.prune import KERNELS

__all__ = ["round_to_half", "round_to_levels"]

LEVELS = 127
"""Whole numbers on each side of zero."""
CUTS = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Where the range of a unit's weights may end, as shares of the largest one."""
CALIBRATED = (*CONVOLUTIONS, keras.layers.Dense)


def round_to_half(model: keras.Model) -> None:
    """Round all weights to numbers that float16 has.

    Raises:
        RunError: If a weight is beyond its range.
    """
    for layer in model.layers:
        weights = layer.get_weights()
        with np.errstate(over="ignore"):
            halves = [
                array.astype(np.float16).astype(array.dtype) if array.dtype == np.float32 else array
                for array in weights
            ]
        if not all(np.isfinite(array).all() for array in halves):
            raise RunError(f"'{layer.name}' has weights beyond 65504, which float16 cannot hold.")
        layer.set_weights(halves)


def round_to_levels(model: keras.Model, rows: Array) -> dict[str, float]:
    """Round the kernels to 255 levels for each unit, in order; returns {layer: root mean square change of its outputs}.

    Args:
        model: Changed in place.
        rows: Training examples, (N, …), as the model reads them.
    """
    changed: dict[str, float] = {}
    for layer in model.layers:
        names = [name for name in weight_names(layer) if name in KERNELS]
        if isinstance(layer, CALIBRATED):
            inputs = np.asarray(keras.Model(model.input, layer.input)(rows, training=False))
            changed[layer.name] = _calibrate(layer, inputs)
        elif names:
            weights = dict(zip(weight_names(layer), layer.get_weights(), strict=True))
            weights |= {name: rounded(weights[name], _limits(weights[name])) for name in names}
            layer.set_weights(list(weights.values()))
    return changed


def _limits(kernel: Array) -> Array:
    """Return the largest absolute weight of each unit, (units,)."""
    return np.asarray(np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0))


def rounded(kernel: Array, limits: Array) -> Array:
    """Return a kernel with each unit's weights at whole multiples of limit/127, none beyond the limit."""
    steps = np.where(limits > 0, limits, 1.0).astype(np.float32) / np.float32(LEVELS)
    whole = np.clip(np.round(kernel / steps), -LEVELS, LEVELS)
    return np.asarray(whole * steps, np.float32)


def _calibrate(layer: Any, inputs: Array) -> float:
    """Round a layer's kernel so that its sums change least on some inputs, and move its bias by what they change."""
    activation, layer.activation = layer.activation, keras.activations.linear
    kernel = layer.kernel.numpy()
    try:
        before = np.asarray(layer(inputs), np.float64).reshape(-1, kernel.shape[-1])
        best, errors = kernel, np.full(kernel.shape[-1], np.inf)
        sums = before
        for cut in CUTS:
            trial = rounded(kernel, cut * _limits(kernel))
            layer.kernel.assign(trial)
            after = np.asarray(layer(inputs), np.float64).reshape(before.shape)
            found = np.mean((after - before) ** 2, axis=0)
            is_better = found < errors
            best, errors = np.where(is_better, trial, best), np.where(is_better, found, errors)
            sums = np.where(is_better, after, sums)
        layer.kernel.assign(best)
        if layer.use_bias:
            layer.bias.assign(layer.bias.numpy() + np.mean(before - sums, axis=0).astype(np.float32))
    finally:
        layer.activation = activation
    return float(np.sqrt(errors.mean()))
