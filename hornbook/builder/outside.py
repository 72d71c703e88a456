"""What a saved model shows: inputs and outputs as users have them, around the network that reads and returns one array.

The network is a layer of the saved model, called `network`; whoever loads a run gets the network alone.
"""

import math
from collections.abc import Callable
from typing import Any

import keras

from hornbook.builder.tokens import text_front
from hornbook.data.several import named_inputs
from hornbook.data.source import DataInfo
from hornbook.runs.keras_file import NETWORK
from hornbook.upstream import columns_of

__all__ = ["NETWORK", "unwrap", "wrap"]

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
        return text_front(name, facts)
    shapes = named_inputs(info)
    if not shapes:
        return None
    inputs = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    flat = [
        x
        if len(x.shape) == 2
        else keras.layers.Reshape((math.prod(x.shape[1:]),), name=f"{name}_row", dtype="float32")(x)
        for name, x in inputs.items()
    ]
    if len(flat) == 1:
        return inputs, flat[0]
    return inputs, keras.layers.Concatenate(name="row", dtype="float32")(flat)


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
