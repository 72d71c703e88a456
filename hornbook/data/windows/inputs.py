"""Tables of series for a trained model: to forecast what comes after them, or to evaluate. Imported for its polars."""

import datetime
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.readings import Examples, Future, Reading
from hornbook.data.source import Array
from hornbook.data.storage.files import is_pattern
from hornbook.data.storage.rows import in_memory
from hornbook.data.tables.columns.moments import written
from hornbook.data.tables.dialect import Dialect
from hornbook.data.windows.cutting import Series, last_windows, names_listed, time_texts, windows_of_all
from hornbook.data.windows.reading import Roles, read_series
from hornbook.data.windows.source import Layout, gap_notes, inputs_at, targets_at
from hornbook.data.windows.steps import moments
from hornbook.errors import DataError, UsageError

__all__ = ["read_windows"]


def read_windows(path: str | Path, info: DataInfo, reading: Reading, *, memory_budget: int | None = None) -> Examples:
    """Return the last window of each series of a table and the times that follow it; or all windows with their targets.

    Args:
        path: As of `tables.files.read_frame`.
        info: Facts about the data that the model was trained on.
        reading: Whether targets are read; else what follows the file is to be predicted.
        memory_budget: Bytes above which the inputs stay a view of the rows.

    Raises:
        UsageError: If something is asked that a forecast does not have.
        DataError: If the table does not fit the model, or a series is shorter than a window.
    """
    layout = Layout.of(info.extra["windows"])
    if reading.missing is not None:
        raise UsageError(
            f"--missing {reading.missing}: a row without a value is a gap in its series. Fill it in in the file."
        )
    if reading.keep:
        raise UsageError(
            f"--keep {reading.keep[0]}: a forecast is of rows that the file does not have. It has their time and series."
        )
    wants_targets = reading.targets is not None
    numbers = (*layout.inputs, *(layout.targets if wants_targets else ()))
    roles = Roles(layout.time, layout.series, numbers, layout.format)
    series, _, notes = read_series(path, roles, Dialect.of_run(info.extra))
    if (layout.step.unit == "number") != (series.times.dtype.kind == "f"):
        want = "numbers" if layout.step.unit == "number" else "dates or times"
        raise DataError(f"{series.where}: column '{layout.time}' does not hold {want}, as in training.")
    if layout.in_utc != series.in_utc:
        have, had = ("an offset or a zone", "none") if series.in_utc else ("neither offset nor zone", "one")
        raise DataError(
            f"{series.where}: times in column '{layout.time}' have {have}, and in training they had {had}, so that the same "
            "hour may be another. Write them as in training."
        )
    if layout.names is not None:
        series = _numbered(series, layout.names)
    if wants_targets:
        starts, across, gaps = windows_of_all(series, layout.step, layout.shape)
        notes = (*notes, *gap_notes(series, layout.step, gaps, across))
    else:
        starts = last_windows(series, layout.step, layout.window)
    x = inputs_at(series, layout, starts)
    budget = math.inf if memory_budget is None else memory_budget
    examples = Examples(x if x.nbytes > budget else in_memory(x))
    name = str(path) if is_pattern(path) else Path(path).name
    notes = tuple(note.replace(series.where, name) for note in notes)
    if wants_targets:
        return replace(examples, y=targets_at(series, layout, starts), notes=notes)
    if layout.in_utc or series.in_utc:
        notes = (*notes, f"{name}: times are in UTC.")
    return replace(examples, future=_future(series, layout, starts), notes=notes)


def _numbered(series: Series, names: tuple[str, ...]) -> Series:
    """Return series with the numbers that they had in training.

    Raises:
        DataError: If one was not there.
    """
    strangers = [name for name in series.names if name not in names]
    if strangers:
        raise DataError(
            f"{series.where}: series {names_listed(strangers)} {'was' if len(strangers) == 1 else 'were'} not in the "
            f"training data, and the model knows the scale of those alone that were: {names_listed(names)}. Leave out their "
            "rows, or train with 'scaling: global'."
        )
    place = {name: number for number, name in enumerate(names)}
    lookup = np.array([place[name] for name in series.names], np.int32)
    return replace(series, numbers=lookup[series.numbers], names=names)


def _future(series: Series, layout: Layout, starts: Array) -> Future:
    """Return the times that follow the windows, and which series these are of."""
    ends = starts + layout.window - 1
    times = np.concatenate([layout.step.after(series.times[end], layout.horizon) for end in ends.tolist()])
    names = None
    if layout.series is not None:
        names = np.repeat([series.names[number] for number in series.numbers[ends].tolist()], layout.horizon).tolist()
    return Future(layout.time, _texts(times, layout.format), layout.series, names, layout.horizon, layout.targets)


def _texts(times: Array, format: str | None) -> list[str]:
    """Return times as the file of training writes them."""
    if format is None or times.dtype.kind == "f":
        return time_texts(times)
    return [written(moment, format) for moment in moments(times).astype(datetime.datetime).tolist()]
