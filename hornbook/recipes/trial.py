"""What a trial of a sweep is: the recipe with the trial's values in place, if the rules allow it. No TensorFlow."""

import random
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.check import check_rules
from hornbook.recipes.sections.sweep import PARAMETERS, Choices, Hyperband, Sweep, values_of
from hornbook.recipes.space import matching, ordered, try_values

__all__ = ["is_met", "space_problems", "trial_recipe", "why_rejected"]

MOST_TRIED = 200
"""Combinations that a check tries before it calls a space one of which nothing can be trained."""


def why_rejected(recipe: Recipe, values: Mapping[str, Any]) -> str:
    """Return why the rules reject a combination, or nothing where they do not."""
    changed, problems = try_values(recipe, values)
    if changed is not None:
        problems = list(islice(trial_problems(recipe, changed), 1))
    return problems[0].sentence() if problems else ""


def trial_recipe(recipe: Recipe, values: Mapping[str, Any]) -> Recipe | None:
    """Return the recipe of one trial, or None where the rules reject the combination."""
    changed, _ = try_values(recipe, values)
    if changed is None or why_rejected(recipe, values):
        return None
    if recipe.sweep is not None and isinstance(recipe.sweep.tuner, Hyperband):
        changed = changed.replaced({"training.epochs": recipe.sweep.tuner.max_epochs})
    return changed


def trial_problems(recipe: Recipe, changed: Recipe) -> Iterator[Problem]:
    """Yield why a trial's recipe could not be trained or compared with the others."""
    facts = Facts.of(changed)
    yield from (problem for problem in check_rules(changed, facts) if problem.severity == "error")
    recorded = recorded_names(changed, facts)
    if recipe.sweep is None or recorded is None:
        return
    for objective in recipe.sweep.objectives:
        if objective != PARAMETERS and objective not in recorded:
            yield Problem(("training", "metrics"), f"'{objective}' is not recorded.")


def space_problems(recipe: Recipe) -> Iterator[Problem]:
    """Yield an error where nothing of a sweep's space can be trained, with what the rules say of the first combination."""
    sweep = recipe.sweep
    if sweep is None:
        return
    reason, count = "", 0
    for values in _combinations(sweep):
        said = why_rejected(recipe, values)
        if not said:
            return
        reason, count = reason or said, count + 1
    all_of = f"all {count} combinations" if count < MOST_TRIED else f"{count:,} combinations that were tried"
    message = f"the rules reject {all_of}. The first: {reason}"
    yield Problem(("sweep", "space"), message, "Change the space, or what it is combined with.", code="sweep-space")


def _combinations(sweep: Sweep) -> Iterator[dict[str, Any]]:
    """Yield combinations of values, of ranges their ends: all of them, or many drawn at random where there are more."""
    keys = ordered(sweep.space)
    every = list(islice(_all_of(sweep, keys, {}), MOST_TRIED))
    if len(every) < MOST_TRIED:
        yield from every
        return
    draw = random.Random(0)
    for _ in range(MOST_TRIED):
        values: dict[str, Any] = {}
        for key in keys:
            if is_met(sweep, key, values):
                values[key] = draw.choice(values_of(sweep.space[key]))
        yield values


def _all_of(sweep: Sweep, keys: list[str], values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if not keys:
        yield values
    elif not is_met(sweep, keys[0], values):
        yield from _all_of(sweep, keys[1:], values)
    else:
        for value in values_of(sweep.space[keys[0]]):
            yield from _all_of(sweep, keys[1:], {**values, keys[0]: value})


def is_met(sweep: Sweep, key: str, values: Mapping[str, Any]) -> bool:
    """Return whether the conditions of a key hold for the values of those before it."""
    for parent, wanted in (sweep.space[key].when or {}).items():
        entry = sweep.space[parent]
        places = matching(entry, wanted) if isinstance(entry, Choices) else []
        if parent not in values or not any(values[parent] == entry.choices[place] for place in places):  # type: ignore[union-attr]
            return False
    return True
