"""Tables as series: sorted by series and time, none missing a value. Imported where there is one, because of polars."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hornbook.data.precision import MOST_BLUR, blur_of
from hornbook.data.source import Array
from hornbook.data.tables.columns.dates import as_moments, readings
from hornbook.data.tables.columns.features import as_float32, require_columns
from hornbook.data.tables.columns.rule import as_numbers, plain_column, rows_listed
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import Paths, read_frame, table_name
from hornbook.data.tables.notation import canonical
from hornbook.data.windows.cutting import Series, time_texts
from hornbook.errors import DataError

__all__ = ["Roles", "read_series"]

COMPACT = r"^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$"
"""20261121, which could be a date or a number."""

MOST_TRIED = 1000
"""Different times that are read one by one to find one that is none."""


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are.

    Attributes:
        time: Column of the time.
        series: Column that tells series apart; None where there is one series.
        numbers: Columns of numbers.
        format: How texts of times are written; None finds the one way in which all can be read.
    """

    time: str
    series: str | None
    numbers: tuple[str, ...]
    format: str | None = None


def read_series(path: Paths, roles: Roles, dialect: Dialect) -> tuple[Series, str | None, tuple[str, ...]]:
    """Return the series of a table, how its times are written (None: not as texts), and notes.

    Args:
        path: As of `tables.files.read_frame`.
        roles: Which columns are read.
        dialect: How they are written.

    Raises:
        DataError: If a column is missing, times are none or are there twice, or numbers are none.
    """
    where = table_name(path)
    names = [roles.time, *([roles.series] if roles.series is not None else []), *roles.numbers]
    may_count = frozenset(roles.numbers)
    frame = read_frame(path, dialect, may_mix=lambda name: name not in may_count, may_count=may_count.__contains__)
    require_columns(names, frame, where)
    times, format, in_utc = _times(frame[roles.time], roles.format, dialect, where)
    numbers, series_names = _series_numbers(frame, roles.series, dialect, where)
    columns = {name: _numbers(frame[name], dialect, where) for name in dict.fromkeys(roles.numbers)}
    order = np.lexsort((times, numbers))
    notes = _out_of_order(times, numbers, roles.time, where)
    _refuse_twice(times[order], numbers[order], order, roles, series_names, where)
    is_missing = np.zeros(frame.height, bool)
    for name, values in columns.items():
        is_absent = np.isnan(values)
        if is_absent.any():
            rows = "1 row" if is_absent.sum() == 1 else f"{int(is_absent.sum()):,} rows"
            notes.append(f"{where}: column '{name}' has no value in {rows}, which count as gaps in time.")
        is_missing |= is_absent
    if is_missing.all():
        raise DataError(f"{where}: no row has a value in each of the columns {', '.join(columns)}.")
    kept = order[~is_missing[order]]
    series = Series(
        times[kept],
        numbers[kept],
        series_names,
        {name: values[kept] for name, values in columns.items()},
        where,
        in_utc,
    )
    return series, format, tuple(notes)


def _times(column: pl.Series, format: str | None, dialect: Dialect, where: str) -> tuple[Array, str | None, bool]:
    """Return times as int64 microseconds or float64, how texts of them are written, and whether they had an offset."""
    name, values = column.name, plain_column(column, dialect, where)
    missing = np.flatnonzero(values.is_null().to_numpy())
    if len(missing):
        raise DataError(
            f"{where}: column '{name}' says when each row was, and has no value in {rows_listed((missing + 1).tolist())}. "
            "Repair or remove these rows."
        )
    if format is not None and not values.dtype.is_temporal():
        values = values.cast(pl.String)
    if values.dtype in {pl.Boolean, pl.Time}:
        raise DataError(
            f"{where}: column '{name}' holds {values.dtype}, expected dates, or numbers that grow with time."
        )
    if format is None and (values.dtype.is_numeric() or values.dtype == pl.String):
        numbers = as_numbers(values, dialect)
        if not numbers.null_count():
            if values.cast(pl.String).str.contains(COMPACT).all():
                raise DataError(
                    f"{where}: column '{name}' holds numbers that look like dates ({values[0]}). Say so (format: '%Y%m%d'), "
                    "or write them with dashes."
                )
            times = numbers.to_numpy().astype(np.float64)
            if not np.isfinite(times).all():
                raise DataError(f"{where}: column '{name}' holds a time that is infinite.")
            return times, None, False
    if values.dtype == pl.String and format is None:
        format = _format(values, where)
    moments, format, problem = as_moments(values, format)
    if problem:
        raise DataError(f"{where}: {problem}")
    in_utc = format.endswith("%z") or getattr(values.dtype, "time_zone", None) is not None
    return moments.to_numpy().astype("datetime64[us]").astype(np.int64), format or None, in_utc


def _format(values: pl.Series, where: str) -> str:
    """Return the one way in which texts can be read as times.

    Raises:
        DataError: If there is none, or two give other times.
    """
    texts = values.str.replace_all(r"\s+", " ").unique(maintain_order=True)
    fitting = readings(texts)
    if not fitting:
        shown = next((text for text in texts.head(MOST_TRIED).to_list() if not readings(pl.Series([text]))), texts[0])
        raise DataError(
            f"{where}: column '{values.name}' holds text that is neither date nor number ('{shown}'), or dates written in "
            "several ways. Write them like 2026-11-21 or 2026-11-21 08:30:00, or say how they are written (format: "
            "'%d %B %Y')."
        )
    first, *others = fitting.values()
    if any((other.dt.timestamp("us") != first.dt.timestamp("us")).any() for other in others):
        choices = " or ".join(f"'{format}'" for format in fitting)
        raise DataError(
            f"{where}: column '{values.name}': times like '{texts[0]}' can be read in {len(fitting)} ways. Say which is "
            f"meant (format: {choices})."
        )
    return next(iter(fitting))


def _series_numbers(
    frame: pl.DataFrame, name: str | None, dialect: Dialect, where: str
) -> tuple[Array, tuple[str, ...]]:
    """Return which series each row is of, (R,) int32, and the names of the series in order."""
    if name is None:
        return np.zeros(frame.height, np.int32), ("",)
    values = plain_column(frame[name], dialect, where)
    missing = np.flatnonzero(values.is_null().to_numpy())
    if len(missing):
        raise DataError(
            f"{where}: column '{name}' tells series apart, and has no value in {rows_listed((missing + 1).tolist())}."
        )
    texts = values.cast(pl.String)
    different = texts.unique()
    alike = {text: canonical(text) for text in different.to_list()}
    names = sorted({*alike.values()})
    place = {each: number for number, each in enumerate(names)}
    table = {text: place[each] for text, each in alike.items()}
    return texts.replace_strict(table, return_dtype=pl.Int32).to_numpy(), tuple(names)


def _numbers(column: pl.Series, dialect: Dialect, where: str) -> Array:
    """Return a column as (R,) float32, NaN where it has no value."""
    name, values = column.name, plain_column(column, dialect, where)
    if not (values.dtype.is_numeric() or values.dtype in {pl.String, pl.Boolean}):
        raise DataError(f"{where}: column '{name}' holds {values.dtype}, expected numbers.")
    numbers = as_numbers(values, dialect)
    wrong = np.flatnonzero((numbers.is_null() & values.is_not_null()).to_numpy())
    if len(wrong):
        row, more = int(wrong[0]), f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
        raise DataError(
            f"{where}: column '{name}': {str(values[row])!r} in row {row + 1:,} is no number{more}. Windows are made of "
            "numbers: repair it, name another column, or say how numbers are written (decimal, thousands, missing)."
        )
    found, exact = as_float32(numbers, name, where), numbers.drop_nulls().to_numpy().astype(np.float64)
    share, text = blur_of(exact[~np.isnan(exact)])
    if share > MOST_BLUR:
        raise DataError(f"{where}: column '{name}': its numbers {text}")
    return found


def _out_of_order(times: Array, numbers: Array, name: str, where: str) -> list[str]:
    """Return a sentence about rows that are earlier than the row of their series before them."""
    order = np.argsort(numbers, kind="stable")
    is_same = np.diff(numbers[order]) == 0
    count = int((is_same & (np.diff(times[order]) < 0)).sum())
    if not count:
        return []
    rows = "1 row is" if count == 1 else f"{count:,} rows are"
    return [f"{where}: {rows} earlier than the row before; the rows are sorted by '{name}'."]


def _refuse_twice(times: Array, numbers: Array, order: Array, roles: Roles, names: Sequence[str], where: str) -> None:
    """Raise a DataError if a series has a time twice."""
    places = np.flatnonzero((np.diff(times) == 0) & (np.diff(numbers) == 0))
    if not len(places):
        return
    place = int(places[0])
    rows = sorted((order[place : place + 2] + 1).tolist())
    of = f" of series '{names[numbers[place]]}'" if roles.series is not None else ""
    more = f", and {len(places) - 1:,} more like it" if len(places) > 1 else ""
    advice = (
        "Remove one"
        if roles.series is not None
        else "Name the column that tells series apart (series: NAME), or remove one"
    )
    clocks = (
        "; clocks that go back repeat an hour, unless times have an offset (+01:00)" if times.dtype.kind == "i" else ""
    )
    raise DataError(
        f"{where}: {time_texts(times[place : place + 1])[0]}{of} is there twice, in rows {rows[0]:,} and {rows[1]:,}{more}. "
        f"{advice}{clocks}."
    )
