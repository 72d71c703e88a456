"""The pictures of what a model does on a split: ROC, precision and recall, calibration, residuals."""

import math
from collections.abc import Sequence
from typing import Any

from hornbook.display.bars import Amount, BarChart
from hornbook.display.chart import AXIS, NUM_SOLID, PLAIN, SERIES
from hornbook.display.distributions import DotChart, Histogram, HistogramChart
from hornbook.display.forecasts import forecast_picture
from hornbook.display.lines import Line, LineChart
from hornbook.errors import escaped
from hornbook.inference.importance import MOST_SHOWN, Importance
from hornbook.inference.report.examination import MOST_TARGETS, Curve, Examination, Residuals
from hornbook.inference.trust.calibration import Bin

__all__ = ["importance_picture", "pictures_of"]

SIZE = (470, 330)
ROOM = 0.02  # around probabilities, so that lines along an edge are seen whole


def pictures_of(seen: Examination, prefix: str = "") -> dict[str, Any]:
    """Return pictures by name: `roc`, `precision_recall`, `reliability`, `targets` with (target, dots, histogram), and
    `forecasts` with (title, picture).

    `prefix` is what their names in the page begin with, where it has those of several heads.
    """
    pictures: dict[str, Any] = {}
    if seen.roc:
        chance = Line((0, 1), (0, 1), AXIS, width=1.0, is_dashed=True)
        pictures["roc"] = _curves(f"{prefix}roc", seen.roc, "false positive rate", "true positive rate", [chance])
        pictures["precision_recall"] = _curves(
            f"{prefix}precision-recall", seen.precision_recall, "recall", "precision", []
        )
    if seen.calibration is not None:
        pictures["reliability"] = _reliability(f"{prefix}reliability", seen.calibration.bins)
    pictures["targets"] = [
        (target.name, *_target(f"{prefix}{{}}-{place + 1}", target))
        for place, target in enumerate(seen.targets[:MOST_TARGETS])
    ]
    pictures["forecasts"] = [(one.title, forecast_picture(one, place)) for place, one in enumerate(seen.forecasts)]
    return pictures


def importance_picture(importance: Importance) -> str:
    """Return bars of how much worse a run gets without what each column says."""
    amounts = [Amount(one.name, one.mean, one.half_width) for one in importance.columns[:MOST_SHOWN]]
    said = ", ".join(f"{escaped(one.name, one_line=True)} {one.value:.4g}" for one in amounts[:10])
    label = f"{importance.metric} gets worse by"
    return BarChart(amounts, label).svg("importance", f"{label}, when a column is shuffled: {said}")


def _curves(name: str, curves: Sequence[Curve], x_label: str, y_label: str, before: list[Line]) -> str:
    lines = [
        Line(
            curve.x,
            curve.y,
            SERIES[1 + place % (len(SERIES) - 1)] if len(curves) > 1 else PLAIN,
            label=escaped(curve.name, one_line=True),
            is_dashed=place + 1 >= NUM_SOLID,
        )
        for place, curve in enumerate(curves)
    ]
    label = (
        f"{y_label} over {x_label} of {len(curves)} class{'es' if len(curves) > 1 else ''}; the areas are in the table"
    )
    chart = LineChart((*before, *lines), x_label, y_label, (-ROOM, 1 + ROOM), ends=(-ROOM, 1 + ROOM), size=SIZE)
    return chart.svg(name, label)


def _reliability(name: str, bins: Sequence[Bin]) -> str:
    known = [(one.confidence, one.accuracy, one.examples) for one in bins if None not in (one.confidence, one.accuracy)]
    confidence, accuracy, examples = (list(values) for values in zip(*known, strict=True))
    expected = ((0.0, 0.0), (1.0, 1.0))
    chart = DotChart(confidence, accuracy, "confidence", "accuracy", expected, weights=examples, size=SIZE)
    points = ", ".join(f"{right:.2f} at {sure:.2f} ({count})" for sure, right, count in known)
    return chart.svg(name, f"Accuracy by confidence, on the dashed line where probabilities are right: {points}")


def _target(name: str, target: Residuals) -> tuple[str, str]:
    ends = [value for value in (*target.truth, *target.predicted) if math.isfinite(value)]
    low, high = min(ends), max(ends)
    what = escaped(target.name, one_line=True)
    dots = DotChart(target.truth, target.predicted, "truth", "predicted", ((low, low), (high, high)), size=SIZE)
    share = f", R² {target.explained:.3f}" if target.explained is not None else ""
    histogram = HistogramChart((Histogram(target.edges[0], target.edges[-1], target.counts),), size=(470, 200))
    return (
        dots.svg(name.format("target"), f"Predicted over true values of {what}{share}"),
        histogram.svg(
            name.format("residuals"),
            f"Histogram of the residuals of {what}, from {target.edges[0]:.4g} to {target.edges[-1]:.4g}",
        ),
    )
