"""Learning curves of a study's cells: means over the seeds with their intervals. No TensorFlow."""

import math
from collections.abc import Sequence

from hornbook.display.chart import NUM_SOLID, SERIES
from hornbook.display.intervals import Interval, mean_interval
from hornbook.display.lines import Line, LineChart
from hornbook.study.measure import Measure
from hornbook.study.outcome import Group

__all__ = ["MOST_CURVES", "chart_of"]

MOST_CURVES = len(SERIES)


def chart_of(groups: Sequence[Group], measure: Measure, y_label: str) -> LineChart | None:
    """Return the chart of some cells, the baseline first; None where fewer than two epochs were recorded.

    Means are over the seeds that reached an epoch together: a curve ends where the first of its runs does.
    """
    bands = [(group.label.removeprefix(f"{group.factor}="), _bands(group)) for group in groups]
    bands = [(label, band) for label, band in bands if len(band) > 1]
    means = [item.mean for _, band in bands for item in band if math.isfinite(item.mean)]
    if not means:
        return None
    lines = [_line(label, band, number, measure.factor) for number, (label, band) in enumerate(bands)]
    low, high = _limits(means)
    limits = (low * measure.factor, high * measure.factor)
    return LineChart(tuple(lines), "epoch", y_label, limits)


def _line(label: str, band: Sequence[Interval], number: int, factor: float) -> Line:
    low = [factor * (item.mean - _half(item)) for item in band]
    high = [factor * (item.mean + _half(item)) for item in band]
    epochs = [float(epoch) for epoch in range(1, len(band) + 1)]
    means = [factor * item.mean for item in band]
    return Line(epochs, means, SERIES[number], label=label, band=(low, high), is_dashed=number >= NUM_SOLID)


def _bands(group: Group) -> list[Interval]:
    """Return the interval over the seeds of each epoch that all of them have; NaN where a value is not finite."""
    curves = [[value if math.isfinite(value) else math.nan for value in curve] for curve in group.curves.values()]
    return [mean_interval(values) for values in zip(*curves, strict=False)]


def _half(interval: Interval) -> float:
    return interval.half if math.isfinite(interval.half) else 0.0


def _limits(means: Sequence[float]) -> tuple[float, float]:
    """Return the range of the means with some room; bands that are wider are cut."""
    room = 0.08 * (max(means) - min(means)) or 0.01 * (abs(max(means)) or 1.0)
    return min(means) - room, max(means) + room
