"""What a recipe's data holds, in words: `hornbook check --load-data`."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hornbook.data.leaks import best_column, is_leak
from hornbook.data.source import Splits
from hornbook.errors import DataError
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sources.table import Table

if TYPE_CHECKING:
    from hornbook.data.tables.overview import ColumnLine

__all__ = ["Survey", "survey"]

MOST_EXAMPLES = 20_000
"""Training examples by which it is judged whether a column tells the target."""


@dataclass(frozen=True)
class Survey:
    """What reading the data has shown.

    Attributes:
        summary: The examples in one line; None where they cannot be used.
        spans: First and last moment of each split by time.
        columns: What becomes of each column of a table; none where the file cannot be read.
        pictures: Lines about picture files: their kinds and sizes, what was converted, the classes of each split.
    """

    summary: str | None
    spans: dict[str, tuple[str, str]]
    columns: "tuple[ColumnLine, ...]"
    pictures: tuple[str, ...] = ()


def survey(recipe: Recipe, splits: Splits | None) -> Survey:
    """Return what the data of a recipe shows; splits are None where it cannot be used."""
    columns: tuple[ColumnLine, ...] = ()
    if isinstance(recipe.data, Table):
        from hornbook.data.tables.overview import overview  # polars: a tenth of a second and 30 MB

        try:
            columns = tuple(overview(recipe.data))
        except DataError:
            columns = ()  # the probe says why
    if splits is None:
        return Survey(None, {}, columns)
    info = splits.info
    leak = _leak(splits)
    columns = tuple(replace(line, notes=(*line.notes, leak[1])) if line.name == leak[0] else line for line in columns)
    pictures = tuple(info.describe_pictures(every_class=True))
    return Survey(f"{info.name}: {info.describe()}", info.extra.get("spans", {}), columns, pictures)


def _leak(splits: Splits) -> tuple[str, str]:
    """Return the column that tells the target almost by itself, and what to say of it; empty names where there is none."""
    info, train = splits.info, splits.train
    if info.features is None or len(info.features) < 2:
        return "", ""
    rows: Any = np.arange(min(len(train), MOST_EXAMPLES))  # lazy rows are read by their numbers
    found = best_column(np.asarray(train.x[rows]), train.y[rows], info.task, info.features)
    if found is None or not is_leak(found[1], found[2]):
        return "", ""
    place, best, following = found
    next_best = f"the next best column {following:.3f}"
    said = f"tells the target by itself (skill {best:.3f} of 1, {next_best}): is it known before the target is?"
    return info.features[place].name, f"a leak: {said}"
