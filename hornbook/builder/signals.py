"""What theory expects of a network before its first step: how far outputs spread in each layer, how gradients shrink.

Weights that are drawn independently around 0 make of inputs with mean square q weighted sums of variance
fan_in·Var(weight)·q, and of gradients the same with fan_out; an activation is integrated over normally distributed sums.
Glorot and Bengio (2010); He et al. (2015); Schoenholz et al. (2017), arXiv:1611.01232. Where layers do something else
(recurrent cells, pooling) nothing is expected, until a normalization sets the variance again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from hornbook.upstream import REFUSALS

__all__ = ["Expected", "Signal", "expected_signals", "sources_of", "weight_variance"]

POINTS = 400
"""Numbers that stand for a normal distribution: its quantiles in equal steps."""
TRUNCATED = 0.7737
"""Variance of a normal distribution that is cut off at two deviations, which Keras's `TruncatedNormal` does not undo."""
KEEPS = (
    "Flatten",
    "Reshape",
    "Identity",
    "ActivityRegularization",
    "Activation",
    "Cropping2D",
    "Permute",
    "InputLayer",
)
ELEMENTWISE = ("LeakyReLU", "PReLU", "ELU", "ReLU", "Activation", "RandomizedLeakyReLU", "Step", "ApproximateGELU")
NORMALIZES = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization")
DROPS = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianDropout")
JOINS = ("Add", "Average", "Subtract", "Concatenate", "Multiply")
SUMS = (
    "Dense",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
)


@dataclass(frozen=True)
class Signal:
    """Numbers of a layer's outputs, over examples and units.

    Attributes:
        mean: Their mean.
        square: The mean of their squares.
    """

    mean: float
    square: float

    @property
    def deviation(self) -> float:
        """Their standard deviation."""
        return float(np.sqrt(max(self.square - self.mean**2, 0.0)))


@dataclass(frozen=True)
class Expected:
    """What theory says of one layer.

    Attributes:
        signal: Of its outputs; None where theory says nothing.
        gradient: Root mean square of the gradient of its kernel as a part of that of the last layer with weights; None as
            above, and for layers without a kernel.
        narrowness: The sum of 1/units over the layers with weights up to here: how far one draw may be from the mean.
    """

    signal: Signal | None
    gradient: float | None
    narrowness: float


def weight_variance(initializer: Any, shape: tuple[int, ...]) -> float | None:
    """Return the mean square of a weight that a Keras initializer draws, from the initializer's own config.

    None where its config does not tell.

    Args:
        initializer: A Keras initializer.
        shape: Of the kernel.
    """
    config, name = initializer.get_config(), type(initializer).__name__
    fan_in, fan_out = _fans(shape)
    if isinstance(initializer, keras.initializers.VarianceScaling):
        fan = {"fan_in": fan_in, "fan_out": fan_out}.get(initializer.mode, (fan_in + fan_out) / 2)
        return float(initializer.scale / max(fan, 1.0))
    if name == "RandomNormal":
        return float(config["stddev"] ** 2 + config["mean"] ** 2)
    if name == "TruncatedNormal":
        return float(TRUNCATED * config["stddev"] ** 2 + config["mean"] ** 2)
    if name == "RandomUniform":
        low, high = config["minval"], config["maxval"]
        return float((high - low) ** 2 / 12 + ((high + low) / 2) ** 2)
    if name == "Orthogonal":
        return float(config["gain"] ** 2 / max(int(np.prod(shape[:-1])), shape[-1]))
    if name in ("Zeros", "Ones", "Constant"):
        value = {"Zeros": 0.0, "Ones": 1.0}.get(name, config.get("value", 0.0))
        return float(np.mean(np.square(value)))
    return None


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    field = float(np.prod(shape[:-2]))
    return shape[-2] * field, shape[-1] * field


@dataclass(frozen=True)
class _Kernel:
    """A kernel of a layer that makes weighted sums, as signals see it.

    Attributes:
        fan_in: Numbers that a sum is made of.
        fan_out: Sums that a number goes into, at a stride of 1.
        variance: Mean square of a weight; None where its initializer does not tell.
        size: Weights.
    """

    fan_in: float
    fan_out: float
    variance: float | None
    size: int


def _kernels(layer: keras.layers.Layer) -> list[_Kernel]:
    """Return the kernels that a layer multiplies with one after the other; none where it is more than weighted sums."""
    name, found = type(layer).__name__, list[_Kernel]()
    if name not in SUMS:
        return found
    if name.startswith(("Depthwise", "Separable")):
        kernel = layer.kernel if name.startswith("Depthwise") else layer.depthwise_kernel
        shape, field = tuple(kernel.shape), float(np.prod(kernel.shape[:-2]))  # a sum is of one channel
        variance = weight_variance(layer.depthwise_initializer, shape)
        found.append(_Kernel(field, field * shape[-1], variance, int(np.prod(shape))))
    if not name.startswith("Depthwise"):
        is_separable = name.startswith("Separable")
        kernel = layer.pointwise_kernel if is_separable else layer.kernel
        initializer = layer.pointwise_initializer if is_separable else layer.kernel_initializer
        shape = tuple(kernel.shape)
        found.append(_Kernel(*_fans(shape), weight_variance(initializer, shape), int(np.prod(shape))))
    return found


def expected_signals(model: keras.Model, inputs: Signal, first: str | None) -> Mapping[str, Expected]:
    """Return {layer: what theory says}, of every layer behind the preprocessing.

    Args:
        model: A built network, whose layers lead from its input to its scores.
        inputs: What the layer `first` reads.
        first: The first layer with weights; None where there is none.
    """
    signals: dict[str, Signal | None] = {}
    narrowness: dict[str, float] = {}
    has_begun = False
    start = dict.fromkeys(sources_of(model.get_layer(first)) if first else (), inputs)  # branches read it too
    start.pop("", None)
    for layer in model.layers:
        sources = sources_of(layer)
        has_begun = has_begun or layer.name == first
        if not has_begun:
            signals[layer.name], narrowness[layer.name] = None, 0.0
            continue
        before = (
            inputs if layer.name == first else _joined(layer, [start.get(name, signals.get(name)) for name in sources])
        )
        signals[layer.name] = _after(layer, before)
        width = _width(layer)
        own = 1 / width if layer.weights and width else 0.0
        own += (
            1 / layer.input.shape[-1] if type(layer).__name__.startswith("Separable") else 0.0
        )  # of its depthwise kernel
        narrowness[layer.name] = max((narrowness.get(name, 0.0) for name in sources), default=0.0) + own
    gradients = _gradients(model, signals, inputs, first)
    behind = [layer.name for layer in model.layers if layer.name in signals]
    return {name: Expected(signals[name], gradients.get(name), narrowness[name]) for name in behind}


def sources_of(layer: keras.layers.Layer) -> list[str]:
    """Return the names of the layers whose outputs a layer reads, operations that are no layers as ``""``."""
    if isinstance(layer, keras.layers.InputLayer):
        return []
    tensors = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
    histories = [getattr(tensor, "_keras_history", None) for tensor in tensors]
    return [getattr(history.operation, "name", "") if history is not None else "" for history in histories]


def _joined(layer: keras.layers.Layer, signals: list[Signal | None]) -> Signal | None:
    """Return the signal of what a layer makes of independent parts; that of the one part there is, as it is."""
    known = [signal for signal in signals if signal is not None]
    if not known or len(known) < len(signals):
        return None
    name = type(layer).__name__
    if len(known) == 1 or name not in JOINS:
        return known[0] if len(known) == 1 else None
    if name == "Multiply":
        return Signal(
            float(np.prod([signal.mean for signal in known])), float(np.prod([signal.square for signal in known]))
        )
    if name == "Concatenate":
        sizes = [_places(tensor) * (tensor.shape[-1] or 1) for tensor in layer.input]
        means, squares = ([getattr(signal, key) for signal in known] for key in ("mean", "square"))
        return Signal(float(np.average(means, weights=sizes)), float(np.average(squares, weights=sizes)))
    share = 1 / len(known) if name == "Average" else 1.0
    signs = [1.0, *([-1.0 if name == "Subtract" else 1.0] * (len(known) - 1))]
    mean = share * sum(sign * signal.mean for sign, signal in zip(signs, known, strict=True))
    return Signal(mean, share**2 * sum(signal.deviation**2 for signal in known) + mean**2)


def _after(layer: keras.layers.Layer, before: Signal | None) -> Signal | None:
    """Return the signal behind a layer; None where theory says nothing."""
    name = type(layer).__name__
    if name in NORMALIZES:
        return Signal(0.0, 1.0)
    if name == "Embedding":
        variance = weight_variance(layer.embeddings_initializer, (layer.input_dim, layer.output_dim))
        return None if variance is None else Signal(0.0, variance)
    if before is None:
        return None
    if name in SUMS:
        return _through(layer.activation, _weighted(layer, before))
    if name in DROPS:
        return Signal(before.mean, before.square / (1 - layer.rate))
    if name == "GaussianNoise":
        return Signal(before.mean, before.square + layer.stddev**2)
    if name in KEEPS and getattr(layer, "activation", None) is None:
        return before
    if name == "AlphaDropout" or name in JOINS:
        return before
    return _through(layer, before) if _is_elementwise(layer) else None


def _weighted(layer: keras.layers.Layer, before: Signal) -> Signal | None:
    square = before.square
    for kernel in _kernels(layer):
        if kernel.variance is None:
            return None
        square *= kernel.fan_in * kernel.variance
    bias = np.mean(np.square(layer.bias.numpy())) if layer.bias is not None else 0.0
    return Signal(0.0, square + float(bias))


def _is_elementwise(layer: keras.layers.Layer) -> bool:
    """Return whether a layer is an activation that looks at one number at a time."""
    return type(layer).__name__ in ELEMENTWISE and bool(layer.input.shape == layer.output.shape)


def _through(function: Any, before: Signal | None) -> Signal | None:
    """Return the signal behind an activation, of normally distributed numbers in front of it."""
    if before is None or function is None or getattr(function, "__name__", "") == "linear":
        return before
    if getattr(function, "__name__", "") == "softmax":
        return None
    values = _values(function, before)
    return None if values is None else Signal(float(values.mean()), float(np.square(values).mean()))


def _values(function: Any, before: Signal) -> Any:
    """Return what an activation makes of the quantiles of a normal distribution."""
    normal = np.sqrt(2) * _inverse_error_function((np.arange(POINTS) + 0.5) / POINTS * 2 - 1)
    z = (before.mean + before.deviation * normal).astype(np.float32)
    rows = z[:, None]
    if isinstance(function, keras.layers.Layer):
        shape = function.input.shape[1:]
        rows = np.broadcast_to(z.reshape(-1, *[1] * len(shape)), (POINTS, *[1] * (len(shape) - 1), shape[-1]))
    try:
        return np.asarray(function(rows), np.float64)
    except REFUSALS:  # one that a user has registered
        return None


def _inverse_error_function(y: Any) -> Any:
    """Return erf⁻¹(y), by Winitzki's formula (2008): within 0.002 of it."""
    a = 0.147
    logarithm = np.log(1 - y**2)
    term = 2 / (np.pi * a) + logarithm / 2
    return np.sign(y) * np.sqrt(np.sqrt(term**2 - logarithm / a) - term)


def _gradients(
    model: keras.Model, signals: Mapping[str, Signal | None], inputs: Signal, first: str | None
) -> dict[str, float]:
    """Return {layer: its kernel's gradient relative to that of the last such layer}, as far back as theory reaches."""
    size, behind = 1.0, dict[str, float]()
    for layer in reversed(model.layers):
        sources = sources_of(layer)
        before = inputs if layer.name == first else (signals.get(sources[0]) if len(sources) == 1 else None)
        if _kernels(layer) and before is not None:
            size *= _slope(layer.activation, _weighted(layer, before)) if layer.activation is not None else 1.0
            square = _of_kernels(layer, size, before.square)
            if square is not None:
                behind[layer.name] = square
        factor = None if layer.name == first else _backward(layer, before)
        if factor is None:
            break
        size *= factor
    if not behind:
        return {}
    last = behind[next(iter(behind))]
    return {name: float(np.sqrt(value / last)) for name, value in behind.items()} if last > 0 else {}


def _of_kernels(layer: keras.layers.Layer, size: float, square: float) -> float | None:
    """Return the mean square of the gradients of a layer's weights; None where its initializers do not tell.

    Args:
        layer: Makes weighted sums.
        size: Mean square of the gradients at its sums.
        square: Mean square of what it reads.
    """
    kernels, total = _kernels(layer), 0.0
    places = _places(layer.output)
    for number, kernel in enumerate(kernels):
        in_front = [(each.fan_in, each.variance) for each in kernels[:number]]
        behind = [(each.fan_out, each.variance) for each in kernels[number + 1 :]]
        own = size * places * square
        for fan, variance in (*in_front, *behind):
            if variance is None:
                return None
            own *= fan * variance
        total += kernel.size * own
    return total / sum(kernel.size for kernel in kernels)


def _backward(layer: keras.layers.Layer, before: Signal | None) -> float | None:
    """Return the factor by which a layer changes the variance of gradients on their way back; None where unknown."""
    name = type(layer).__name__
    if before is None:
        return None
    if name in SUMS:
        factor = _places(layer.output) / _places(layer.input)  # each number goes into so many fewer sums
        for kernel in _kernels(layer):
            if kernel.variance is None:
                return None
            factor *= kernel.fan_out * kernel.variance
        return factor
    if name in NORMALIZES:
        return 1 / max(before.deviation**2, 1e-12)
    if name in DROPS:
        return 1 / (1 - float(layer.rate))
    if name in ("GaussianNoise", "AlphaDropout") or (name in KEEPS and getattr(layer, "activation", None) is None):
        return 1.0
    return _slope(layer, before) if _is_elementwise(layer) else None


def _slope(function: Any, before: Signal | None) -> float:
    """Return the mean square of an activation's slope over normally distributed numbers."""
    if before is None or getattr(function, "__name__", "") == "linear":
        return 1.0
    step = 1e-3 * max(before.deviation, 1e-3)
    upper = _values(function, Signal(before.mean + step, before.square + 2 * before.mean * step + step**2))
    lower = _values(function, before)
    if upper is None or lower is None:
        return 1.0
    return float(np.mean(np.square((upper - lower) / step)))


def _places(tensor: Any) -> float:
    return float(np.prod([extent or 1 for extent in tensor.shape[1:-1]]))


def _width(layer: keras.layers.Layer) -> int:
    shape = getattr(layer.output, "shape", ())
    return int(shape[-1] or 0) if shape else 0
