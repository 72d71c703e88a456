"""What `hornbook list` and `hornbook show` say: names and summaries, and one thing with all its options.

Everything is read from the catalog and the classes in it, so a component of yours appears like ours. No TensorFlow.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hornbook.errors import UsageError
from hornbook.recipes.describe.docstrings import body, example, one_line, source, without_source
from hornbook.recipes.describe.layers import describe_layer, layer_summary
from hornbook.recipes.describe.pages import Description, Option, as_text
from hornbook.recipes.describe.schema import json_schema, spec_schema
from hornbook.recipes.describe.words import default_in_words, type_in_words
from hornbook.recipes.language.hints import did_you_mean, is_same, nearest
from hornbook.recipes.language.keras_layers import layer_names
from hornbook.recipes.language.spec import KINDS, Component, catalog, noun, summary
from hornbook.recipes.load import shipped_recipes
from hornbook.recipes.sections.regularization import Regularization

__all__ = ["Description", "Option", "as_text", "list_lines", "options_of", "recipe_summary", "sections", "show"]

PLURALS = {
    "recipe": "recipes",
    "data": "data",
    "model": "models",
    "layer": "layers",
    "initializer": "initializers",
    "activation": "activations",
    "normalization": "normalizations",
    "regularization": "regularization",
    "optimizer": "optimizers",
    "schedule": "schedules",
    "loss": "losses",
    "metric": "metrics",
    "pretraining": "pretraining",
    "embedding": "embeddings",
    "tuner": "tuners",
    "tracker": "trackers",
    "section": "sections",
}
OVERVIEW = {
    "recipe": "complete recipes to train, copy and change",
    "data": "data sources: bundled, named, computed, and your own files",
    "model": "backbones",
    "embedding": "what becomes of each number column, in 'model.numbers'",
    "layer": "Keras layers for 'model: {name: layers}'",
    "regularization": "techniques, in any combination",
    "loss": "losses of the head",
    "pretraining": "what hidden layers can learn from without labels",
    "tuner": "who decides what a sweep tries next",
    "tracker": "where a run is shown besides its folder",
    "section": "keys of a recipe that hold keys of their own",
}
FACTS = {
    "tasks": "For tasks",
    "accepts": "Reads",
    "suits": "Initializer that suits it",
    "from_logits": "Needs a head with",
    "mode": "Better",
    "data_kind": "Holds",
    "task_hint": "Task",
    "known_classes": "Classes",
    "known_columns": "Columns",
}


def list_lines(what: str | None = None) -> list[tuple[str, str]]:
    """Return (name, summary) of everything of one kind, by name in the order of the docs; without a kind, the kinds.

    Raises:
        UsageError: If there is no such kind.
    """
    if what is None:
        counts = {
            kind: f"{len(_names(kind))} " for kind in PLURALS if kind != "section"
        }  # counting those takes a while
        return [(plural, counts.get(kind, "") + OVERVIEW.get(kind, plural)) for kind, plural in PLURALS.items()]
    kind = _kind(what)
    if kind == "recipe":
        return [(name, recipe_summary(text)) for name, text in shipped_recipes().items()]
    if kind == "layer":
        return [(name, layer_summary(name)) for name in layer_names()]
    if kind == "regularization":
        return [(name, one_line(without_source(text))) for name, text in _regularizations().items()]
    if kind == "section":
        return [(name, f"{path}: {definition['description']}".split("\n")[0]) for name, path, definition in sections()]
    return [(name, _summary(cls)) for name, cls in catalog(kind).items()]


def show(kind: str, name: str | None = None) -> Description:
    """Return everything there is to say about one component, layer, section or shipped recipe.

    Args:
        kind: The kind, singular or plural; without a `name`, what to show, whatever its kind.
        name: Its name.

    Raises:
        UsageError: If there is no such kind, or nothing of that name in it; with the nearest name.
    """
    if name is None:
        kind, name = _found_anywhere(kind), kind
    kind = _kind(kind)
    name = name.removesuffix(".yaml") if kind == "recipe" else name
    names = _names(kind)
    if name not in names:
        near = did_you_mean(name, names, kind=kind)
        hint = near if not near.startswith("Known") else f"'hornbook list {PLURALS[kind]}' shows all of them."
        raise UsageError(f"unknown {noun(kind)} '{name}'. {hint}")
    if kind == "recipe":
        text = shipped_recipes()[name]
        return Description(kind, name, recipe_summary(text), example=text.rstrip())
    if kind == "layer":
        return describe_layer(name)
    if kind == "regularization":
        return _regularization(name)
    if kind == "section":
        return _section(name)
    return _component(catalog(kind)[name])


def recipe_summary(text: str) -> str:
    """Return what a recipe's text says about itself: its first line of comment."""
    comments = [line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#")]
    return next((line for line in comments if line and not line.startswith("yaml-language-server")), "")


def sections() -> list[tuple[str, str, dict[str, Any]]]:
    """Return (key, path, JSON Schema) of every key that holds keys of its own: ``early_stopping``, ``split`` …"""
    schema = json_schema()
    found: dict[str, tuple[str, str, dict[str, Any]]] = {}

    def visit(properties: Mapping[str, Any], path: str) -> None:
        for key, value in properties.items():
            for reference in _references(value):
                definition = schema["$defs"][reference]
                if reference in KINDS and not path:
                    for branch in _references({"anyOf": definition["anyOf"][1]["oneOf"]}):
                        visit(schema["$defs"][branch]["properties"], f"{key}.")
                elif "properties" in definition and key not in found:
                    found[key] = (key, f"{path}{key}", definition)
                    visit(definition["properties"], f"{path}{key}.")

    visit(schema["properties"], "")
    return list(found.values())


def options_of(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> list[Option]:
    """Return the keys of a section's or component's JSON Schema."""
    definitions = schema.get("$defs", {}) if definitions is None else definitions
    found = []
    for name, item in schema["properties"].items():
        default = default_in_words(item, is_required=name in schema.get("required", ()))
        inner = [definitions.get(reference, {}).get("description", "") for reference in _references(item)]
        text = item.get("description") or next((text.split("\n", 1)[0] for text in inner if text), "")
        found.append(Option(name, type_in_words(item, definitions), default, one_line(text)))
    return found


def _references(schema: Mapping[str, Any]) -> list[str]:
    branches: list[Any] = [schema, *schema.get("anyOf", ())]
    branches += [value for branch in branches for value in branch.get("patternProperties", {}).values()]  # by name
    return [branch["$ref"].removeprefix("#/$defs/") for branch in branches if "$ref" in branch]


def _kind(word: str) -> str:
    plain = word.lower().replace("-", "_")
    for kind, plural in PLURALS.items():
        if plain in {kind, plural}:
            return kind
    near = did_you_mean(plain, [*PLURALS, *PLURALS.values()])
    hint = near if near.startswith("Did") else f"Known: {', '.join(PLURALS.values())}."
    raise UsageError(f"there are no '{word}'. {hint}")


def _found_anywhere(name: str) -> str:
    """Return the kind that a name is of; layers and sections only where no ingredient has the name."""
    plain = name.removesuffix(".yaml")
    ingredients = [kind for kind in PLURALS if kind not in {"layer", "section"}]
    for kinds in (ingredients, ["section"], ["layer"]):
        found = [kind for kind in kinds if plain in _names(kind)]
        if len(found) == 1:
            return found[0]
        if found:
            which = " or ".join(f"'hornbook show {kind} {plain}'" for kind in found)
            raise UsageError(f"there are several '{plain}'. Use {which}.")
    if plain in {*PLURALS, *PLURALS.values()}:
        raise UsageError(f"which {noun(_kind(plain))}? 'hornbook list {PLURALS[_kind(plain)]}' shows all of them.")
    words = [nearest(plain, names, kind=kind) for kind in PLURALS if is_same(plain, names := _names(kind), kind=kind)]
    best = next(filter(None, words), None) or nearest(plain, [known for kind in PLURALS for known in _names(kind)])
    hint = f"Did you mean '{best}'?" if best else "'hornbook list' shows what there is."
    raise UsageError(f"there is nothing called '{name}'. {hint}")


def _names(kind: str) -> Collection[str]:
    if kind == "recipe":
        return shipped_recipes()
    if kind == "layer":
        return layer_names()
    if kind == "regularization":
        return _regularizations()
    if kind == "section":
        return [name for name, _, _ in sections()]
    return catalog(kind)


def _regularizations() -> dict[str, str]:
    return {option.name: option.help for option in options_of(spec_schema(Regularization))}


def _summary(cls: type[Component]) -> str:
    tasks = getattr(cls, "tasks", ())
    return summary(cls) + (f" For {', '.join(tasks)}." if tasks else "")


def _component(cls: type[Component]) -> Description:
    name = cls.model_fields["name"].default
    options = [option for option in options_of(spec_schema(cls)) if option.name != "name"]
    text = body(cls)
    return Description(
        kind=cls.kind,
        name=name,
        text=without_source(text),
        options=tuple(option for option in options if option.name not in cls.shared),
        shared=tuple(option for option in options if option.name in cls.shared),
        facts=tuple((label, value) for label, value in _facts(cls) if value),
        source=source(text),
        example=example(cls),
        builds=(cls.builds or "").replace(":", "."),
    )


def _regularization(name: str) -> Description:
    schema = spec_schema(Regularization)
    option = next(option for option in options_of(schema) if option.name == name)
    value = schema["properties"][name]["examples"][0]
    return Description(
        kind="regularization",
        name=name,
        text=without_source(option.help),
        options=(Option(name, option.type, option.default, ""),),
        source=source(option.help),
        example=f"regularization: {{{name}: {value}}}",
    )


def _section(name: str) -> Description:
    path, definition = next((path, definition) for key, path, definition in sections() if key == name)
    text = definition["description"]
    return Description(
        kind="section",
        name=name,
        text=without_source(text),
        options=tuple(options_of(definition, json_schema()["$defs"])),
        facts=(("Key", path),),
        source=source(text),
    )


def _facts(cls: type[Component]) -> Iterable[tuple[str, str]]:
    for attribute, label in FACTS.items():
        value = getattr(cls, attribute, None)
        if value is not None and not isinstance(value, property):  # a property depends on the options
            yield label, value if isinstance(value, str) else ", ".join(map(str, value))
