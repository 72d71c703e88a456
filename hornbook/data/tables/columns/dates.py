"""Text as points in time, for splits by `time` and features: never by guess where day and month could be either."""

from itertools import product

import numpy as np
import polars as pl

from hornbook.data.source import Array
from hornbook.data.tables.columns.moments import EPOCH, is_clock
from hornbook.data.tables.notation import in_list, yaml_text
from hornbook.errors import DataError

__all__ = ["as_moments", "guessed_times", "readings", "times"]

DATES = {
    "year, month, day": ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%Y/%m", "%d %b %Y", "%d-%b-%Y", "%d %B %Y",
                         "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
    "day, month, year": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y"),
    "month, day, year": ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y", "%m/%d/%y", "%m.%d.%y", "%m-%d-%y"),
    "year, month, day in two digits each": ("%y-%m-%d", "%y/%m/%d", "%y.%m.%d"),
}  # fmt: skip
TIMES = ("", "T%H:%M:%S%.f", " %H:%M:%S%.f", "T%H:%M", " %H:%M", " %I:%M %p", " %I:%M:%S %p",
         "T%H:%M:%S%.f%z", " %H:%M:%S%.f%z", "T%H:%M%z", " %H:%M%z")  # fmt: skip
CLOCKS = ("%H:%M:%S%.f", "%H:%M", "%I:%M %p", "%I:%M:%S %p")
"""Times of day, which order no rows but are features."""
SAMPLE = 100
UNREADABLE = "Write dates like 2026-11-21 or 2026-11-21 08:30:00, or say how they are written (format: '%d %B %Y')."


def times(values: Array, format: str | None, where: str) -> Array:
    """Return texts as points in time (N,) int64, in which later is larger.

    Args:
        values: (N,) texts: dates, with or without a time.
        format: How they are written, in the codes of strptime; None tries the usual ways.
        where: What to call the values in messages.

    Raises:
        DataError: If they are no dates of the format, or of any usual one; if they fit two whose order differs.
    """
    texts, places = np.unique(values.astype(str), return_inverse=True)
    column = pl.Series([" ".join(text.split()) for text in texts.tolist()])
    if format is not None:
        moments = _parsed(column, format)
        if moments.null_count():
            row = int(np.flatnonzero(moments.is_null().to_numpy()[places])[0])
            raise DataError(f"{where}: '{values[row]}' in row {row + 1:,} is no date of the format '{format}'.")
        return moments.dt.timestamp("us").to_numpy()[places]
    fitting = {format: moments.dt.timestamp("us").to_numpy() for format, moments in readings(column).items()}
    if not fitting:
        raise DataError(
            f"{where}: holds text that is neither number nor date ('{values[0]}'), or dates written in several ways. "
            f"{UNREADABLE}"
        )
    ranks = {format: np.unique(moments, return_inverse=True)[1] for format, moments in fitting.items()}
    first = next(iter(ranks.values()))
    if any((rank != first).any() for rank in ranks.values()):
        choices = " or ".join(in_list([format])[1:-1] for format in fitting)
        raise DataError(
            f"{where}: dates like '{values[0]}' can be read in {len(fitting)} ways that order the rows differently. "
            f"Say which is meant (format: {choices})."
        )
    return next(iter(fitting.values()))[places]


def readings(texts: pl.Series, *, with_clocks: bool = False) -> dict[str, pl.Series]:
    """Return {format: moments} for each usual way of writing dates that all texts fit.

    Args:
        texts: Texts without spaces around or between that are no single ones, none missing.
        with_clocks: Whether times of day, without a date, are dates too.
    """
    fitting: dict[str, pl.Series] = {}
    dates = [date + time for order, time in product(DATES, TIMES) for date in DATES[order]]
    for format in (*dates, *(CLOCKS if with_clocks else ())):
        if _parsed(texts[:SAMPLE], format).null_count():
            continue
        moments = _parsed(texts, format)
        if not moments.null_count():
            fitting[format] = moments
    return fitting


def as_moments(column: pl.Series, format: str | None) -> tuple[pl.Series, str, str]:
    """Return a plain column as moments (Datetime in microseconds, null for what is missing), the format, and what is wrong.

    Args:
        column: Dates and times of a type, or texts; missing ones are null.
        format: How texts are written; None finds the one way in which all can be read.

    Returns:
        The moments, the format (empty for typed columns), and a sentence where the column cannot be read.
    """
    name, nothing = column.name, pl.Series(column.name, [None] * len(column), dtype=pl.Datetime("us"))
    if column.dtype == pl.Time:
        since = column.cast(pl.Duration("us")).cast(pl.Int64) + int(EPOCH.astype(np.int64))
        return since.cast(pl.Datetime("us")).alias(name), "", ""
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        moments = column.cast(pl.Datetime("us", getattr(column.dtype, "time_zone", None)))
        return moments.dt.convert_time_zone("UTC").dt.replace_time_zone(None), "", ""
    if column.dtype != pl.String:
        return nothing, "", f"column '{name}' holds {column.dtype}, expected dates or times."
    spaced = column.str.replace_all(r"\s+", " ")
    texts = spaced.unique().drop_nulls()
    if format:
        moments = _parsed(texts, format)
        if moments.null_count():
            fits = dict(zip(texts.to_list(), moments.is_not_null().to_list(), strict=True))
            row = next(place for place, text in enumerate(spaced.to_list()) if not fits.get(text, True))
            what = f"{column[row]!r} in row {row + 1:,} is no date of the format '{format}'"
            return nothing, format, f"column '{name}': {what}."
    else:
        fitting = readings(texts, with_clocks=True)
        problem = date_problem(name, str(texts[0]), fitting)
        if problem:
            return nothing, "", problem
        format, moments = next(iter(fitting.items()))
    naive = moments.dt.replace_time_zone(None) if moments.dtype == pl.Datetime("us", "UTC") else moments
    known = dict(zip(texts.to_list(), naive.cast(pl.Int64).to_list(), strict=True))
    places = spaced.replace_strict(known, default=None, return_dtype=pl.Int64)
    return places.cast(pl.Datetime("us")).alias(name), format, ""


def date_problem(name: str, example: str, fitting: dict[str, pl.Series]) -> str:
    """Return why texts cannot be read as dates in one way, or nothing."""
    column = yaml_text(name)
    if not fitting:
        return (
            f"column '{name}' holds text that is no date ('{example}'), or dates written in several ways. Write them like "
            f"2026-11-21 or 2026-11-21 08:30:00, or say how (types: {{{column}: {{date: [elapsed], format: '%d %B %Y'}}}})."
        )
    first, *others = fitting.values()
    if all((other.dt.timestamp("us") == first.dt.timestamp("us")).all() for other in others):
        return ""
    choices = " or ".join(f"'{format}'" for format in fitting)
    return (
        f"column '{name}': dates like '{example}' can be read in {len(fitting)} ways ({choices}). Say which is meant "
        f"(types: {{{column}: {{date: [elapsed], format: '{next(iter(fitting))}'}}}})."
    )


def guessed_times(column: pl.Series, where: str) -> pl.Series:
    """Return dates in the way of early runs, whose splits stay what they are."""
    for convert in (column.str.to_datetime, column.str.to_date):
        try:
            return convert(strict=True)
        except pl.exceptions.PolarsError:
            continue
    raise DataError(f"{where}: column '{column.name}' holds text that is neither number nor date ('{column[0]}').")


def _parsed(column: pl.Series, format: str) -> pl.Series:
    """Return texts as moments, with null for what does not fit."""
    if format.endswith("%z"):
        column = column.str.replace("Z$", "+00:00")
    has_long_year = column.str.contains(r"\d{4}").fill_null(value=False)
    if "%y" in format:
        column = column.set(has_long_year, None)
    if "%Y" in format:
        column = column.set(~has_long_year, None)
    if is_clock(format):
        column, format = "2000-01-01 " + column, f"%Y-%m-%d {format}"
    elif not any(code in format for code in ("%d", "%e", "%j", "%F", "%D")):
        column, format = column + " 1", format + " %d"
    try:
        return column.str.to_datetime(format, time_unit="us", strict=False)
    except pl.exceptions.PolarsError:
        return pl.Series([None] * len(column), dtype=pl.Datetime("us"))
