"""A network as layers and who reads whose outputs, and the same network made anew with other layers in some places."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from hornbook.data.source import Array
from hornbook.errors import RunError
from hornbook.exports.stripped import OF_TRAINING
from hornbook.upstream import reason

__all__ = [
    "CONVOLUTIONS",
    "DEPTHWISE",
    "SEPARABLE",
    "Change",
    "Graph",
    "hands_on",
    "loaded_again",
    "rebuilt",
    "without_halves",
]

CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
PLACEHOLDER = "augmentation_"
"""How the names of layers begin that stand where training changes images."""


class Graph:
    """The layers of a functional model, each used once.

    Args:
        model: Freshly loaded: none of its layers belongs to another model too.

    Raises:
        RunError: If a layer is used in several places, or the model has several inputs or outputs.
    """

    def __init__(self, model: keras.Model) -> None:
        if len(model.inputs) != 1 or len(model.outputs) != 1:
            raise RunError(
                f"a model of {len(model.inputs)} inputs and {len(model.outputs)} outputs is not made smaller."
            )
        shared = [row["config"]["name"] for row in model.get_config()["layers"] if len(row["inbound_nodes"]) > 1]
        if shared:
            raise RunError(
                f"'{shared[0]}' is used in several places of the network with the same weights, so none of them can be "
                "changed alone. Such a model is not made smaller."
            )
        self.model = model
        self.operations: list[Any] = list(model.operations)
        makers = {id(operation.output): operation for operation in self.operations if not _is_many(operation.output)}
        self._parents: dict[str, list[Any]] = {}
        self._readers: dict[str, list[Any]] = {operation.name: [] for operation in self.operations}
        for operation in self.operations:
            if isinstance(operation, keras.layers.InputLayer):
                self._parents[operation.name] = []
                continue
            tensors = [tensor for tensor in keras.tree.flatten(operation.input) if id(tensor) in makers]
            self._parents[operation.name] = [makers[id(tensor)] for tensor in tensors]
            for parent in self._parents[operation.name]:
                self._readers[parent.name].append(operation)
        self.last = makers[id(model.outputs[0])]

    def parents(self, operation: Any) -> list[Any]:
        """Return whose outputs an operation reads."""
        return self._parents[operation.name]

    def readers(self, operation: Any) -> list[Any]:
        """Return who reads an operation's output."""
        return self._readers[operation.name]

    def only_parent(self, operation: Any) -> Any | None:
        """Return the one whose output an operation reads and nobody else does; None where there is none such."""
        parents = self.parents(operation)
        is_alone = len(parents) == 1 and len(self.readers(parents[0])) == 1 and parents[0] is not self.last
        return parents[0] if is_alone else None


def _is_many(value: Any) -> bool:
    return isinstance(value, list | tuple | dict)


def hands_on(operation: Any) -> bool:
    """Return whether an operation hands on what it gets, once training is over."""
    return isinstance(operation, OF_TRAINING) and not operation.name.startswith(PLACEHOLDER)


@dataclass
class Change:
    """What becomes of a layer.

    Attributes:
        weights: {name: array} in place of its own.
        config: {argument: value} in place of its own.
        is_gone: Whether its input takes the place of its output.
        layer: Another layer in its place.
    """

    weights: dict[str, Array] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    is_gone: bool = False
    layer: keras.layers.Layer | None = None


def weight_names(layer: Any) -> list[str]:
    """Return the names of a layer's weights, in their order."""
    return [variable.path.rsplit("/", 1)[-1] for variable in layer.weights]


def rebuilt(model: keras.Model, changes: Mapping[str, Change], *, trust: bool) -> keras.Model:
    """Return a new model with changed layers in their places; the others are the same as before.

    Args:
        model: A functional model. Do not use it any more: layers that stay are shared until this returns.
        changes: {name of a layer: what becomes of it}.
        trust: Whether the model's own code may be run.
    """
    filled: list[tuple[Any, list[Array]]] = []

    def make(operation: Any) -> Any:
        change = changes.get(operation.name)
        if change is None or change.is_gone or not isinstance(operation, keras.layers.Layer):
            return operation
        if change.layer is not None:
            return change.layer
        layer: Any = type(operation).from_config({**operation.get_config(), **change.config})
        added = {name: array for name, array in change.weights.items() if name not in weight_names(operation)}
        pairs = zip(weight_names(operation), operation.get_weights(), strict=True)
        filled.append((layer, [*(change.weights.get(name, own) for name, own in pairs), *added.values()]))
        return layer

    def call(operation: Any, *tensors: Any, **arguments: Any) -> Any:
        change = changes.get(operation.name)
        return tensors[0] if change is not None and change.is_gone else operation(*tensors, **arguments)

    made = keras.models.clone_model(model, clone_function=make, call_function=call)
    made.name = model.name
    for layer, weights in filled:
        layer.set_weights([np.asarray(array, np.float32) for array in weights])
    return loaded_again(made, trust=trust)


def loaded_again(model: keras.Model, *, trust: bool) -> keras.Model:
    """Return a model as it is read back from a file: layers of its own, each used once, with all that they know.

    Raises:
        RunError: If Keras cannot read what it has written.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
            return keras.models.load_model(path, compile=False, safe_mode=not trust)
        except Exception as error:
            raise RunError(f"the model that is made smaller cannot be saved and loaded ({reason(error)}).") from error


def without_halves(model: keras.Model, *, trust: bool) -> keras.Model:
    """Return a model that computes in float32, whatever its layers computed in."""
    halves = [
        layer for layer in model.layers
        if getattr(layer, "compute_dtype", "float32") in {"float16", "bfloat16"} and not _has_inner(layer)
    ]  # fmt: skip
    if not halves:
        return model
    return rebuilt(model, {layer.name: Change(config={"dtype": "float32"}) for layer in halves}, trust=trust)


def _has_inner(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Bidirectional | keras.layers.Wrapper)
