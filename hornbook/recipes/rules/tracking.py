"""Rules about trackers: each once, and none whose client is not installed, which would show nothing."""

from collections.abc import Iterator
from importlib.util import find_spec

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe


def each_once(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """One tracker listed twice: a run has one place in each."""
    names = [tracker.name for tracker in recipe.tracking]
    for place, name in enumerate(names):
        if name in names[:place]:
            yield Problem(("tracking", place), f"'{name}' is listed twice.", "Remove one of them.")


def clients_are_installed(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A tracker whose client is missing."""
    for place, tracker in enumerate(recipe.tracking):
        client = tracker.client
        if client is not None and not _is_installed(client):
            message = f"'{tracker.name}' needs the package '{client}', which is not installed."
            hint = f"Install it: pip install 'hornbook[{client}]'. Or leave this tracker out."
            yield Problem(("tracking", place), message, hint)


def _is_installed(package: str) -> bool:
    """Return whether a package can be imported; a folder of its name, as W&B makes one, is none."""
    spec = find_spec(package)
    return spec is not None and spec.origin is not None


RULES = (
    ("tracked-twice", ("tracking",), each_once),
    ("tracker-client", ("tracking",), clients_are_installed),
)
