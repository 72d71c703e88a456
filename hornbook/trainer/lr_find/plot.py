"""Pictures of a range test: 80 columns of text for the terminal, and SVG for everything else. No plotting package."""

import math
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from hornbook.data.source import Array
from hornbook.trainer.lr_find.suggest import Search, start_of

__all__ = ["svg", "text_plot"]

COLUMNS, ROWS = 66, 14  # of the text plot, without the numbers at its left
MARKS = {"steepest": "s", "valley": "v", "minimum/10": "m"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 64, 16, 40, 56  # px
COLORS = {"steepest": "#b45309", "valley": "#0f766e", "minimum/10": "#7e22ce"}
OWN, OTHER, FOUND = "#1d4ed8", "#93b4f0", "#be123c"


class _Axes:
    """Where rates and losses lie, both from 0 to 1: rates on a logarithmic axis, losses up to a little above the start."""

    def __init__(self, search: Search) -> None:
        rates = np.concatenate([curve.rates for curve in search.curves])
        smoothed = np.concatenate([curve.smoothed for curve in search.curves])
        level = max(start_of(curve.losses)[0] for curve in search.curves)
        self.low, self.high = math.log10(rates.min()), math.log10(rates.max())
        self.bottom = float(smoothed.min())
        self.top = max(level + 0.25 * (level - self.bottom), self.bottom + 1e-12)

    def x(self, rate: float | Array) -> Array:
        return np.asarray((np.log10(rate) - self.low) / max(self.high - self.low, 1e-12))

    def y(self, loss: float | Array) -> Array:
        return np.asarray((np.clip(loss, self.bottom, self.top) - self.bottom) / (self.top - self.bottom))

    def decades(self) -> range:
        return range(math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9) + 1)


def text_plot(search: Search) -> list[str]:
    """Return lines of at most 80 characters: smoothed losses over rates, the recipe's own seed as ●, others as ·.

    Below the axis ▲ marks the suggestion, and s, v, m what each rule says for the recipe's own seed.
    """
    if not any(len(curve.losses) for curve in search.curves):
        return []
    axes = _Axes(search)
    grid = [[" "] * COLUMNS for _ in range(ROWS)]
    for index, curve in reversed(list(enumerate(search.curves))):
        for x, y in zip(axes.x(curve.rates), axes.y(curve.smoothed), strict=True):
            grid[ROWS - 1 - round(float(y) * (ROWS - 1))][_column(x)] = "●" if not index else "·"
    lines = []
    for row, cells in enumerate(grid):
        loss = axes.top + (axes.bottom - axes.top) * row / (ROWS - 1)
        lines.append(f"{loss:>8.3g} │" + "".join(cells).rstrip() if row % 3 == 0 else " " * 9 + "│" + "".join(cells))
    axis, labels, marks = ["─"] * COLUMNS, [" "] * (COLUMNS + 4), [" "] * COLUMNS
    for decade in axes.decades():
        place = _column(axes.x(10.0**decade))
        axis[place] = "┴"
        text = f"1e{decade}"
        labels[place : place + len(text)] = text
    for name, rate in search.verdicts[0].values.items():
        marks[_column(axes.x(rate))] = MARKS[name]
    if search.rate is not None:
        marks[_column(axes.x(search.rate))] = "▲"
    below = ["".join(labels), *(["".join(marks)] if "".join(marks).strip() else [])]
    return [
        line.rstrip() for line in ["    loss", *lines, " " * 9 + "└" + "".join(axis), *(" " * 10 + b for b in below)]
    ]


def _column(x: float | Array) -> int:
    return round(min(max(float(x), 0.0), 1.0) * (COLUMNS - 1))


def svg(search: Search, title: str) -> str:
    """Return a picture: losses (thin), smoothed losses of every seed, each rule's rate, the suggestion and its band."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' font-family="system-ui, sans-serif" font-size="12" fill="#334155">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" fill="#0f172a">{escape(title)}</text>',
    ]
    if any(len(curve.losses) for curve in search.curves):
        axes = _Axes(search)
        parts += [*_frame(axes), *_band(search, axes), *_curves(search, axes), *_rules(search, axes)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _px(x: float | Array) -> Array:
    return LEFT + np.asarray(x) * (WIDTH - LEFT - RIGHT)


def _py(y: float | Array) -> Array:
    return HEIGHT - BOTTOM - np.asarray(y) * (HEIGHT - TOP - BOTTOM)


def _frame(axes: _Axes) -> Iterator[str]:
    for decade in axes.decades():
        x = float(_px(axes.x(10.0**decade)))
        yield f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e2e8f0"/>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">1e{decade}</text>'
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y, loss = float(_py(share)), axes.bottom + share * (axes.top - axes.bottom)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e2e8f0"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{loss:.3g}</text>'
    yield f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 14}" text-anchor="middle">learning rate</text>'
    yield f'<text x="16" y="{TOP - 8}">loss</text>'


def _band(search: Search, axes: _Axes) -> Iterator[str]:
    if search.rate is None or search.band is None:
        return
    first, last = (float(_px(axes.x(rate))) for rate in search.band)
    yield f'<rect x="{first:.1f}" y="{TOP}" width="{max(last - first, 1):.1f}" height="{HEIGHT - TOP - BOTTOM}"' + (
        f' fill="{FOUND}" opacity="0.15"/>'
    )


def _curves(search: Search, axes: _Axes) -> Iterator[str]:
    own = search.curves[0]
    yield _line(axes, own.rates, own.losses, "#cbd5e1", 1)
    for index, curve in reversed(list(enumerate(search.curves))):
        yield _line(axes, curve.rates, curve.smoothed, OTHER if index else OWN, 1.5 if index else 2.5)


def _line(axes: _Axes, rates: Array, losses: Sequence[float] | Array, color: str, width: float) -> str:
    pairs = zip(_px(axes.x(rates)), _py(axes.y(np.asarray(losses))), strict=True)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{width}" stroke-linejoin="round"/>'


def _rules(search: Search, axes: _Axes) -> Iterator[str]:
    entries = [(name, rate, COLORS[name], "4 3") for name, rate in search.verdicts[0].values.items()]
    if search.rate is not None:
        entries.append(("suggestion", search.rate, FOUND, "none"))
    for index, (name, rate, color, dashes) in enumerate(entries):
        x = float(_px(axes.x(rate)))
        yield f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="{color}" stroke-width="1.5" stroke-dasharray="{dashes}"/>'
        y = HEIGHT - BOTTOM - 14 - 18 * (len(entries) - 1 - index)
        yield f'<path d="M{LEFT + 12} {y - 4}h22" stroke="{color}" stroke-width="1.5" stroke-dasharray="{dashes}"/>'
        yield f'<text x="{LEFT + 40}" y="{y}" fill="{color}">{name} {rate:.2g}</text>'
