"""What a trial of a sweep is: the recipe with the trial's values in place, if the rules allow it. No TensorFlow."""

from collections.abc import Iterator, Mapping
from typing import Any

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.check import check_rules
from hornbook.recipes.sections.sweep import Hyperband
from hornbook.recipes.space import try_values

__all__ = ["trial_problems", "trial_recipe"]


def trial_recipe(recipe: Recipe, values: Mapping[str, Any]) -> Recipe | None:
    """Return the recipe of one trial, or None where the rules reject the combination."""
    changed, _ = try_values(recipe, values)
    if changed is None or any(True for _ in trial_problems(recipe, changed)):
        return None
    if recipe.sweep is not None and isinstance(recipe.sweep.tuner, Hyperband):
        changed = changed.replaced({"training.epochs": recipe.sweep.tuner.max_epochs})
    return changed


def trial_problems(recipe: Recipe, changed: Recipe) -> Iterator[Problem]:
    """Yield why a trial's recipe could not be trained or compared with the others."""
    facts = Facts.of(changed)
    yield from (problem for problem in check_rules(changed, facts) if problem.severity == "error")
    recorded = recorded_names(changed, facts)
    if recipe.sweep is not None and recorded is not None and recipe.sweep.objective not in recorded:
        yield Problem(("training", "metrics"), f"'{recipe.sweep.objective}' is not recorded.")
