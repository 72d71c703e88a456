"""The space of a sweep: which keys wait for which, what a condition means, and whether a recipe takes a value."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from hornbook.errors import Problem
from hornbook.recipes.language.keys import KeyPathError, put, split_key
from hornbook.recipes.language.translate import problems_of
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import Choices, Range, Sweep, values_of

__all__ = ["is_whole", "matching", "ordered", "settings", "try_values"]

Entry = Choices | Range


def ordered(space: Mapping[str, Entry]) -> list[str]:
    """Return the keys so that each comes after those that its `when` names; otherwise as written.

    Raises:
        ValueError: With the keys that wait for each other.
    """
    left, done = list(space), []
    while left:
        ready = [key for key in left if all(parent in done for parent in (space[key].when or {}) if parent in space)]
        if not ready:
            raise ValueError(", ".join(left))
        done.append(ready[0])
        left.remove(ready[0])
    return done


def matching(parent: Choices, wanted: Any) -> list[int]:
    """Return the places of the choices that a condition means; a component is meant by its name too."""
    values = wanted if isinstance(wanted, list | tuple) and wanted not in parent.choices else [wanted]

    def is_meant(choice: Any) -> bool:
        name = choice.get("name") if isinstance(choice, Mapping) else choice
        return any((type(choice) is type(value) and choice == value) or name == value for value in values)

    return [place for place, choice in enumerate(parent.choices) if is_meant(choice)]


def try_values(recipe: Recipe, values: Mapping[str, Any]) -> tuple[Recipe | None, list[Problem]]:
    """Return the recipe with other values in place of its own and without its sweep, or None and what is wrong with them."""
    try:
        return recipe.replaced({"sweep": None, **values}), []
    except KeyPathError:
        return None, [Problem((), "there is no such key.", code="unknown-key")]
    except ValidationError as error:
        tree = recipe.to_dict()
        for key in sorted(values, key=lambda key: len(split_key(key))):
            put(tree, split_key(key), values[key])
        return None, problems_of(error, tree, Recipe)


def settings(sweep: Sweep, key: str) -> Iterator[dict[str, Any]]:
    """Yield values of the other keys under which a key may be part of the space: what is around it, and its `when`."""
    base: dict[str, Any] = {}
    for parent, wanted in (sweep.space[key].when or {}).items():
        entry = sweep.space.get(parent)
        if isinstance(entry, Choices):
            places = matching(entry, wanted)
            base |= {parent: entry.choices[places[0]]} if places else {}
    section = key.rpartition(".")[0]
    beside = {
        other: values_of(entry)[0]
        for other, entry in sweep.space.items()
        if section and other != key and other.rpartition(".")[0] == section and not entry.when
    }
    around = [other for other in sweep.space if key.startswith(f"{other}.") and other not in base]
    yield base
    if beside:
        yield beside | base
    for other in around:
        for value in values_of(sweep.space[other]):
            yield base | {other: value}


def is_whole(recipe: Recipe, key: str, entry: Range) -> bool:
    """Return whether a range has whole numbers only: it is written so, and the key takes no fraction."""
    if not all(isinstance(value, int) for value in (entry.min, entry.max, entry.step or 1)):
        return False
    if recipe.sweep is None:
        return True
    around = settings(recipe.sweep, key)
    return all(try_values(recipe, {**values, key: entry.min + 0.5})[0] is None for values in around)
