"""CSV and Parquet files as sources. Types columns, leaves numbering the training split's categories to the pipeline."""

from typing import Any

import numpy as np
import polars as pl

from hornbook.data.source import Array, Source
from hornbook.data.storage.files import existing_file
from hornbook.data.tables.columns import encode_columns, infer_features, rows_listed, target_values
from hornbook.data.tables.files import read_frame
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.sources.table import Table

__all__ = ["load_table", "table_frame", "target_array"]


def load_table(spec: Table, *, seed: int) -> Source:
    """Return a table as a source: x (N, F) float32 with NaN for missing numbers and codes for categories.

    Raises:
        DataError: If a file or column is missing or malformed.
    """
    where = str(existing_file(spec.path))
    frame = table_frame(spec)
    columns = _feature_columns(spec, frame, where)
    features, warnings = infer_features(frame.select(columns), spec.declared_types, missing=spec.missing, where=where)
    x_NF = encode_columns(frame, features, missing=spec.missing, where=where)
    test: dict[str, Any] = {}
    if spec.test_path is not None:
        test_file = existing_file(spec.test_path)
        test_frame = read_frame(test_file, separator=spec.separator)
        _require([*columns, *spec.target_columns], test_frame, str(test_file))
        test["x_test"] = encode_columns(test_frame, features, missing=spec.missing, where=str(test_file))
        test["y_test"] = target_array(spec, test_frame, str(test_file))
    return Source(
        x_NF,
        target_array(spec, frame, where),
        "table",
        features=features,
        split_by=_split_values(spec, frame, where),
        target_names=spec.target_columns if len(spec.target_columns) > 1 else None,
        warnings=warnings,
        extra={"missing": list(spec.missing), "separator": spec.separator},
        **test,
    )


def table_frame(spec: Table, *, rows: int | None = None) -> pl.DataFrame:
    """Return the training examples' file as a data frame, or its first rows; errors as of `read_frame`."""
    return read_frame(existing_file(spec.path), separator=spec.separator, rows=rows)


def _feature_columns(spec: Table, frame: pl.DataFrame, where: str) -> list[str]:
    """Return the names of the feature columns, in the order of recipe or file."""
    split_column = spec.split.column if spec.split else None
    others = [split_column] if split_column is not None else []
    named = [*spec.target_columns, *others, *(spec.columns or ()), *(spec.drop or ()), *(spec.types or ())]
    _require(named, frame, where)
    if spec.columns is not None:
        return list(spec.columns)
    used = {*spec.target_columns, *others, *(spec.drop or ())}
    columns = [name for name in frame.columns if name not in used]
    if not columns:
        raise DataError(f"{where}: no column is left as a feature. Columns: {', '.join(frame.columns)}.")
    return columns


def _require(names: list[str], frame: pl.DataFrame, where: str) -> None:
    for name in names:
        if name not in frame.columns:
            raise DataError(f"{where}: no column '{name}'. {did_you_mean(name, frame.columns)}")


def target_array(spec: Table, frame: pl.DataFrame, where: str) -> Array:
    """Return the target columns as (N,) or (N, K) values; errors as of `target_values`."""
    columns = [target_values(frame[name], missing=spec.missing, where=where) for name in spec.target_columns]
    return columns[0] if len(columns) == 1 else np.column_stack(columns)


def _split_values(spec: Table, frame: pl.DataFrame, where: str) -> Array | None:
    """Return the values that order or group the rows: numbers or dates where they are such, else text."""
    if spec.split is None or spec.split.column is None:
        return None
    column = frame[spec.split.column]
    if column.dtype == pl.String:
        column = column.str.strip_chars()
    missing = np.flatnonzero(
        (column.is_null() | column.cast(pl.String).is_in(list(spec.missing)).fill_null(value=True)).to_numpy()
    )
    if len(missing):
        raise DataError(
            f"{where}: column '{column.name}' has no value to split by in {rows_listed((missing + 1).tolist())}."
        )
    if spec.split.method == "group" or column.dtype != pl.String:
        return np.array(column.cast(pl.String).to_list()) if spec.split.method == "group" else column.to_numpy()
    numbers = column.cast(pl.Float64, strict=False)
    if not numbers.null_count():
        return numbers.to_numpy()
    return _dates(column, where).to_numpy()


def _dates(column: pl.Series, where: str) -> pl.Series:
    for convert in (column.str.to_datetime, column.str.to_date):
        try:
            return convert(strict=True)
        except pl.exceptions.PolarsError:
            continue
    raise DataError(
        f"{where}: column '{column.name}' holds text that is neither number nor date ('{column[0]}'). "
        "Write dates like 2026-11-21 or 2026-11-21 08:30:00."
    )
