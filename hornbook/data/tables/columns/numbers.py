"""Columns that are numbers as programs write them, as most are: read at once, several times as fast as by the rule."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from hornbook.data.source import Array
from hornbook.data.storage.threads import side_by_side
from hornbook.data.tables.dialect import Dialect

__all__ = ["PlainNumbers", "code_of", "numbers_rows", "plain_numbers"]

SAMPLE = 1000  # values of a column that say whether it is worth a try


@dataclass(frozen=True)
class PlainNumbers:
    """A column of which each value is missing or a finite number, as `rule` and `columns` would read it.

    Attributes:
        values: (N,) float32, NaN where it is missing.
        numbers_rows: Whether they count the rows.
        code: Of whole numbers the first text with a 0 in front, or empty text.
    """

    values: Array
    numbers_rows: bool
    code: str


def plain_numbers(frame: pl.DataFrame, names: Iterable[str], dialect: Dialect) -> dict[str, PlainNumbers]:
    """Return those of some columns that are plain numbers; what is said of the others takes a closer look."""
    if dialect.is_loose or not dialect.is_plain or dialect.missing_numbers:
        return {}
    columns = [frame[name] for name in names]
    found = side_by_side(_plain, columns, size=frame.height * len(columns))
    return {column.name: numbers for column, numbers in zip(columns, found, strict=True) if numbers is not None}


def _plain(column: pl.Series) -> PlainNumbers | None:
    code = ""
    if column.dtype == pl.String:
        head = column.head(SAMPLE)
        if head.cast(pl.Float64, strict=False).null_count() > head.null_count():
            return None
    elif not column.dtype.is_numeric():
        return None
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() > column.null_count() or numbers.null_count() == len(numbers):
        return None
    if not math.isfinite(numbers.sum()):
        return None  # some are NaN or infinite, or may be
    if column.dtype == pl.String:
        code = code_of(column, numbers)
    with np.errstate(over="ignore"):
        values = numbers.to_numpy().astype(np.float32)  # null becomes NaN
    return None if np.isinf(values).any() else PlainNumbers(values, numbers_rows(numbers), code)


def code_of(texts: pl.Series, numbers: pl.Series) -> str:
    """Return the first text with a 0 in front, or empty text where there is none or some are fractions.

    Args:
        texts: As a table has them.
        numbers: What they are as Float64.
    """
    if any(bool((part % 1 != 0).any()) for part in (numbers.head(SAMPLE), numbers)):
        return ""
    codes = texts.filter(texts.str.contains(r"^0\d+$").fill_null(value=False))
    return str(codes[0]) if len(codes) else ""


def numbers_rows(numbers: pl.Series) -> bool:
    """Return whether each of more than ten numbers is one more than the one before it."""
    if len(numbers) <= 10:
        return False
    return all(bool((np.diff(values.to_numpy()) == 1).all()) for values in (numbers.head(10), numbers))
