"""What a saved model shows: inputs and outputs as users have them, around the network that reads and returns one array.

The network is a layer of the saved model, called `network`; whoever loads a run gets the network alone.
"""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import keras

from hornbook.builder.features.tokens import layer_name, text_front
from hornbook.data.facts import DataInfo
from hornbook.data.several import named_inputs
from hornbook.runs.keras_file import NETWORK
from hornbook.upstream import columns_of

__all__ = ["NETWORK", "unwrap", "wrap"]

COLUMNS = "columns"
"""What the numbers of a table's other columns are called, in a saved model that reads texts or pictures beside them."""

ENDS = ("numbers", "row", "subwords", "tokens")
"""With what the names of layers end that stand between an input and the row."""

Tensor = Any


def wrap(model: keras.Model, info: DataInfo) -> keras.Model:
    """Return the model as it is saved: the same object where its inputs and outputs are what users have.

    Args:
        model: The network, from one array to one array.
        info: Facts about the data.
    """
    front, back = _front(model, info), _back(model, info)
    if front is None and back is None:
        return model
    inputs, x = front or _own_input(model)
    outputs = keras.Model(model.input, model.output, name=NETWORK)(x)
    return keras.Model(inputs, outputs if back is None else back(outputs), name=model.name)


def unwrap(model: Any) -> Any:
    """Return the network of a saved model: the same object where it shows nothing else."""
    found = [
        layer for layer in getattr(model, "layers", ()) if layer.name == NETWORK and isinstance(layer, keras.Model)
    ]
    if not found:
        return model
    network = found[0]
    network.name = model.name
    return network


def _own_input(model: keras.Model) -> tuple[Any, Tensor]:
    """Return (an input like the network's, the same): one that both shared would be saved with a number of the process."""
    given = model.inputs[0]
    own = keras.Input(batch_shape=given.shape, dtype=given.dtype, name=given.name)
    return own, own


def _front(model: keras.Model, info: DataInfo) -> tuple[Any, Tensor] | None:
    """Return (what users give, by name where it is several; the network's input from it); None where they are the same."""
    if info.kind == "tokens" and "texts" in info.extra:
        ((name, facts),) = info.extra["texts"].items()
        return text_front(layer_name(name), facts, layer_name(name))
    if named_inputs(info):
        return _by_name(info)
    return _of_table(info) if info.blocks else None


def _by_name(info: DataInfo) -> tuple[dict[str, Tensor], Tensor]:
    """Return (each input that was given by name; the row)."""
    shapes = named_inputs(info)
    prefixes = _prefixes(shapes)
    inputs: dict[str, Tensor] = {}
    parts: list[Tensor] = []
    for name, shape in shapes.items():
        facts = info.extra["texts"][name] if name in info.texts_beside else None
        inputs[name], part = _input(name, shape, facts, prefixes[name])
        parts.append(part)
    return inputs, _row(parts, shapes)


def _of_table(info: DataInfo) -> tuple[dict[str, Tensor], Tensor]:
    """Return (``columns`` (B, F) and, by its column's name, each text and picture of a row; the row)."""
    inputs: dict[str, Tensor] = {}
    parts: list[Tensor] = []
    if info.width:
        inputs[COLUMNS] = keras.Input((info.width,), name=COLUMNS)
        parts.append(inputs[COLUMNS])
    names: dict[str, str] = {}
    for block in info.blocks:
        names[block.name] = _free(layer_name(block.name), {*names.values(), COLUMNS, NETWORK})
    prefixes = _prefixes([*names.values()])
    for block in info.blocks:
        name = names[block.name]
        facts = info.extra["texts"][block.name] if block.kind == "text" else None
        inputs[name], part = _input(name, block.shape, facts, prefixes[name])
        parts.append(part)
    return inputs, _row(parts, names.values())


def _prefixes(names: Collection[str]) -> dict[str, str]:
    """Return with what the names of each input's layers begin, so that none is called like another, or like an input."""
    prefixes: dict[str, str] = {}
    for name in names:
        prefix = layer_name(name)
        while prefix in prefixes.values() or any(f"{prefix}_{end}" in names for end in ENDS):
            prefix += "_"
        prefixes[name] = prefix
    return prefixes


def _input(name: str, shape: tuple[int, ...], facts: Mapping[str, Any] | None, prefix: str) -> tuple[Tensor, Tensor]:
    """Return (an input; its numbers as they stand in a row).

    Args:
        name: What it is called.
        shape: Of an example; of a text its token numbers.
        facts: How a text becomes these; None for numbers.
        prefix: With what the names of its layers begin.
    """
    if facts is not None:
        inputs, tokens = text_front(name, facts, prefix)
        return inputs, keras.layers.Activation("linear", name=f"{prefix}_numbers", dtype="float32")(tokens)
    inputs = keras.Input(shape, name=name)
    if len(shape) == 1:
        return inputs, inputs
    return inputs, keras.layers.Reshape((math.prod(shape),), name=f"{prefix}_row", dtype="float32")(inputs)


def _row(parts: list[Tensor], names: Collection[str]) -> Tensor:
    if len(parts) == 1:
        return parts[0]
    return keras.layers.Concatenate(name=_free("row", names), dtype="float32")(parts)


def _free(name: str, taken: Collection[str]) -> str:
    """Return a name that is not taken: the same, or with a number."""
    names = (name, *(f"{name}_{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in names if each not in taken)


def _back(model: keras.Model, info: DataInfo) -> Callable[[Tensor], Any] | None:
    """Return what makes outputs by name of the network's; None where they are what users get."""
    if not info.heads:
        return None

    def by_name(outputs: Tensor) -> dict[str, Tensor]:
        named, first = {}, 0
        for head in info.heads:
            columns = columns_of(outputs, slice(first, first + head.units), f"{head.name}_columns")
            named[head.name] = keras.layers.Identity(name=head.name, dtype="float32")(columns)
            first += head.units
        return named

    return by_name
