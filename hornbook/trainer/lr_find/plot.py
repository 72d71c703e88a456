"""Pictures of a range test: 80 columns of text for the terminal, and SVG for everything else."""

import math
from collections.abc import Sequence

import numpy as np

from hornbook.data.source import Array
from hornbook.display.chart import ACCENT, FAINT, PLAIN, SERIES
from hornbook.display.lines import Line, LineChart, Mark
from hornbook.display.text import cut
from hornbook.trainer.lr_find.suggest import Curve, Search, start_of

__all__ = ["svg", "text_plot"]

COLUMNS, ROWS = 66, 14  # of the text plot, without the numbers at its left
MARKS = {"steepest": "s", "valley": "v", "minimum/10": "m"}
SIZE = (760, 430)  # px
COLORS = {"steepest": SERIES[5], "valley": SERIES[3], "minimum/10": SERIES[6]}
BATCHES = "#cbd5e1"


class _Axes:
    """Where rates and losses lie, both from 0 to 1: rates on a logarithmic axis, losses up to a little above the start."""

    def __init__(self, search: Search) -> None:
        rates = np.concatenate([curve.rates for curve in search.curves])
        smoothed = np.concatenate([curve.smoothed for curve in search.curves])
        level = max(start_of(curve.losses)[0] for curve in search.curves)
        self.low, self.high = math.log10(rates.min()), math.log10(rates.max())
        self.bottom = float(smoothed.min())
        self.top = max(level + 0.25 * (level - self.bottom), self.bottom + 1e-12)

    def x(self, rate: float | Array) -> Array:
        return np.asarray((np.log10(rate) - self.low) / max(self.high - self.low, 1e-12))

    def y(self, loss: float | Array) -> Array:
        return np.asarray((np.clip(loss, self.bottom, self.top) - self.bottom) / (self.top - self.bottom))

    def decades(self) -> range:
        return range(math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9) + 1)


def text_plot(search: Search) -> list[str]:
    """Return lines of at most 80 characters: smoothed losses over rates, the recipe's own seed as ●, others as ·.

    Below the axis ▲ marks the suggestion, and s, v, m what each rule says for the recipe's own seed.
    """
    if not any(len(curve.losses) for curve in search.curves):
        return []
    axes = _Axes(search)
    grid = [[" "] * COLUMNS for _ in range(ROWS)]
    for index, curve in reversed(list(enumerate(search.curves))):
        for x, y in zip(axes.x(curve.rates), axes.y(curve.smoothed), strict=True):
            grid[ROWS - 1 - round(float(y) * (ROWS - 1))][_column(x)] = "●" if not index else "·"
    lines = []
    for row, cells in enumerate(grid):
        loss = axes.top + (axes.bottom - axes.top) * row / (ROWS - 1)
        lines.append(f"{loss:>8.3g} │" + "".join(cells).rstrip() if row % 3 == 0 else " " * 9 + "│" + "".join(cells))
    axis, labels, marks = ["─"] * COLUMNS, [" "] * (COLUMNS + 4), [" "] * COLUMNS
    for decade in axes.decades():
        place = _column(axes.x(10.0**decade))
        axis[place] = "┴"
        text = f"1e{decade}"
        labels[place : place + len(text)] = text
    for name, rate in search.verdicts[0].values.items():
        marks[_column(axes.x(rate))] = MARKS[name]
    if search.rate is not None:
        marks[_column(axes.x(search.rate))] = "▲"
    below = ["".join(labels), *(["".join(marks)] if "".join(marks).strip() else [])]
    return [
        line.rstrip() for line in ["    loss", *lines, " " * 9 + "└" + "".join(axis), *(" " * 10 + b for b in below)]
    ]


def _column(x: float | Array) -> int:
    return round(min(max(float(x), 0.0), 1.0) * (COLUMNS - 1))


def svg(search: Search, title: str) -> str:
    """Return a picture: losses (thin), smoothed losses of every seed, each rule's rate, the suggestion and its band."""
    band = search.band if search.rate is not None else None
    shown = [curve for curve in search.curves if len(curve.losses)]
    chart = LineChart(
        lines=_lines(shown),
        x_label="learning rate",
        y_label="loss",
        limits=_limits(_Axes(search)) if shown else (0.0, 1.0),
        title=title,
        note=_note([curve.seed for curve in shown]),
        marks=_marks(search),
        span=band,
        is_log=True,
        size=SIZE,
    )
    return chart.svg("lr-find", f"loss over learning rate, {title}")


def _limits(axes: _Axes) -> tuple[float, float]:
    """Return the lowest and highest loss with some room below; a thousandth of it at least where it stands still."""
    room = max(0.04 * (axes.top - axes.bottom), 1e-3 * abs(axes.top), 1e-12)
    return axes.bottom - room, max(axes.top, axes.bottom + room)


def _lines(curves: Sequence[Curve]) -> tuple[Line, ...]:
    """Return what is drawn, the recipe's own seed on top."""
    if not curves:
        return ()
    own, *others = curves
    smoothed = [Line(curve.rates.tolist(), curve.smoothed.tolist(), FAINT, 1.5) for curve in reversed(others)]
    losses = Line(own.rates.tolist(), own.losses.tolist(), BATCHES, 1)
    return (losses, *smoothed, Line(own.rates.tolist(), own.smoothed.tolist(), PLAIN, 2.5))


def _note(seeds: Sequence[int]) -> str:
    if not seeds:
        return "no step had a finite loss"
    others = f"; light: seed{'s' if len(seeds) > 2 else ''} {', '.join(map(str, seeds[1:]))}" if len(seeds) > 1 else ""
    return cut(f"bold: seed {seeds[0]}, smoothed{others}; grey: seed {seeds[0]} batch by batch", 100)


def _marks(search: Search) -> tuple[Mark, ...]:
    rules = search.verdicts[0].values if search.verdicts else {}
    marks = [Mark(rate, f"{name} {rate:.2g}", COLORS[name]) for name, rate in rules.items()]
    if search.rate is not None:
        marks.append(Mark(search.rate, f"suggestion {search.rate:.2g}", ACCENT, is_bold=True))
    return tuple(marks)
