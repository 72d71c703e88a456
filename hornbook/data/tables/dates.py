"""Text as points in time, for splits by `time`: never by guess where day and month could be either."""

from itertools import product

import numpy as np
import polars as pl

from hornbook.data.source import Array
from hornbook.data.tables.notation import in_list
from hornbook.errors import DataError

__all__ = ["guessed_times", "times"]

DATES = {
    "year, month, day": ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%Y/%m", "%d %b %Y", "%d-%b-%Y", "%d %B %Y",
                         "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y"),
    "day, month, year": ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y"),
    "month, day, year": ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y", "%m/%d/%y", "%m.%d.%y", "%m-%d-%y"),
    "year, month, day in two digits each": ("%y-%m-%d", "%y/%m/%d", "%y.%m.%d"),
}  # fmt: skip
TIMES = ("", "T%H:%M:%S%.f", " %H:%M:%S%.f", "T%H:%M", " %H:%M", " %I:%M %p", " %I:%M:%S %p",
         "T%H:%M:%S%.f%z", " %H:%M:%S%.f%z", "T%H:%M%z", " %H:%M%z")  # fmt: skip
SAMPLE = 100


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
    fitting: dict[str, Array] = {}
    for order, time in product(DATES, TIMES):
        for date in DATES[order]:
            if _parsed(column[:SAMPLE], date + time).null_count():
                continue
            moments = _parsed(column, date + time)
            if not moments.null_count():
                fitting[date + time] = moments.dt.timestamp("us").to_numpy()
    if not fitting:
        raise DataError(
            f"{where}: holds text that is neither number nor date ('{values[0]}'), or dates written in several ways. "
            "Write dates like 2026-11-21 or 2026-11-21 08:30:00, or say how they are written (format: '%d %B %Y')."
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
    if "%y" in format and column.str.contains(r"\d{4}").any():
        return pl.Series([None] * len(column), dtype=pl.Datetime("us"))
    if "%Y" in format and not column.str.contains(r"\d{4}").all():
        return pl.Series([None] * len(column), dtype=pl.Datetime("us"))
    if not any(code in format for code in ("%d", "%e", "%j", "%F", "%D")):
        column, format = column + " 1", format + " %d"
    try:
        return column.str.to_datetime(format, time_unit="us", strict=False)
    except pl.exceptions.PolarsError:
        return pl.Series([None] * len(column), dtype=pl.Datetime("us"))
