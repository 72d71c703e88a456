"""Rules about `optimizer.learning_rate: auto`: runs whose rate a range test cannot find."""

from collections.abc import Iterator

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.optimizer import Adafactor, ScheduleFreeAdamW

__all__ = ["RULES", "problems_of_search"]


def rate_can_be_found(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A learning rate that is `auto` where a range test cannot find it."""
    if recipe.optimizer.is_auto:
        yield from problems_of_search(recipe)
    if recipe.pretraining is not None and recipe.pretraining.optimizer.is_auto:
        message = "is found for training on labels only."
        yield Problem(("pretraining", "optimizer", "learning_rate"), message, "Give it a number.")


def problems_of_search(recipe: Recipe) -> Iterator[Problem]:
    """Yield why a range test of this recipe would measure something else than its training."""
    path = ("optimizer", "learning_rate")
    optimizer, pretraining = recipe.optimizer, recipe.pretraining
    if not recipe.schedule.rate_can_be_found:
        message = (
            f"with the schedule '{recipe.schedule.name}' the rate of a range test has not proved to be a good one."
        )
        hint = "Find one to start from with 'hornbook lr-find … schedule=constant', and try others beside it."
        yield Problem(path, message, hint)
    if recipe.training.strategy is not None:
        message = "a range test runs on one device."
        yield Problem(path, message, "Find it with 'hornbook lr-find … ~training.strategy' and give the number.")
    if pretraining is not None and not pretraining.control:
        message = "a range test would see the network before its pretraining."
        yield Problem(path, message, "Give it a number; 'hornbook lr-find … ~pretraining' finds one to start from.")
    if isinstance(optimizer, Adafactor) and optimizer.relative_step:
        message = "with 'relative_step' it is only an upper limit, and there is nothing to find."
        yield Problem(path, message, "Give it a number, or set 'relative_step: false'.")
    if isinstance(optimizer, ScheduleFreeAdamW) and optimizer.warmup_steps:
        message = "'warmup_steps' scales the rates of a range test."
        yield Problem(path, message, "Remove 'warmup_steps' while the rate is looked for.")


RULES = (("auto-rate", ("optimizer", "schedule", "training", "pretraining"), rate_can_be_found),)
