"""Table files as sources. Types columns, leaves numbering the training split's categories to the pipeline."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from hornbook.data.source import Array, Source
from hornbook.data.tables.columns import encode_columns, feature_columns, infer_features, require_columns, target_values
from hornbook.data.tables.dates import guessed_times
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import read_frame, table_name
from hornbook.data.tables.rule import plain_column, rows_listed
from hornbook.data.tables.text import doubtful_heading
from hornbook.errors import DataError
from hornbook.recipes.sources.common import SplitSpec
from hornbook.recipes.sources.pictures import ImageList
from hornbook.recipes.sources.table import ColumnType, Table

__all__ = ["dialect_of", "load_table", "split_values", "table_frame", "target_array"]


def load_table(spec: Table, *, seed: int) -> Source:
    """Return a table as a source: x (N, F) float32 with NaN for missing numbers and codes for categories.

    Raises:
        DataError: If a file or column is missing or malformed.
    """
    where, dialect = table_name(spec.path), Dialect.of_spec(spec)
    frame = table_frame(spec)
    columns = feature_columns(spec, frame, where)
    features, dialect, warnings = infer_features(
        frame.select(columns), spec.declared_types, dialect=dialect, where=where
    )
    x_NF, _ = encode_columns(frame, features, dialect=dialect, where=where)
    own: dict[str, Any] = {}
    for split, path in (("validation", spec.validation_path), ("test", spec.test_path)):
        if path is None:
            continue
        name = table_name(path)
        other = read_frame(path, dialect, may_mix=spec.may_mix)
        weight = [spec.weight] if spec.weight is not None else []
        require_columns([*columns, *spec.target_columns, *weight], other, name)
        own[f"x_{split}"], _ = encode_columns(other, features, dialect=dialect, where=name)
        own[f"y_{split}"] = target_array(spec.target_columns, other, dialect, name, types=spec.types)
        own[f"weights_{split}"] = weights_of(spec.weight, other, dialect, name)
    return Source(
        x_NF,
        target_array(spec.target_columns, frame, dialect, where, types=spec.types),
        "table",
        features=features,
        split_by=split_values(spec.split, frame, dialect, where),
        weights=weights_of(spec.weight, frame, dialect, where),
        target_names=spec.target_columns if len(spec.target_columns) > 1 else None,
        warnings=(*warnings, *filter(None, [doubtful_heading(frame.columns) if spec.heading is None else ""])),
        extra=dialect.recorded(),
        **own,
    )


def table_frame(spec: Table | ImageList, *, rows: int | None = None) -> pl.DataFrame:
    """Return the training examples' table as a data frame, or its first rows; errors as of `read_frame`."""
    may_mix = spec.may_mix if isinstance(spec, Table) else None
    return read_frame(spec.path, dialect_of(spec), rows=rows, may_mix=may_mix)


def dialect_of(spec: Table | ImageList) -> Dialect:
    """Return how the table of a recipe is written."""
    if isinstance(spec, ImageList):
        return Dialect(separator=spec.separator, encoding=spec.encoding)
    return Dialect.of_spec(spec)


def target_array(
    names: Sequence[str],
    frame: pl.DataFrame,
    dialect: Dialect,
    where: str,
    *,
    types: Mapping[str, ColumnType] | None = None,
) -> Array:
    """Return target columns as (N,) or (N, K) values; those with a type are numbers. Errors as of `target_values`."""
    columns = [
        target_values(frame[name], dialect=dialect, where=where, is_number=name in (types or {})) for name in names
    ]
    return columns[0] if len(columns) == 1 else np.column_stack(columns)


def weights_of(column: str | None, frame: pl.DataFrame, dialect: Dialect, where: str) -> Array | None:
    """Return the rows' weights, or None where no column holds them; the pipeline refuses those that are none.

    Raises:
        DataError: If a value is missing or no number.
    """
    if column is None:
        return None
    values = plain_column(frame[column], dialect, where).cast(pl.Float64, strict=False)
    missing = np.flatnonzero(values.is_null().to_numpy())
    if len(missing):
        rows = rows_listed((missing + 1).tolist())
        raise DataError(f"{where}: column '{column}' holds weights, and has no number in {rows}.")
    return values.to_numpy()


def split_values(split: SplitSpec | None, frame: pl.DataFrame, dialect: Dialect, where: str) -> Array | None:
    """Return the values that order or group the rows: numbers, points in time, or text; None where none are named.

    Raises:
        DataError: If a value is missing.
    """
    if split is None or split.column is None:
        return None
    column = frame[split.column]
    values = plain_column(column, dialect, where)
    missing = np.flatnonzero(values.is_null().to_numpy())
    if len(missing):
        raise DataError(
            f"{where}: column '{column.name}' has no value to split by in {rows_listed((missing + 1).tolist())}."
        )
    if split.method == "group":
        return np.array(column.cast(pl.String).str.strip_chars().to_list())
    if column.dtype != pl.String:
        return column.to_numpy()
    numbers = values.cast(pl.Float64, strict=False)
    if not numbers.null_count() and split.format is None:
        return numbers.to_numpy()
    return guessed_times(values, where).to_numpy() if dialect.is_loose else np.array(values.to_list())
