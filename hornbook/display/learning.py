"""A run's history as learning curves: training beside validation for each figure, the rate below. No TensorFlow."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from hornbook.display.chart import ACCENT, PLAIN, QUIET
from hornbook.display.lines import Line, LineChart, Mark
from hornbook.errors import escaped

__all__ = ["Curves", "figures_of", "learning_curves"]

MOST_METRICS = 5
MOST_POINTS = 400
FAR = 10
"""A value so many times as large as those that a run began with is cut off, so that the others can be seen."""
SIZE = (470, 290)
VALIDATION = "val_"
NO_FIGURES = frozenset({"epoch", "phase", "seconds", "train_seconds", "learning_rate", "momentum"})


class Curves(NamedTuple):
    """A picture of one figure by epoch, and what is not in it."""

    title: str
    picture: str
    note: str = ""


def learning_curves(history: Sequence[Mapping[str, Any]], *, best_epoch: int = 0, name: str = "curve") -> list[Curves]:
    """Return a picture per figure, the loss first, and those of rate and momentum.

    Args:
        history: A mapping per epoch.
        best_epoch: The epoch that is marked, from 1; 0: none.
        name: Begins the pictures' names; see `chart.drawn`.
    """
    curves = [
        _curves(history, figure, best_epoch, f"{name}-{place}") for place, figure in enumerate(figures_of(history), 1)
    ]
    for key, title in (("learning_rate", "learning rate"), ("momentum", "momentum")):
        if any(_is(row.get(key)) for row in history):
            lines = (_line(history, key, QUIET, ""),)
            label = f"{title} by epoch, {_range(lines)}"
            chart = LineChart(lines, "epoch", title, _limits(lines)[0], size=(SIZE[0], 200))
            curves.append(Curves(title, chart.svg(f"{name}-{key}", label)))
    return curves


def figures_of(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the loss and the first metrics that a history has, without those of validation."""
    keys = dict.fromkeys(key.removeprefix(VALIDATION) for row in history for key, value in row.items() if _is(value))
    return [key for key in keys if key not in NO_FIGURES][: 1 + MOST_METRICS]


def _is(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _curves(history: Sequence[Mapping[str, Any]], name: str, best_epoch: int, picture: str) -> Curves:
    has = {key for row in history for key in row}
    chosen = [(key, label, color) for key, label, color in (
        (name, "training", PLAIN), (VALIDATION + name, "validation", ACCENT)
    ) if key in has]  # fmt: skip
    lines = tuple(_line(history, key, color, label) for key, label, color in chosen)
    limits, is_cut = _limits(lines)
    epochs = [row["epoch"] for row in history]
    marks = (Mark(best_epoch, "", QUIET),) if best_epoch in epochs and len(epochs) > 1 else ()
    shown = escaped(name, one_line=True)
    label = f"{shown} by epoch: {'; '.join(f'{line.label} {_range((line,))}' for line in lines)}"
    label += f"; best epoch {best_epoch}" if marks else ""
    chart = LineChart(lines, "epoch", shown, limits, marks=marks, size=SIZE)
    note = "Values far outside are cut off, or not finite." if is_cut else ""
    return Curves(name, chart.svg(picture, label), note)


def _line(history: Sequence[Mapping[str, Any]], key: str, color: str, label: str) -> Line:
    count = len(history)
    step = max(1, -(-count // MOST_POINTS))
    rows = [row for place, row in enumerate(history) if place % step == 0 or place == count - 1]
    values = [float(row[key]) if _is(row.get(key)) else math.nan for row in rows]
    return Line([float(row["epoch"]) for row in rows], values, color, label=label)


def _limits(lines: Sequence[Line]) -> tuple[tuple[float, float], bool]:
    """Return the lowest and highest y, and whether something lies outside."""
    every = [value for line in lines for value in line.y]
    values = [value for value in every if math.isfinite(value)]
    if not values:
        return (0.0, 1.0), True
    first = [next((abs(value) for value in line.y if math.isfinite(value)), 0.0) for line in lines]
    reach = FAR * max(*first, statistics.median(map(abs, values)))
    inside = sorted(value for value in values if abs(value) <= reach)
    low, high = inside[0], inside[-1]
    room = 0.06 * (high - low) or 0.5 * (abs(high) or 1.0)
    return (low - room, high + room), len(inside) < len(every)


def _range(lines: Sequence[Line]) -> str:
    values = [value for line in lines for value in line.y if math.isfinite(value)]
    return f"from {values[0]:.4g} to {values[-1]:.4g}" if values else "without finite values"
