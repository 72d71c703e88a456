"""CSV and Parquet files as sources. Types columns, leaves numbering the training split's categories to the pipeline."""

from typing import Any

import numpy as np
import polars as pl

from hornbook.data.source import Array, Source
from hornbook.data.storage.files import existing_file
from hornbook.data.tables.columns import encode_columns, feature_columns, infer_features, require_columns, target_values
from hornbook.data.tables.dates import guessed_times
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import doubtful_heading, read_frame
from hornbook.data.tables.rule import plain_column, rows_listed
from hornbook.errors import DataError
from hornbook.recipes.sources.table import Table

__all__ = ["load_table", "table_frame", "target_array"]


def load_table(spec: Table, *, seed: int) -> Source:
    """Return a table as a source: x (N, F) float32 with NaN for missing numbers and codes for categories.

    Raises:
        DataError: If a file or column is missing or malformed.
    """
    where, dialect = str(existing_file(spec.path)), Dialect.of_spec(spec)
    frame = table_frame(spec)
    columns = feature_columns(spec, frame, where)
    features, dialect, warnings = infer_features(
        frame.select(columns), spec.declared_types, dialect=dialect, where=where
    )
    x_NF, _ = encode_columns(frame, features, dialect=dialect, where=where)
    test: dict[str, Any] = {}
    if spec.test_path is not None:
        test_file = existing_file(spec.test_path)
        test_frame = read_frame(test_file, dialect)
        weight = [spec.weight] if spec.weight is not None else []
        require_columns([*columns, *spec.target_columns, *weight], test_frame, str(test_file))
        test["x_test"], _ = encode_columns(test_frame, features, dialect=dialect, where=str(test_file))
        test["y_test"] = target_array(spec, test_frame, dialect, str(test_file))
        test["weights_test"] = _weights(spec, test_frame, dialect, str(test_file))
    return Source(
        x_NF,
        target_array(spec, frame, dialect, where),
        "table",
        features=features,
        split_by=_split_values(spec, frame, dialect, where),
        weights=_weights(spec, frame, dialect, where),
        target_names=spec.target_columns if len(spec.target_columns) > 1 else None,
        warnings=(*warnings, *filter(None, [doubtful_heading(frame.columns) if spec.heading is None else ""])),
        extra=dialect.recorded(),
        **test,
    )


def table_frame(spec: Table, *, rows: int | None = None) -> pl.DataFrame:
    """Return the training examples' file as a data frame, or its first rows; errors as of `read_frame`."""
    return read_frame(existing_file(spec.path), Dialect.of_spec(spec), rows=rows)


def target_array(spec: Table, frame: pl.DataFrame, dialect: Dialect, where: str) -> Array:
    """Return the target columns as (N,) or (N, K) values; errors as of `target_values`."""
    types = spec.types or {}
    columns = [
        target_values(frame[name], dialect=dialect, where=where, is_number=name in types)
        for name in spec.target_columns
    ]
    return columns[0] if len(columns) == 1 else np.column_stack(columns)


def _weights(spec: Table, frame: pl.DataFrame, dialect: Dialect, where: str) -> Array | None:
    """Return the rows' weights, or None where the recipe names none; the pipeline refuses those that are none."""
    if spec.weight is None:
        return None
    values = plain_column(frame[spec.weight], dialect, where).cast(pl.Float64, strict=False)
    missing = np.flatnonzero(values.is_null().to_numpy())
    if len(missing):
        rows = rows_listed((missing + 1).tolist())
        raise DataError(f"{where}: column '{spec.weight}' holds weights, and has no number in {rows}.")
    return values.to_numpy()


def _split_values(spec: Table, frame: pl.DataFrame, dialect: Dialect, where: str) -> Array | None:
    """Return the values that order or group the rows: numbers, points in time, or text."""
    if spec.split is None or spec.split.column is None:
        return None
    column = frame[spec.split.column]
    values = plain_column(column, dialect, where)
    missing = np.flatnonzero(values.is_null().to_numpy())
    if len(missing):
        raise DataError(
            f"{where}: column '{column.name}' has no value to split by in {rows_listed((missing + 1).tolist())}."
        )
    if spec.split.method == "group":
        return np.array(column.cast(pl.String).str.strip_chars().to_list())
    if column.dtype != pl.String:
        return column.to_numpy()
    numbers = values.cast(pl.Float64, strict=False)
    if not numbers.null_count() and spec.split.format is None:
        return numbers.to_numpy()
    return guessed_times(values, where).to_numpy() if dialect.is_loose else np.array(values.to_list())
