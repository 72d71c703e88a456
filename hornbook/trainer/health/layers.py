"""What a reading of the probe says of each layer, as numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hornbook.data.source import Array
from hornbook.engine.probe import Reading

__all__ = ["layer_figures", "layer_histograms", "update_ratios"]

FLAT = 0.05
"""An activation is saturated where its slope is below this part of its steepest."""
RELU_FAMILY = frozenset({"relu", "relu6", "leaky_relu", "prelu"})
BINS = 24
DRAWN = 20_000
"""Numbers that a histogram counts at most."""


def layer_figures(reading: Reading, activations: Mapping[str, str | None]) -> dict[str, dict[str, float]]:
    """Return {layer: {figure: value}}.

    Of a layer's outputs on the examples: `mean`, `deviation`, and the shares of its units that give one number for all of
    them (`constant`), are 0 or below for all of them (`dead`, ReLU family), and of its outputs that lie where the
    activation is flat (`saturated`, sigmoid, tanh and their like). Of its weights: their `weight_norm` and that of the
    loss's gradient (`gradient_norm`), and the root mean square of both for kernels (`weight_rms`, `gradient_rms`), which
    says the same for narrow and wide layers. Of batch normalization: how far the moving mean is from the batch's, in its
    deviations (`mean_gap`), and the factor between the variances (`variance_ratio`).
    """
    figures: dict[str, dict[str, float]] = {}
    for name, outputs_RU in reading.outputs.items():
        figures[name] = _of_outputs(outputs_RU, activations.get(name))
    for name, gradients in reading.gradients.items():
        figures.setdefault(name, {}).update(_of_weights(reading.weights[name], gradients))
    return figures


def statistics_figures(moving: tuple[Array, Array], batch: tuple[Array, Array]) -> dict[str, float]:
    """Return how far batch normalization's moving mean and variance are from a batch's."""
    with np.errstate(all="ignore"):
        deviation = np.sqrt(batch[1] + 1e-6)
        ratio = np.exp(np.mean(np.abs(np.log((moving[1] + 1e-6) / (batch[1] + 1e-6)))))
        gap = np.mean(np.abs(moving[0] - batch[0]) / deviation)
    return {"mean_gap": float(gap), "variance_ratio": float(ratio)}


def update_ratios(before: Mapping[str, Sequence[Array]], after: Mapping[str, Sequence[Array]]) -> dict[str, float]:
    """Return the size of one step's change of each layer's weights, as a part of their norm."""
    ratios = {}
    with np.errstate(all="ignore"):
        for name, weights in before.items():
            size = _norm(weights)
            if size > 0:
                ratios[name] = _norm([new - old for new, old in zip(after[name], weights, strict=True)]) / size
    return ratios


def layer_histograms(reading: Reading) -> dict[str, dict[str, Any]]:
    """Return {layer: {kind: {"from", "to", "counts"}}} of outputs, weights and gradients."""
    pictures: dict[str, dict[str, Any]] = {}
    for kind, groups in (
        ("outputs", {name: [outputs] for name, outputs in reading.outputs.items()}),
        ("weights", reading.weights),
        ("gradients", reading.gradients),
    ):
        for name, arrays in groups.items():
            kernels = [array for array in arrays if array.ndim > 1] or list(arrays)
            pictures.setdefault(name, {})[kind] = _histogram(kernels[0])
    return pictures


def _of_outputs(outputs_RU: Array, activation: str | None) -> dict[str, float]:
    with np.errstate(all="ignore"):
        lowest_U, highest_U = outputs_RU.min(axis=0), outputs_RU.max(axis=0)
        deviation = float(outputs_RU.std())
        spread_U = highest_U - lowest_U
        figures = {
            "mean": float(outputs_RU.mean()),
            "deviation": deviation,
            "lowest": float(lowest_U.min()),
            "highest": float(highest_U.max()),
            "constant": float(np.mean(spread_U <= 1e-6 * max(1e-30, float(np.abs(highest_U).max())))),
        }
        if activation in RELU_FAMILY:
            figures["dead"] = float(np.mean(highest_U <= 0))
        slope = SLOPES.get(activation or "")
        if slope is not None:
            figures["saturated"] = float(np.mean(slope(outputs_RU) < FLAT))
    return figures


def _of_weights(weights: Sequence[Array], gradients: Sequence[Array]) -> dict[str, float]:
    figures = {"weight_norm": _norm(weights), "gradient_norm": _norm(gradients)}
    kernels = [place for place, weight in enumerate(weights) if weight.ndim > 1]
    if kernels:
        size = sum(weights[place].size for place in kernels)
        figures["weight_rms"] = _norm([weights[place] for place in kernels]) / size**0.5
        figures["gradient_rms"] = _norm([gradients[place] for place in kernels]) / size**0.5
        zeros = sum(int(np.count_nonzero(gradients[place] == 0)) for place in kernels)
        figures["gradient_zeros"] = zeros / size
    return figures


def _norm(arrays: Sequence[Array]) -> float:
    with np.errstate(all="ignore"):
        return float(sum(float(np.dot(flat, flat)) for flat in (np.ravel(array) for array in arrays)) ** 0.5)


def _histogram(array: Array) -> dict[str, Any]:
    flat = np.ravel(array).astype(np.float64)
    flat = flat[:: -(-flat.size // DRAWN)]
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        return {"from": 0.0, "to": 0.0, "counts": []}
    low, high = float(flat.min()), float(flat.max())
    if not high - low > 1e-9 * max(abs(low), abs(high)):  # one number, as far as bins can tell
        return {"from": low, "to": high, "counts": [int(flat.size)]}
    counts, _ = np.histogram(flat, BINS, (low, high))
    return {"from": low, "to": high, "counts": counts.tolist()}


SLOPES = {
    "sigmoid": lambda y: 4 * y * (1 - y),
    "tanh": lambda y: 1 - y**2,
    "softsign": lambda y: (1 - np.abs(y)) ** 2,
    "hard_sigmoid": lambda y: ((y > 0) & (y < 1)).astype(np.float32),
    "hard_tanh": lambda y: (np.abs(y) < 1).astype(np.float32),
}
"""The slope of an activation as a part of its steepest, from its output."""
