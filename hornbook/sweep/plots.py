"""Where lines and points of the report's pictures go; the template draws them as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hornbook.recipes.sections.sweep import Range, Sweep
from hornbook.report.text import number_text
from hornbook.runs.sweeps import TrialRow
from hornbook.sweep.table import value_text

__all__ = ["Axis", "Line", "axes_of", "lines_of"]

WIDTH, HEIGHT = 860, 300  # of the parallel coordinates, without margins
SLICE_WIDTH, SLICE_HEIGHT = 250, 170


@dataclass
class Axis:
    """One vertical axis, or the horizontal one of a slice.

    Attributes:
        name: The key, or the objective.
        x: Its place.
        ticks: (fraction from the low end, text).
        is_log: Whether distances are ratios.
        low, high: Ends of a numeric axis.
        choices: Texts of an axis of choices, in order.
    """

    name: str
    x: float = 0.0
    ticks: list[tuple[float, str]] = field(default_factory=list)
    is_log: bool = False
    low: float = 0.0
    high: float = 1.0
    choices: list[str] = field(default_factory=list)

    def place(self, value: Any) -> float | None:
        """Return where a value stands, from 0 to 1; None for a key that a trial does not have."""
        if value is None and not self.choices:
            return None
        if self.choices:
            text = value_text(value)
            return (self.choices.index(text) + 0.5) / len(self.choices) if text in self.choices else None
        if self.high == self.low:
            return 0.5
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return float((value - self.low) / (self.high - self.low))


@dataclass(frozen=True)
class Line:
    """One trial in the parallel coordinates: SVG points, colour, and what a hover says."""

    points: str
    colour: str
    title: str
    is_best: bool


def axes_of(sweep: Sweep, rows: Sequence[TrialRow]) -> list[Axis]:
    """Return an axis for each key, and one for the objective at the end."""
    axes = []
    for key, entry in sweep.space.items():
        if isinstance(entry, Range):
            axis = Axis(key, is_log=entry.sampling == "log", low=float(entry.min), high=float(entry.max))
            axis.ticks = _ticks(axis)
        else:
            choices = [value_text(choice) for choice in entry.choices]
            axis = Axis(key, choices=choices)
            axis.ticks = [((place + 0.5) / len(choices), _cut(text)) for place, text in enumerate(choices)]
        axes.append(axis)
    scores = [row.outcome.score for row in rows if row.outcome is not None and row.outcome.score is not None]
    last = Axis(sweep.objective, low=min(scores, default=0.0), high=max(scores, default=1.0))
    last.ticks = _ticks(last)
    axes.append(last)
    for place, axis in enumerate(axes):
        axis.x = WIDTH * place / max(len(axes) - 1, 1)
    return axes


def _cut(text: str) -> str:
    return text if len(text) <= 16 else text[:15] + "…"


def _ticks(axis: Axis) -> list[tuple[float, str]]:
    if axis.low == axis.high:
        return [(0.5, number_text(axis.low))]
    if axis.is_log and axis.high / axis.low >= 10:
        first, last = math.ceil(math.log10(axis.low) - 1e-9), math.floor(math.log10(axis.high) + 1e-9)
        tens = [10.0**power for power in range(first, last + 1)]
        return [(axis.place(value) or 0.0, number_text(value)) for value in tens]
    parts = [place / 4 for place in range(5)]
    if axis.is_log:
        return [(part, f"{axis.low * (axis.high / axis.low) ** part:.3g}") for part in parts]
    return [(part, f"{axis.low + (axis.high - axis.low) * part:.3g}") for part in parts]


def lines_of(rows: Sequence[TrialRow], axes: Sequence[Axis], *, direction: str, best: int) -> list[Line]:
    """Return a line for each trial with a score, bad ones first, so that good ones lie on top."""
    lines = []
    for row in rows:
        score = row.outcome.score if row.outcome is not None else None
        if score is None:
            continue
        values = [*(row.proposal.values.get(axis.name) for axis in axes[:-1]), score]
        places = [(axis, axis.place(value)) for axis, value in zip(axes, values, strict=True)]
        points = " ".join(f"{axis.x:.1f},{HEIGHT * (1 - place):.1f}" for axis, place in places if place is not None)
        quality = axes[-1].place(score) or 0.0
        quality = quality if direction == "max" else 1 - quality
        title = f"trial {row.proposal.trial + 1}: {axes[-1].name} {number_text(score)}"
        lines.append((quality, Line(points, colour(quality), title, row.proposal.trial == best)))
    return [line for _, line in sorted(lines, key=lambda item: (item[1].is_best, item[0]))]


def colour(quality: float) -> str:
    """Return a colour from grey (0, bad) to blue (1, good), readable on white and without seeing red from green."""
    low, high = (200, 205, 212), (8, 81, 156)
    return "#" + "".join(f"{round(a + (b - a) * quality):02x}" for a, b in zip(low, high, strict=True))
