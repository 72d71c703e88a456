"""Every key of a resolved recipe with its value, where that came from, and what it became."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hornbook.data import Shelf
from hornbook.display.text import COLUMNS, cut, hanging, number_text
from hornbook.errors import Path, format_path
from hornbook.explain.became import became
from hornbook.explain.objects import Objects
from hornbook.recipes.language.text import to_flow
from hornbook.recipes.origins import leaves, origin_of
from hornbook.recipes.recipe import Recipe
from hornbook.trainer.plan import plan_lines

__all__ = ["NAMES", "Explanation", "Row", "explain"]

NAMES = frozenset({"name", "notes", "tags", "format"})
"""Keys that training does nothing with: they name the run and the language."""
LISTED = {
    "network/layers": "layers", "network/start": "weights when training begins", "network/copied": "copied",
    "rates/curve": "rate", "rates/momentum": "momentum", "data/examples": "examples",
}  # fmt: skip
"""Groups of facts that are one line, and what it is called."""
LONGEST = 60
MOST = 4


@dataclass(frozen=True)
class Row:
    """One key.

    Attributes:
        path: Of the key.
        value: What it is, in the resolved recipe.
        origin: `default`, `from the data`, `command line`, or a file with its line.
        became: {address of a built object's argument: its value}; empty where nothing of this recipe depends on the key.
    """

    path: Path
    value: Any
    origin: str
    became: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The key, as it is written with dots."""
        return format_path(self.path)

    def lines(self) -> Iterator[str]:
        """Yield lines of at most 80 columns: the key, its value and origin, and below it what it became."""
        value = cut(to_flow(self.value), LONGEST)
        start = f"{self.key}: {value}"
        room = COLUMNS - len(self.origin) - 2
        yield f"{start:<{room}}  {self.origin}" if len(start) <= room else start
        if len(start) > room:
            yield f"{self.origin:>{COLUMNS}}"
        texts = _merged(self.became)
        more = len(texts) - MOST
        for text in texts[:MOST]:
            yield from hanging("    → ", text)
        if more > 0:
            yield f"      and {more} more"
        if not texts:
            yield "    → " + ("names the run, and nothing else" if self.path[0] in NAMES else "nothing is built of it")


@dataclass(frozen=True)
class Explanation:
    """What all keys became.

    Attributes:
        rows: One for each key.
        plan: Layers, steps, rates, memory and time, as `train --dry-run` prints them.
    """

    rows: tuple[Row, ...]
    plan: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return everything as lines of at most 80 columns."""
        return [*(line for row in self.rows for line in row.lines()), "", *self.plan]

    def record(self) -> list[dict[str, Any]]:
        """Return the rows as plain values."""
        return [
            {"key": row.key, "value": row.value, "origin": row.origin, "became": dict(row.became)} for row in self.rows
        ]


def explain(recipe: Recipe, data: Any = None, *, shelf: Shelf | None = None) -> Explanation:
    """Load the data, build everything that training would use, and read from it what each key became.

    Args:
        recipe: A checked recipe.
        data: Arrays in place of the recipe's data source.
        shelf: Where runs that share their data find it.

    Raises:
        RecipeError: If recipe and data do not fit together.
        DataError: If the data cannot be used.
    """
    objects = Objects(recipe, data, shelf=shelf)
    return Explanation(tuple(rows(recipe, objects)), tuple(plan_lines(objects.prepared)))


def rows(recipe: Recipe, objects: Objects) -> Iterator[Row]:
    """Yield a row for each key of the resolved recipe; a sweep's are as the recipe has them."""
    resolved, checked = objects.prepared.recipe.to_dict(), recipe.to_dict()
    if "sweep" in checked:
        resolved["sweep"] = checked["sweep"]
    for path, value in leaves(resolved):
        yield Row(path, value, origin_of(path, recipe.document, checked), became(path, objects))


def _merged(facts: Mapping[str, Any]) -> list[str]:
    """Return facts as texts, those that say the same of several layers as one, and a curve as one."""
    groups: dict[tuple[str, str], list[str]] = {}
    listed: dict[str, list[str]] = {}
    for address, value in facts.items():
        above, _, last = address.rpartition("/")
        if above in LISTED:
            listed.setdefault(LISTED[above], []).append(f"{last} {_text(value)}")
            continue
        place, argument = _split(address)
        groups.setdefault((argument, _text(value)), []).append(place)
    texts = [f"{name}: {_listed(items)}" for name, items in listed.items()]
    return [*texts, *(f"{_names(places)} {argument} = {text}" for (argument, text), places in groups.items())]


def _listed(items: list[str]) -> str:
    return ", ".join(items) if len(items) <= 7 else f"{', '.join(items[:3])} … {', '.join(items[-3:])}"


def _split(address: str) -> tuple[str, str]:
    """Return object and argument of an address, without the object's kind where the name says it."""
    kind, name, *rest = address.split("/")
    if kind in ("layer", "metric", "watch"):
        return name, ".".join(rest)
    return (f"phase {name}", ".".join(rest)) if kind == "phase" else (kind, ".".join([name, *rest]))


def _names(places: list[str]) -> str:
    unique = list(dict.fromkeys(places))
    return ", ".join(unique) if len(unique) <= 3 else f"{unique[0]}, {unique[1]} … {unique[-1]}"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, list):
        return cut(re.sub(r"(\d\.\d{4})\d+", r"\1", to_flow(value)), LONGEST)
    return cut(str(value), LONGEST)
