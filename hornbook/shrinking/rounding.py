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
from hornbook.shrinking.graph import CONVOLUTIONS, DEPTHWISE, SEPARABLE
from hornbook.shrinking.prune import KERNELS

__all__ = ["round_to_half", "round_to_levels"]

LEVELS = 127
"""Whole numbers on each side of zero."""
STEPS = (0.5, 0.625, 0.75, 0.875, 1.0, 1.25, 1.5, 1.75)
"""What the step between two levels may be, times a power of two: weights are then numbers of ten bits, which pack well."""
TRIED = 4
"""How many steps are tried; the smallest cuts off what is above half of the largest weight."""
CALIBRATED = (*CONVOLUTIONS, *SEPARABLE, keras.layers.Dense)


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
        if isinstance(layer, CALIBRATED):
            inputs = np.asarray(keras.Model(model.input, layer.input)(rows, training=False))
            changed[layer.name] = _calibrate(layer, inputs)
        else:
            for weight in layer.weights:
                if weight.path.rsplit("/", 1)[-1] in KERNELS:
                    _round(weight, is_depthwise=isinstance(layer, DEPTHWISE))
    return changed


def _round(weight: Any, *, is_depthwise: bool = False) -> None:
    """Round a kernel to the levels that its largest weights need; of a depthwise one (…, C, M) each channel has its own."""
    kernel = weight.numpy()
    if is_depthwise:
        by_unit = kernel.reshape(*kernel.shape[:-2], -1)
        weight.assign(rounded(by_unit, _exact(by_unit)).reshape(kernel.shape))
    else:
        weight.assign(rounded(kernel, _steps(kernel)[0]))


def _exact(kernel: Array) -> Array:
    """Return the steps (units,) at which nothing is cut off: for units of few weights, each of which counts."""
    needed = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0) / LEVELS
    return np.asarray(np.where(needed > 0, needed, 1.0), np.float32)


def _steps(kernel: Array) -> list[Array]:
    """Return candidates for the steps between a unit's levels, (units,) each, the largest first.

    None is larger than what the largest weight needs, so that one weight has the last level: whoever looks for the levels
    again, as a converter does, finds these.
    """
    needed = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0).astype(np.float64) / LEVELS
    needed = np.where(needed > 0, needed, 1.0)
    octave = 2.0 ** np.floor(np.log2(needed))
    place = np.searchsorted(STEPS, needed / octave, side="right") - 1
    return [np.asarray(octave * np.take(STEPS, place - lower), np.float32) for lower in range(TRIED)]


def rounded(kernel: Array, steps: Array) -> Array:
    """Return a kernel with each unit's weights at whole multiples of its step, none beyond the last level."""
    whole = np.clip(np.round(kernel / steps), -LEVELS, LEVELS)
    return np.asarray(whole * steps, np.float32)


def _calibrate(layer: Any, inputs: Array) -> float:
    """Round a layer's kernel so that its sums change least on some inputs, and move its bias by what they change."""
    activation, layer.activation = layer.activation, keras.activations.linear
    variable = layer.pointwise_kernel if isinstance(layer, SEPARABLE) else layer.kernel
    kernel = variable.numpy()
    try:
        before = np.asarray(layer(inputs), np.float64).reshape(-1, kernel.shape[-1])
        if isinstance(layer, SEPARABLE):
            _round(layer.depthwise_kernel, is_depthwise=True)
        best, errors = kernel, np.full(kernel.shape[-1], np.inf)
        sums = before
        for steps in (_exact(kernel), *_steps(kernel)) if isinstance(layer, SEPARABLE) else _steps(kernel):
            trial = rounded(kernel, steps)
            variable.assign(trial)
            after = np.asarray(layer(inputs), np.float64).reshape(before.shape)
            found = np.mean((after - before) ** 2, axis=0)
            is_better = found < errors
            best, errors = np.where(is_better, trial, best), np.where(is_better, found, errors)
            sums = np.where(is_better, after, sums)
        variable.assign(best)
        if layer.use_bias:
            layer.bias.assign(layer.bias.numpy() + np.mean(before - sums, axis=0).astype(np.float32))
    finally:
        layer.activation = activation
    return float(np.sqrt(errors.mean()))
