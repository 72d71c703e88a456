"""Which values of a recipe somebody chose, and which are what leaving them out would mean."""

from collections.abc import Collection, Iterator

from pydantic import BaseModel

from hornbook.errors import Path
from hornbook.recipes.language.spec import Component
from hornbook.recipes.language.text import parse
from hornbook.recipes.recipe import Recipe

__all__ = ["chosen_keys", "chosen_lines"]

OF_NO_CONSEQUENCE = frozenset({"format", "name", "notes", "tags", "tracking"})
"""Keys that change nothing about the training."""


def chosen_keys(recipe: Recipe) -> list[Path]:
    """Return the paths of a recipe's values that differ from the defaults, in the recipe's order.

    A component that is not the section's default one differs by its ``name``; its other keys are compared with its own
    defaults.
    """
    return [path for path in _differing(recipe, ()) if path[0] not in OF_NO_CONSEQUENCE]


def _differing(value: BaseModel, path: Path) -> Iterator[Path]:
    for name, field in type(value).model_fields.items():
        item, place = getattr(value, name), (*path, field.alias or name)
        default = field.get_default(call_default_factory=True, validated_data={})
        if item == default and type(item) is type(default):
            continue
        if not isinstance(item, BaseModel):
            yield place
            continue
        if isinstance(item, Component) and type(item) is not type(default):
            yield (*place, "name")
        yield from _differing(item, place)


def chosen_lines(text: str, keys: Collection[Path]) -> set[int]:
    """Return the lines, counted from 1, of a recipe's text on which one of these keys or what is inside of it stands."""
    places = parse(text, origin="recipe").places
    return {place.key[0] for path, place in places.items() for key in keys if path[: len(key)] == key}
