"""Series → a source of windows: lazy views of the rows as inputs, the steps after them as targets, what a run records.

NumPy alone; tables are read by `reading`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo, SeriesScale
from hornbook.data.source import Array, Source
from hornbook.data.storage.rows import Rows
from hornbook.data.tables.columns.moments import part_names, part_values
from hornbook.data.windows.cutting import SPLITS, Cut, Gaps, Series, Shape, cut_windows, names_listed
from hornbook.data.windows.steps import Step, found_step, given_step, moments
from hornbook.errors import DataError
from hornbook.recipes.sources.windows import Windowed

__all__ = ["Layout", "describe_windows", "gap_notes", "inputs_at", "targets_at", "windows_source"]


@dataclass(frozen=True)
class Layout:
    """What a run of windows records, so that files are read as in training.

    Attributes:
        time: Column of the time.
        series: Column that tells series apart, or None.
        inputs: Columns that the network sees, in order; then come the parts of `calendar`, and the series' number where
            `names` are given.
        targets: Columns that it predicts, in order; a step's targets follow each other.
        window, horizon, stride: In steps.
        step: From a row to the next.
        calendar: Parts of the time that are inputs.
        season: Steps after which the seasonal baseline repeats; None without one.
        scale: Of each target, the mean size of its change over a season (over a step without one) in the training split.
        names: The series whose own scales the model holds; None where one scale is for all.
        format: How texts of times are written; None for others.
        in_utc: Whether times had an offset, and are in UTC.
        left_out: Windows across borders of splits, and across gaps.
        known_season: After how many steps the series repeats, whether or not a window holds a season.
    """

    time: str
    series: str | None
    inputs: tuple[str, ...]
    targets: tuple[str, ...]
    window: int
    horizon: int
    stride: int
    step: Step
    calendar: tuple[str, ...] = ()
    season: int | None = None
    scale: tuple[float, ...] = ()
    names: tuple[str, ...] | None = None
    format: str | None = None
    in_utc: bool = False
    left_out: tuple[int, int] = (0, 0)
    known_season: int | None = None

    @property
    def shape(self) -> Shape:
        """How long windows are."""
        return Shape(self.window, self.horizon, self.stride)

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of the targets: ``load+1``, ``load+2`` …, step by step."""
        return tuple(f"{name}+{ahead}" for ahead in range(1, self.horizon + 1) for name in self.targets)

    def why_no_season(self) -> str:
        """Return why there is no seasonal baseline, though the season is known."""
        if self.known_season is not None and self.known_season > self.window:
            return f"a window of {self.window:,} steps holds no season of {self.known_season:,}"
        return "the target's own past is no input"

    def record(self) -> dict[str, Any]:
        """Return JSON's types; `of` reads them."""
        lists = {key: list(value) for key, value in vars(self).items() if isinstance(value, tuple)}
        return {**vars(self), **lists, "step": self.step.record()}

    @classmethod
    def of(cls, record: Any) -> "Layout":
        """Return what `record` wrote."""
        lists = {key: tuple(value) for key, value in record.items() if isinstance(value, list)}
        return cls(**{**record, **lists, "step": Step(**record["step"])})


def windows_source(spec: Windowed, series: Series, layout: Layout, notes: Sequence[str] = ()) -> Source:
    """Return the windows of a table as a source that is divided already.

    Args:
        spec: The section of the recipe.
        series: The rows.
        layout: Columns and lengths; step, season and scale are found here.
        notes: Sentences about the table.

    Raises:
        DataError: If the step cannot be told, or a split holds no window.
    """
    frequency = getattr(spec, "frequency", None)
    step = (
        found_step(series.times, series.numbers, series.where)
        if frequency is None
        else given_step(frequency, series.times, series.where)
    )
    cut = cut_windows(series, step, layout.shape, spec.effective_split())
    names = series.names if spec.scaling == "series" else None
    known_season = spec.season or step.season()
    sees_target = {*layout.targets} <= {*layout.inputs}
    season = known_season if known_season is not None and known_season <= layout.window and sees_target else None
    layout = replace(
        layout, step=step, season=season, known_season=known_season, names=names, in_utc=series.in_utc,
        left_out=(cut.at_borders, cut.at_gaps),
        scale=tuple(_change(series.columns[name], cut, season or 1) for name in layout.targets),
    )  # fmt: skip
    starts, counts, more = _with_scale(series, cut) if names is not None else (cut.starts, dict(cut.counts), [])
    ends = np.cumsum([0, *(counts[name] for name in SPLITS)])
    targets = layout.target_names
    return Source(
        inputs_at(series, layout, starts),
        targets_at(series, layout, starts),
        "sequence",
        names=_names(series, layout, starts),
        target_names=targets if len(targets) > 1 else None,
        division={name: np.arange(low, high) for name, low, high in zip(SPLITS, ends[:-1], ends[1:], strict=True)},
        scales=_scales(series, layout, cut) if names is not None else None,
        warnings=(
            *notes,
            *gap_notes(series, step, cut.gaps, cut.at_gaps),
            *_short(series, cut),
            *_idle(series, layout, cut),
            *more,
        ),
        extra={
            "windows": layout.record(),
            "spans": {name: list(span) for name, span in cut.spans.items()},
            **({"target_names": list(targets)} if len(targets) == 1 else {}),
        },
    )


def _names(series: Series, layout: Layout, starts: Array) -> dict[str, Array]:
    """Return the name of each window's series; nothing where there is one."""
    if layout.series is None:
        return {}
    return {"train": np.array(series.names, object)[series.numbers[starts]]}


def inputs_at(series: Series, layout: Layout, starts: Array) -> Rows:
    """Return the windows that begin at these rows, (N, W, F) float32: a view of the rows, which copies what is read.

    Raises:
        DataError: If parts of the time are asked for and times are numbers.
    """
    columns = _columns(series, layout)
    if layout.names is not None:
        columns.append(series.numbers.astype(np.float32))
    return Rows(_windows(np.stack(columns, axis=1), layout.window), starts)


def _columns(series: Series, layout: Layout) -> list[Array]:
    """Return the numbers that the network sees of each row, (R,) float32 each: columns, then parts of the time."""
    if layout.calendar and series.times.dtype.kind == "f":
        raise DataError(f"{series.where}: 'calendar' needs dates, and column '{layout.time}' holds numbers. Remove it.")
    parts = [name for part in layout.calendar for name in part_names(part)]
    moments_R = moments(series.times) if parts else None
    return [
        *(series.columns[name] for name in layout.inputs),
        *(part_values(moments_R, name).astype(np.float32) for name in parts),
    ]


def targets_at(series: Series, layout: Layout, starts: Array) -> Array:
    """Return what follows the windows that begin at these rows, (N, H·T) float32, or (N,) of a single number."""
    values = np.stack([series.columns[name] for name in layout.targets], axis=1)
    rows = Rows(_windows(values, layout.horizon), starts + layout.window).load().reshape(len(starts), -1)
    return rows[:, 0] if rows.shape[1] == 1 else rows


def _windows(rows_RF: Array, length: int) -> Array:
    """Return a read-only view (R - L + 1, L, F) of rows: a window from each row on."""
    rows_RF = np.ascontiguousarray(rows_RF)
    shape = (len(rows_RF) - length + 1, length, rows_RF.shape[1])
    strides = (rows_RF.strides[0], *rows_RF.strides)
    return np.lib.stride_tricks.as_strided(rows_RF, shape, strides, writeable=False)


def _change(values: Array, cut: Cut, lag: int) -> float:
    """Return the mean absolute difference to the row `lag` steps before, over the training split; 0 where there is none."""
    is_near = (cut.runs[lag:] == cut.runs[:-lag]) & (cut.parts[lag:] == 0)
    changes = np.abs(values[lag:][is_near].astype(np.float64) - values[:-lag][is_near])
    return float(changes.mean()) if len(changes) else 0.0


def _with_scale(series: Series, cut: Cut) -> tuple[Array, dict[str, int], list[str]]:
    """Return starts and counts without the windows of series that training has none of, and a note about these."""
    numbers = series.numbers[cut.starts]
    is_known = np.zeros(len(series.names), bool)
    is_known[numbers[: cut.counts["train"]]] = True
    kept = is_known[numbers]
    ends = np.cumsum([0, *(cut.counts[name] for name in SPLITS)])
    counts = {name: int(kept[low:high].sum()) for name, low, high in zip(SPLITS, ends[:-1], ends[1:], strict=True)}
    strangers = sorted({series.names[number] for number in numbers[~kept].tolist()})
    for name in SPLITS:
        if cut.counts[name] and not counts[name]:
            raise DataError(
                f"{series.where}: none of the series of the {name} split is in the training split, so that none has a scale "
                "of its own. Use 'scaling: global'."
            )
    if not strangers:
        return cut.starts, counts, []
    note = (
        f"series {names_listed(strangers)}: not in the training split, so that there is no scale of their own; "
        f"{int((~kept).sum()):,} windows of validation and test are left out."
    )
    return cut.starts[kept], counts, [note]


def _scales(series: Series, layout: Layout, cut: Cut) -> SeriesScale:
    """Return mean and deviation of inputs and targets of each series over the rows of the training split."""
    is_train = cut.parts == 0
    numbers, size = series.numbers[is_train], len(series.names)
    count = np.maximum(np.bincount(numbers, minlength=size), 1)

    def of(values: Array) -> tuple[Array, Array]:
        kept = values[is_train].astype(np.float64)
        mean = np.bincount(numbers, kept, size) / count
        variance = np.bincount(numbers, (kept - mean[numbers]) ** 2, size) / count
        deviation = np.sqrt(variance)
        return mean, np.where(
            deviation > np.abs(mean) * 1e-7, deviation, 1.0
        )  # rounding leaves a tiny one of a constant

    inputs, targets = _columns(series, layout), [series.columns[name] for name in layout.targets]
    (mean, deviation), (target_mean, target_deviation) = (
        tuple(tuple(map(tuple, np.stack(tables, axis=1).tolist())) for tables in zip(*map(of, columns), strict=True))
        for columns in (inputs, targets)
    )
    return SeriesScale(mean, deviation, target_mean, target_deviation)


def gap_notes(series: Series, step: Step, gaps: Gaps | None, across: int) -> list[str]:
    """Return a sentence about gaps, where there are any."""
    if gaps is None:
        return []
    many = "1 gap" if gaps.count == 1 else f"{gaps.count:,} gaps"
    missing = f"{gaps.missing:,} missing step{'' if gaps.missing == 1 else 's'} of {step}"
    odd = f", {gaps.irregular:,} of them no whole number of steps" if gaps.irregular else ""
    of = f" of {series.called(int(series.numbers[gaps.first]))}" if len(series.names) > 1 else ""
    windows = "1 window across them is" if across == 1 else f"{across:,} windows across them are"
    return [
        f"{series.where}: {many} in time ({missing}{odd}), the first after {series.time_text(gaps.first)}{of}; {windows} "
        "left out."
    ]


def _short(series: Series, cut: Cut) -> list[str]:
    """Return a sentence about series that are too short for any window."""
    has_any = np.zeros(len(series.names), bool)
    has_any[series.numbers[cut.starts]] = True
    short = [name for name, has in zip(series.names, has_any.tolist(), strict=True) if not has]
    if not short:
        return []
    many = f"{len(short):,} series have" if len(short) > 1 else "1 series has"
    return [f"{many} no window within a split: {names_listed(short)}."]


def _idle(series: Series, layout: Layout, cut: Cut) -> list[str]:
    """Return a sentence about parts of the time that are the same in all training rows."""
    if not layout.calendar:
        return []
    moments_R = moments(series.times)[cut.parts == 0]
    same = [
        part for part in layout.calendar if all(np.ptp(part_values(moments_R, name)) == 0 for name in part_names(part))
    ]
    if not same:
        return []
    verb = "is" if len(same) == 1 else "are"
    return [f"calendar: {names_listed(same)} {verb} the same in all rows of the training split, which teaches nothing."]


def describe_windows(info: DataInfo) -> str:
    """Return what windows are and how many were left out: ``windows of 168 steps of 1 hour, the next 24 predicted``.

    Empty for examples that are no windows.
    """
    if "windows" not in info.extra:
        return ""
    layout = Layout.of(info.extra["windows"])
    ahead = "the next one" if layout.horizon == 1 else f"the next {layout.horizon:,}"
    text = f"windows of {layout.window:,} steps of {layout.step}, {ahead} predicted"
    if layout.names is not None:
        text += f", each of {len(layout.names):,} series on its own scale"
    at_borders, _ = layout.left_out
    if at_borders:
        text += f"; {at_borders:,} windows across the borders of splits left out"
    if layout.known_season is not None and layout.season is None:
        text += f"; no seasonal baseline: {layout.why_no_season()}"
    return text
