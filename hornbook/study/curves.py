"""Learning curves with bands, laid out as numbers for an SVG: the page's template only draws them. No TensorFlow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hornbook.report.intervals import Interval, mean_interval
from hornbook.study.measure import Measure
from hornbook.study.outcome import Group

__all__ = ["Chart", "Curve", "chart_of", "ticks"]

COLORS = ("#1b1b1b", "#d1495b", "#00798c", "#edae49", "#66a182", "#8d5a97", "#5c6bc0", "#a1683a")
"""The first is the baseline's."""
WIDTH, HEIGHT = 640, 300  # of the plotting area, in SVG units


@dataclass(frozen=True)
class Curve:
    """One cell's line.

    Attributes:
        label: What it is called.
        color: As CSS has it.
        line: Points ``x,y x,y …`` of the mean.
        band: Points around the 95 % t interval.
    """

    label: str
    color: str
    line: str
    band: str


@dataclass(frozen=True)
class Chart:
    """Curves and axes in SVG units, the origin at the top left of the plotting area.

    Attributes:
        title: What is shown.
        curves: The baseline first.
        x_ticks: (place, text) of epochs.
        y_ticks: (place, text) of values.
    """

    title: str
    curves: tuple[Curve, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(title: str, groups: Sequence[Group], measure: Measure) -> Chart | None:
    """Return the chart of some cells; None where fewer than two epochs were recorded.

    Means are over the seeds that reached an epoch together: a curve ends where the first of its runs does.
    """
    bands = [(group.label, _bands(group)) for group in groups]
    bands = [(label, band) for label, band in bands if len(band) > 1]
    if not bands:
        return None
    longest = max(len(band) for _, band in bands)
    low, high = _limits([interval for _, band in bands for interval in band])
    scale = WIDTH / (longest - 1)

    def x(epoch: int) -> float:
        return (epoch - 1) * scale

    def y(value: float) -> float:
        return HEIGHT * (1 - (min(max(value, low), high) - low) / (high - low))

    curves = []
    for number, (label, band) in enumerate(bands):
        upper = [(x(epoch), y(item.mean + _half(item))) for epoch, item in enumerate(band, 1)]
        lower = [(x(epoch), y(item.mean - _half(item))) for epoch, item in enumerate(band, 1)]
        line = _points([(x(epoch), y(item.mean)) for epoch, item in enumerate(band, 1)])
        curves.append(Curve(label, COLORS[number % len(COLORS)], line, _points(upper + lower[::-1])))
    epochs = [round(tick) for tick in ticks(1, longest) if tick == round(tick)]
    values = tuple((y(tick), f"{tick * measure.factor:.6g}") for tick in ticks(low, high))
    return Chart(title, tuple(curves), tuple((x(epoch), str(epoch)) for epoch in epochs), values)


def _bands(group: Group) -> list[Interval]:
    """Return the interval over the seeds of each epoch that all of them have."""
    curves = list(group.curves.values())
    return [mean_interval(values) for values in zip(*curves, strict=False)] if curves else []


def _half(interval: Interval) -> float:
    return interval.half if math.isfinite(interval.half) else 0.0


def _limits(intervals: Sequence[Interval]) -> tuple[float, float]:
    """Return the range of the means with some room; bands that are wider are cut."""
    means = [interval.mean for interval in intervals]
    room = 0.08 * (max(means) - min(means)) or 0.01 * (abs(max(means)) or 1.0)
    return min(means) - room, max(means) + room


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers in a range."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]
