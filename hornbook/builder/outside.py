"""What a saved model shows: inputs and outputs as users have them, around the network that reads and returns one array.

The network is a layer of the saved model, called `network`; whoever loads a run gets the network alone.
"""

import itertools
import math
from collections.abc import Callable, Collection
from typing import Any

import keras

from hornbook.builder.tokens import layer_name, text_front
from hornbook.data.facts import DataInfo
from hornbook.data.several import named_inputs
from hornbook.runs.keras_file import NETWORK
from hornbook.upstream import columns_of

__all__ = ["NETWORK", "unwrap", "wrap"]

COLUMNS = "columns"
"""What the numbers of a table's other columns are called, in a saved model that reads texts or pictures beside them."""

Tensor = Any

Free = Callable[[str], str]
"""Returns a name that no layer of the saved model has yet: the same, or with a number."""


def wrap(model: keras.Model, info: DataInfo) -> keras.Model:
    """Return the model as it is saved: the same object where its inputs and outputs are what users have.

    Inputs and outputs have the users' names where no other is called so: Keras wants each name once.

    Args:
        model: The network, from one array to one array.
        info: Facts about the data.
    """
    free = _namer({NETWORK, *(head.name for head in info.heads)})
    front, back = _front(model, info, free), _back(model, info, free)
    if front is None and back is None:
        return model
    inputs, x = front or _own_input(model, free)
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


def _namer(taken: Collection[str]) -> Free:
    """Return what names layers, none by a name that is taken and none twice."""
    used = {*taken}

    def free(name: str) -> str:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        chosen = next(each for each in itertools.chain([name], numbered) if each not in used)
        used.add(chosen)
        return chosen

    return free


def _own_input(model: keras.Model, free: Free) -> tuple[Any, Tensor]:
    """Return (an input like the network's, the same): one that both shared would be saved with a number of the process."""
    given = model.inputs[0]
    own = keras.Input(batch_shape=given.shape, dtype=given.dtype, name=free(given.name))
    return own, own


def _front(model: keras.Model, info: DataInfo, free: Free) -> tuple[Any, Tensor] | None:
    """Return (what users give, by name where it is several; the network's input from it); None where they are the same."""
    if info.kind == "tokens" and "texts" in info.extra:
        ((name, facts),) = info.extra["texts"].items()
        return text_front(free(layer_name(name)), facts, free)
    shapes = named_inputs(info)
    if shapes:
        inputs = {name: keras.Input(shape, name=free(name)) for name, shape in shapes.items()}
        return inputs, _row([_flat(x, name, free) for name, x in inputs.items()], free)
    return _of_table(info, free) if info.blocks else None


def _of_table(info: DataInfo, free: Free) -> tuple[dict[str, Tensor], Tensor]:
    """Return (``columns`` (B, F) and, by its column's name, each text and picture of a row; the row)."""
    inputs: dict[str, Tensor] = {}
    parts: list[Tensor] = []
    if info.width:
        columns = keras.Input((info.width,), name=free(COLUMNS))
        inputs[columns.name] = columns
        parts.append(columns)
    names = {block.name: free(layer_name(block.name)) for block in info.blocks}  # before the layers behind them
    for block in info.blocks:
        name = names[block.name]
        if block.kind == "text":
            inputs[name], tokens = text_front(name, info.extra["texts"][block.name], free)
            parts.append(keras.layers.Activation("linear", name=free(f"{name}_numbers"), dtype="float32")(tokens))
        else:
            inputs[name] = keras.Input(block.shape, name=name)
            parts.append(_flat(inputs[name], name, free))
    return inputs, _row(parts, free)


def _flat(x: Tensor, name: str, free: Free) -> Tensor:
    if len(x.shape) == 2:
        return x
    return keras.layers.Reshape((math.prod(x.shape[1:]),), name=free(f"{name}_row"), dtype="float32")(x)


def _row(parts: list[Tensor], free: Free) -> Tensor:
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name=free("row"), dtype="float32")(parts)


def _back(model: keras.Model, info: DataInfo, free: Free) -> Callable[[Tensor], Any] | None:
    """Return what makes outputs by name of the network's; None where they are what users get."""
    if not info.heads:
        return None

    def by_name(outputs: Tensor) -> dict[str, Tensor]:
        named, first = {}, 0
        for head in info.heads:
            columns = columns_of(outputs, slice(first, first + head.units), free(f"{head.name}_columns"))
            named[head.name] = keras.layers.Identity(name=head.name, dtype="float32")(columns)
            first += head.units
        return named

    return by_name
