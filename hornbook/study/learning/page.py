"""A learning curve as one HTML page that loads nothing from elsewhere, and its pictures. No TensorFlow."""

from collections.abc import Sequence

from hornbook.display.chart import ACCENT, PLAIN
from hornbook.display.lines import Line, LineChart
from hornbook.display.page import render
from hornbook.study.learning.outcome import Point
from hornbook.study.learning.table import LearningCurve

__all__ = ["as_html", "pictures"]

SIZE = (720, 380)
ROOM = 0.08


def as_html(curve: LearningCurve) -> str:
    """Return the page: verdicts, pictures, a table, and every run."""
    return render(
        "hornbook.study.learning/page.html.jinja",
        curve=curve,
        measure=curve.measure,
        unit=" (%)" if curve.measure.is_fraction else "",
        pictures=pictures(curve),
    )


def pictures(curve: LearningCurve) -> list[tuple[str, str]]:
    """Return (title, picture): over the values with all examples, and over the examples for each value."""
    found: list[tuple[str, str]] = []
    for label in curve.labels:
        points = curve.of(label)
        if len(points) > 1:
            title = f"{label or curve.name}: over the number of examples"
            sizes = [float(point.size) for point in points]
            ticks = tuple((size, f"{size:,.0f}") for size in sizes)
            found.append(
                (title, _picture(curve, points, (sizes, ticks), "training examples", f"curve-{len(found) + 1}"))
            )
    if len(curve.labels) > 1:
        largest = [curve.of(label)[-1] for label in curve.labels]
        places = [float(place) for place in range(1, len(largest) + 1)]
        ticks = tuple((place, point.label.partition("=")[2]) for place, point in zip(places, largest, strict=True))
        title = f"{curve.key}: over the values, all examples"
        found.insert(0, (title, _picture(curve, largest, (places, ticks), curve.key or "", "curve-values")))
    return found


def _picture(
    curve: LearningCurve,
    points: Sequence[Point],
    axis: tuple[Sequence[float], tuple[tuple[float, str], ...]],
    x_label: str,
    name: str,
) -> str:
    measure, (places, ticks) = curve.measure, axis
    lines = []
    for split, label, color in (("train", "training", PLAIN), ("validation", "validation", ACCENT)):
        means, low, high = [], [], []
        for point in points:
            interval = point.interval(split)
            mean = interval.mean if interval is not None else float("nan")
            half = interval.half if interval is not None and interval.count > 1 else 0.0
            means.append(mean * measure.factor)
            low.append((mean - half) * measure.factor)
            high.append((mean + half) * measure.factor)
        lines.append(Line(places, means, color, label=label, band=(low, high)))
    every = [value for line in lines for value in line.y if value == value]
    bottom, top = (min(every), max(every)) if every else (0.0, 1.0)
    room = ROOM * (top - bottom) or 0.01 * (abs(top) or 1.0)
    shown = measure.name.partition("_")[2]
    chart = LineChart(
        tuple(lines), x_label, shown + (", %" if measure.is_fraction else ""), (bottom - room, top + room),
        is_log=x_label == "training examples", ticks=ticks, size=SIZE,
    )  # fmt: skip
    words = "; ".join(f"{line.label} from {line.y[0]:.4g} to {line.y[-1]:.4g}" for line in lines)
    return chart.svg(name, f"{shown} by {x_label}: {words}")
