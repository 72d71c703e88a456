"""Rules about what has to be installed besides: the clients of trackers, and a tuner's library."""

from collections.abc import Iterator
from importlib.util import find_spec

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe


def clients_are_installed(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A tracker whose client is missing, so that it would show nothing."""
    for place, tracker in enumerate(recipe.tracking):
        client = tracker.client
        if client is not None and not is_installed(client):
            message = f"'{tracker.name}' needs the package '{client}', which is not installed."
            hint = f"Install it: pip install 'hornbook[{client}]'. Or leave this tracker out."
            yield Problem(("tracking", place), message, hint)


def tuner_is_installed(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A tuner whose packages are missing."""
    if recipe.sweep is None:
        return
    tuner = recipe.sweep.tuner
    missing = [package for package in tuner.packages if not is_installed(package)]
    if missing:
        many = len(missing) > 1
        names = " and ".join(f"'{package}'" for package in missing)
        are = "are" if many else "is"
        message = f"'{tuner.name}' needs the package{'s' * many} {names}, which {are} not installed."
        hint = f"Install {'them' if many else 'it'}: pip install 'hornbook[{tuner.extra}]'. Or use another tuner."
        yield Problem(("sweep", "tuner"), message, hint)


def is_installed(package: str) -> bool:
    """Return whether a package can be imported; a folder of its name, as W&B makes one, is none."""
    spec = find_spec(package)
    return spec is not None and spec.origin is not None


RULES = (
    ("tracker-client", ("tracking",), clients_are_installed),
    ("sweep-tuner-packages", ("sweep",), tuner_is_installed),
)
