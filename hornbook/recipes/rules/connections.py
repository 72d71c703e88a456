"""Rules about which layer of `model: {name: layers}` reads which: everything that is computed is read by somebody."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.connections import INPUT, JOINS, sources
from hornbook.recipes.sections.free_layer import FreeLayer
from hornbook.recipes.sections.model import Layers

PLACE: Path = ("model", "layers")


def layers_read_layers_above(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Names that two layers have, or none; layers that read too few or too many, or what comes later."""
    if not isinstance(recipe.model, Layers):
        return
    layers = recipe.model.layers
    yield from _twice(layers, {head.from_ for head in (recipe.heads or {}).values()})
    for place, layer in enumerate(layers):
        yield from _wrong_names(place, layers)
        yield from _wrong_number(place, layer)


def _twice(layers: Sequence[FreeLayer], of_heads: Collection[str | None]) -> Iterator[Problem]:
    owners: dict[str, int] = {}
    for place, layer in enumerate(layers):
        if layer.as_ is None:
            continue
        path = (*PLACE, place, "as")
        if layer.as_ == INPUT:
            yield Problem(path, f"'{INPUT}' stands for the inputs of the network.", "Use another name.")
        elif layer.as_ in of_heads and _numbered(layers).get(layer.as_, place) != place:
            other = _numbered(layers)[layer.as_] + 1
            message = f"a head begins at '{layer.as_}', which is layer {other} of the list by its number."
            yield Problem(path, message, "Use another name.")
        elif layer.as_ in owners:
            first = f"layer {owners[layer.as_] + 1} of the list ('{layers[owners[layer.as_]].name}')"
            yield Problem(path, f"'{layer.as_}' is the name of {first} already.", "Use another name.")
        else:
            owners[layer.as_] = place


def _numbered(layers: Sequence[FreeLayer]) -> dict[str, int]:
    """Return {name: place in the list} of the names that layers have without `as`: `hidden_2`, `concatenate_1`."""
    counts: Counter[str] = Counter()
    places = {}
    for place, layer in enumerate(layers):
        kind = "hidden" if layer.takes_ingredients() else layer.name
        counts[kind] += 1
        places[f"{kind}_{counts[kind]}"] = place
    return places


def _wrong_names(place: int, layers: Sequence[FreeLayer]) -> Iterator[Problem]:
    path, names = (*PLACE, place, "from"), layers[place].reads() or ()
    known = [INPUT, *(layer.as_ for layer in layers[:place] if layer.as_ is not None)]
    later = {layer.as_ for layer in layers[place:]} - {None, *known}
    for name in dict.fromkeys(names):
        if name == layers[place].as_ and name in later:
            yield Problem(
                path, f"'{name}' is this layer itself, and a layer reads what stands above it.", "Name another."
            )
        elif name in later:
            message = f"'{name}' stands below, and a layer reads what stands above it."
            yield Problem(path, message, "Write the layer that reads behind the one that is read.")
        elif name not in known:
            near = did_you_mean(name, known)
            if not near.startswith("Did"):
                near = f"{near} 'as: {name}' gives a layer this name."
            yield Problem(path, f"no layer above is called '{name}'.", near)
        elif names.count(name) > 1:
            yield Problem(path, f"'{name}' is named {names.count(name)} times.", "Name each layer once.")


def _wrong_number(place: int, layer: FreeLayer) -> Iterator[Problem]:
    names = layer.reads()
    count = 1 if names is None else len(names)
    least, most = JOINS.get(layer.name, (1, 1))
    if least <= count and (most is None or count <= most):
        return
    path: Path = (*PLACE, place) if names is None else (*PLACE, place, "from")
    if most == 1:
        message = f"'{layer.name}' reads one layer, and {count} are named."
        yield Problem(path, message, f"Join them first: '{{name: concatenate, from: [{', '.join(names or ())}]}}'.")
        return
    upto = " or more" if most is None else f" or {most}" if most > least else ""
    found = "'from' does not say which" if names is None else f"{count} {'is' if count == 1 else 'are'} named"
    message = f"'{layer.name}' reads {least}{upto} layers, and {found}."
    yield Problem(path, message, "Name layers above it: 'from: [input, deep]'.")


def every_output_is_read(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Layers whose outputs reach neither another layer nor the head, and names that nobody reads."""
    if not isinstance(recipe.model, Layers) or any(layers_read_layers_above(recipe, facts)):
        return
    layers = recipe.model.layers
    read = {place for places in sources(layers) for place in places}
    names = {head.from_ for head in (recipe.heads or {}).values()}
    names |= {name for layer in layers for name in layer.reads() or ()}
    for place, layer in enumerate(layers):
        if place not in read and place < len(layers) - 1:
            below = " and ".join(f"'{name}'" for name in layers[place + 1].reads() or ())
            message = f"nobody reads what '{layer.name}' returns: the layer below it reads {below}."
            naming = "" if layer.as_ else "a name, 'as: branch', and "
            hint = f"Give it {naming}a reader, 'from: [{layer.as_ or 'branch'}, …]', or remove it."
            yield Problem((*PLACE, place), message, hint)
        elif layer.as_ is not None and layer.as_ not in names:
            message = f"no 'from' below names '{layer.as_}'."
            yield Problem((*PLACE, place, "as"), message, f"Remove it, or read it: 'from: {layer.as_}'.")


RULES = (
    ("layer-from", ("model",), layers_read_layers_above),
    ("layer-unread", ("model", "heads"), every_output_is_read),
)
