"""The layers of a saved Keras model as a backbone with ingredients where they are one, else as a list of layers."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hornbook.recipes.describe.from_keras.layers import BOTH_WAYS
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.sections.connections import INPUT, JOINS

__all__ = ["Item", "sections_of"]

Layer = dict[str, Any]
CELLS = {"simple_rnn": "simple", "lstm": "lstm", "gru": "gru"}
MERGES = {"concat": "concatenate", "sum": "add", "mul": "multiply", "ave": "average"}
ONE_BY_ONE = {"units", "return_sequences", "go_backwards"}
"""What may differ between recurrent layers of one backbone."""


@dataclass(frozen=True)
class Item:
    """One layer of the list, before it is known which of them need a name.

    Attributes:
        id: What others call it that read it.
        layer: As a recipe writes it.
        reads: The ids of what it reads.
    """

    id: str
    layer: Layer
    reads: tuple[str, ...]


def sections_of(items: Sequence[Item], notes: list[str]) -> dict[str, Any]:
    """Return `model` and the ingredients of layers; what a list cannot say becomes a note."""
    before = [INPUT, *(item.id for item in items)]
    is_row = all(item.reads == (above,) for item, above in zip(items, before, strict=False))
    layers = [item.layer for item in items]
    found = (_as_mlp(layers) or _as_rnn(layers, notes)) if is_row else None
    return found or _as_layers(_connected(_apart(items, notes)))


def _as_mlp(layers: Sequence[Layer]) -> dict[str, Any] | None:
    """Return the sections of a stack of dense layers that are all alike but for their width; None for anything else."""
    rest = list(layers)
    if rest and rest[0] == {"name": "flatten"}:
        del rest[0]
    if not rest:
        return {"model": {"name": "mlp"}}
    blocks = _blocks(rest, {"dense"})
    if blocks is None:
        return None
    shapes = {json.dumps([_without(layer, {"units"}) for layer in block], sort_keys=True) for block in blocks}
    if len(shapes) != 1:
        return None
    found = _ingredients(blocks[0])
    return (
        None if found is None else {"model": {"name": "mlp", "units": [block[0]["units"] for block in blocks]}, **found}
    )


def _as_rnn(layers: Sequence[Layer], notes: list[str]) -> dict[str, Any] | None:
    """Return the sections of layers that read both ways, then dense ones, with the same ingredients; else None."""
    rest, model = list(layers), dict[str, Any](name="rnn")
    tokens = rest.pop(0) if rest and set(rest[0]) == {"name", "input_dim", "output_dim", "mask_zero"} else None
    if tokens is not None:
        model["embedding"] = tokens["output_dim"]
    blocks = _blocks(rest, {BOTH_WAYS, "dense"})
    cells = [*itertools.takewhile(lambda block: block[0]["name"] == BOTH_WAYS, blocks or ())]
    if blocks is None or not cells:
        return None
    dense, ways = blocks[len(cells) :], [cell[0][way] for cell in cells for way in ("forward", "backward")]
    alike = {json.dumps(_without(way, ONE_BY_ONE), sort_keys=True) for way in ways}
    steps = [way.get("return_sequences", False) for way in ways]
    is_whole = steps == [True] * (len(ways) - 2) + [False] * 2
    if len(alike) != 1 or not is_whole or any(cell[0]["join"] != "concat" for cell in cells):
        return None
    own = _without(ways[0], ONE_BY_ONE)
    model |= {"cell": CELLS.get(own.pop("name")), "units": [cell[0]["forward"]["units"] for cell in cells]}
    model["bidirectional"] = True
    if own.get("recurrent_dropout"):
        model["recurrent_dropout"] = own.pop("recurrent_dropout")
    if model["cell"] is None or any(way.get("go_backwards") for way in ways[::2]) or "use_bias" in own:
        return None
    found = [_ingredients([{**own, "name": "dense"}, *cell[1:]]) for cell in cells] + [
        _ingredients(one) for one in dense
    ]
    if found[0] is None or "normalization" in found[0] or any(one != found[0] for one in found):
        return None
    if tokens is not None:
        notes.append(f"the embedding has {tokens['input_dim']:,} tokens: the data says how many there are")
    return {"model": model | ({"dense": [one[0]["units"] for one in dense]} if dense else {}), **found[0]}


def _blocks(layers: Sequence[Layer], begins: set[str]) -> list[list[Layer]] | None:
    """Return the layers in blocks, each of which begins with one of the names; None where the first one does not."""
    blocks: list[list[Layer]] = []
    for layer in layers:
        if layer["name"] in begins:
            blocks.append([])
        elif not blocks:
            return None
        blocks[-1].append(layer)
    return blocks


def _without(layer: Mapping[str, Any], keys: set[str]) -> Layer:
    return {key: value for key, value in layer.items() if key not in keys}


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
        options = {key: value for key, value in normal[0].items() if key != "name"}
        if set(options) - set(catalog("normalization")[normal[0]["name"]].model_fields):
            return None
        options |= position
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


def _apart(items: Sequence[Item], notes: list[str]) -> list[Item]:
    """Return the items with a layer that reads both ways as two layers and what joins them."""
    found: list[Item] = []
    skipped: dict[str, str] = {}
    for item in items:
        own = replace(item, reads=tuple(skipped.get(one, one) for one in item.reads))
        if item.layer["name"] != BOTH_WAYS:
            found.append(own)
        elif any(item.layer[way].get("return_sequences") for way in ("forward", "backward")):
            skipped[item.id] = own.reads[0]
            notes.append(
                f"layer '{item.id}' (Bidirectional) is left out: in a list of layers only the last of them can be written, "
                "which returns no sequence; 'model: {name: rnn, bidirectional: true}' has more of them"
            )
        else:
            ways = [f"{item.id}_forward", f"{item.id}_backward"]
            found += [Item(ways[0], item.layer["forward"], own.reads), Item(ways[1], item.layer["backward"], own.reads)]
            found.append(Item(item.id, {"name": MERGES[item.layer["join"]]}, tuple(ways)))
    return found


def _connected(items: Sequence[Item]) -> list[Layer]:
    """Return the layers, with `as` and `from` where one does not read the one above it alone."""
    before = [INPUT, *(item.id for item in items)]
    is_joined = [
        item.layer["name"] in JOINS or item.reads != (above,) for item, above in zip(items, before, strict=False)
    ]
    named: dict[str, str] = {INPUT: INPUT}
    for item in itertools.compress(items, is_joined):
        for one in item.reads:
            named.setdefault(one, _fresh(one, {*named.values()}))
    layers = []
    for item, joins in zip(items, is_joined, strict=True):
        layer = dict(item.layer)
        if item.id in named:
            layer["as"] = named[item.id]
        if joins:
            read = [named[one] for one in item.reads]
            layer["from"] = read if len(read) > 1 else read[0]
        layers.append(layer)
    return layers


def _fresh(name: str, taken: set[str]) -> str:
    """Return a name of letters, digits and `_` that no other layer has."""
    plain = re.sub(r"\W", "_", name.rpartition("/")[2], flags=re.ASCII)
    plain = plain if plain[:1].isalpha() else f"layer_{plain}"
    others = (f"{plain}_{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([plain], others) if one not in taken)


def _as_layers(layers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sections of any list of layers; what most have in common is an ingredient of all."""
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
