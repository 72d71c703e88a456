"""Points in time as numbers: parts of dates and times, those that repeat as sine and cosine.

Needs NumPy alone, so that a copy of this file works without Hornbook. A moment is a NumPy datetime64 in microseconds, NaT
where it is missing; without a time zone as it is written, otherwise in UTC.
"""

from datetime import UTC, datetime
from typing import Any

import numpy as np

__all__ = ["EPOCH", "is_clock", "moment_of", "part_names", "part_values", "written"]

EPOCH = np.datetime64("2000-01-01T00:00:00", "us")
DAY = 86_400_000_000  # microseconds
DATE_CODES = ("%Y", "%y", "%d", "%m", "%b", "%B", "%j", "%e", "%F", "%D", "%G", "%s", "%h", "%c", "%x", "%v", "%+")
CYCLES = ("month", "day", "weekday", "day_of_year", "hour", "minute")


def part_names(part: str) -> tuple[str, ...]:
    """Return the names of the numbers that a part becomes: `month_sin` and `month_cos` of one that repeats."""
    return (f"{part}_sin", f"{part}_cos") if part in CYCLES else (part,)


def part_values(moments: Any, name: str) -> Any:
    """Return (N,) float64 for (N,) moments, NaN where they are missing.

    `elapsed` are days since 2000-01-01, with fractions; `year` is the year. What repeats is an angle: of the month in the
    year, the day in the month of 31, the weekday from Monday, the day in the year of that year's length, the time in the day
    (`hour`) and in the hour (`minute`).

    Args:
        moments: datetime64 in microseconds.
        name: One of `part_names`.
    """
    moments = np.asarray(moments, "datetime64[us]")
    missing = np.isnat(moments)
    moments = np.where(missing, EPOCH, moments)
    part, _, wave = name.rpartition("_")
    if wave not in {"sin", "cos"}:
        part = name
    days, years = moments.astype("datetime64[D]"), moments.astype("datetime64[Y]")
    in_day = (moments - days).astype(np.int64)
    if part == "elapsed":
        values = (moments - EPOCH).astype(np.int64) / DAY
    elif part == "year":
        values = years.astype(np.int64) + 1970.0
    else:
        months = moments.astype("datetime64[M]")
        year_days = ((years + 1).astype("datetime64[D]") - years.astype("datetime64[D]")).astype(np.int64)
        turns = {
            "month": lambda: (months - years.astype("datetime64[M]")).astype(np.int64) / 12,
            "day": lambda: (days - months.astype("datetime64[D]")).astype(np.int64) / 31,
            "weekday": lambda: (days.astype(np.int64) + 3) % 7 / 7,  # 1970-01-01 was a Thursday
            "day_of_year": lambda: (days - years.astype("datetime64[D]")).astype(np.int64) / year_days,
            "hour": lambda: in_day / DAY,
            "minute": lambda: in_day % (DAY // 24) / (DAY // 24),
        }[part]()
        values = (np.sin if wave == "sin" else np.cos)(2 * np.pi * turns)
    return np.where(missing, np.nan, values)


def is_clock(format: str) -> bool:
    """Return whether texts of a format are times of day, without a date."""
    return not any(code in format for code in DATE_CODES)


def moment_of(text: str, format: str) -> Any:
    """Return a text as a moment, by a format of the codes that strptime and polars share; `%.f` are fractions, if any.

    Raises:
        ValueError: If the text is not of the format.
    """
    text, format = " ".join(text.split()), " ".join(format.split())
    if is_clock(format):
        text, format = f"2000-01-01 {text}", f"%Y-%m-%d {format}"
    elif not any(code in format for code in ("%d", "%j")):
        text, format = f"{text} 1", f"{format} %d"
    for fraction in (".%f", "") if "%.f" in format else ("",):
        try:
            moment = datetime.strptime(text, format.replace("%.f", fraction))
            break
        except ValueError:
            continue
    else:
        raise ValueError(f"{text!r} is no date of the format '{format}'")
    if "%y" in format and moment.year == 1969:  # the one year of which polars takes the later century
        moment = moment.replace(year=2069)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def written(moment: datetime, format: str) -> str:
    """Return a moment as a text of a format; an empty one is `2024-01-31`."""
    return moment.strftime((format or "%Y-%m-%d").replace("%.f", "").replace("%z", "+0000"))
