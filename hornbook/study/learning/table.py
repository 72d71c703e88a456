"""A learning curve as text of 80 columns, as CSV and as JSON's types."""

import csv
import io
import textwrap
from dataclasses import dataclass
from typing import Any

from hornbook.display.intervals import Interval
from hornbook.display.text import COLUMNS, cut_inside
from hornbook.study.learning.outcome import Point
from hornbook.study.measure import Measure

__all__ = ["LearningCurve", "as_csv", "as_json", "as_text"]

SPLITS = ("train", "validation", "test")
LONGEST = 30
"""Characters of a metric's name."""


@dataclass(frozen=True)
class LearningCurve:
    """A finished learning curve.

    Attributes:
        name: Of the recipe.
        measure: What was measured, named as on validation.
        seeds: The seeds of every point.
        key: The key that is varied; None where none is.
        points: Value by value, from few examples to many.
        verdicts: What they mean, the conclusion first.
        notes: What a reader must know.
    """

    name: str
    measure: Measure
    seeds: tuple[int, ...]
    key: str | None
    points: tuple[Point, ...]
    verdicts: tuple[str, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Return what the command prints."""
        return as_text(self)

    @property
    def labels(self) -> list[str]:
        """The values that are varied, in their order; one empty text where none are."""
        return list(dict.fromkeys(point.label for point in self.points))

    @property
    def sizes(self) -> list[int]:
        """The numbers of examples, ascending."""
        return sorted({point.size for point in self.points})

    def of(self, label: str) -> list[Point]:
        """Return the points of one value, from few examples to many."""
        return [point for point in self.points if point.label == label]


def as_text(curve: LearningCurve) -> str:
    """Return the table, the verdicts and what to know."""
    seeds, measure = curve.seeds, curve.measure
    sizes = len(curve.sizes)
    count = f"{sizes} size{'s' * (sizes != 1)}"
    if curve.key is not None:
        count = f"{len(curve.labels)} values of {curve.key} × {count}"
    unit = ", %" if measure.is_fraction else ""
    gap = "gap, points" if measure.is_fraction else "gap"
    lines = [f"{curve.name}: {count} × {len(seeds)} seeds ({seeds[0]} to {seeds[-1]})", ""]
    for label in curve.labels:
        if label:
            lines += textwrap.wrap(label, COLUMNS)
        name = cut_inside(measure.name, LONGEST) + unit
        lines.append(f"{'examples':>10} {'training' + unit:>18} {name:>{_width(curve)}} {gap:>18}")
        lines += [_line(point, curve) for point in curve.of(label)]
        lines.append("")
    for point in (points[-1] for points in map(curve.of, curve.labels)):
        test = point.interval("test")
        if test is not None:
            what = f"{point.label}, " if point.label else ""
            name = f"test_{measure.name.partition('_')[2]}"
            lines.append(f"{name} with {what}{point.size:,} examples: {measure.interval(test)}{' %' if unit else ''}")
    lines.append("")
    for verdict in curve.verdicts:
        lines += textwrap.wrap(verdict, COLUMNS, subsequent_indent="    ", break_on_hyphens=False)
    lines.append("")
    for note in curve.notes:
        lines += textwrap.wrap(note, COLUMNS)
    return "\n".join(lines)


def _line(point: Point, curve: LearningCurve) -> str:
    measure, gap = curve.measure, point.gap(curve.measure)
    train, validation = (_text(point.interval(split), curve) for split in ("train", "validation"))
    ahead = measure.interval(gap, sign=True) if gap is not None else "-"
    failed = f"  {len(point.failures)} failed" if point.failures else ""
    return f"{point.size:>10,} {train:>18} {validation:>{_width(curve)}} {ahead:>18}{failed}"


def _width(curve: LearningCurve) -> int:
    """Return the width of the column of validation."""
    return max(20, min(len(curve.measure.name), LONGEST))


def _text(interval: Interval | None, curve: LearningCurve) -> str:
    return "-" if interval is None else curve.measure.interval(interval)


def as_csv(curve: LearningCurve) -> str:
    """Return a line per point: means, intervals, and the measure seed by seed, on both splits."""
    header = ["value", "examples", "runs", "failed"]
    header += [column for split in (*SPLITS, "gap") for column in (split, f"{split}_half_width")]
    header += [f"{split}_{seed}" for split in SPLITS[:2] for seed in curve.seeds]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for point in curve.points:
        intervals = [*(point.interval(split) for split in SPLITS), point.gap(curve.measure)]
        row: list[Any] = [point.label, point.size, len(point.runs), len(point.failures)]
        row += [value for interval in intervals for value in _pair(interval)]
        row += [getattr(point, split).get(seed) for split in SPLITS[:2] for seed in curve.seeds]
        writer.writerow(row)
    return file.getvalue()


def _pair(interval: Interval | None) -> list[float | None]:
    return [None, None] if interval is None else [interval.mean, interval.half]


def as_json(curve: LearningCurve) -> dict[str, Any]:
    """Return everything in JSON's types."""
    return {
        "name": curve.name,
        "metric": curve.measure.name,
        "higher_is_better": curve.measure.higher_is_better,
        "seeds": list(curve.seeds),
        "varied": curve.key,
        "verdicts": list(curve.verdicts),
        "points": [_point(point, curve) for point in curve.points],
        "notes": list(curve.notes),
    }


def _point(point: Point, curve: LearningCurve) -> dict[str, Any]:
    intervals = {split: point.interval(split) for split in SPLITS} | {"gap": point.gap(curve.measure)}
    figures = {
        name: {"mean": interval.mean, "half_width": interval.half} if interval is not None else None
        for name, interval in intervals.items()
    }
    values = {split: {str(seed): value for seed, value in getattr(point, split).items()} for split in SPLITS}
    return {
        "value": point.label or None,
        "examples": point.size,
        "overrides": list(point.overrides),
        **figures,
        "values": values,
        "runs": [dict(run) for run in point.runs],
    }
