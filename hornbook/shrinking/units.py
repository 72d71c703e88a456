"""Units and filters without weights on one side, taken out of a network: the others compute the same without them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from hornbook.data.source import Array
from hornbook.errors import RunError
from hornbook.shrinking.fold import AVERAGES, MAXIMA, summed
from hornbook.shrinking.graph import CONVOLUTIONS, Change, Graph, hands_on, rebuilt, weight_names

__all__ = ["remove_units"]

ALONE = (
    keras.layers.ReLU, keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU, keras.layers.Activation,
    keras.layers.BatchNormalization, *AVERAGES, *MAXIMA,
)  # fmt: skip
"""Layers that treat each channel for itself."""
MIXING = {"softmax", "log_softmax", "glu", "sparsemax"}
"""Activations that do not."""
SMALLEST = 1
"""How many units every layer keeps."""


@dataclass(frozen=True)
class Stretch:
    """A layer of units, what comes after it channel by channel, and the layers of weights that read them.

    Attributes:
        layer: The layer of units.
        between: What treats each channel for itself.
        readers: The layers of weights behind that.
        is_flat: Whether places become inputs of their own on the way.
    """

    layer: Any
    between: tuple[Any, ...]
    readers: tuple[Any, ...]
    is_flat: bool


def remove_units(model: keras.Model, *, trust: bool) -> tuple[keras.Model, dict[str, int]]:
    """Return a network without dead units, and how many went, by layer.

    A unit is dead where all that it gets is zero, so that it gives the same for every input, or all that it gives is
    multiplied by zero. What a constant unit gave goes into the biases behind it.

    Args:
        model: A functional model that nobody else uses.
        trust: Whether the model's own code may be run.

    Raises:
        RunError: If no unit of a layer would be left.
    """
    removed: dict[str, int] = {}
    while True:  # without a unit, those in front of it may be dead too
        graph = Graph(model)
        changes: dict[str, Change] = {}
        for stretch in _stretches(graph):
            names = {stretch.layer.name, *(each.name for each in (*stretch.between, *stretch.readers))}
            if names & set(changes):
                continue  # in the next round
            dead = _dead(stretch)
            if dead.size:
                removed[stretch.layer.name] = removed.get(stretch.layer.name, 0) + len(dead)
                changes |= _without(stretch, dead, _constants(stretch, dead))
        if not changes:
            return model, removed
        model = rebuilt(model, changes, trust=trust)


def _stretches(graph: Graph) -> Iterator[Stretch]:
    for layer in graph.operations:
        if not isinstance(layer, (keras.layers.Dense, *CONVOLUTIONS)) or getattr(layer, "groups", 1) != 1:
            continue
        between: list[Any] = []
        here, is_flat = layer, False
        while here is not graph.last:
            readers = graph.readers(here)
            if all(_reads(reader) for reader in readers):
                yield Stretch(layer, tuple(between), tuple(readers), is_flat)
                break
            if len(readers) != 1 or not _is_alone(readers[0]):
                break
            here = readers[0]
            is_flat = is_flat or isinstance(here, keras.layers.Flatten)
            between.append(here)


def _reads(layer: Any) -> bool:
    return isinstance(layer, (keras.layers.Dense, *CONVOLUTIONS)) and getattr(layer, "groups", 1) == 1


def _is_alone(layer: Any) -> bool:
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return (
        (isinstance(layer, ALONE) and name not in MIXING) or hands_on(layer) or isinstance(layer, keras.layers.Flatten)
    )


def _weights(layer: Any) -> dict[str, Array]:
    return dict(zip(weight_names(layer), layer.get_weights(), strict=True))


def _rows(stretch: Stretch, reader: Any, units: Sequence[int] | Array) -> Array:
    """Return which inputs of a reader are those of some units."""
    count = stretch.layer.output.shape[-1]
    inputs = np.arange(reader.input.shape[-1])
    return np.flatnonzero(np.isin(inputs % count, units)) if stretch.is_flat else np.asarray(units)


def _dead(stretch: Stretch) -> Array:
    """Return the numbers of the units that can go."""
    kernel = _weights(stretch.layer)["kernel"]
    count = kernel.shape[-1]
    silent = ~np.any(kernel.reshape(-1, count) != 0, axis=0)
    unread = np.ones(count, bool)
    for reader in stretch.readers:
        weights = np.moveaxis(_weights(reader)["kernel"], -2, 0)
        used = np.any(weights.reshape(len(weights), -1) != 0, axis=1)
        unread &= ~np.asarray([used[_rows(stretch, reader, [unit])].any() for unit in range(count)])
    dead = silent | unread
    if silent.any():
        dead = unread | (silent & _goes_into_biases(stretch, silent))
    if dead.all():
        raise RunError(
            f"'{stretch.layer.name}' would lose all its {count} units: what comes out is the same for every input. Set "
            "fewer weights to zero, or keep the units with 'shrink.units: false'."
        )
    return np.flatnonzero(dead)


def _given(stretch: Stretch) -> Array:
    """Return what readers get of the biases alone: (1, …), of units without weights the same for every input."""
    layer, reader = stretch.layer, stretch.readers[0]
    weights = _weights(layer)
    bias = weights.get("bias", np.zeros(weights["kernel"].shape[-1], np.float32))
    values = np.broadcast_to(bias, [size or 1 for size in (1, *layer.output.shape[1:])]).astype(np.float32)
    given = layer.activation(keras.ops.convert_to_tensor(values)) if layer.activation is not None else values
    if not stretch.between:
        return np.asarray(given)
    return np.asarray(keras.Model(layer.output, reader.input)(given, training=False))


def _goes_into_biases(stretch: Stretch, silent: Array) -> Array:
    """Return for each unit whether what it gives for every input can be added to the biases behind it."""
    convolutions = [reader for reader in stretch.readers if isinstance(reader, CONVOLUTIONS)]
    if not convolutions:
        return np.ones_like(silent)
    name = getattr(stretch.layer.activation, "__name__", "")
    if name in MIXING:
        return np.zeros_like(silent)
    given = _given(stretch)
    flat = given.reshape(-1, given.shape[-1])
    is_even = np.ptp(flat, axis=0) == 0
    has_padding = any(reader.padding != "valid" for reader in convolutions)
    return np.asarray(is_even & (flat[0] == 0) if has_padding else is_even)


def _constants(stretch: Stretch, dead: Array) -> dict[str, Array]:
    """Return what to add to the biases of the readers for units that give the same for every input."""
    kernel = _weights(stretch.layer)["kernel"]
    silent = [unit for unit in dead if not np.any(kernel[..., unit] != 0)]
    if not silent:
        return {}
    given = _given(stretch)
    added = {}
    for reader in stretch.readers:
        rows, weights = _rows(stretch, reader, silent), _weights(reader)["kernel"].astype(np.float64)
        values = given.reshape(-1, given.shape[-1])[0, rows].astype(np.float64)
        added[reader.name] = summed(weights[..., rows, :], values)
    return added


def _without(stretch: Stretch, dead: Array, added: dict[str, Array]) -> dict[str, Change]:
    """Return what becomes of the layers of a stretch without some units."""
    layer, count = stretch.layer, stretch.layer.output.shape[-1]
    size = "units" if isinstance(layer, keras.layers.Dense) else "filters"
    changes = {layer.name: Change(_cut(layer, dead, count, axis=-1), {size: count - len(dead)})}
    for each in stretch.between:
        if each.weights:
            inputs = each.input.shape[-1]
            gone = np.flatnonzero(np.isin(np.arange(inputs) % count, dead))
            changes[each.name] = Change(_cut(each, gone, inputs, axis=-1))
    for reader in stretch.readers:
        weights, config = _weights(reader), {}
        weights["kernel"] = np.delete(weights["kernel"], _rows(stretch, reader, dead), axis=-2)
        if reader.name in added and np.any(added[reader.name] != 0):
            weights["bias"] = weights.get("bias", np.zeros(weights["kernel"].shape[-1])) + added[reader.name]
            config = {"use_bias": True}
        changes[reader.name] = Change(weights, config)
    return changes


def _cut(layer: Any, gone: Array, count: int, *, axis: int) -> dict[str, Array]:
    """Return a layer's weights without some entries of an axis that has `count` of them."""
    return {
        name: np.delete(array, gone, axis=axis) if array.ndim and array.shape[axis] == count else array
        for name, array in _weights(layer).items()
    }
