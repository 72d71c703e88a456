"""Normalization put into the weights beside it: the same outputs from fewer layers, wherever that is exact.

Batch normalization that has learned is x·scale + shift for each channel, and so is standardizing. A layer of weights takes
it in front of it or behind it, across layers that hand such a thing on. Ioffe and Szegedy (2015), arXiv:1502.03167; Jacob
et al. (2018), arXiv:1712.05877.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from hornbook.builder.signals import input_of
from hornbook.data.source import Array
from hornbook.shrinking.graph import CONVOLUTIONS, SEPARABLE, Change, Graph, hands_on, weight_names

__all__ = ["Folding", "fold_inputs", "fold_normalization", "removed_layers", "summed"]

AVERAGES = (
    keras.layers.AveragePooling1D, keras.layers.AveragePooling2D, keras.layers.AveragePooling3D,
    keras.layers.GlobalAveragePooling1D, keras.layers.GlobalAveragePooling2D, keras.layers.GlobalAveragePooling3D,
)  # fmt: skip
"""Layers whose outputs are means of their inputs, so that scale and shift go through."""
MAXIMA = (
    keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.MaxPooling3D,
    keras.layers.GlobalMaxPooling1D, keras.layers.GlobalMaxPooling2D, keras.layers.GlobalMaxPooling3D,
)  # fmt: skip
"""The same, where no scale is below zero."""
OF_INPUTS = (keras.layers.Rescaling, keras.layers.Normalization)


class KeptError(Exception):
    """Something cannot be folded exactly; the message says why, as the end of a sentence."""


@dataclass
class Folding:
    """What becomes of a network.

    Attributes:
        changes: {layer: what becomes of it}.
        folded: {layer that is gone: the layers that it went into}.
        kept: {layer that stays: why}.
    """

    changes: dict[str, Change] = field(default_factory=dict)
    folded: dict[str, list[str]] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)

    def of(self, layer: Any) -> Change:
        """Return the change of a layer, with its weights in double precision."""
        change = self.changes.setdefault(layer.name, Change())
        if not change.weights:
            arrays = zip(weight_names(layer), layer.get_weights(), strict=True)
            change.weights = {name: np.asarray(array, np.float64) for name, array in arrays}
        return change


def removed_layers(graph: Graph) -> dict[str, Change]:
    """Return the layers that do something while training alone."""
    return {operation.name: Change(is_gone=True) for operation in graph.operations if hands_on(operation)}


def fold_normalization(graph: Graph) -> Folding:
    """Return what becomes of a network when its batch normalization is folded; what cannot be is named."""
    folding = Folding()
    for layer in graph.operations:
        if not isinstance(layer, keras.layers.BatchNormalization):
            if "Normalization" in type(layer).__name__ and not isinstance(layer, keras.layers.Normalization):
                folding.kept[layer.name] = "what it divides by differs from example to example"
            continue
        try:
            scale, shift = _of_batch_normalization(layer)
            producer = _producer(graph, folding, layer)
            if producer is not None:
                _after(folding, producer, scale, shift)
                into = [producer.name]
            else:
                into = _before(graph, folding, layer, scale, shift)
        except KeptError as error:
            folding.kept[layer.name] = str(error)
            continue
        folding.folded[layer.name] = into
        folding.changes[layer.name] = Change(is_gone=True)
    return folding


def fold_inputs(graph: Graph, *, evenly: bool = False) -> Folding:
    """Return what becomes of a network when scaling and standardizing of its inputs is folded into what reads them.

    Args:
        graph: The network.
        evenly: Whether only what scales all inputs of a unit alike is folded, so that rounded weights stay rounded.
    """
    folding, chain = Folding(), list[Any]()
    here = next(operation for operation in graph.operations if isinstance(operation, keras.layers.InputLayer))
    scale, shift = np.ones(1), np.zeros(1)
    while len(graph.readers(here)) == 1:
        here = graph.readers(here)[0]
        if isinstance(here, OF_INPUTS) and not getattr(here, "invert", False):
            own_scale, own_shift = _of_inputs(here)
            scale, shift = scale * own_scale, shift * own_scale + own_shift
            chain.append(here)
        elif not hands_on(here):
            break
    if not chain:
        return folding
    try:
        if evenly and np.ptp(scale) > 0:
            raise KeptError("it scales each input otherwise, and rounded weights of a unit have one scale")
        into = _before(graph, folding, chain[-1], scale, shift)
    except KeptError as error:
        return Folding(kept={layer.name: str(error) for layer in chain})
    for layer in chain:
        folding.folded[layer.name] = into
        folding.changes[layer.name] = Change(is_gone=True)
    return folding


def _of_batch_normalization(layer: Any) -> tuple[Array, Array]:
    """Return (scale, shift), (C,) each."""
    rank = len(input_of(layer).shape)
    if (layer.axis[0] if isinstance(layer.axis, list | tuple) else layer.axis) not in (-1, rank - 1):
        raise KeptError("it normalizes over another axis than the last")
    mean, variance = (np.asarray(weight, np.float64) for weight in (layer.moving_mean, layer.moving_variance))
    scale = 1.0 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        scale = scale * np.asarray(layer.gamma, np.float64)
    shift = -mean * scale
    return scale, shift + np.asarray(layer.beta, np.float64) if layer.center else shift


def _of_inputs(layer: Any) -> tuple[Array, Array]:
    """Return (scale, shift) of the layer's inputs, broadcastable to an example."""
    if isinstance(layer, keras.layers.Rescaling):
        return np.atleast_1d(np.asarray(layer.scale, np.float64)), np.atleast_1d(np.asarray(layer.offset, np.float64))
    mean, variance = (np.asarray(weight, np.float64)[0] for weight in (layer.mean, layer.variance))
    scale = 1.0 / np.maximum(np.sqrt(variance), keras.backend.epsilon())
    return scale, -mean * scale


def _is_linear(layer: Any) -> bool:
    return getattr(layer, "activation", None) in (None, keras.activations.linear)


def _producer(graph: Graph, folding: Folding, layer: Any) -> Any | None:
    """Return the layer of weights whose sums a normalization gets, and nobody else; None where there is none."""
    here = graph.only_parent(layer)
    while here is not None and (_is_through(folding, here) or isinstance(here, AVERAGES)):
        here = graph.only_parent(here)
    kinds = (*CONVOLUTIONS, *SEPARABLE, keras.layers.Dense, keras.layers.DepthwiseConv2D)
    return here if isinstance(here, kinds) and _is_linear(here) and _has_channels_last(here) else None


def _has_channels_last(layer: Any) -> bool:
    return getattr(layer, "data_format", "channels_last") == "channels_last"


def _is_through(folding: Folding, operation: Any) -> bool:
    change = folding.changes.get(operation.name)
    return hands_on(operation) or (change is not None and change.is_gone)


def _after(folding: Folding, layer: Any, scale: Array, shift: Array) -> None:
    """Let a layer return its sums times scale plus shift, both (units,)."""
    change = folding.of(layer)
    name = next(each for each in ("pointwise_kernel", "kernel") if each in change.weights)
    kernel = change.weights[name]
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    change.weights[name] = kernel * (scale.reshape(kernel.shape[-2:]) if depthwise else scale)
    change.weights["bias"] = change.weights.get("bias", np.zeros(len(scale))) * scale + shift
    change.config |= {"use_bias": True} | _unconstrained(layer)


def _unconstrained(layer: Any) -> dict[str, Any]:
    """Return the arguments without limits on weights: they were for other numbers."""
    names = ("kernel_constraint", "depthwise_constraint", "pointwise_constraint")
    return {name: None for name in names if getattr(layer, name, None) is not None}


def _before(graph: Graph, folding: Folding, layer: Any, scale: Array, shift: Array) -> list[str]:
    """Let all that read a layer's output read its input, and compute with x·scale + shift; returns who does.

    Raises:
        KeptError: If one of them cannot; then none is changed.
    """
    updates = _updates(graph, folding, layer, scale, shift)
    for target, update in updates:
        update()
        folding.of(target).config |= {"use_bias": True} | _unconstrained(target)
    return [target.name for target, _ in updates]


Update = tuple[Any, Callable[[], None]]


def _updates(graph: Graph, folding: Folding, layer: Any, scale: Array, shift: Array) -> list[Update]:
    readers = graph.readers(layer)
    if layer is graph.last or not readers:
        raise KeptError("no layer of weights follows it")
    updates = []
    for reader in readers:
        if _is_through(folding, reader):
            updates += _updates(graph, folding, reader, scale, shift)
        elif isinstance(reader, keras.layers.Flatten):
            shape = reader.input.shape[1:]
            if None in shape:
                raise KeptError(f"the size of what '{reader.name}' flattens is open")
            flat = (np.broadcast_to(array, shape).reshape(-1) for array in (scale, shift))
            updates += _updates(graph, folding, reader, *flat)
        elif isinstance(reader, AVERAGES + MAXIMA):
            if isinstance(reader, MAXIMA) and (scale < 0).any():
                raise KeptError(f"a scale below zero turns the maxima of '{reader.name}' into minima")
            if scale.ndim > 1 or not _has_channels_last(reader):
                raise KeptError(f"'{reader.name}' mixes places that are scaled otherwise")
            updates += _updates(graph, folding, reader, scale, shift)
        elif isinstance(reader, keras.layers.Dense):
            updates.append((reader, _dense(folding, reader, scale, shift)))
        elif isinstance(reader, CONVOLUTIONS) and reader.groups == 1 and _has_channels_last(reader):
            updates.append((reader, _convolution(folding, reader, scale, shift)))
        elif isinstance(reader, SEPARABLE) and _has_channels_last(reader):
            updates.append((reader, _separable(folding, reader, scale, shift)))
        else:
            raise KeptError(f"'{reader.name}' ({type(reader).__name__}) comes before the next layer of weights")
    return updates


def _dense(folding: Folding, layer: Any, scale: Array, shift: Array) -> Callable[[], None]:
    inputs = layer.input.shape[-1]
    if scale.ndim > 1 or (scale.size not in (1, inputs)):
        raise KeptError(f"'{layer.name}' reads places that are scaled otherwise with the same weights")

    def update() -> None:
        weights = folding.of(layer).weights
        kernel = weights["kernel"]
        a, b = (np.broadcast_to(array, (inputs,)) for array in (scale, shift))
        weights["bias"] = weights.get("bias", np.zeros(kernel.shape[-1])) + b @ kernel
        weights["kernel"] = a[:, None] * kernel

    return update


def _by_channel(layer: Any, scale: Array, shift: Array) -> tuple[Array, Array]:
    """Return scale and shift of each channel that a convolution reads, (C,) each.

    Raises:
        KeptError: If its places are scaled otherwise, or it puts zeros around what is shifted.
    """
    channels = layer.input.shape[-1]
    by_channel = [_of_channels(array) for array in (scale, shift)]
    if any(array is None for array in by_channel):
        raise KeptError(f"'{layer.name}' reads places that are scaled otherwise with the same weights")
    a, b = (np.broadcast_to(array, (channels,)) for array in by_channel if array is not None)
    if layer.padding != "valid" and np.any(b != 0):
        raise KeptError(f"'{layer.name}' puts zeros around its inputs, which a shift would change")
    return a, b


def _separable(folding: Folding, layer: Any, scale: Array, shift: Array) -> Callable[[], None]:
    a, b = _by_channel(layer, scale, shift)

    def update() -> None:
        weights = folding.of(layer).weights
        depthwise, pointwise = weights["depthwise_kernel"], weights["pointwise_kernel"]
        shifts = (depthwise * b[:, None]).reshape(-1, *depthwise.shape[-2:]).sum(axis=0)  # (C, multiplier)
        weights["bias"] = weights.get("bias", np.zeros(pointwise.shape[-1])) + summed(pointwise, shifts.reshape(-1))
        weights["depthwise_kernel"] = depthwise * a[:, None]

    return update


def _convolution(folding: Folding, layer: Any, scale: Array, shift: Array) -> Callable[[], None]:
    a, b = _by_channel(layer, scale, shift)

    def update() -> None:
        weights = folding.of(layer).weights
        kernel = weights["kernel"]
        weights["bias"] = weights.get("bias", np.zeros(kernel.shape[-1])) + summed(kernel, b)
        weights["kernel"] = kernel * a[:, None]

    return update


def summed(kernel: Array, inputs: Array) -> Array:
    """Return what a kernel (…, I, O) makes of inputs (I,) that are the same at all places: (O,)."""
    return np.asarray(np.tensordot(inputs, kernel, axes=(0, -2)).reshape(-1, kernel.shape[-1]).sum(axis=0))


def _of_channels(array: Array) -> Array | None:
    """Return (C,) of what is the same at all places of an example; None where it is not."""
    flat = array.reshape(-1, array.shape[-1])
    return flat[0] if np.ptp(flat, axis=0).max(initial=0) == 0 else None
