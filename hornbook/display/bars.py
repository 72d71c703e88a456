"""Amounts by name, as bars from zero with their intervals. No TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hornbook.display.chart import AXIS, CHAR, INK, PLAIN, axes_in, drawn, pixels, write
from hornbook.display.text import cut_inside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Amount", "BarChart"]

ROW, SIZE = 24, 12  # px, of a bar with its room, and of its name
LONGEST_NAME = 30  # characters


@dataclass(frozen=True)
class Amount:
    """A named number and half the width of its interval."""

    name: str
    value: float
    half_width: float = 0.0


@dataclass(frozen=True)
class BarChart:
    """A bar for each amount, the first one on top.

    Attributes:
        amounts: What is shown.
        label: What the axis shows.
        width: px.
    """

    amounts: Sequence[Amount]
    label: str
    width: int = 700

    def svg(self, name: str, label: str) -> str:
        """Return the picture; see `chart.drawn`."""
        return drawn(self._paint, (self.width, ROW * len(self.amounts) + 62), name=name, label=label)

    def _paint(self, figure: "Figure") -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        names = [cut_inside(amount.name, LONGEST_NAME) for amount in self.amounts]
        left = max(map(len, names)) * CHAR * SIZE + 20
        axes = axes_in(figure, left=left, right=24, top=8, bottom=54)
        places = range(len(names))
        values = [amount.value for amount in self.amounts]
        axes.barh(places, values, height=0.62, color=PLAIN, linewidth=0)
        for place, amount in zip(places, self.amounts, strict=True):
            ends = (amount.value - amount.half_width, amount.value + amount.half_width)
            axes.plot(ends, (place, place), color=INK, linewidth=1.4, solid_capstyle="butt")
        axes.axvline(0, color=AXIS, linewidth=1.2)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks([])
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
        axes.grid(axis="x")
        axes.set_xlabel(self.label)
        for place, (name, amount) in enumerate(zip(names, self.amounts, strict=True)):
            _, height = pixels(axes, 0, place)
            hover = f"{amount.name}: {amount.value:.4g} ± {amount.half_width:.2g}"
            write(axes, name, (left - 10, height), ha="right", fontsize=SIZE, hover=hover)
