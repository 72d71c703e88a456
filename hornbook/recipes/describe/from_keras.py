"""The recipe of a saved Keras model, as far as a recipe can say it: layers in a row, and what it was compiled with."""

import ast
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hornbook.errors import UsageError
from hornbook.recipes.describe.from_keras_training import training_of
from hornbook.recipes.language import keras_layers
from hornbook.recipes.language.spec import Component, catalog
from hornbook.recipes.sections.free_layer import KERNELS, own_ingredients

__all__ = ["KerasRecipe", "described", "plain_component"]

SEQUENTIAL = {"Sequential", "Functional", "Model"}
SCALES = {"Rescaling": "scales images by itself", "Normalization": "standardizes: data.standardize"}
HEADS = {"softmax": "multiclass", "linear": "regression"}
UNNAMED = frozenset(
    {"name", "trainable", "dtype", "build_config", "quantization_config", "autocast", "zero_output_for_mask"}
)


@dataclass(frozen=True)
class KerasRecipe:
    """What a recipe says of a Keras model.

    Attributes:
        sections: {key: plain value} of the recipe, without data.
        notes: What it cannot say, or says otherwise, one line each.
    """

    sections: dict[str, Any]
    notes: tuple[str, ...]


@dataclass
class _Network:
    """What is gathered while the layers are read."""

    layers: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def described(config: Mapping[str, Any], where: str) -> KerasRecipe:
    """Return what a recipe says of the config of a saved model.

    Args:
        config: What Keras has written, parsed.
        where: What to call the model in messages.

    Raises:
        UsageError: If its layers are not in a row, or none of them can be a head.
    """
    row = _in_a_row(config, where)
    network = _Network()
    hidden = _without_front(row, network)
    head, hidden = _head(hidden, where)
    for layer in hidden:
        _add(layer, network)
    sections = _as_mlp(network.layers) or _as_layers(network.layers)
    units, activation = head["config"]["units"], _activation(head["config"].get("activation"))
    task = HEADS.get(_name(activation)) or ("binary" if units == 1 else "multilabel")
    compiled, notes = training_of(config.get("compile_config"), task)
    task = compiled.pop("task", task)
    if task == "multilabel" or (task == "regression" and units > 1):
        notes.append(f"the head has {units} outputs: the data needs as many target columns")
    elif task == "multiclass":
        notes.append(f"the head has {units} classes: the data says how many there are")
    heads: dict[str, Any] = compiled.pop("head", {})
    if _name(activation) not in {"softmax", "sigmoid", "linear"}:
        heads = {"activation": activation, **heads}
    sections = {"task": task, **({"head": heads} if heads else {}), **sections, **compiled}
    network.notes += notes
    network.notes.append(f"weights are not in a recipe: 'reuse: {{from: {where}}}' begins with those of the model")
    return KerasRecipe(sections, tuple(network.notes))


def _in_a_row(config: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    """Return the layers in order, without inputs; those of a model in the model in its place."""
    if config.get("class_name") not in SEQUENTIAL or "layers" not in config.get("config", {}):
        raise UsageError(f"{where}: this model is built in code, so its layers cannot be written down.")
    found: list[Mapping[str, Any]] = []
    before = ""
    for layer in config["config"]["layers"]:
        own = layer.get("config", {})
        name = str(own.get("name") or layer.get("name"))
        parents = _parents(layer.get("inbound_nodes"))
        if config["class_name"] != "Sequential" and layer["class_name"] != "InputLayer" and parents != [before]:
            raise UsageError(
                f"{where}: layer '{name}' reads {', '.join(parents) or 'nothing'}, and the layer in front of it is "
                f"'{before}'. Only models whose layers are in a row can be written."
            )
        before = name
        if layer["class_name"] in SEQUENTIAL:
            found += _in_a_row(layer, where)
        elif layer["class_name"] != "InputLayer":
            found.append(layer)
    return found


def _parents(value: Any) -> list[str]:
    """Return the names of the layers whose outputs the arguments of a layer are."""
    if isinstance(value, Mapping):
        history = (
            value.get("config", {}).get("keras_history") if value.get("class_name") == "__keras_tensor__" else None
        )
        return [str(history[0])] if history else [name for item in value.values() for name in _parents(item)]
    return [name for item in value for name in _parents(item)] if isinstance(value, list) else []


def _without_front(row: list[Mapping[str, Any]], network: _Network) -> list[Mapping[str, Any]]:
    """Return the layers without those in front that Hornbook has from the data."""
    place = 0
    while place < len(row) and row[place]["class_name"] in SCALES:
        kind = row[place]["class_name"]
        network.notes.append(f"{kind} in front is left out: Hornbook {SCALES[kind]}, inside the model")
        place += 1
    return row[place:]


def _head(row: list[Mapping[str, Any]], where: str) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
    """Return (the last dense layer with the activation behind it, the layers in front of it)."""
    rest = list(row)
    activation = None
    if rest and rest[-1]["class_name"] in {"Activation", "Softmax"}:
        last = rest.pop()
        activation = last["config"].get("activation", "softmax")
    if not rest or rest[-1]["class_name"] != "Dense":
        found = rest[-1]["class_name"] if rest else "nothing"
        raise UsageError(
            f"{where}: ends in {found}. A recipe's head is a dense layer: only models that end in one are written."
        )
    head = rest.pop()
    own = dict(head["config"])
    if activation is not None:
        own["activation"] = activation
    return {**head, "config": own}, rest


def _add(layer: Mapping[str, Any], network: _Network) -> None:
    """Write one layer down, or a note that it cannot be."""
    names = {keras_layers.class_name(name): name for name in keras_layers.layer_names()}
    kind, own = layer["class_name"], layer["config"]
    name = names.get(kind)
    if name is None or layer.get("registered_name"):
        network.notes.append(f"layer '{own.get('name', kind)}' ({kind}) is left out: a recipe has no such layer")
        return
    if kind == "Activation":
        network.layers.append({"name": "activation", "activation": _activation(own["activation"])})
        return
    written: dict[str, Any] = {"name": name}
    ingredients = own_ingredients(name)
    if "activation" in ingredients:
        written["activation"] = _activation(own.get("activation"))
    if "initializer" in ingredients:
        written |= _initializer(own)
    for key, value in own.items():
        if key in UNNAMED or key in {"seed", "activation"} or key not in keras_layers.argument_names(name):
            continue
        if ingredients and any(key == f"{part}_initializer" for part in (*KERNELS, "bias")):
            continue
        if _is_default(name, key, value):
            continue
        written |= _argument(name, key, value, bool(ingredients), network)
    if own.get("trainable") is False and kind != "Dropout":
        written["trainable"] = False
    network.layers.append(written)


def _argument(layer: str, key: str, value: Any, has_ingredients: bool, network: _Network) -> dict[str, Any]:
    """Return one argument as a recipe writes it."""
    part, _, what = key.rpartition("_")
    if what == "regularizer":
        penalty = {name: number for name, number in value["config"].items() if name in {"l1", "l2"} and number}
        return {"regularization": penalty} if has_ingredients and part in KERNELS else {key: penalty}
    if what in {"constraint", "initializer"}:
        network.notes.append(f"layer '{layer}': {key} ({value['class_name']}) is left out; see 'hornbook show {layer}'")
        return {}
    if isinstance(value, Mapping):
        network.notes.append(f"layer '{layer}': {key} is left out: a recipe cannot hold it")
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
    if isinstance(value, Mapping):  # an initializer by its class: Zeros for "zeros"
        return isinstance(default, str) and plain_component("initializer", value) == default
    if isinstance(default, int | tuple) and isinstance(value, list):
        return list(default if isinstance(default, tuple) else (default,) * len(value)) == value
    return bool(value == default or (key == "data_format" and value == "channels_last"))


def _activation(value: Any) -> Any:
    """Return an activation as a recipe writes it."""
    if value is None:
        return "linear"
    if isinstance(value, Mapping):
        found = plain_component("activation", value)
        return found if found is not None else str(value.get("config", value.get("class_name")))
    return {"swish": "silu", "hard_swish": "hard_silu"}.get(str(value), value)


def _initializer(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the initializers of kernel and bias as one ingredient."""
    kernel = next((own[f"{part}_initializer"] for part in KERNELS if own.get(f"{part}_initializer")), None)
    found = plain_component("initializer", kernel) if kernel is not None else None
    bias = plain_component("initializer", own["bias_initializer"]) if own.get("bias_initializer") else "zeros"
    if bias not in {"zeros", None} and found is not None:
        found = {**(found if isinstance(found, dict) else {"name": found}), "bias": bias}
    return {} if found is None else {"initializer": found}


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


def _as_mlp(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the sections of a stack of dense layers that are all alike but for their width; None for anything else."""
    rest = [dict(layer) for layer in layers]
    if rest and rest[0] == {"name": "flatten"}:
        del rest[0]
    if not rest:
        return {"model": {"name": "mlp"}}
    blocks: list[list[dict[str, Any]]] = []
    for layer in rest:
        if layer["name"] == "dense":
            blocks.append([])
        elif not blocks:
            return None
        blocks[-1].append(layer)
    shapes = {json.dumps([_unwidened(layer) for layer in block], sort_keys=True) for block in blocks}
    if len(shapes) != 1:
        return None
    found = _ingredients(blocks[0])
    return (
        None if found is None else {"model": {"name": "mlp", "units": [block[0]["units"] for block in blocks]}, **found}
    )


def _unwidened(layer: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in layer.items() if key != "units"}


def _ingredients(block: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the ingredients that make a block of these layers; None where none do."""
    dense, *rest = block
    if set(dense) - {"name", "units", "activation", "initializer", "regularization", "use_bias"}:
        return None
    found: dict[str, Any] = {key: dense[key] for key in ("initializer", "activation") if key in dense}
    regularization = dict(dense.get("regularization", {}))
    order = [layer["name"] for layer in rest]
    if "activation" in order:
        if found.get("activation") != "linear" or set(rest[order.index("activation")]) != {"name", "activation"}:
            return None
        found["activation"] = rest[order.index("activation")]["activation"]
    normal = [layer for layer in rest if layer["name"] in catalog("normalization")]
    is_before = bool(normal) and "activation" in order and order.index(normal[0]["name"]) < order.index("activation")
    if normal:
        position = {} if is_before or found["activation"] == "linear" else {"position": "after_activation"}
        options = {key: value for key, value in normal[0].items() if key != "name"} | position
        found["normalization"] = {"name": normal[0]["name"], **options} if options else normal[0]["name"]
    centers = bool(normal) and normal[0]["name"] == "batch_normalization" and is_before
    if dense.get("use_bias", True) is centers:
        return None
    drops = [layer for layer in rest if layer["name"] == "dropout"]
    if drops:
        regularization["dropout"] = drops[0]["rate"]
    expected = ([normal[0]["name"], "activation"] if is_before else
                [*(["activation"] if "activation" in order else []), *(layer["name"] for layer in normal)])  # fmt: skip
    if order != [*expected, *(["dropout"] if drops else [])] or any(set(layer) != {"name", "rate"} for layer in drops):
        return None
    return found | ({"regularization": regularization} if regularization else {})


def _as_layers(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sections of any row of layers; what most have in common is an ingredient of all."""
    common = {}
    for key in ("initializer", "activation"):
        texts = Counter(json.dumps(layer[key]) for layer in layers if key in layer and layer["name"] != "activation")
        if texts:
            common[key] = json.loads(texts.most_common(1)[0][0])
    short = [
        {
            key: value
            for key, value in layer.items()
            if layer["name"] == "activation" or key not in common or value != common[key]
        }
        for layer in layers
    ]
    plain = [layer["name"] if set(layer) == {"name"} else layer for layer in short]
    return {"model": {"name": "layers", "layers": plain}, **common}


def _name(value: Any) -> str:
    return value["name"] if isinstance(value, dict) else str(value)
