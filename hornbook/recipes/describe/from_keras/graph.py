"""Which layer of a saved Keras model reads which: models within the model taken apart, in order from front to end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hornbook.errors import UsageError
from hornbook.recipes.sections.connections import INPUT

__all__ = ["Place", "input_shape_of", "places_of"]

MODELS = {"Sequential", "Functional", "Model"}


@dataclass(frozen=True)
class Place:
    """A layer where it stands.

    Attributes:
        id: Its name; of one in a model within the model with that model's name in front.
        stored: What Keras has written of it.
        reads: The ids of what it reads; INPUT for the inputs of the model.
    """

    id: str
    stored: Mapping[str, Any]
    reads: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The name of its class."""
        return str(self.stored["class_name"])

    @property
    def config(self) -> Mapping[str, Any]:
        """Its arguments, as Keras has written them."""
        return self.stored.get("config") or {}


def input_shape_of(model: Mapping[str, Any]) -> tuple[int | None, ...] | None:
    """Return the shape of an example that a model takes; None where Keras has not written it."""
    layers = model.get("config", {}).get("layers", [])
    for layer in layers:
        if layer["class_name"] == "InputLayer" and layer["config"].get("batch_shape"):
            return tuple(layer["config"]["batch_shape"][1:])
    if layers and layers[0]["class_name"] in MODELS:
        return input_shape_of(layers[0])
    shape = (model.get("build_config") or {}).get("input_shape")
    return tuple(shape[1:]) if shape else None


def places_of(model: Mapping[str, Any], where: str) -> tuple[list[Place], str]:
    """Return (the places of a model's layers, each behind those that it reads, the id of what the model returns).

    Args:
        model: What Keras has written of the model, parsed.
        where: What to call it in messages.

    Raises:
        UsageError: If it is built in code, has several inputs or outputs, or uses a layer several times.
    """
    return _places(model, where, prefix="", outside=INPUT)


def _places(model: Mapping[str, Any], where: str, *, prefix: str, outside: str) -> tuple[list[Place], str]:
    if model.get("class_name") not in MODELS or "layers" not in model.get("config", {}):
        raise UsageError(f"{where}: this model is built in code, so its layers cannot be written down.")
    own, is_row = model["config"], model["class_name"] == "Sequential"
    inputs = [layer for layer in own["layers"] if layer["class_name"] == "InputLayer"]
    if len(inputs) > 1:
        names = ", ".join(_name(layer) for layer in inputs)
        raise UsageError(f"{where}: the model reads {names}. Only models with one input can be written.")
    found: list[Place] = []
    ids, before = dict[str, str](), outside
    for layer in own["layers"]:
        name = _name(layer)
        if layer["class_name"] == "InputLayer":
            ids[name] = outside
            continue
        reads = (before,) if is_row else tuple(ids[one] for one in _read_by(layer, ids, where))
        if layer["class_name"] in MODELS:
            if len(reads) != 1:
                raise UsageError(f"{where}: the model '{name}' in it reads {', '.join(reads)}, and a list reads one.")
            within, before = _places(layer, where, prefix=f"{prefix}{name}/", outside=reads[0])
            found += within
        else:
            before = f"{prefix}{name}"
            found.append(Place(before, layer, reads))
        ids[name] = before
    outputs = [_name(own["layers"][-1])] if is_row and own["layers"] else _ends(own.get("output_layers"))
    if len(outputs) != 1:
        raise UsageError(
            f"{where}: the model returns {', '.join(outputs) or 'nothing'}. Only models with one output can be written; "
            "several are 'heads' of a recipe."
        )
    return found, ids[outputs[0]]


def _name(layer: Mapping[str, Any]) -> str:
    return str(layer.get("config", {}).get("name") or layer.get("name"))


def _read_by(layer: Mapping[str, Any], known: Mapping[str, str], where: str) -> list[str]:
    """Return the names of the layers that a layer of a functional model reads."""
    name, calls = _name(layer), layer.get("inbound_nodes") or []
    if len(calls) > 1:
        raise UsageError(f"{where}: layer '{name}' is used {len(calls)} times. A layer of a recipe is used once.")
    tensors = [*_tensors(calls)]
    later = [source for source, _, place in tensors if place or source not in known]
    if later or not tensors:
        what = f"a further output of {', '.join(later)}" if later else "nothing"
        raise UsageError(f"{where}: layer '{name}' reads {what}. A layer of a recipe has one output, and reads others.")
    return [source for source, _, _ in tensors]


def _tensors(value: Any) -> Iterator[tuple[str, int, int]]:
    """Yield (layer, call, output) of the tensors among the arguments of a layer."""
    if isinstance(value, Mapping):
        history = value.get("config", {}).get("keras_history") if value.get("class_name") == "__keras_tensor__" else ()
        if history:
            yield str(history[0]), int(history[1]), int(history[2])
            return
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _tensors(item)


def _ends(stored: Any) -> list[str]:
    """Return the names of the layers whose outputs a model returns, as Keras writes them: [name, 0, 0], or several."""
    if isinstance(stored, list) and stored and isinstance(stored[0], str):
        return [stored[0]]
    several = stored.values() if isinstance(stored, Mapping) else stored or ()
    return [name for item in several for name in _ends(item)]
