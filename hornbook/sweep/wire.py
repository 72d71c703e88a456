"""Tasks and outcomes as JSON, for workers in other processes."""

from collections.abc import Mapping
from typing import Any

from hornbook.recipes.recipe import Recipe
from hornbook.runs.sweeps import Outcome
from hornbook.sweep.trial import Task

__all__ = ["outcome_from", "outcome_to", "task_from", "task_to"]


def task_to(task: Task) -> dict[str, Any]:
    """Return a task in JSON's types."""
    return {**vars(task), "recipe": task.recipe.to_dict()}


def task_from(plain: Mapping[str, Any]) -> Task:
    """Return the task again."""
    recipe = Recipe.model_validate(plain["recipe"])
    return Task(**{**plain, "recipe": recipe, "objectives": tuple(plain["objectives"])})


def outcome_to(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome in JSON's types."""
    return {**vars(outcome), "scores": list(outcome.scores), "runs": list(outcome.runs)}


def outcome_from(plain: Mapping[str, Any]) -> Outcome:
    """Return the outcome again."""
    return Outcome(**{**plain, "scores": tuple(plain["scores"]), "runs": tuple(plain["runs"])})
