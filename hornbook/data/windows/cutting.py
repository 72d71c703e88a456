"""Which windows a series has: inside a split and without a gap; and where the splits are. NumPy alone.

A window and its horizon lie in one split as a whole, so that no step of one split is an input or target of another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hornbook.data.source import Array
from hornbook.data.windows.steps import Step, moments, number_text
from hornbook.errors import DataError
from hornbook.recipes.sources.common import SplitSpec

__all__ = [
    "SPLITS", "Cut", "Gaps", "Series", "Shape", "cut_windows", "last_windows", "names_listed", "time_texts",
    "windows_of_all",
]  # fmt: skip

SPLITS = ("train", "validation", "test")
MOST_NAMED = 5


@dataclass(frozen=True)
class Series:
    """Rows of series, sorted by series and time, none missing a value.

    Attributes:
        times: (R,) int64 microseconds since 1970, or float64.
        numbers: (R,) int32 which series.
        names: Of the series; one empty text where there is one only.
        columns: (R,) float32 by name.
        where: What to call the table in messages.
        in_utc: Whether times had an offset, and are in UTC.
    """

    times: Array
    numbers: Array
    names: tuple[str, ...]
    columns: Mapping[str, Array]
    where: str
    in_utc: bool = False

    def called(self, number: int) -> str:
        """Return ``series 'A'``, or the table's name where there is one series."""
        return f"series '{self.names[number]}'" if len(self.names) > 1 or self.names[number] else "the series"

    def time_text(self, row: int) -> str:
        """Return when a row was."""
        return time_texts(self.times[row : row + 1])[0]


@dataclass(frozen=True)
class Shape:
    """How long windows are, in steps."""

    window: int
    horizon: int
    stride: int = 1

    @property
    def span(self) -> int:
        """Steps of a window and what follows it."""
        return self.window + self.horizon


@dataclass(frozen=True)
class Gaps:
    """Where series are interrupted.

    Attributes:
        count: How often.
        irregular: How often by no whole number of steps.
        missing: Steps that are not there.
        first: The row before the first gap.
    """

    count: int
    irregular: int
    missing: int
    first: int


@dataclass(frozen=True)
class Cut:
    """The windows of a table.

    Attributes:
        starts: (N,) int64 the first row of each window, those of training first.
        counts: Windows of each split.
        parts: (R,) int8 the split that each row is in, by its place in `SPLITS`.
        runs: (R,) int64 numbers that rows share between which there is neither a gap nor a border.
        spans: First and last time of each split that has any.
        at_borders: Windows that were left out because they lie in two splits.
        at_gaps: Windows that were left out because they lie across a gap.
        gaps: None where there are none.
    """

    starts: Array
    counts: Mapping[str, int]
    parts: Array
    runs: Array
    spans: Mapping[str, tuple[str, str]]
    at_borders: int
    at_gaps: int
    gaps: Gaps | None


def cut_windows(series: Series, step: Step, shape: Shape, split: SplitSpec) -> Cut:
    """Return the windows of the splits, which follow each other in time and are cut at the same times for all series.

    Args:
        series: The rows.
        step: From one to the next.
        shape: Of the windows.
        split: How many of the different times are test and validation: counts, or fractions.

    Raises:
        DataError: If a split that is asked for holds no window.
    """
    is_new, is_gap = _breaks(series, step)
    distinct = np.unique(series.times)
    num_test, num_validation = split.counts(len(distinct))
    first_test, first_validation = len(distinct) - num_test, len(distinct) - num_test - num_validation
    if first_validation <= 0:
        raise DataError(
            f"data.split: {num_validation:,} validation and {num_test:,} test steps leave none of {len(distinct):,} to "
            "train on. Ask for fewer; they count steps in time."
        )
    places = np.searchsorted(distinct, series.times)
    parts = (places >= first_validation).astype(np.int8) + (places >= first_test).astype(np.int8)
    is_border = np.diff(parts) != 0
    begins, lengths = _runs(is_new | is_gap | is_border)
    counts = _count(lengths, shape)
    of_split = [parts[begins] == place for place in range(len(SPLITS))]
    sizes = {name: int(counts[of].sum()) for name, of in zip(SPLITS, of_split, strict=True)}
    steps = {"train": first_validation, "validation": num_validation, "test": num_test}
    _refuse_empty(series, shape, sizes, steps)
    edges = {"train": (0, first_validation), "validation": (first_validation, first_test)}
    edges["test"] = (first_test, len(distinct))
    texts = {name: time_texts(distinct[[low, high - 1]]) for name, (low, high) in edges.items() if high > low}
    return Cut(
        starts=np.concatenate([_starts(begins[of], counts[of], shape.stride) for of in of_split]),
        counts=sizes,
        parts=parts,
        runs=np.repeat(np.arange(len(begins)), lengths),
        spans={name: (first, last) for name, (first, last) in texts.items()},
        at_borders=_across(is_border & ~is_new, is_new | is_gap, shape),
        at_gaps=_across(is_gap, is_new, shape),
        gaps=_gaps(series, step, is_gap),
    )


def windows_of_all(series: Series, step: Step, shape: Shape) -> tuple[Array, int, Gaps | None]:
    """Return the first row of each window that has its horizon, how many lie across gaps, and the gaps.

    Raises:
        DataError: If there is none.
    """
    is_new, is_gap = _breaks(series, step)
    begins, lengths = _runs(is_new | is_gap)
    counts = _count(lengths, shape)
    if not counts.sum():
        rows, whole = int(np.bincount(series.numbers).max()), int(lengths.max())
        which = "the longest series has" if len(series.names) > 1 else "the series has"
        gap = f", {whole:,} of them without a gap" if whole < rows else ""
        raise DataError(
            f"{series.where}: {which} {rows:,} rows{gap}, and what the model sees and what follows it take {shape.span:,} "
            f"({shape.window:,} and {shape.horizon:,}). Give it more rows{', or fill the gaps' if gap else ''}."
        )
    return _starts(begins, counts, shape.stride), _across(is_gap, is_new, shape), _gaps(series, step, is_gap)


def last_windows(series: Series, step: Step, window: int) -> Array:
    """Return the first row of the last window of each series, (S,), whether or not anything follows it.

    Raises:
        DataError: If a series ends with fewer rows than a window without a gap; with all of them.
    """
    is_new, is_gap = _breaks(series, step)
    begins, lengths = _runs(is_new | is_gap)
    is_last = np.append(series.numbers[begins][1:] != series.numbers[begins][:-1], True)
    begins, lengths = begins[is_last], lengths[is_last]
    short = np.flatnonzero(lengths < window)
    if len(short):
        lines = []
        for place in short[:MOST_NAMED].tolist():
            row = int(begins[place])
            is_cut = row > 0 and series.numbers[row - 1] == series.numbers[row]
            why = f" since a gap or missing value before {series.time_text(row)}" if is_cut else ""
            lines.append(f"{series.called(int(series.numbers[row]))} has {int(lengths[place]):,}{why}")
        more = f"; and {len(short) - MOST_NAMED:,} more" if len(short) > MOST_NAMED else ""
        leave = ", or leave out its rows" if len(short) < len(lengths) else ""
        raise DataError(
            f"{series.where}: the model sees the last {window:,} rows of a series, {step} apart: {'; '.join(lines)}{more}. "
            f"Give it more history{leave}."
        )
    starts: Array = begins + lengths - window
    return starts


def time_texts(times: Array) -> list[str]:
    """Return times as texts: ``2026-11-21``, ``2026-11-21 08:30``, or with what else all of them need; numbers as such."""
    if times.dtype.kind == "f":
        return [number_text(time) for time in times.tolist()]
    at = moments(np.ascontiguousarray(times))
    for unit in ("D", "m", "s"):
        if (at == at.astype(f"datetime64[{unit}]")).all():
            return [text.replace("T", " ") for text in np.datetime_as_string(at, unit=unit).tolist()]
    return [text.replace("T", " ") for text in np.datetime_as_string(at, unit="us").tolist()]


def _breaks(series: Series, step: Step) -> tuple[Array, Array]:
    """Return at which rows but the first another series begins, and which are not one step behind the row before."""
    is_new = series.numbers[1:] != series.numbers[:-1]
    return is_new, ~is_new & (step.between(series.times) != 1)


def _runs(is_break: Array) -> tuple[Array, Array]:
    """Return the first row and the length of each run of rows between breaks."""
    begins = np.flatnonzero(np.append(True, is_break))
    return begins, np.diff(np.append(begins, len(is_break) + 1))


def _count(lengths: Array, shape: Shape) -> Array:
    """Return how many windows with their horizons runs of these lengths have."""
    counts: Array = np.maximum((lengths - shape.span) // shape.stride + 1, 0)
    return counts


def _across(is_crossed: Array, is_break: Array, shape: Shape) -> int:
    """Return how many windows of the runs between breaks lie across one of what may be crossed."""
    begins, lengths = _runs(is_break)
    starts = _starts(begins, _count(lengths, shape), shape.stride)
    crossed = np.append(0, np.cumsum(is_crossed))
    return int((crossed[starts + shape.span - 1] > crossed[starts]).sum())


def _starts(begins: Array, counts: Array, stride: int) -> Array:
    """Return the first row of each of so many windows of each run."""
    total = int(counts.sum())
    place = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    starts: Array = np.repeat(begins, counts) + place * stride
    return starts


def _gaps(series: Series, step: Step, is_gap: Array) -> Gaps | None:
    places = np.flatnonzero(is_gap)
    if not len(places):
        return None
    between = step.between(series.times)[places]
    is_whole = between == np.round(between)
    missing = int((between[is_whole] - 1).sum())
    return Gaps(len(places), int((~is_whole).sum()), missing, int(places[0]))


def _refuse_empty(series: Series, shape: Shape, sizes: Mapping[str, int], steps: Mapping[str, int]) -> None:
    """Raise a DataError if a split has steps and no window, and say why."""
    empty = [name for name in sizes if steps[name] and not sizes[name]]
    empty += ["train"] if not sizes["train"] and "train" not in empty else []
    if not empty:
        return
    name = empty[0]
    longest = int(np.bincount(series.numbers).max())
    needs = f"a window of {shape.window:,} steps and its horizon of {shape.horizon:,} take {shape.span:,}"
    if longest < shape.span:
        which = "the longest series has" if len(series.names) > 1 else "the series has"
        raise DataError(
            f"{series.where}: {which} {longest:,} rows, and {needs}. Make 'window' or 'horizon' smaller, or give it more "
            "rows."
        )
    if steps[name] >= shape.span:
        raise DataError(
            f"{series.where}: no series has {shape.span:,} steps in a row without a gap among the {steps[name]:,} of the "
            f"{name} split, and {needs}. Make 'window' or 'horizon' smaller, or fill the gaps. Rows that rest on "
            "purpose, as on weekends, can be numbered: 'time' may hold whole numbers."
        )
    short = [each for each in empty if steps[each] < shape.span]
    lengths = " and ".join(f"the {each} split is {steps[each]:,} steps long" for each in short)
    wanted = ", ".join(f"{each}: {shape.span}" for each in short if each != "train")
    advice = f"Write 'split: {{{wanted}}}' or more" if "train" not in short else "Ask for fewer steps of the others"
    raise DataError(
        f"data.split: {lengths}, and {needs}: no step of one split is in another. {advice}, or make 'window' or 'horizon' "
        "smaller."
    )


def names_listed(names: Sequence[str]) -> str:
    """Return ``'A', 'B', …`` of at most five names."""
    return ", ".join(f"'{name}'" for name in names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
