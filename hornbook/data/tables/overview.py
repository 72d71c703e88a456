"""What becomes of each column of a table, for `hornbook check --load-data`."""

from dataclasses import dataclass

import polars as pl

from hornbook.data.tables.columns import columns_of, feature_columns
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import read_frame, table_name
from hornbook.data.tables.rule import Column, plain_column
from hornbook.recipes.sources.table import Table

__all__ = ["ColumnLine", "overview"]


@dataclass(frozen=True)
class ColumnLine:
    """One column: what it looks like, how many values are missing and how many different there are, what becomes of it."""

    name: str
    type: str
    missing: int
    distinct: int
    becomes: str


def overview(spec: Table) -> list[ColumnLine]:
    """Return a line for each column of a table, in the order of the file, those included that are refused.

    Raises:
        DataError: If the file cannot be read, or lacks a column that the recipe names.
    """
    where, dialect = table_name(spec.path), Dialect.of_spec(spec)
    frame = read_frame(spec.path, dialect, may_mix=spec.may_mix)
    features = frozenset(feature_columns(spec, frame, where))
    declared = {name: type_ for name, type_ in spec.declared_types.items() if name in features}
    flat = [name for name in frame.columns if not (frame[name].dtype.is_nested() or frame[name].dtype == pl.Binary)]
    columns = {column.name: column for column in columns_of(frame.select(flat), declared, dialect=dialect, where=where)}
    return [_line(frame[name], columns.get(name), spec, dialect, is_feature=name in features) for name in frame.columns]


def _line(values: pl.Series, column: Column | None, spec: Table, dialect: Dialect, *, is_feature: bool) -> ColumnLine:
    name = values.name
    split_column = spec.split.column if spec.split else None
    if name in spec.target_columns:
        becomes = "target"
    elif name == split_column and spec.split is not None:
        becomes = "orders the split" if spec.split.method == "time" else "groups the split"
    elif name == spec.weight:
        becomes = "weight"
    elif not is_feature:
        becomes = "left out"
    else:
        becomes = _becomes(column)
    if column is None:
        return ColumnLine(name, str(values.dtype), values.null_count(), 0, becomes)
    plain = plain_column(values, dialect, "")
    missing = plain.null_count()
    return ColumnLine(name, column.looks, missing, plain.n_unique() - (missing > 0), becomes)


def _becomes(column: Column | None) -> str:
    if column is not None and column.parts:
        count = len(column.parts)
        return f"{count} number{'' if count == 1 else 's'}" + (f", written {column.dates}" if column.dates else "")
    if column is None or column.feature is None:
        return "refused"
    if column.feature.type == "number":
        return f"number, written with '{column.sign}'" if column.sign else "number"
    count = len(column.feature.categories)
    return f"{count} input{'' if count == 1 else 's'}, one more for unknown"
