"""Pictures of many trials: parallel coordinates, and each key against the objective. No TensorFlow."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hornbook.display.chart import ACCENT, AXIS, CHAR, INK, QUIET, axes_in, drawn, pixels, shade, write
from hornbook.display.text import cut, cut_inside, number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Axis", "Trial", "TrialChart"]

MOST_KEYS = 6  # side by side; more are drawn in several pictures
WIDTH, HEIGHT = 960, 400  # px, of all keys
SLICE_WIDTH, SLICE_HEIGHT = 310, 236  # px, of one key
SIZE = 12  # px, of text at ticks
LONGEST_CHOICE = 24  # characters
LEAST_RATIO = 30  # of the highest score to the lowest, from which on their axis is logarithmic


@dataclass(frozen=True)
class Axis:
    """What a key may be, or the objective was.

    Attributes:
        name: Of the key or the objective.
        low, high: Ends of numbers.
        is_log: Whether distances are ratios.
        is_whole: Whether there is nothing between whole numbers.
        choices: Texts, in order, in place of numbers.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    is_log: bool = False
    is_whole: bool = False
    choices: tuple[str, ...] = ()

    def place(self, value: float | str | None) -> float | None:
        """Return where a value stands, from 0 to 1; None for one that has no place, such as a key a trial does not have."""
        if self.choices:
            return (self.choices.index(value) + 0.5) / len(self.choices) if value in self.choices else None
        if value is None or isinstance(value, str) or not math.isfinite(value):
            return None
        if self.high == self.low:
            return 0.5
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low) if value > 0 else None
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Return (place, text): every choice, or both ends and round numbers between them that do not come too near."""
        if self.choices:
            return [((rank + 0.5) / len(self.choices), choice) for rank, choice in enumerate(self.choices)]
        if self.low == self.high:
            return [(0.5, _rounded(self.low))]
        ticks = [(0.0, _rounded(self.low)), (1.0, _rounded(self.high))]
        for value in self._round_numbers():
            place = self.place(value)
            if place is not None and 0 < place < 1 and all(abs(place - other) > 0.12 for other, _ in ticks):
                ticks.append((place, _rounded(value)))
        return sorted(ticks)

    def _round_numbers(self) -> list[float]:
        from matplotlib.ticker import MaxNLocator

        if self.is_log and self.high / self.low >= 10:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**power for power in range(first, last + 1, 1 + (last - first) // 8)]
        locator = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], integer=self.is_whole)
        return [float(value) for value in locator.tick_values(self.low, self.high)]


@dataclass(frozen=True)
class Trial:
    """One trial with a finite score: its number from 1, a number or a choice's text for each key that it has, its score."""

    number: int
    values: Mapping[str, float | str]
    score: float


@dataclass(frozen=True)
class TrialChart:
    """The pictures of a search.

    Attributes:
        keys: An axis for each key.
        objective: What the score is called.
        trials: Those with a finite score.
        best: The winner's number; None without one.
        higher_is_better: Whether scores are maximized.
        prefix: Before the pictures' names, where a page has several charts.
    """

    keys: tuple[Axis, ...]
    objective: str
    trials: tuple[Trial, ...]
    best: int | None
    higher_is_better: bool
    prefix: str = ""

    @property
    def scores(self) -> Axis:
        """The objective's axis, over the scores there are; logarithmic where one bad trial would squeeze all others."""
        scores = [trial.score for trial in self.trials] or [0.0]
        low, high = min(scores), max(scores)
        return Axis(self.objective, low, high, is_log=low > 0 and high / low >= LEAST_RATIO)

    def parallel(self) -> Iterator[str]:
        """Return a picture with a line per trial through its values to its score; several where there are many keys."""
        count = math.ceil(len(self.keys) / MOST_KEYS)
        for number in range(count):
            part = self.keys[len(self.keys) * number // count : len(self.keys) * (number + 1) // count]
            label = f"parallel coordinates: {', '.join(axis.name for axis in part)}, {self.objective}"
            yield drawn(
                lambda figure, part=part: self._paint_parallel(figure, part),  # type: ignore[misc]
                (WIDTH, HEIGHT),
                name=f"{self.prefix}trials-{number + 1}",
                label=label,
            )

    def slices(self) -> Iterator[str]:
        """Return a small picture for each key: its values against the score."""
        for number, key in enumerate(self.keys, start=1):
            yield drawn(
                lambda figure, key=key: self._paint_slice(figure, key),  # type: ignore[misc]
                (SLICE_WIDTH, SLICE_HEIGHT),
                name=f"{self.prefix}key-{number}",
                label=f"{self.objective} over {key.name}",
            )

    def _in_order(self) -> list[tuple[Trial, float]]:
        """Return trials with how good they are by rank, from 0 to 1: good ones lie on top, the winner above all."""
        from scipy.stats import rankdata

        if not self.trials:
            return []
        ranks = rankdata([trial.score for trial in self.trials])
        most = max(len(ranks) - 1, 1)
        shares = [float(rank - 1) / most for rank in ranks]
        pairs = [
            (trial, share if self.higher_is_better else 1 - share)
            for trial, share in zip(self.trials, shares, strict=True)
        ]
        return sorted(pairs, key=lambda pair: (pair[0].number == self.best, pair[1]))

    def _says(self, trial: Trial) -> str:
        return f"trial {trial.number}: {self.objective} {number_text(trial.score)}"

    def _says_value(self, trial: Trial, key: Axis) -> str:
        value = trial.values[key.name]
        text = value if isinstance(value, str) else number_text(value)
        return f"trial {trial.number}: {text}, {number_text(trial.score)}"

    def _paint_parallel(self, figure: "Figure", keys: Sequence[Axis]) -> None:
        shown = [*keys, self.scores]
        axes = axes_in(figure, left=60, right=134, top=64, bottom=16)
        axes.set_axis_off()
        axes.set_xlim(0, max(len(shown) - 1, 1))
        axes.set_ylim(0, 1)
        for trial, quality in self._in_order():
            places = [axis.place(trial.values.get(axis.name)) for axis in keys]
            places.append(shown[-1].place(trial.score))
            points = [(x, y) for x, y in enumerate(places) if y is not None]
            is_best = trial.number == self.best
            (line,) = axes.plot(
                *zip(*points, strict=True),
                color=ACCENT if is_best else shade(quality),
                linewidth=3.5 if is_best else 1.4,
                clip_on=False,
                zorder=3 if is_best else 2,
            )
            line.set_url(self._says(trial))
        gap = axes.bbox.width / max(len(shown) - 1, 1)
        for rank, axis in enumerate(shown):
            axes.vlines(rank, 0, 1, color=AXIS, linewidth=1, clip_on=False, zorder=1.5)
            self._head(axes, rank, axis.name, gap, is_last=rank == len(shown) - 1)
            self._tick(axes, rank, axis, gap, is_last=rank == len(shown) - 1)

    def _head(self, axes: "Axes", rank: int, name: str, gap: float, *, is_last: bool) -> None:
        """Write a key above its axis, broken at dots where it is too long."""
        room = int((gap if not is_last else 2 * axes.bbox.x0 + 100) / (CHAR * SIZE * 1.08))
        for row, text in enumerate(reversed(_broken(name, room))):
            x, y = pixels(axes, rank, 1)
            x = max(x, CHAR * SIZE * 1.08 * len(text) / 2 + 2)
            write(
                axes, text, (x, y + 18 + 15 * row), hover=name, ha="center", fontsize=SIZE, fontweight="bold", color=INK
            )

    def _tick(self, axes: "Axes", rank: int, axis: Axis, gap: float, *, is_last: bool) -> None:
        """Write the values at an axis, on the last one also the winner's score."""
        best = next((trial for trial in self.trials if is_last and trial.number == self.best), None)
        height = axis.place(best.score) if best is not None else None
        if best is not None and height is not None:
            text = f"{number_text(best.score)} trial {best.number}"
            x, y = pixels(axes, rank, height)
            write(axes, text, (x + 8, y), hover=self._says(best), color=ACCENT, fontweight="bold", fontsize=SIZE)
        room = LONGEST_CHOICE if is_last else min(int((gap - 12) / (CHAR * SIZE)), LONGEST_CHOICE)
        for place, text in axis.ticks():
            if height is None or abs(place - height) > 0.05:
                x, y = pixels(axes, rank, place)
                write(
                    axes, cut_inside(text, room), (x + 5, y), hover=text, fontsize=SIZE, color=QUIET if is_last else INK
                )

    def _paint_slice(self, figure: "Figure", key: Axis) -> None:
        scores = self.scores
        axes = axes_in(figure, left=56, right=12, top=30, bottom=46)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.05, 1.05)
        ticks = scores.ticks()
        axes.set_yticks([place for place, _ in ticks], [text for _, text in ticks], fontsize=SIZE)
        axes.set_xticks([])
        axes.grid(axis="y")
        placed = [
            (x + self._aside(key, trial), y, trial, quality)
            for trial, quality in self._in_order()
            for x, y in [(key.place(trial.values.get(key.name)), scores.place(trial.score))]
            if x is not None and y is not None
        ]
        for is_best in (False, True):  # the winner larger, and on top
            some = [point for point in placed if (point[2].number == self.best) == is_best]
            points = axes.scatter(
                [x for x, *_ in some],
                [y for _, y, *_ in some],
                s=150 if is_best else 64,
                c=[ACCENT if is_best else shade(quality) for *_, quality in some],
                edgecolors="white",
                linewidths=0.8,
                clip_on=False,
                zorder=3 + is_best,
            )
            points.set_urls([self._says_value(trial, key) for _, _, trial, _ in some])
        write(axes, cut(key.name, 38), (4, SLICE_HEIGHT - 12), hover=key.name, fontweight="bold", fontsize=SIZE)
        self._label_slice(axes, key)

    def _aside(self, key: Axis, trial: Trial) -> float:
        """Return how far beside its choice a trial stands, so that equal scores can be told apart; the same every time."""
        return (0.5 - trial.number * 0.618 % 1) * 0.4 / len(key.choices) if key.choices else 0.0

    def _label_slice(self, axes: "Axes", key: Axis) -> None:
        """Write the values below, in two rows where they would touch."""
        ticks = key.ticks()
        gap = axes.bbox.width / (len(ticks) if key.choices else max(len(ticks) - 1, 1)) / (CHAR * SIZE) - 1
        longest = max(len(text) for _, text in ticks)
        rows = 1 if longest <= gap or len(ticks) < 3 else 2
        for rank, (place, text) in enumerate(ticks):
            shown = cut_inside(text, max(int(gap * rows) - 2 * (rows - 1), 3)) if key.choices else text
            x, y = pixels(axes, place, -0.05)
            half = CHAR * SIZE * len(shown) / 2
            x = min(max(x, half), SLICE_WIDTH - half)
            write(axes, shown, (x, y - 14 - 15 * (rank % rows)), hover=text, ha="center", fontsize=SIZE, color=QUIET)


def _rounded(value: float) -> str:
    return number_text(float(f"{value:.3g}"))


def _broken(name: str, room: int) -> list[str]:
    """Return a key in lines: as few parts between dots in a line as fit; what still is too long is cut."""
    lines = [""]
    for part in name.replace(".", ".\n").split("\n"):
        if lines[-1] and len(lines[-1] + part) > room:
            lines.append("")
        lines[-1] += part
    return [cut(line, room) for line in lines]
