"""JSON Schema in words, as `show` and the reference print it."""

import pytest

from hornbook.recipes.describe.words import default_in_words, flow_yaml, type_in_words


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "number"}, "number"),
        ({"type": "number", "exclusiveMinimum": 0}, "number > 0"),
        ({"type": "integer", "minimum": 1}, "whole number ≥ 1"),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "0 ≤ number < 1"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "0 < number ≤ 1"),
        ({"type": "integer", "maximum": -1}, "whole number ≤ -1"),
        ({"type": "integer", "minimum": 0, "exclusiveMaximum": 2**31}, "0 ≤ whole number < 2147483648"),
        ({"type": "boolean"}, "true or false"),
        ({"type": "string"}, "text"),
        ({"const": "balanced"}, "balanced"),
        ({"enum": ["a"]}, "a"),
        ({"enum": ["a", "b", "c"]}, "a, b or c"),
        ({"type": "array", "items": {"type": "integer"}}, "list: whole number"),
        ({"type": "array", "items": {"type": "number"}, "minItems": 2}, "list of 2 or more: number"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "mapping to text"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "whole number"),
        ({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, "text or list: text"),
        ({"$ref": "#/$defs/optimizer"}, "an optimizer"),
        ({"$ref": "#/$defs/data"}, "a data source"),
        ({"$ref": "#/$defs/Ema"}, "mapping of momentum"),
        ({"$ref": "#/$defs/FreeLayer"}, "a layer"),
        ({"title": "duration", "anyOf": []}, "duration"),
        ({}, "anything"),
    ],
)
def test_types_are_said_in_words(schema, words):
    assert type_in_words(schema, {"Ema": {"properties": {"momentum": {}}}}) == words


@pytest.mark.parametrize(
    ("schema", "is_required", "text"),
    [
        ({}, True, "required"),
        ({}, False, ""),
        ({"default": 0.1}, False, "0.1"),
        ({"default": 1e-07}, False, "1e-07"),
        ({"default": 1 / 3}, False, "0.3333"),
        ({"default": True}, False, "true"),
        ({"default": "adam"}, False, "adam"),
        ({"default": [1, 2]}, False, "[1, 2]"),
        ({"default": {"rate": 0.004}}, False, "{rate: 0.004}"),
    ],
)
def test_defaults_are_written_as_yaml(schema, is_required, text):
    assert default_in_words(schema, is_required=is_required) == text


def test_one_line_of_yaml_keeps_the_order():
    assert flow_yaml({"name": "mlp", "units": [300, 100]}) == "{name: mlp, units: [300, 100]}"
