"""From a recipe with a sweep and a trial's values to the recipe of that trial. No TensorFlow."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.language.overrides import split_key
from hornbook.recipes.language.translate import problems_of
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import Choices, Range, Sweep, values_of
from hornbook.recipes.sections.tuner import Hyperband

__all__ = ["ordered", "trial_problems", "trial_recipe", "try_values"]

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


def _tree(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe as plain values with a trial's in place; whole sections first, then what is inside them."""
    tree = recipe.to_dict()
    tree.pop("sweep", None)
    for key in sorted(values, key=lambda key: len(split_key(key))):
        *above, last = split_key(key)
        here: Any = tree
        for part in above:
            following = here.get(part) if isinstance(here, dict) else here[part]
            if isinstance(following, str) or following is None:
                following = {"name": following} if isinstance(following, str) else {}
                here[part] = following
            here = following
        here[last] = copy.deepcopy(values[key])
    return tree


def try_values(recipe: Recipe, values: Mapping[str, Any]) -> tuple[Recipe | None, list[Problem]]:
    """Return the recipe with other values in place, or None and what is wrong with its keys and values."""
    try:
        tree = _tree(recipe, values)
    except (LookupError, TypeError, AttributeError):
        return None, [Problem((), "there is no such key.", code="unknown-key")]
    try:
        return Recipe.model_validate(tree), []
    except ValidationError as error:
        return None, problems_of(error, tree, Recipe)


def trial_recipe(recipe: Recipe, values: Mapping[str, Any]) -> Recipe | None:
    """Return the recipe of one trial, or None where the rules reject the combination."""
    changed, _ = try_values(recipe, values)
    if changed is None or any(True for _ in trial_problems(recipe, changed)):
        return None
    if recipe.sweep is not None and isinstance(recipe.sweep.tuner, Hyperband):
        changed, _ = try_values(changed, {"training.epochs": recipe.sweep.tuner.max_epochs})
    return changed


def trial_problems(recipe: Recipe, changed: Recipe) -> Iterator[Problem]:
    """Yield why a trial's recipe could not be trained or compared with the others."""
    from hornbook.recipes.rules.check import check_rules  # the rules of a sweep use this module

    facts = Facts.of(changed)
    yield from (problem for problem in check_rules(changed, facts) if problem.severity == "error")
    recorded = recorded_names(changed, facts)
    if recipe.sweep is not None and recorded is not None and recipe.sweep.objective not in recorded:
        yield Problem(("training", "metrics"), f"'{recipe.sweep.objective}' is not recorded.")


def settings(sweep: Sweep, key: str) -> Iterator[dict[str, Any]]:
    """Yield values of the other keys under which a key may be part of the space: what surrounds it, and its `when`."""
    base: dict[str, Any] = {}
    for parent, wanted in (sweep.space[key].when or {}).items():
        entry = sweep.space.get(parent)
        if isinstance(entry, Choices):
            places = matching(entry, wanted)
            base |= {parent: entry.choices[places[0]]} if places else {}
    around = [other for other in sweep.space if key.startswith(f"{other}.") and other not in base]
    yield base
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
