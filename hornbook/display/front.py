"""Trials over two objectives, with the front: those that no other beats. No TensorFlow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hornbook.display.chart import ACCENT, FAINT, PLAIN, QUIET, axes_in, drawn, pixels, write
from hornbook.display.trials import Axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FrontChart", "FrontPoint"]

SIZE = 12  # px, of text at ticks
NEAR = 26  # px, between members of the front


@dataclass(frozen=True)
class FrontPoint:
    """One trial.

    Attributes:
        number: The trial's, from 1.
        x, y: What it reached.
        text: What a hover says.
        is_front: Whether no other beats it.
        is_best: Whether it is the winner.
    """

    number: int
    x: float
    y: float
    text: str
    is_front: bool
    is_best: bool = False


@dataclass(frozen=True)
class FrontChart:
    """A picture of all trials over two objectives; members of the front have their numbers.

    Attributes:
        x, y: The objectives.
        points: The trials.
        steps: Whether the points of the front are joined by steps: what lies on their worse side is beaten.
        higher: Whether a higher x, and a higher y, is better.
        size: px.
    """

    x: Axis
    y: Axis
    points: Sequence[FrontPoint]
    steps: bool
    higher: tuple[bool, bool]
    size: tuple[int, int] = (640, 400)

    def svg(self, name: str) -> str:
        """Return the picture; see `chart.drawn`."""
        return drawn(self._paint, self.size, name=name, label=f"the front: {self.y.name} over {self.x.name}")

    def _paint(self, figure: "Figure") -> None:
        axes = axes_in(figure, left=72, right=24, top=44, bottom=54)
        axes.set_xlim(-0.04, 1.04)
        axes.set_ylim(-0.05, 1.05)
        for axis, set_ticks in ((self.x, axes.set_xticks), (self.y, axes.set_yticks)):
            ticks = axis.ticks()
            set_ticks([place for place, _ in ticks], [text for _, text in ticks], fontsize=SIZE)
        axes.grid(axis="both")
        placed = [(self.x.place(one.x) or 0.0, self.y.place(one.y) or 0.0, one) for one in self.points]
        front = sorted((point for point in placed if point[2].is_front), key=lambda point: point[:2])
        if self.steps and front:
            self._step(axes, [(x, y) for x, y, _ in front])
        for is_front in (False, True):  # the front on top
            some = [point for point in placed if point[2].is_front == is_front]
            colors = [ACCENT if one.is_best else PLAIN if is_front else FAINT for *_, one in some]
            dots = axes.scatter(
                [x for x, *_ in some], [y for _, y, _ in some], s=90 if is_front else 44, c=colors, edgecolors="white",
                linewidths=0.8, clip_on=False, zorder=3 + is_front,
            )  # fmt: skip
            dots.set_urls([one.text for *_, one in some])
        places = [pixels(axes, x, y) for x, y, _ in front]
        for (left, low), after, (*_, one) in zip(places, [*places[1:], (math.inf, 0.0)], front, strict=True):
            aside = -8 if after[0] - left < NEAR else 8  # where the next one's number would touch, to the left
            style = {"color": ACCENT if one.is_best else PLAIN, "fontweight": "bold", "fontsize": SIZE}
            side = "right" if aside < 0 else "left"
            write(axes, str(one.number), (left + aside, low + 11), hover=one.text, ha=side, **style)
        axes.set_xlabel(f"{self.x.name} ({self._better(0)})")
        write(axes, f"{self.y.name} ({self._better(1)})", (8, axes.bbox.y1 + 22), color=QUIET)

    def _better(self, side: int) -> str:
        return f"{'higher' if self.higher[side] else 'lower'} is better"

    def _step(self, axes: "Axes", front: Sequence[tuple[float, float]]) -> None:
        """Draw steps through the front, and on to the ends at which nothing better is."""
        xs, ys = [x for x, _ in front], [y for _, y in front]
        axes.step(xs, ys, where="pre" if self.higher[0] else "post", color=FAINT, linewidth=1.4, zorder=2)
