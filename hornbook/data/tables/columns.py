"""Types the columns of a data frame and turns them into numbers: float32, NaN for missing, category codes from 1."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from hornbook.data.canonical import is_frame
from hornbook.data.source import Array, Feature, Source
from hornbook.errors import DataError
from hornbook.recipes.sources.table import Table

__all__ = [
    "DEFAULT_MISSING",
    "encode_columns",
    "frame_source",
    "infer_features",
    "rows_listed",
    "target_values",
]

DEFAULT_MISSING: tuple[str, ...] = Table.model_fields["missing"].default
MANY_CATEGORIES = 100  # undeclared text with more different values than this is an identifier or prose
ColumnType = Literal["number", "category"]


def infer_features(
    frame: pl.DataFrame, declared: Mapping[str, ColumnType], *, missing: Sequence[str], where: str
) -> tuple[tuple[Feature, ...], tuple[str, ...]]:
    """Return the features of all columns of a frame with their categories, sorted, and warnings.

    Args:
        frame: The feature columns.
        declared: Types that are given; the others follow from the values: numbers, or else categories.
        missing: Texts that mean a missing value.
        where: What to call the frame in messages.

    Raises:
        DataError: For empty columns, texts among numbers, and undeclared identifiers.
    """
    features, warnings = [], []
    for name in frame.columns:
        column = _plain_column(frame[name], missing, where)
        if column.null_count() == len(column):
            raise DataError(f"{where}: column '{name}' is empty. Drop it (drop: [{name}]).")
        type_ = declared.get(name) or _infer_type(column, where)
        if type_ == "number":
            features.append(Feature(name, "number"))
            if _numbers_rows(_numbers(column, where)):
                warnings.append(f"column '{name}' numbers the rows. If it is an identifier, drop it (drop: [{name}]).")
        else:
            categories = _text(column).drop_nulls().unique().sort().to_list()
            if name not in declared:
                _refuse_identifier(name, len(categories), len(column), where)
            features.append(Feature(name, "category", tuple(categories)))
    return tuple(features), tuple(warnings)


def encode_columns(frame: pl.DataFrame, features: Sequence[Feature], *, missing: Sequence[str], where: str) -> Array:
    """Return the columns as (N, F) float32: numbers with NaN for missing, category codes with 0 for missing or unknown.

    Raises:
        DataError: If a value of a number column is no finite number of float32.
    """
    columns = []
    for feature in features:
        column = _plain_column(frame[feature.name], missing, where)
        if feature.type == "number":
            columns.append(_to_float32(_numbers(column, where), feature.name, where))
        else:
            codes = {name: code for code, name in enumerate(feature.categories, 1)}
            texts = _text(column).to_list()
            columns.append(np.array([codes.get(text, 0) for text in texts], dtype=np.float32))
    return np.column_stack(columns)


def target_values(column: pl.Series, *, missing: Sequence[str], where: str) -> Array:
    """Return a target column as whole numbers, numbers or text, whichever it holds.

    Raises:
        DataError: If a value is missing; with the rows.
    """
    values = _plain_column(column, missing, where)
    absent = values.is_null() | (values.is_nan() if values.dtype.is_float() else False)
    rows = np.flatnonzero(absent.to_numpy()) + 1
    if len(rows):
        verb = "is" if len(rows) == 1 else "are"
        raise DataError(
            f"{where}: {len(rows):,} of {len(values):,} values of the target '{column.name}' {verb} missing: "
            f"{rows_listed(rows.tolist())}. Remove these rows."
        )
    if values.dtype == pl.String:
        for type_ in (pl.Int64, pl.Float64):
            number = values.cast(type_, strict=False)
            if not number.null_count():
                return number.to_numpy()
        failed = values.cast(pl.Float64, strict=False).null_count()
        if failed * 10 < len(values):  # a number column with a few slips, not classes
            raise _no_number(values, "Repair it", where)
        return np.array(values.to_list())
    return values.to_numpy()


def rows_listed(rows: Sequence[int]) -> str:
    """Return `row 3`, or `rows 3, 4, 7 …`."""
    listed = ", ".join(f"{row:,}" for row in rows[:5]) + (" …" if len(rows) > 5 else "")
    return f"row{'s' if len(rows) > 1 else ''} {listed}"


def frame_source(roles: Mapping[str, Any]) -> Source:
    """Return a source of data frames by role (x, y, x_test …): a table with typed columns."""
    frames = {role: _polars(value) for role, value in roles.items() if role.startswith("x") and value is not None}
    targets: dict[str, Any] = {role: _target_array(value) for role, value in roles.items() if role.startswith("y")}
    if not frames["x"].width or not frames["x"].height:
        raise DataError(f"x: a data frame of shape {frames['x'].shape} holds no values.")
    features, warnings = infer_features(frames["x"], {}, missing=DEFAULT_MISSING, where="x")
    arrays: dict[str, Any] = {}
    for role, frame in frames.items():
        lacking = [feature.name for feature in features if feature.name not in frame.columns]
        if lacking:
            raise DataError(f"{role}: no column '{lacking[0]}', which x has.")
        arrays[role] = encode_columns(frame, features, missing=DEFAULT_MISSING, where=role)
    return Source(**arrays, **targets, kind="table", features=features, warnings=warnings)


def _polars(frame: Any) -> pl.DataFrame:
    if isinstance(frame, pl.DataFrame):
        return frame
    if not is_frame(frame):
        raise DataError(f"found {type(frame).__name__} beside a data frame, expected data frames for all inputs.")
    return pl.DataFrame({str(name): np.asarray(frame[name]) for name in frame.columns})


def _target_array(values: Any) -> Array:
    return np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)


def _plain_column(column: pl.Series, missing: Iterable[str], where: str) -> pl.Series:
    """Return a column as numbers or as trimmed text with missing values as null."""
    if column.dtype.is_numeric():
        return column.fill_nan(None) if column.dtype.is_float() else column
    if column.dtype.is_nested() or column.dtype in {pl.Binary, pl.Object}:
        raise DataError(f"{where}: column '{column.name}' holds {column.dtype}, expected numbers or text.")
    text = column.cast(pl.String).str.strip_chars()
    return text.set(text.is_in(list(missing)).fill_null(value=False), None)


def _text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String)


def _infer_type(column: pl.Series, where: str) -> ColumnType:
    """Return `number` where all values are numbers; refuse a column that mixes them with some texts."""
    if column.dtype.is_numeric():
        return "number"
    present = column.drop_nulls()
    failed = present.cast(pl.Float64, strict=False).null_count()
    if failed == 0:
        return "number"
    if failed * 2 < len(present):
        raise _no_number(column, f"If it is a category, say so (types: {{{column.name}: category}})", where)
    return "category"


def _numbers(column: pl.Series, where: str) -> pl.Series:
    """Return a column as Float64 with null for missing."""
    if column.dtype == pl.String:
        numbers = column.cast(pl.Float64, strict=False)
        if numbers.null_count() > column.null_count():
            raise _no_number(column, "Repair it, or drop the column", where)
        return numbers
    return column.cast(pl.Float64)


def _no_number(column: pl.Series, hint: str, where: str) -> DataError:
    bad = np.flatnonzero((column.cast(pl.Float64, strict=False).is_null() & column.is_not_null()).to_numpy())
    others = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
    row = int(bad[0])
    return DataError(
        f"{where}: column '{column.name}': {column[row]!r} in row {row + 1:,} is no number{others}. {hint}."
    )


def _to_float32(numbers: pl.Series, name: str, where: str) -> Array:
    values = numbers.to_numpy().astype(np.float64)  # null becomes NaN
    with np.errstate(over="ignore"):
        converted = values.astype(np.float32)
    infinite = np.flatnonzero(np.isinf(converted))
    if len(infinite):
        row = int(infinite[0])
        what = "is infinite" if np.isinf(values[row]) else f"is too large for float32 ({values[row]:g})"
        raise DataError(f"{where}: column '{name}': row {row + 1:,} {what} ({len(infinite):,} such rows). Repair it.")
    return converted


def _numbers_rows(numbers: pl.Series) -> bool:
    values = numbers.to_numpy()
    return len(values) > 10 and bool((np.diff(values) == 1).all())


def _refuse_identifier(name: str, num_categories: int, num_rows: int, where: str) -> None:
    if num_categories > MANY_CATEGORIES or (num_categories > 20 and num_categories * 2 > num_rows):
        raise DataError(
            f"{where}: column '{name}' has {num_categories:,} different texts in {num_rows:,} rows, which looks like an "
            f"identifier or a date. Drop it (drop: [{name}]), or say what it is (types: {{{name}: category}})."
        )
