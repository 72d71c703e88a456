"""Says in words what a key of a recipe takes, from its JSON Schema: "number > 0", "list: text"."""

from collections.abc import Mapping
from typing import Any

import yaml

from hornbook.recipes.language.spec import KINDS, article, noun

__all__ = ["default_in_words", "flow_yaml", "type_in_words"]

BELOW = (("maximum", "≤"), ("exclusiveMaximum", "<"))
ABOVE = (("minimum", ("≤", "≥")), ("exclusiveMinimum", ("<", ">")))
SIMPLE = {"boolean": "true or false", "string": "text", "null": "nothing"}


def type_in_words(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return what a JSON Schema accepts, as a phrase; that a key may be left out is not said."""
    if "title" in schema:
        return str(schema["title"])
    if "anyOf" in schema:
        bounds = {key: value for key, value in schema.items() if key not in {"anyOf", "default", "description"}}
        branches = [{**branch, **bounds} for branch in schema["anyOf"] if branch.get("type") != "null"]
        return _either(list(dict.fromkeys(type_in_words(branch, definitions) for branch in branches)))
    if "$ref" in schema:
        return _reference(schema["$ref"].removeprefix("#/$defs/"), definitions)
    if "const" in schema:
        return f"{schema['const']}"
    if "enum" in schema:
        return _either([str(value) for value in schema["enum"]])
    kind = schema.get("type")
    if kind in ("number", "integer"):
        return _number(schema, "whole number" if kind == "integer" else "number")
    if kind == "array":
        items = schema.get("items", {})
        least = schema.get("minItems", 0)
        which = f"list of {least} or more" if least > 1 else "list"
        pieces = schema.get("prefixItems", [])
        if pieces and schema.get("maxItems") == least:
            which, items = f"list of {least}", pieces[0] if all(piece == pieces[0] for piece in pieces) else {}
        return f"{which}: {type_in_words(items, definitions)}" if items else which
    if kind == "object":
        named = schema.get("patternProperties", {})
        values = schema.get("additionalProperties", next(iter(named.values()), {}))
        return f"mapping to {type_in_words(values if isinstance(values, Mapping) else {}, definitions)}"
    return SIMPLE.get(str(kind), "anything")


def default_in_words(schema: Mapping[str, Any], *, is_required: bool) -> str:
    """Return a key's default as it is written in YAML; empty where omitting the key means something of its own."""
    if is_required:
        return "required"
    if "default" not in schema:
        return ""
    value = schema["default"]
    if isinstance(value, float):
        return repr(value) if len(repr(value)) <= 8 else f"{value:.4g}"
    return flow_yaml(value)


def flow_yaml(value: Any) -> str:
    """Return plain values as one line of YAML: ``{name: mlp, units: [300, 100]}``."""
    text = yaml.dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000)
    return text.removesuffix("...\n").strip()


def _reference(name: str, definitions: Mapping[str, Any]) -> str:
    if name in KINDS:
        return f"{article(noun(name))} {noun(name)}"
    if name == "FreeLayer":
        return "a layer"
    found = definitions.get(name, {})
    if "properties" in found:
        return "mapping of " + ", ".join(found["properties"])
    return type_in_words(found, definitions)


def _number(schema: Mapping[str, Any], what: str) -> str:
    below = next((f"{what} {sign} {schema[key]:.12g}" for key, sign in BELOW if key in schema), what)
    low = next(((schema[key], sign) for key, sign in ABOVE if key in schema), None)
    if low is None:
        return below
    value, (before, after) = low
    return f"{what} {after} {value:.12g}" if below == what else f"{value:.12g} {before} {below}"


def _either(words: list[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
