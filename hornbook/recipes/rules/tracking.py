"""Rules about trackers: each once."""

from collections.abc import Iterator

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe


def each_once(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """One tracker listed twice: a run has one place in each."""
    names = [tracker.name for tracker in recipe.tracking]
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Problem(("tracking", place), f"'{name}' is listed twice.", "Remove one of them.")


RULES = (("tracked-twice", ("tracking",), each_once),)
