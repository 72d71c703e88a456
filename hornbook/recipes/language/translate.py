"""Turns pydantic's validation errors into Hornbook's problems: path, what was found, what was expected."""

import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hornbook.errors import Path, Problem
from hornbook.recipes.language.hints import did_you_mean, key_hint, nearest
from hornbook.recipes.language.spec import Component, ComponentOf, catalog, component_class, noun
from hornbook.recipes.language.text import shown

__all__ = ["elsewhere", "problems_of", "spec_class_at"]

EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "none_required": "nothing",
}
MOST = 200
"""So many problems of one recipe are explained; looking for what was meant takes time."""
EXAMPLES = {
    "data": "Write for instance 'data: digits'.",
    "model": "Write for instance 'model: {name: mlp, units: [300, 100]}'.",
}
LISTS = {"list_type", "tuple_type"}


def problems_of(error: ValidationError, tree: Any, root: type[BaseModel]) -> list[Problem]:
    """Return one problem for each path that failed; the branches of a union are joined with "or"."""
    by_path: dict[Path, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        by_path.setdefault(_real_path(details, tree), []).append(details)
    above = {path[:end] for path in by_path for end in range(len(path))}
    wrong = [(path, found) for path, found in by_path.items() if not (path in above and _is_of_type(found))]
    problems = [_problem(path, found, tree, root) for path, found in wrong[:MOST]]
    if len(wrong) > MOST:
        problems.append(Problem((), f"{len(wrong) - MOST:,} more problems, which are not listed.", code="value"))
    return problems


def _is_of_type(found: list[ErrorDetails]) -> bool:
    """Return whether a value is only not of another type: what is really wrong then stands inside it."""
    return all(details["type"] in EXPECTED or details["type"] == "literal_error" for details in found)


def _real_path(details: ErrorDetails, tree: Any) -> Path:
    """Drop the names of union branches and validators that pydantic puts between keys."""
    path: list[str | int] = []
    here: Any = tree
    for index, part in enumerate(details["loc"]):
        is_last = index == len(details["loc"]) - 1
        if _has(here, part):
            here = here[part]
        elif not (is_last and details["type"] == "missing"):
            continue
        path.append(part)
    return tuple(path)


def _has(container: Any, part: str | int) -> bool:
    if isinstance(container, list):
        return isinstance(part, int) and part < len(container)
    return isinstance(container, Mapping) and part in container


def _problem(path: Path, found: list[ErrorDetails], tree: Any, root: type[BaseModel]) -> Problem:
    first = found[0]
    kind = first["type"]
    if kind in ("extra_forbidden", "invalid_key"):
        return _unknown_key(path, tree, root)
    if kind == "missing":
        hint = EXAMPLES.get(str(path[-1]), "") if len(path) == 1 else ""
        return Problem(path, "this key is required and missing.", hint, code="missing-key")
    if kind == "literal_error":
        known = [part.strip().strip("'") for part in first["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        best = nearest(str(first["input"]), known, kind=str(path[-1]) if path else "")
        hint = f"Did you mean '{best}'?" if best else ""
        return Problem(path, f"expected {_either(found)}, found {shown(first['input'])}.", hint, code="value")
    expectations = _either(found)
    hint = "Give it a value, or remove the key." if first["input"] is None else _form_hint(first["input"], found)
    if expectations:
        return Problem(path, f"expected {expectations}, found {shown(first['input'])}.", hint, code="value")
    code = {"unknown_component": "unknown-name", "component_name": "missing-key"}.get(kind, "value")
    message = first["msg"].removeprefix("Value error, ")
    hint = _form_hint(first["input"], found) if code == "value" else ""
    return Problem(path, message[0].lower() + message[1:] + ("" if message[-1] in ".?" else "."), hint, code=code)


def _form_hint(value: Any, found: list[ErrorDetails]) -> str:
    """Say how a list or a number is written that came as text."""
    if not isinstance(value, str):
        return ""
    types = {details["type"] for details in found}
    if types & LISTS and (re.search("[,;]", value) or types <= LISTS):
        return f"Write a list: [{', '.join(part.strip() for part in re.split('[,;]', value.strip('[]() ')))}]."
    return f"Write {value[:-1]}, without the semicolon." if re.fullmatch(r"[-+.\w]+;", value) else ""


def _either(found: list[ErrorDetails]) -> str:
    """Return what would have been right; empty where one of the errors says it in its own words."""
    words = []
    for details in found:
        context = details.get("ctx", {})
        literal = str(context.get("expected"))
        bounds = {
            "greater_than": ("gt", "a number above {}"),
            "greater_than_equal": ("ge", "a number of at least {}"),
            "less_than": ("lt", "a number below {}"),
            "less_than_equal": ("le", "a number of at most {}"),
            "too_short": ("min_length", "a list of at least {}"),
            "too_long": ("max_length", "a list of at most {}"),
            "string_pattern_mismatch": ("pattern", "text that matches {}"),
            "string_too_long": ("max_length", "at most {} characters"),
            "literal_error": ("expected", "one of {}" if " or " in literal else "{}"),
        }  # fmt: skip
        if details["type"] in bounds:
            name, words_for = bounds[details["type"]]
            bound = context[name]
            words.append(words_for.format(f"{bound:.12g}" if isinstance(bound, float) else bound))
        elif details["type"] in EXPECTED:
            words.append(EXPECTED[details["type"]])
        else:
            return ""
    if "a number" in words:
        words = [word for word in words if word != "a whole number"]  # which is one too
    return " or ".join(dict.fromkeys(words))


def _unknown_key(path: Path, tree: Any, root: type[BaseModel]) -> Problem:
    key = str(path[-1])
    owner = spec_class_at(path[:-1], tree, root)
    fields = field_names(owner) if owner is not None else []
    if owner is not None and issubclass(owner, Component):
        known_name = owner.model_fields["name"].default
        where = f" for {noun(owner.kind)} '{known_name}'"
    else:
        where = f" in '{path[-2]}'" if len(path) > 1 else ""
    if key in fields:  # of another form of the same section
        others = ", ".join(str(other) for other in _value_at(path[:-1], tree) if other != key)
        return Problem(path, f"unknown key{where}.", f"It does not go together with {others}.", code="unknown-key")
    if key == "name" and (named := _value_at(path, tree)) in fields:
        hint = f"'{named}' is a key itself: write '{named}: …'."
        return Problem(path, f"unknown key{where}.", hint, code="unknown-key")
    section = (
        owner.kind if owner is not None and issubclass(owner, Component) else str(path[-2]) if len(path) > 1 else ""
    )
    if "." in key and len(path) == 1 and key.split(".")[0] in fields:
        *above, leaf = key.split(".")
        inside = "".join(f"{part}: {{" for part in above) + f"{leaf}: …" + "}" * len(above)
        return Problem(path, "keys with dots are for the command line.", f"Write '{inside}'.", code="unknown-key")
    hint = key_hint(key, path[:-1], fields, section=section)
    hint = elsewhere(key, path, fields, tree, root) or hint
    leads_away = re.match(r"Did you mean '\w+\.", hint) is not None
    if leads_away and owner is not None and issubclass(owner, Component):
        is_of_another = any(key in field_names(cls) for cls in catalog(owner.kind).values())
        hint = "" if is_of_another else hint  # it was meant for this section
    return Problem(path, f"unknown key{where}.", hint or did_you_mean(key, fields), code="unknown-key")


def _value_at(path: Path, tree: Any) -> Any:
    for part in path:
        tree = tree[part]
    return tree


def elsewhere(key: str, path: Path, fields: list[str], tree: Any, root: type[BaseModel]) -> str:
    """Say where a key belongs that is a key of other sections, or of a component that the recipe names."""
    if len(path) > 2 or (len(path) == 2 and nearest(key, fields) is not None):
        return ""
    if key in root.model_fields:
        return f"Did you mean '{key}', a key of the recipe?"
    places, others = list[str](), list[str]()
    for section, field in root.model_fields.items():
        cls: type[BaseModel] | None = type(field.default) if field.default is not None else _class_for(field, None)
        if _has(tree, section):
            cls = spec_class_at((section,), tree, root)
        if section != path[0] and cls is not None and issubclass(cls, BaseModel) and key in field_names(cls):
            is_there = field.default is not None or _has(tree, section)
            (places if is_there else others).append(f"'{section}.{key}'")
    return f"Did you mean {' or '.join(places or others)}?" if places or others else ""


def field_names(cls: type[BaseModel]) -> list[str]:
    """Return a section's keys as users write them (``from``, not ``from_``)."""
    return [field.alias or name for name, field in cls.model_fields.items()]


def spec_class_at(path: Path, tree: Any, root: type[BaseModel]) -> type[BaseModel] | None:
    """Return the class that describes the mapping at `path`, or None where that is open."""
    cls: type[BaseModel] | None = root
    here: Any = tree
    annotation: Any = None
    has_names = False  # keys of this mapping are a user's own
    for part in path:
        here = here[part] if _has(here, part) else None
        if isinstance(part, str) and not has_names:
            field = next((f for n, f in cls.model_fields.items() if (f.alias or n) == part), None) if cls else None
            annotation = field
        has_names = not has_names and _maps_names(annotation) and isinstance(here, Mapping)
        cls = None if has_names else _class_for(annotation, here)
    return cls


def _maps_names(annotation: Any) -> bool:
    """Return whether a field is a mapping from names of a user's own to components: `model.encoders`."""
    inner = getattr(annotation, "annotation", annotation)
    if typing.get_origin(inner) is dict:
        return bool(_classes(typing.get_args(inner)[1]))
    if typing.get_origin(inner) in (typing.Union, types.UnionType, typing.Annotated):
        return any(_maps_names(argument) for argument in typing.get_args(inner))
    return False


def _class_for(annotation: Any, value: Any) -> type[BaseModel] | None:
    for candidate in _classes(annotation):
        if isinstance(candidate, ComponentOf):
            name = value.get("name") if isinstance(value, Mapping) else value
            return component_class(candidate.kind, name) if isinstance(name, str) else None
    for candidate in _classes(annotation):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _classes(annotation: Any) -> list[Any]:
    """Return every ComponentOf and model class inside an annotation or field."""
    metadata = list(getattr(annotation, "metadata", ()))
    inner = getattr(annotation, "annotation", annotation)
    found: list[Any] = [item for item in metadata if isinstance(item, ComponentOf)]
    if typing.get_origin(inner) is typing.Annotated:
        base, *extras = typing.get_args(inner)
        found += [item for item in extras if isinstance(item, ComponentOf)] + _classes(base)
    elif typing.get_origin(inner) is dict:
        found += _classes(typing.get_args(inner)[1])
    elif typing.get_origin(inner) in (typing.Union, types.UnionType, tuple):
        for argument in typing.get_args(inner):
            found += _classes(argument)
    elif isinstance(inner, type) and issubclass(inner, BaseModel):
        found.append(inner)
    return found
