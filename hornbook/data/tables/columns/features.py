"""Turns the columns of a data frame into numbers: float32, NaN for missing, category codes from 1."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from hornbook.data.canonical import column_names, is_frame
from hornbook.data.facts import Feature
from hornbook.data.source import Array, Source
from hornbook.data.storage.threads import side_by_side
from hornbook.data.tables.columns.dates import as_moments
from hornbook.data.tables.columns.moments import part_values
from hornbook.data.tables.columns.numbers import PlainNumbers, plain_numbers
from hornbook.data.tables.columns.rule import (
    Column,
    Type,
    as_numbers,
    category_codes,
    column_of,
    digits,
    plain_column,
    rows_listed,
)
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.notation import BOOLEAN
from hornbook.data.tables.text import no_heading_hint
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.sources.table import Table

__all__ = [
    "accepted", "as_float32", "columns_of", "encode_columns", "feature_columns", "frame_source", "infer_features",
    "polars_frame", "require_columns", "target_array", "weights_of", "with_targets",
]  # fmt: skip

ROWS_AT_ONCE = 4096
FIRST = 1000  # rows that soon say that a target is of another type
Plain = Mapping[str, PlainNumbers]
YES_NO = {"yes": 1, "true": 1, "1": 1, "no": 0, "false": 0, "0": 0}
MOST_REFUSALS = 20  # columns of which a message says what is wrong


def feature_columns(spec: Table, frame: pl.DataFrame, where: str) -> list[str]:
    """Return the names of the feature columns, in the order of recipe or file.

    Raises:
        DataError: If the table lacks a column that the recipe names, or none is left.
    """
    split_column = spec.split.column if spec.split else None
    others = [name for name in (split_column, spec.weight) if name is not None]
    named = [*spec.target_columns, *others, *(spec.columns or ()), *(spec.drop or ()), *(spec.types or ())]
    require_columns(named, frame, where)
    if spec.columns is not None:
        return list(spec.columns)
    used = {*spec.target_columns, *others, *(spec.drop or ())}
    columns = [name for name in frame.columns if name not in used]
    if not columns:
        raise DataError(f"{where}: no column is left as a feature. Columns: {', '.join(frame.columns)}.")
    return columns


def require_columns(names: list[str], frame: pl.DataFrame, where: str) -> None:
    """Raise a DataError unless a table has columns of these names."""
    for name in names:
        if name not in frame.columns:
            hint = did_you_mean(name, frame.columns) + no_heading_hint(frame.columns)
            raise DataError(f"{where}: no column '{name}'. {hint}")


def columns_of(
    frame: pl.DataFrame,
    declared: Mapping[str, Type],
    *,
    dialect: Dialect,
    where: str,
    used: Callable[[], Sequence[str]] | None = None,
    plain: Plain | None = None,
) -> list[Column]:
    """Return what the columns of a frame are; arguments as of `infer_features`, and `used` as of `column_of`."""
    numbers = plain_numbers(frame, frame.columns, dialect) if plain is None else plain

    @cache
    def used_here() -> list[str]:
        texts = [frame[name].str.strip_chars() for name, dtype in frame.schema.items() if dtype == pl.String]
        return [text for text in dialect.missing if text and any((values == text).any() for values in texts)]

    def one(name: str) -> Column:
        type_, known = declared.get(name), numbers.get(name)
        return column_of(frame[name], type_, dialect, where, used=used or used_here, plain=known)

    return side_by_side(one, frame.columns, size=frame.height * (frame.width - len(numbers)))


def infer_features(
    frame: pl.DataFrame, declared: Mapping[str, Type], *, dialect: Dialect, where: str, plain: Plain | None = None
) -> tuple[tuple[Feature, ...], Dialect, tuple[str, ...]]:
    """Return the features of all columns of a frame, the dialect with the signs of their numbers, and warnings.

    Args:
        frame: The feature columns.
        declared: Types that are given; the others follow from the values by the rule of `columns.rule`.
        dialect: How the values are written.
        where: What to call the frame in messages.
        plain: The columns that are plain numbers, where that is known.

    Raises:
        DataError: If columns are refused; with all of them.
    """
    return accepted(columns_of(frame, declared, dialect=dialect, where=where, plain=plain), dialect, where)


def accepted(
    columns: Sequence[Column], dialect: Dialect, where: str
) -> tuple[tuple[Feature, ...], Dialect, tuple[str, ...]]:
    """Return what `infer_features` does, of columns that are known; errors as of that."""
    refusals = [column.refusal for column in columns if column.refusal]
    if len(refusals) == 1:
        raise DataError(f"{where}: {refusals[0]}")
    if refusals:
        more = [f"… and {len(refusals) - MOST_REFUSALS:,} more"] if len(refusals) > MOST_REFUSALS else []
        lines = "\n  ".join([*refusals[:MOST_REFUSALS], *more])
        raise DataError(f"{where}: {len(refusals):,} columns cannot be read.\n  {lines}")
    features = tuple(feature for column in columns for feature in column.features)
    twice = next((name for name, times in Counter(each.name for each in features).items() if times > 1), None)
    if twice is not None:
        raise DataError(f"{where}: column '{twice}' is called like a part of a column of dates. Rename it.")
    signs = {column.name: column.sign for column in columns if column.sign is not None}
    dates = {column.name: column.dates for column in columns if column.dates is not None}
    warnings = tuple(warning for column in columns for warning in column.warnings)
    return features, replace(dialect, signs=signs, dates=dates), warnings


def encode_columns(
    frame: pl.DataFrame, features: Sequence[Feature], *, dialect: Dialect, where: str, plain: Plain | None = None
) -> tuple[Array, dict[str, int]]:
    """Return the columns as (N, F) float32: numbers with NaN for missing, category codes with 0 for missing or unknown.

    The second value says for each column with unknown categories how many there are. Arguments as of `infer_features`.

    Raises:
        DataError: If a value of a number column is no finite number of float32, or no value of a column is known.
    """
    numbers = [each.name for each in features if each.type == "number" and not each.part]
    numbers = [name for name in numbers if not dialect.signs.get(name)]
    known = plain_numbers(frame, numbers, dialect) if plain is None else {name: plain.get(name) for name in numbers}
    moments: dict[str, Array] = {}

    def encoded(feature: Feature) -> tuple[Array, int]:
        numbers = known.get(feature.name)
        return _encoded(feature, frame, moments, dialect, where) if numbers is None else (numbers.values, 0)

    found = side_by_side(encoded, features, size=frame.height * len(features))
    unknown = {feature.name: count for feature, (_, count) in zip(features, found, strict=True) if count}
    return _rows([values for values, _ in found]), unknown


def _encoded(
    feature: Feature, frame: pl.DataFrame, moments: dict[str, Array], dialect: Dialect, where: str
) -> tuple[Array, int]:
    """Return (N,) float32 of a feature, and how many categories are unknown; `moments` keeps columns of dates."""
    if feature.part:
        if feature.column not in moments:
            moments[feature.column] = _moments(frame[feature.column], dialect, where)
        return part_values(moments[feature.column], feature.part).astype(np.float32), 0
    column = plain_column(frame[feature.name], dialect, where)
    if feature.type == "number":
        return as_float32(_numbers(column, dialect, where), feature.name, where), 0
    codes, count = category_codes(column, feature.categories)
    if count and count == len(column) - column.null_count() and not dialect.is_loose:
        raise _all_unknown(column, feature, where)
    return codes, count


def _rows(columns: Sequence[Array]) -> Array:
    """Return columns (N,) as rows (N, F): pieces of them that fit a processor's cache, which takes half of the time."""
    rows = np.empty((len(columns[0]), len(columns)), np.float32)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        end = start + ROWS_AT_ONCE
        for place, column in enumerate(columns):
            rows[start:end, place] = column[start:end]
    return rows


def target_array(
    names: Sequence[str], frame: Any, dialect: Dialect, where: str, *, numbers: Collection[str] = ()
) -> Array:
    """Return target columns as (N,) or (N, K) values, whichever they hold.

    Args:
        names: The columns.
        frame: As read.
        dialect: How its values are written.
        where: What to call the table in messages.
        numbers: Columns that are numbers by the recipe, so that each value may have the same currency or percent.

    Raises:
        DataError: If a value is missing; with the rows. If a number is none. If one of several columns holds texts that are
            neither numbers nor yes and no.
    """
    columns = [_target_values(frame[name], dialect=dialect, where=where, is_number=name in numbers) for name in names]
    if len(columns) == 1:
        return columns[0]
    return np.column_stack(
        [
            values if dialect.is_loose or values.dtype.kind != "U" else _labels(values, name, where)
            for name, values in zip(names, columns, strict=True)
        ]
    )


def _labels(texts: Array, name: str, where: str) -> Array:
    """Return one of several target columns as 0 and 1: yes and no, true and false, 1 and 0 in any case."""
    found = np.array([YES_NO.get(text.lower(), -1) for text in texts.tolist()])
    wrong = np.flatnonzero(found < 0)
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{where}: target '{name}': {str(texts[row])!r} in row {row + 1:,} is neither a number nor a label. Several "
            "targets are numbers to predict together, or labels that are written yes and no, true and false, or 1 and 0."
        )
    return found


def _target_values(column: pl.Series, *, dialect: Dialect, where: str, is_number: bool) -> Array:
    """Return a target column as whole numbers, numbers, booleans or text, whichever it holds; arguments as above."""
    values = plain_column(column, dialect, where)
    rows = np.flatnonzero(values.is_null().to_numpy()) + 1
    if len(rows):
        verb = "is" if len(rows) == 1 else "are"
        raise DataError(
            f"{where}: {len(rows):,} of {len(values):,} values of the target '{column.name}' {verb} missing: "
            f"{rows_listed(rows.tolist())}. Remove these rows, or leave them out (missing_targets: drop)."
        )
    sign = None
    if is_number:
        target = column_of(column, "number", dialect, where, used=list)
        if target.refusal:
            raise DataError(f"{where}: {target.refusal}")
        sign = target.sign
    if values.dtype == pl.String:
        texts = digits(values, dialect, sign)
        for type_ in (pl.Int64, pl.Float64):
            for some in (texts.head(FIRST), texts):
                number = some.cast(type_, strict=False)
                if number.null_count():
                    break
            else:
                return number.to_numpy()
        if not dialect.is_loose and values.str.contains(BOOLEAN).all():
            return (values.str.to_lowercase() == "true").to_numpy()
        return np.array(values.to_list())
    if not (values.dtype.is_numeric() or values.dtype == pl.Boolean):
        return np.array(values.cast(pl.String).to_list())
    return values.to_numpy()


def weights_of(column: str | None, frame: Any, dialect: Dialect, where: str) -> Array | None:
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


def with_targets(frame: Any, names: Sequence[str], *, dialect: Dialect, where: str) -> tuple[Any, int]:
    """Return the rows of a data frame or large table in which no target is missing, and how many others there are.

    Raises:
        DataError: If there is no row with a target.
    """
    lacks = np.zeros(frame.height, bool)
    for name in names:
        lacks |= plain_column(frame[name], dialect, where).is_null().to_numpy()
    if lacks.all():
        raise DataError(f"{where}: no row has a value of the target '{', '.join(names)}'.")
    return (frame.filter(~pl.Series(lacks)) if lacks.any() else frame), int(lacks.sum())


def frame_source(roles: Mapping[str, Any]) -> Source:
    """Return a source of data frames by role (x, y, x_test …): a table with typed columns."""
    frames = {role: polars_frame(value) for role, value in roles.items() if role.startswith("x") and value is not None}
    targets: dict[str, Any] = {role: _target_array(value) for role, value in roles.items() if role.startswith("y")}
    if not frames["x"].width or not frames["x"].height:
        raise DataError(f"x: a data frame of shape {frames['x'].shape} holds no values.")
    features, dialect, warnings = infer_features(frames["x"], {}, dialect=Dialect(), where="x")
    arrays: dict[str, Any] = {}
    for role, frame in frames.items():
        lacking = [feature.name for feature in features if feature.name not in frame.columns]
        if lacking:
            raise DataError(f"{role}: no column '{lacking[0]}', which x has.")
        arrays[role], _ = encode_columns(frame, features, dialect=dialect, where=role)
    extra = dialect.recorded()
    names = None if isinstance(targets["y"], Mapping) else column_names(roles["y"])
    return Source(
        **arrays, **targets, kind="table", features=features, target_names=names, warnings=warnings, extra=extra
    )


def polars_frame(frame: Any) -> pl.DataFrame:
    """Return a polars or pandas data frame as one of polars, with null for what is missing.

    Raises:
        DataError: If it is no data frame.
    """
    if isinstance(frame, pl.DataFrame):
        return frame
    if not is_frame(frame):
        raise DataError(f"found {type(frame).__name__} beside a data frame, expected data frames for all inputs.")
    return pl.DataFrame({str(name): _series(frame[name]) for name in frame.columns})


def _series(column: Any) -> Any:
    """Return a column of a pandas data frame as polars reads it."""
    values = np.asarray(column)
    if values.dtype != object:
        return values
    absent = np.asarray(column.isna())
    return [None if missing else value for value, missing in zip(values.tolist(), absent.tolist(), strict=True)]


def _target_array(values: Any) -> Any:
    """Return targets as an array; by name, as of a data frame whose columns differ in type, as a mapping of arrays."""
    if isinstance(values, Mapping):
        return {name: _target_array(array) for name, array in values.items()}
    array = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    if is_frame(values) and array.dtype == object and array.shape[1] > 1:
        return {str(name): _target_array(values[name]) for name in values.columns}
    return array


def _numbers(column: pl.Series, dialect: Dialect, where: str) -> pl.Series:
    """Return a plain column of numbers as Float64 with null for missing."""
    name = column.name
    sign = dialect.signs.get(name)
    if column.dtype.is_numeric() and sign:
        raise DataError(f"{where}: column '{name}' holds numbers without the '{sign}' that training had. Write it.")
    if not (column.dtype.is_numeric() or column.dtype == pl.String):
        raise DataError(f"{where}: column '{name}' holds {column.dtype}, expected numbers, as in training.")
    numbers = as_numbers(column, dialect, sign)
    bad = np.flatnonzero((numbers.is_null() & column.is_not_null()).to_numpy())
    if len(bad):
        row, others = int(bad[0]), f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
        what = f"is no number with '{sign}'" if sign else "is no number"
        raise DataError(f"{where}: column '{name}': {column[row]!r} in row {row + 1:,} {what}{others}. Repair it.")
    return numbers


def _moments(column: pl.Series, dialect: Dialect, where: str) -> Array:
    """Return a column of dates as datetime64 in microseconds, read as in training."""
    moments, _, problem = as_moments(plain_column(column, dialect, where), dialect.dates.get(column.name) or None)
    if problem:
        raise DataError(f"{where}: {problem}")
    return moments.to_numpy().astype("datetime64[us]")


def _all_unknown(column: pl.Series, feature: Feature, where: str) -> DataError:
    first = column.drop_nulls()[0]
    known = ", ".join(feature.categories[:5]) + (" …" if len(feature.categories) > 5 else "")
    return DataError(
        f"{where}: column '{feature.name}' holds no category that training had: found {str(first)!r}, known: {known}. "
        "Write them alike; leave the column empty where none fits."
    )


def as_float32(numbers: pl.Series, name: str, where: str) -> Array:
    """Return a column's numbers as (N,) float32, NaN where it has no value; a DataError where one is too large."""
    values = numbers.to_numpy().astype(np.float64, copy=False)  # null becomes NaN
    with np.errstate(over="ignore"):
        converted = values.astype(np.float32)
    infinite = np.flatnonzero(np.isinf(converted))
    if len(infinite):
        row = int(infinite[0])
        what = "is infinite" if np.isinf(values[row]) else f"is too large for float32 ({values[row]:g})"
        raise DataError(f"{where}: column '{name}': row {row + 1:,} {what} ({len(infinite):,} such rows). Repair it.")
    return converted
