"""What the columns of a table are and what becomes of each, for `hornbook check --load-data` and `hornbook new`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from hornbook.data.tables.columns.dates import times
from hornbook.data.tables.columns.features import columns_of, feature_columns
from hornbook.data.tables.columns.rule import Column, as_numbers, plain_column
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import read_frame, table_name
from hornbook.errors import DataError
from hornbook.recipes.sources.table import Table

__all__ = ["ColumnLine", "is_identifier_name", "overview"]

MOST_ROWS = 1_000_000
"""Rows of a table that the report looks at."""
MOST_VALUES, LONGEST_VALUE = 5, 100
IDENTIFIER = re.compile(r"(?i)^(?:id|uuid|guid|index|key)$|(?:^|[_\s.-])(?:id|uuid|guid|key|nr|no|number)$|[a-z]I[dD]$")
"""Names of columns that say which row, person or thing it is."""


@dataclass(frozen=True)
class ColumnLine:
    """One column of a table.

    Attributes:
        name: The column's name.
        type: What its values are by the rule of `columns.rule`, or what they look like where they are refused.
        missing: Values that are missing.
        distinct: Different values among the others.
        becomes: What the recipe makes of it.
        lowest: The smallest number, or the earliest date.
        highest: The largest number, or the latest date.
        values: The most frequent values of what is no number and no date.
        notes: What the user should look at.
    """

    name: str
    type: str
    missing: int
    distinct: int
    becomes: str
    lowest: float | str | None = None
    highest: float | str | None = None
    values: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def overview(spec: Table) -> list[ColumnLine]:
    """Return a line for each column of a table, in the order of the file, those included that are refused.

    Raises:
        DataError: If the file cannot be read, or lacks a column that the recipe names.
    """
    where, dialect = table_name(spec.path), Dialect.of_spec(spec)
    frame = read_frame(spec.path, dialect, rows=MOST_ROWS, may_mix=spec.may_mix)
    features = frozenset(feature_columns(spec, frame, where)) - {*spec.picture_columns}
    declared = {name: type_ for name, type_ in spec.declared_types.items() if name in features}
    flat = [name for name in frame.columns if not (frame[name].dtype.is_nested() or frame[name].dtype == pl.Binary)]
    columns = {column.name: column for column in columns_of(frame.select(flat), declared, dialect=dialect, where=where)}
    lines = []
    for name in frame.columns:
        column = columns.get(name)
        becomes = _role(name, spec) or (_becomes(column, spec) if name in features else "left out")
        lines.append(line_of(frame[name], column, dialect, becomes))
    return lines


def line_of(values: pl.Series, column: Column | None, dialect: Dialect, becomes: str) -> ColumnLine:
    """Return what a column is and holds.

    Args:
        values: As read.
        column: What it is by the rule; None where no table can hold it.
        dialect: How its values are written.
        becomes: What the recipe makes of it.
    """
    if column is None:
        return ColumnLine(values.name, str(values.dtype), values.null_count(), 0, becomes)
    plain = _as_texts(values) if column.looks == "text" and becomes == "tokens" else plain_column(values, dialect, "")
    missing = plain.null_count()
    distinct = plain.n_unique() - (missing > 0)
    facts: dict[str, Any] = {}
    if column.looks == "number":
        numbers = as_numbers(plain, dialect, column.sign)
        facts = {"lowest": numbers.min(), "highest": numbers.max()}
    elif column.looks == "date":
        facts = _span(plain)
    if column.looks not in {"number", "date"} or facts.get("lowest") is None:
        counts = plain.cast(pl.String).drop_nulls().rename("value").value_counts(name="count")
        frequent = counts.sort("count", "value", descending=[True, False])["value"].head(MOST_VALUES)
        facts["values"] = tuple(text[:LONGEST_VALUE] for text in frequent.to_list())
    notes = tuple(_notes(column, len(values), missing, distinct)) if becomes not in {"target", "left out"} else ()
    return ColumnLine(values.name, column.looks, missing, distinct, becomes, notes=notes, **facts)


def _as_texts(values: pl.Series) -> pl.Series:
    """Return a column as texts are read: `NA` and `null` are words of theirs, and what is empty is missing."""
    texts = values.cast(pl.String)
    return pl.select(pl.when(texts.str.strip_chars() != "").then(texts)).to_series().alias(values.name)


def is_identifier_name(name: str) -> bool:
    """Return whether a column's name says that it tells which row, person or thing it is: `id`, `customer_id`, `userId`."""
    return IDENTIFIER.search(name) is not None


def _notes(column: Column, num_rows: int, missing: int, distinct: int) -> Iterator[str]:
    """Yield what a column looks like beside its type: one value only, or a name for each row."""
    if distinct == 1 and not missing and num_rows > 1:
        yield "constant: the same in all rows, so it teaches nothing"
    if any("numbers the rows" in warning for warning in column.warnings):
        yield "an identifier: it numbers the rows"
    elif is_identifier_name(column.name) and distinct > 1:
        if distinct == num_rows - missing:
            yield "an identifier, by its name: no two rows share a value"
        elif column.looks in {"number", "identifier"} and 2 * distinct <= num_rows:
            yield "an identifier, by its name, that repeats: to keep its rows in one split use 'method: group'"


def _role(name: str, spec: Table) -> str:
    """Return what a column is used for, other than as a feature; nothing for those that may be one."""
    if name in spec.target_columns:
        return "target"
    if spec.split is not None and name == spec.split.column:
        return "orders the split" if spec.split.method == "time" else "groups the split"
    if name in spec.picture_columns:
        return "read as pictures"
    return "weight" if name == spec.weight else ""


def _becomes(column: Column | None, spec: Table) -> str:
    if column is not None and column.parts:
        count = len(column.parts)
        return (
            "standardized"
            if count == 1 and spec.standardize is not False
            else f"{count} number{'' if count == 1 else 's'}"
        )
    if column is not None and column.looks == "text" and not column.refusal:
        return "tokens"
    if column is None or column.feature is None:
        return "refused"
    if column.feature.type == "number":
        becomes = "number" if spec.standardize is False else "standardized"
        return f"{becomes} ({column.sign})" if column.sign else becomes
    return f"one-hot of {len(column.feature.categories):,}"


def _span(values: pl.Series) -> dict[str, str | None]:
    """Return the first and the last date, where the dates can be read in one way."""
    present = values.drop_nulls()
    if values.dtype != pl.String:
        return {"lowest": str(present.min()), "highest": str(present.max())}
    try:
        moments = pl.Series(times(present.unique().to_numpy(), None, "")).cast(pl.Datetime("us"))
    except DataError:
        return {}
    return {"lowest": _moment(moments.min()), "highest": _moment(moments.max())}


def _moment(value: Any) -> str:
    return str(value).removesuffix(" 00:00:00")
