"""The JSON Schema (draft 2020-12) of a recipe, for editors: completion, hover texts and red lines while typing.

Assembled from the same classes that the loader validates with, so the two agree on keys, names, types and ranges;
registered components of yours are in it. Rules that span keys are the loader's alone. No TensorFlow.
"""

import copy
import inspect
from functools import lru_cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from hornbook.recipes.describe.docstrings import body, field_help, one_line
from hornbook.recipes.language import keras_layers
from hornbook.recipes.language.spec import KINDS, Component, Spec, catalog, summary
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.connections import JOINS
from hornbook.recipes.sections.free_layer import NAME, FreeLayer, hidden_arguments, own_ingredients
from hornbook.recipes.sections.layer_arguments import has_weights

__all__ = ["SCHEMA_FILE", "json_schema", "spec_schema"]

SCHEMA_FILE = "hornbook.schema.json"
"""The name that `hornbook new` gives the file, beside the recipe."""
ABOUT = "One YAML file that names the ingredients of a training run: data, model, six ingredients and training."
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MARK = "x-hornbook-kind"  # pydantic resolves every "$ref" itself, so references to our own definitions are put in last


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a recipe, with every registered component in it."""
    return copy.deepcopy(_assembled(tuple(cls for kind in KINDS for cls in catalog(kind).values())))


@lru_cache(maxsize=1)
def _assembled(components: tuple[type[Component], ...]) -> dict[str, Any]:
    models: list[Any] = [Recipe, *components]
    references, generated = models_json_schema([(model, "validation") for model in models], schema_generator=_Generator)
    definitions = generated["$defs"]
    root = definitions.pop(_name_of(references[(Recipe, "validation")]))
    for kind in KINDS:
        branches = {cls: references[(cls, "validation")] for cls in components if cls.kind == kind}
        definitions[kind] = _choice(kind, branches, definitions)
    definitions |= _layers()
    about = {"$schema": DIALECT, "title": "Hornbook recipe"}
    whole: dict[str, Any] = _link({**about, **root, "description": ABOUT, "$defs": dict(sorted(definitions.items()))})
    return whole


def spec_schema(cls: type[Spec]) -> dict[str, Any]:
    """Return the JSON Schema of one section or component; references to kinds (`#/$defs/optimizer`) stay open."""
    schema: dict[str, Any] = _link(cls.model_json_schema(schema_generator=_Generator))
    definitions = schema.pop("$defs", {})
    top = definitions[_name_of(schema)] if "$ref" in schema else schema
    return {**top, "$defs": definitions}


class _Generator(GenerateJsonSchema):
    """Pydantic's generator with the texts below fields as descriptions, and without titles and null defaults."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        cls = schema["cls"]
        found = super().model_schema(schema)
        found.pop("title", None)
        found["description"] = body(cls)
        helps = field_help(cls)
        for name, field in cls.model_fields.items():
            if name in helps:
                found["properties"][field.alias or name]["description"] = helps[name]
        if issubclass(cls, Component):
            found["required"] = ["name", *(key for key in found.get("required", []) if key != "name")]
        return found

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        found = super().default_schema(schema)
        if found.get("default") is None:
            found.pop("default", None)
        return found

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, Component):
            given = dft.model_dump(exclude_defaults=True)
            return {"name": dft.name, **given} if given else dft.name
        if isinstance(dft, Spec):
            return dft.model_dump(exclude_defaults=True) or None
        return super().encode_default(dft)


def _name_of(reference: JsonSchemaValue) -> str:
    return str(reference.get("$ref", "")).removeprefix("#/$defs/")


def _choice(kind: str, branches: dict[type[Component], JsonSchemaValue], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a component's schema: its name where that says enough, or a mapping with `name`."""
    plain = [
        cls.model_fields["name"].default
        for cls, reference in branches.items()
        if definitions[_name_of(reference)]["required"] == ["name"]
    ]
    texts = [one_line(summary(catalog(kind)[name])) for name in plain]
    name_alone = {"type": "string", "enum": plain, "markdownEnumDescriptions": texts}
    mapping = {"type": "object", "required": ["name"], "oneOf": list(branches.values())}
    return {"anyOf": [name_alone, mapping]}


def _layers() -> dict[str, Any]:
    """Return the definition of one item of `model: {name: layers}`: a Keras layer by name, its arguments checked."""
    names = keras_layers.layer_names()
    plain = [name for name in names if name not in JOINS and not keras_layers.required_arguments(name)]
    mapping = {"type": "object", "required": ["name"], "oneOf": [_layer(name) for name in names]}
    description = one_line(inspect.cleandoc(FreeLayer.__doc__ or ""))
    return {FreeLayer.__name__: {"description": description, "anyOf": [{"type": "string", "enum": plain}, mapping]}}


def _layer(name: str) -> dict[str, Any]:
    own = own_ingredients(name)
    hidden = hidden_arguments(name)
    arguments: dict[str, Any] = {key: {} for key in keras_layers.argument_names(name) if key not in hidden}
    for ingredient in own:
        is_section = ingredient == "regularization"
        reference = {"$ref": "#/$defs/Regularization"} if is_section else {MARK: ingredient}
        arguments[ingredient] = {"anyOf": [reference, {"type": "null"}]}
    arguments |= {
        "as": {"type": ["string", "null"], "pattern": f"^{NAME}$"},
        "from": {"type": ["string", "array", "null"], "items": {"type": "string"}, "minItems": 1},
    }
    if has_weights(name):
        arguments["trainable"] = {"anyOf": [{"type": "boolean"}, {"type": "null"}]}
    return {
        "type": "object",
        "properties": {"name": {"const": name}, **arguments},
        "required": ["name", *(["from"] if name in JOINS else []), *sorted(keras_layers.required_arguments(name))],
        "additionalProperties": False,
    }


# Bounds around a validator of ours, which pydantic leaves in its own words: {where it happens: the schema's words}.
BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
SIZES = {"minLength": "minItems", "maxLength": "maxItems"}


def _link(value: Any) -> Any:
    """Return a schema with the marks of components replaced by references, and bounds in JSON Schema's words."""
    if isinstance(value, list):
        return [_link(item) for item in value]
    if not isinstance(value, dict):
        return value
    words = BOUNDS | (SIZES if value.get("type") == "array" else {})
    linked = {
        words.get(key, key) if isinstance(item, int | float) else key: _link(item)
        for key, item in value.items()
        if key != MARK
    }
    return {"$ref": f"#/$defs/{value[MARK]}", **linked} if MARK in value else linked
