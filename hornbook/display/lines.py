"""Lines over an axis, with bands and marks: learning curves and range tests. No TensorFlow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hornbook.display.chart import ACCENT, CHAR, QUIET, axes_in, drawn, pixels, spread, write
from hornbook.display.text import cut, cut_inside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Line", "LineChart", "Mark", "rate_ticks"]

LABEL_SIZE, LABEL_GAP = 13, 17  # px
LONGEST_LABEL, LONGEST_TITLE = 36, 88  # characters
BAND_OPACITY, BANDS_OPACITY = 0.1, 0.5  # of one band at most, of all bands of a chart together


@dataclass(frozen=True)
class Line:
    """One line.

    Attributes:
        x, y: Its points; values that are not finite leave a gap.
        color: As CSS has it.
        width: In px.
        label: Stands at its end, and is what a hover says.
        band: (low ends, high ends) of what surrounds it.
        is_dashed: Whether it has gaps.
    """

    x: Sequence[float]
    y: Sequence[float]
    color: str
    width: float = 2.0
    label: str = ""
    band: tuple[Sequence[float], Sequence[float]] | None = None
    is_dashed: bool = False


@dataclass(frozen=True)
class Mark:
    """An x that matters, as a vertical line with its name; without one, the text around the picture says what it is."""

    x: float
    label: str
    color: str
    is_bold: bool = False


@dataclass(frozen=True)
class LineChart:
    """A picture of lines, the last one on top.

    Attributes:
        lines: What is drawn.
        x_label, y_label: What the axes show.
        limits: Lowest and highest y; what lies outside is cut off.
        title, note: Above the picture; the note says what the lines are.
        marks: Vertical lines.
        span: An interval of x that is tinted.
        is_log: Whether distances along x are ratios.
        ends: Lowest and highest x, of an axis that is no count; None: those of the lines, which are counts.
        size: px.
    """

    lines: tuple[Line, ...]
    x_label: str
    y_label: str
    limits: tuple[float, float]
    title: str = ""
    note: str = ""
    marks: tuple[Mark, ...] = ()
    span: tuple[float, float] | None = None
    is_log: bool = False
    ends: tuple[float, float] | None = None
    size: tuple[int, int] = (960, 420)

    def svg(self, name: str, label: str) -> str:
        """Return the picture; see `chart.drawn`."""
        return drawn(self._paint, self.size, name=name, label=label)

    def _paint(self, figure: "Figure") -> None:
        longest = max((len(cut_inside(line.label, LONGEST_LABEL)) for line in self.lines), default=0)
        right = 24 + CHAR * LABEL_SIZE * longest if longest else 16
        axes = axes_in(figure, left=64, right=right, top=84 if self.title else 30, bottom=52)
        self._scales(axes)
        opacity = min(BAND_OPACITY, BANDS_OPACITY / max(len(self.lines), 1))
        for line in self.lines:
            if line.band is not None:
                low, high = map(_finite, line.band)
                axes.fill_between(line.x, low, high, color=line.color, alpha=opacity, linewidth=0)
        for line in self.lines:
            points = _finite(line.y)
            marker = "o" if sum(map(math.isfinite, points)) == 1 else ""
            dashes = (0, (5, 1.5)) if line.is_dashed else "-"
            (artist,) = axes.plot(
                line.x, points, color=line.color, linewidth=line.width, marker=marker, linestyle=dashes
            )
            artist.set_url(line.label or None)
        if self.span is not None:
            axes.axvspan(*self.span, color=ACCENT, alpha=0.14, linewidth=0, zorder=0.5)
        self._name_lines(axes)
        self._name_marks(axes)
        width, height = self.size
        if self.title:
            room = min(LONGEST_TITLE, int((width - 80) / (CHAR * 15)))
            write(axes, cut(self.title, room), (64, height - 22), fontsize=15, hover=self.title)
            write(axes, self.note, (64, height - 42), fontsize=11, color=QUIET)

    def _scales(self, axes: "Axes") -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        known = [x for line in self.lines for x in line.x]
        low, high = (min(known), max(known)) if known else (1.0, 10.0)
        if self.is_log:
            low, high = (low, high) if low < high else (low / 2, high * 2)
            axes.set_xscale("log")
            ticks = rate_ticks(low, high)
            axes.set_xticks([rate for rate, _ in ticks], [text for _, text in ticks])
            axes.set_xticks([], minor=True)
        elif self.ends is not None:
            low, high = self.ends
            axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
        else:
            low, high = (low, high) if low < high else (low - 0.5, high + 0.5)
            axes.xaxis.set_major_locator(
                MaxNLocator(min(10, self.size[0] // 60), integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
            )
        axes.set_xlim(low, high)
        axes.set_ylim(*self.limits)
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
        axes.grid(axis="both" if self.is_log else "y")
        axes.set_xlabel(self.x_label)
        write(axes, self.y_label, (8, axes.bbox.y1 + 16), color=QUIET)

    def _name_lines(self, axes: "Axes") -> None:
        """Write each line's label right of the axes, with a thin connection where it could not stand at its end."""
        ends = [(line, *end) for line in self.lines if line.label for end in [_end(line)] if end is not None]
        low, high = self.limits
        starts = [pixels(axes, x, min(max(y, low), high)) for _, x, y in ends]
        heights = spread([y for _, y in starts], gap=LABEL_GAP, low=axes.bbox.y0 + 4, high=axes.bbox.y1)
        right = axes.bbox.x1
        for (line, _, _), (x, y), height in zip(ends, starts, heights, strict=True):
            if abs(height - y) > 3 or right - x > 3:
                _connect(axes, [(x + 2, y), (max(x + 2, right - 2), y), (right + 9, height)], line.color)
            write(axes, cut_inside(line.label, LONGEST_LABEL), (right + 12, height), color=line.color, hover=line.label)

    def _name_marks(self, axes: "Axes") -> None:
        """Write the marks' names in a column beside all of them, each connected to its line.

        A range test is high on the left and low on the right: below its start and above its descent there is room.
        """
        if not self.marks:
            return
        marks = sorted(self.marks, key=lambda mark: mark.x)
        places = [pixels(axes, mark.x, self.limits[0])[0] for mark in marks]
        room = 24 + CHAR * LABEL_SIZE * max(len(mark.label) for mark in marks)
        is_left = places[0] - room > axes.bbox.x0
        edge = places[0] - 14 if is_left else places[-1] + 14
        for row, (mark, place) in enumerate(zip(marks, places, strict=True)):
            below = len(marks) - 1 - row
            height = axes.bbox.y0 + 14 + 18 * below if is_left else axes.bbox.y1 - 14 - 18 * below
            axes.axvline(
                mark.x,
                color=mark.color,
                linewidth=2.5 if mark.is_bold else 1.5,
                linestyle="-" if mark.is_bold else (0, (4, 3)),
                zorder=2.5 + mark.is_bold,
            )
            if not mark.label:
                continue
            _connect(axes, [(edge + (4 if is_left else -4), height), (place, height)], mark.color)
            weight = "bold" if mark.is_bold else "normal"
            side = "right" if is_left else "left"
            write(axes, mark.label, (edge, height), ha=side, color=mark.color, fontweight=weight)


def _finite(values: Sequence[float]) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values]


def _end(line: Line) -> tuple[float, float] | None:
    pairs = [(x, y) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
    return pairs[-1] if pairs else None


def _connect(axes: "Axes", places: Sequence[tuple[float, float]], color: str) -> None:
    from matplotlib.transforms import IdentityTransform

    x, y = zip(*places, strict=True)
    axes.plot(x, y, color=color, linewidth=0.8, alpha=0.7, transform=IdentityTransform(), clip_on=False)


def rate_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return (value, text) for a logarithmic axis: powers of ten, at most a dozen; 2 and 5 too where these are few."""
    first, last = math.floor(math.log10(low) - 1e-9), math.ceil(math.log10(high) + 1e-9)
    leading = (1, 2, 5) if math.log10(high / low) < 2 else (1,)
    step = 1 + (last - first) // 13
    pairs = [(power, digit) for power in range(first, last + 1) if power % step == 0 for digit in leading]
    ticks = [(digit * 10.0**power, f"{digit}e{power}") for power, digit in pairs]
    return [(value, text) for value, text in ticks if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
