"""The step of a series: how far rows are apart in time, which of them are one step apart, what comes next. NumPy alone.

Times are (R,) int64 microseconds since 1970, of dates and times, or float64 of a column of numbers.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hornbook.data.storage.rows import Array
from hornbook.errors import DataError
from hornbook.recipes.sources.windows import STEP

__all__ = ["Step", "found_step", "given_step", "moments"]

UNITS_US = {"s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86_400 * 10**6, "w": 7 * 86_400 * 10**6}
WORDS = {"w": "week", "d": "day", "h": "hour", "min": "minute", "s": "second"}
MONTHS_A_YEAR = 12
SHORTEST_MONTH_US = 28 * UNITS_US["d"]
EQUAL = 1e-6  # of a step of numbers: how far rounding may be off
SEASONS = {"month": {1: 12, 3: 4}, "time": {UNITS_US["d"]: 7, UNITS_US["w"]: 52}}
"""Steps of a year of months and quarters, of a week of days, of a year of weeks."""


@dataclass(frozen=True)
class Step:
    """From one row of a series to the next.

    Attributes:
        unit: ``time``: microseconds that are always as many; ``month``: calendar months; ``number``: of a column of numbers.
        size: How many of these.
    """

    unit: Literal["time", "month", "number"]
    size: float

    def __str__(self) -> str:
        """Return it in words: ``1 hour``, ``15 minutes``, ``3 months``, ``0.5``."""
        if self.unit == "number":
            return f"{self.size:g}"
        count, word = int(self.size), "month"
        if self.unit == "time":
            name = next((name for name in WORDS if count % UNITS_US[name] == 0), None)
            count, word = (count // UNITS_US[name], WORDS[name]) if name else (count, "microsecond")
        elif count % MONTHS_A_YEAR == 0:
            count, word = count // MONTHS_A_YEAR, "year"
        return f"{count:,} {word}{'' if count == 1 else 's'}"

    def between(self, times: Array) -> Array:
        """Return how many steps each row is behind the one before it, (R - 1,) float64."""
        if self.unit == "month":
            months, inside, is_end = _months(times)
            counts = np.diff(months) / self.size
            is_alike = (np.diff(inside) == 0) | (is_end[1:] & is_end[:-1])
            return np.where(is_alike, counts, counts + np.where(np.diff(inside) > 0, 0.5, -0.5) / self.size)
        counts = np.diff(times) / self.size
        whole = np.round(counts)
        return np.where(np.abs(counts - whole) < EQUAL, whole, counts) if self.unit == "number" else counts

    def after(self, time: Any, count: int) -> Array:
        """Return the times of so many steps after a time, (count,), of its type."""
        ahead = np.arange(1, count + 1)
        if self.unit == "number":
            return np.float64(time) + ahead * self.size
        if self.unit == "time":
            return np.int64(time) + ahead * np.int64(self.size)
        months, inside, is_end = _months(np.array([time], np.int64))
        begins = (months[0] + ahead * int(self.size)).astype("datetime64[M]")
        lengths = ((begins + 1).astype("datetime64[D]") - begins.astype("datetime64[D]")).astype(np.int64)
        days, rest = divmod(int(inside[0]), UNITS_US["d"])
        days_N = lengths - 1 if is_end[0] else np.minimum(days, lengths - 1)
        times: Array = begins.astype("datetime64[us]").astype(np.int64) + days_N * UNITS_US["d"] + rest
        return times

    def season(self) -> int | None:
        """Return after how many steps a series of this step usually repeats: a day, a week or a year; None: nobody knows."""
        if self.unit == "number":
            return None
        size = int(self.size)
        if self.unit == "time" and 2 * size <= UNITS_US["d"] and UNITS_US["d"] % size == 0:
            return UNITS_US["d"] // size
        return SEASONS[self.unit].get(size)

    def record(self) -> dict[str, Any]:
        """Return JSON's types, of which ``Step(**record)`` makes it again."""
        return {"unit": self.unit, "size": self.size}


def moments(times: Array) -> Array:
    """Return times of dates as datetime64 in microseconds."""
    return times.view("datetime64[us]")


def given_step(frequency: str | float, times: Array, where: str) -> Step:
    """Return the step that a recipe gives.

    Raises:
        DataError: If the times are numbers and the step is none, or the other way round.
    """
    is_number = times.dtype.kind == "f"
    if is_number != isinstance(frequency, float):
        have, want = ("numbers", "a number") if is_number else ("dates or times", "one like '1 hour' or '1 day'")
        raise DataError(f"data.frequency: {where}: times are {have}, so the step is {want}, found {frequency!r}.")
    if isinstance(frequency, float):
        return Step("number", frequency)
    match = STEP.fullmatch(frequency)
    if match is None:
        raise ValueError(f"not a step: {frequency!r}")
    count, unit = int(match[1]), match[2]
    if unit.startswith(("month", "year")):
        return Step("month", count * (MONTHS_A_YEAR if unit.startswith("y") else 1))
    name = next(name for name in WORDS if unit == name or unit.startswith(WORDS[name]))
    return Step("time", count * UNITS_US[name])


def found_step(times: Array, numbers: Array, where: str) -> Step:
    """Return the commonest step between rows of one series.

    Args:
        times: Sorted within each series.
        numbers: (R,) which series each row is of; the rows of one follow each other.
        where: What to call the table in messages.

    Raises:
        DataError: If no series has two rows, or fewer than half of the steps are alike.
    """
    is_same = numbers[1:] == numbers[:-1]
    if not is_same.any():
        raise DataError(f"{where}: each series has a single row, so that nothing follows anything.")
    if times.dtype.kind == "f":
        steps = np.diff(times)[is_same]
        typical = float(np.median(steps))
        alike = np.round(steps / typical, 6)
        commonest, share = _commonest(alike)
        step = Step("number", float(f"{np.median(steps[alike == commonest]):.9g}"))
    else:
        months, inside, is_end = _months(times)
        steps = np.diff(times)[is_same]
        if steps.min() >= SHORTEST_MONTH_US and _is_monthly(inside, is_end):
            commonest, share = _commonest(np.diff(months)[is_same])
            step = Step("month", int(commonest))
        else:
            commonest, share = _commonest(steps)
            step = Step("time", int(commonest))
    if share < 0.5:
        raise DataError(
            f"{where}: the rows are not evenly apart in time: the commonest step, {step}, is that of {share:.0%} of them. "
            "Bring the table to a regular step first (the mean of each hour, for instance), or say which step is meant "
            "(frequency: 1 hour); windows across others are left out."
        )
    return step


def _commonest(steps: Array) -> tuple[Any, float]:
    """Return the value that is there most often, the smallest of several, and its share."""
    values, counts = np.unique(steps, return_counts=True)
    place = int(np.argmax(counts))
    return values[place], float(counts[place] / len(steps))


def _is_monthly(inside: Array, is_end: Array) -> bool:
    """Return whether rows are at the same place of their months, or all on last days at the same time of day."""
    if (inside == inside[0]).all():
        return True
    in_day = inside % UNITS_US["d"]
    return bool(is_end.all() and (in_day == in_day[0]).all())


def _months(times: Array) -> tuple[Array, Array, Array]:
    """Return each moment's month since 1970, the microseconds since its beginning, and whether it is on its last day."""
    at = moments(times)
    begins = at.astype("datetime64[M]")
    last_day = (begins + 1).astype("datetime64[D]") - 1
    return begins.astype(np.int64), (at - begins).astype(np.int64), at.astype("datetime64[D]") == last_day
