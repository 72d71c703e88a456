"""Histograms, and dots over two axes. No TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hornbook.display.chart import AXIS, FAINT, PLAIN, QUIET, axes_in, drawn, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DotChart", "Histogram", "HistogramChart"]


@dataclass(frozen=True)
class Histogram:
    """How often numbers lie where: `counts` in bins of equal width from `low` to `high`."""

    low: float
    high: float
    counts: Sequence[int]


@dataclass(frozen=True)
class HistogramChart:
    """A small picture of one or two histograms: the earlier one faint, as an area, the last one a line.

    Attributes:
        histograms: The earlier one first; each is drawn to the same height.
        size: px.
    """

    histograms: tuple[Histogram, ...]
    size: tuple[int, int] = (200, 110)

    def svg(self, name: str, label: str) -> str:
        """Return the picture; see `chart.drawn`."""
        return drawn(self._paint, self.size, name=name, label=label)

    def _paint(self, figure: "Figure") -> None:
        _bars(axes_in(figure, left=6, right=6, top=6, bottom=24), self.histograms)


def _bars(axes: "Axes", histograms: Sequence[Histogram]) -> None:
    known = [one for one in histograms if sum(one.counts)]
    axes.set_yticks([])
    if not known:
        axes.set_xticks([])
        return
    low, high = min(one.low for one in known), max(one.high for one in known)
    if low == high:
        low, high = low - 0.5, high + 0.5
    for place, one in enumerate(known):
        is_last = place == len(known) - 1
        first, last, counts = one.low, one.high, list(one.counts)
        if first == last:  # all numbers are the same one
            first, last, counts = first - (high - low) / 100, first + (high - low) / 100, [1]
        edges = [first + (last - first) * step / len(counts) for step in range(len(counts) + 1)]
        heights = [count / max(counts) for count in counts]
        axes.stairs(heights, edges, color=PLAIN if is_last else FAINT, linewidth=1.4, fill=not is_last)
    axes.set_xlim(low, high)
    axes.set_ylim(0, 1.05)
    axes.set_xticks([low, high], [f"{low:.3g}", f"{high:.3g}"])
    for label, side in zip(axes.get_xticklabels(), ("left", "right"), strict=True):
        label.set(ha=side, fontsize=10)


@dataclass(frozen=True)
class DotChart:
    """Dots over two axes, and a line of which something is expected of them.

    Attributes:
        x, y: Where the dots are.
        x_label, y_label: What the axes show.
        line: Two points of a line that dots should lie on.
        weights: Each dot's area, compared with the others; omitted: all are alike.
        size: px.
    """

    x: Sequence[float]
    y: Sequence[float]
    x_label: str
    y_label: str
    line: tuple[tuple[float, float], tuple[float, float]]
    weights: Sequence[float] = ()
    size: tuple[int, int] = (470, 330)

    def svg(self, name: str, label: str) -> str:
        """Return the picture; see `chart.drawn`."""
        return drawn(self._paint, self.size, name=name, label=label)

    def _paint(self, figure: "Figure") -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        axes = axes_in(figure, left=64, right=16, top=30, bottom=52)
        (x0, y0), (x1, y1) = self.line
        axes.plot([x0, x1], [y0, y1], color=AXIS, linewidth=1.2, linestyle=(0, (5, 3)))
        largest = max(self.weights, default=1)
        areas = [12 + 110 * weight / largest for weight in self.weights] or 18
        axes.scatter(self.x, self.y, s=areas, color=PLAIN, alpha=0.8 if self.weights else 0.45, linewidths=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
        axes.grid(axis="both")
        axes.set_xlabel(self.x_label)
        write(axes, self.y_label, (8, axes.bbox.y1 + 16), color=QUIET)
