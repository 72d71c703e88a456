"""One layer of a saved Keras model, as an item of `model: {name: layers}` says it; what it cannot say becomes a note."""

import ast
from collections.abc import Mapping
from typing import Any

from hornbook.recipes.describe.from_keras.graph import Place
from hornbook.recipes.language import keras_layers
from hornbook.recipes.language.spec import Component, catalog
from hornbook.recipes.sections.free_layer import KERNELS, RECURRENT, own_ingredients
from hornbook.recipes.sections.layer_arguments import has_weights, initializer_of

__all__ = ["BOTH_WAYS", "activation_of", "initializers_of", "item_of"]

BOTH_WAYS = "bidirectional"
"""The name, until all layers are known, of one that a list can only say as several: its layers stand inside."""
UNNAMED = frozenset(
    {"name", "trainable", "dtype", "build_config", "quantization_config", "autocast", "zero_output_for_mask"}
)
OPERATIONS = {"Add": "add", "Subtract": "subtract", "Multiply": "multiply", "Maximum": "maximum", "Minimum": "minimum"}
"""What Keras makes of signs between tensors, and the layer that computes the same."""


def item_of(place: Place, notes: list[str]) -> dict[str, Any] | None:
    """Return a layer as a recipe writes it; None, and a note, where a recipe has no such layer."""
    kind, own = place.kind, place.config
    module, is_custom = str(place.stored.get("module")), bool(place.stored.get("registered_name"))
    if kind in OPERATIONS and module.startswith("keras.src.ops") and len(place.reads) == 2:
        return {"name": OPERATIONS[kind]}
    if kind in OPERATIONS and module.startswith("keras.src.ops"):
        notes.append(f"layer '{place.id}' ({kind} with a number) is left out: a list of layers joins layers only")
        return None
    if kind == "Bidirectional":
        return _both_ways(place, notes)
    names = {keras_layers.class_name(name): name for name in keras_layers.layer_names()}
    if kind not in names or is_custom:
        notes.append(f"layer '{place.id}' ({kind}) is left out: a recipe has no such layer")
        return None
    if kind == "Activation":
        return {"name": "activation", "activation": activation_of(own["activation"])}
    return _written(names[kind], own, notes)


def _both_ways(place: Place, notes: list[str]) -> dict[str, Any] | None:
    """Return a layer that reads a sequence in both directions, with the two layers inside of it."""
    names = {keras_layers.class_name(name): name for name in RECURRENT}
    directions = [place.config["layer"], place.config.get("backward_layer", place.config["layer"])]
    kinds = {direction["class_name"] for direction in directions}
    if not kinds <= set(names) or place.config.get("merge_mode") is None:
        notes.append(
            f"layer '{place.id}' (Bidirectional of {', '.join(sorted(kinds))}) is left out: a recipe has none such"
        )
        return None
    forward, backward = (_written(names[one["class_name"]], one["config"], notes) for one in directions)
    backward["go_backwards"] = not forward.get("go_backwards", False)
    return {"name": BOTH_WAYS, "join": place.config["merge_mode"], "forward": forward, "backward": backward}


def _written(name: str, own: Mapping[str, Any], notes: list[str]) -> dict[str, Any]:
    """Return a layer by its name with the arguments that are not Keras's defaults."""
    written: dict[str, Any] = {"name": name}
    ingredients = own_ingredients(name)
    if "activation" in ingredients:
        written["activation"] = activation_of(own.get("activation"))
    if "initializer" in ingredients:
        written |= initializers_of(own)
    for key, value in own.items():
        if key in UNNAMED or key in {"seed", "activation"} or key not in keras_layers.argument_names(name):
            continue
        if ingredients and any(key == f"{part}_initializer" for part in (*KERNELS, "bias")):
            continue
        if _is_default(name, key, value):
            continue
        written |= _argument(name, key, value, bool(ingredients), notes)
    if own.get("trainable") is False and has_weights(name):
        written["trainable"] = False
    return written


def _argument(layer: str, key: str, value: Any, has_ingredients: bool, notes: list[str]) -> dict[str, Any]:
    """Return one argument as a recipe writes it."""
    part, _, what = key.rpartition("_")
    if what == "regularizer":
        penalty = {
            name: float(f"{number:.7g}")
            for name, number in value["config"].items()
            if name in {"l1", "l2"} and isinstance(number, float | int) and number
        }
        if value["class_name"] not in {"L1", "L2", "L1L2"}:
            notes.append(f"layer '{layer}': {key} ({value['class_name']}) is left out: a recipe has l1 and l2")
            return {}
        return {"regularization": penalty} if has_ingredients and part in KERNELS else {key: penalty}
    if what == "initializer" and (known := plain_component("initializer", value)) is not None:
        return {key: known}
    if what in {"constraint", "initializer"}:
        notes.append(f"layer '{layer}': {key} ({value['class_name']}) is left out; see 'hornbook show {layer}'")
        return {}
    if isinstance(value, Mapping):
        notes.append(f"layer '{layer}': {key} is left out: a recipe cannot hold it")
        return {}
    return {key: value}


def _is_default(layer: str, key: str, value: Any) -> bool:
    """Return whether an argument is what Keras takes without it."""
    written = keras_layers.written_default(layer, key)
    if written is None:
        return value is None
    try:
        default = ast.literal_eval(written)
    except ValueError:
        return False
    if isinstance(value, Mapping):
        return isinstance(default, str) and _are_alike(value, default)
    if isinstance(default, int | tuple) and isinstance(value, list):
        return list(default if isinstance(default, tuple) else (default,) * len(value)) == value
    return bool(value == default or (key == "data_format" and value == "channels_last"))


def _are_alike(stored: Mapping[str, Any], default: str) -> bool:
    """Return whether a stored initializer is the one that Keras's source names: Zeros for "zeros" or "Zeros"."""
    try:
        return initializer_of(plain_component("initializer", stored)) == initializer_of(default)
    except ValueError:
        return False


def activation_of(value: Any) -> Any:
    """Return an activation as a recipe writes it."""
    if value is None:
        return "linear"
    if isinstance(value, Mapping):
        known = plain_component("activation", value)
        return known if known is not None else str(value.get("config", value.get("class_name")))
    return {"swish": "silu", "hard_swish": "hard_silu"}.get(str(value), value)


def initializers_of(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the initializers of kernel and bias as one ingredient."""
    kernel = next((own[f"{part}_initializer"] for part in KERNELS if own.get(f"{part}_initializer")), None)
    known = plain_component("initializer", kernel) if kernel is not None else None
    bias = plain_component("initializer", own["bias_initializer"]) if own.get("bias_initializer") else "zeros"
    if bias is not None and bias != "zeros" and known is not None:
        known = {**(known if isinstance(known, dict) else {"name": known}), "bias": bias}
    return {} if known is None else {"initializer": known}


def plain_component(kind: str, stored: Any) -> Any:
    """Return a serialized object of Keras as a component of a recipe: its name, or a mapping; None where there is none."""
    if isinstance(stored, str):
        return stored if stored in catalog(kind) else None
    wanted, own = stored["class_name"], stored.get("config") or {}
    for name, cls in catalog(kind).items():
        if cls.builds is not None and str(cls.builds).rpartition(":")[2] == wanted and not getattr(cls, "fixed", None):
            options = _options(cls, own if isinstance(own, Mapping) else {})
            return {"name": name, **options} if options else name
    return None


def _options(cls: type[Component], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that differ from the component's defaults."""
    return {
        key: own[key]
        for key, known in cls.model_fields.items()
        if key in own and key != "name" and own[key] is not None and own[key] != known.default
    }
