"""Table files as sources. Types columns, leaves numbering the training split's categories to the pipeline."""

from typing import Any

import numpy as np
import polars as pl

from hornbook.data.source import Array, Source
from hornbook.data.tables.columns import (
    encode_columns,
    feature_columns,
    infer_features,
    require_columns,
    target_array,
    weights_of,
    with_targets,
)
from hornbook.data.tables.dates import guessed_times
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import read_frame, table_name
from hornbook.data.tables.rule import plain_column, rows_listed
from hornbook.data.tables.text import doubtful_heading
from hornbook.errors import DataError
from hornbook.recipes.sources.common import SplitSpec
from hornbook.recipes.sources.pictures import ImageList
from hornbook.recipes.sources.table import Table

__all__ = ["dialect_of", "load_table", "split_values", "table_frame"]


def load_table(spec: Table, *, seed: int) -> Source:
    """Return a table as a source: x (N, F) float32 with NaN for missing numbers and codes for categories.

    Raises:
        DataError: If a file or column is missing or malformed.
    """
    where, dialect = table_name(spec.path), Dialect.of_spec(spec)
    frame, said = _labeled(table_frame(spec), spec, dialect, where)
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
        other, more = _labeled(other, spec, dialect, name)
        said = (*said, *more)
        own[f"x_{split}"], _ = encode_columns(other, features, dialect=dialect, where=name)
        own[f"y_{split}"] = target_array(spec.target_columns, other, dialect, name, numbers=spec.types or ())
        own[f"weights_{split}"] = weights_of(spec.weight, other, dialect, name)
    return Source(
        x_NF,
        target_array(spec.target_columns, frame, dialect, where, numbers=spec.types or ()),
        "table",
        features=features,
        split_by=split_values(spec.split, frame, dialect, where),
        weights=weights_of(spec.weight, frame, dialect, where),
        target_names=spec.target_columns if len(spec.target_columns) > 1 else None,
        warnings=(*said, *warnings, *filter(None, [doubtful_heading(frame.columns) if spec.heading is None else ""])),
        extra=dialect.recorded(),
        **own,
    )


def _labeled(frame: pl.DataFrame, spec: Table, dialect: Dialect, where: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the rows with targets, and a sentence about the others, where the recipe leaves these out."""
    if spec.missing_targets is None:
        return frame, ()
    require_columns(list(spec.target_columns), frame, where)
    kept, count = with_targets(frame, spec.target_columns, dialect=dialect, where=where)
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return kept, ((f"left out {rows} of {frame.height:,} without a target in {where}.",) if count else ())


def table_frame(spec: Table | ImageList, *, rows: int | None = None) -> pl.DataFrame:
    """Return the training examples' table as a data frame, or its first rows; errors as of `read_frame`."""
    may_mix = spec.may_mix if isinstance(spec, Table) else None
    return read_frame(spec.path, dialect_of(spec), rows=rows, may_mix=may_mix)


def dialect_of(spec: Table | ImageList) -> Dialect:
    """Return how the table of a recipe is written."""
    if isinstance(spec, ImageList):
        return Dialect(separator=spec.separator, encoding=spec.encoding)
    return Dialect.of_spec(spec)


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
