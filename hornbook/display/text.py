"""How numbers and sentences look in a terminal of 80 columns and on pages. No TensorFlow."""

import math
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path

from hornbook.errors import escaped

__all__ = [
    "COLUMNS", "cut", "cut_inside", "epoch_figure", "figures_in_lines", "hanging", "indented", "number_text", "p_relation",
    "p_text", "path_text",
]  # fmt: skip

COLUMNS = 80
"""The terminal that lines are made for."""
SMALLEST_P = 0.001


def indented(label: str, text: str) -> list[str]:
    """Return lines of at most 80 columns behind a label; the second and later ones begin at column 8."""
    start = f"{label:<7} " if len(label) <= 7 else f"{label}  "
    text = escaped(text, one_line=True)
    return textwrap.wrap(text, COLUMNS, initial_indent=start, subsequent_indent=" " * 8, break_long_words=False)


def hanging(start: str, text: str, width: int = COLUMNS) -> list[str]:
    """Return lines of at most `width` columns that begin with `start`, below which the later ones are blank."""
    text = escaped(text, one_line=True)
    return textwrap.wrap(text, width, initial_indent=start, subsequent_indent=" " * len(start)) or [start.rstrip()]


def figures_in_lines(figures: Sequence[str], start: str = "") -> list[str]:
    """Return figures in lines of at most 80 columns, two blanks apart and none broken in two, the first behind `start`."""
    lines: list[str] = []
    for figure in figures:
        if lines and len(lines[-1]) + 2 + len(figure) <= COLUMNS:
            lines[-1] += f"  {figure}"
        else:
            lines.append(f"{' ' * len(start) if lines else start}{figure}")
    return lines


def cut(text: str, width: int) -> str:
    """Return a text of at most `width` characters; where some are missing it ends in ``…``."""
    text = escaped(text, one_line=True)
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def cut_inside(text: str, width: int) -> str:
    """Return a text of at most `width` characters without its middle: names that begin alike often end differently."""
    text, first = escaped(text, one_line=True), width // 2
    return text if len(text) <= width else f"{text[:first]}…{text[len(text) - (width - 1 - first) :]}"


def path_text(path: str | Path) -> str:
    """Return a path from the current folder where it is below that, else as it is."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative


def number_text(value: float) -> str:
    """Return a number in about five characters: ``0.0123``, ``1.2e-05``; whole numbers as they are."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def epoch_figure(value: float) -> str:
    """Return a loss, metric or rate in at most nine characters: ``0.9722``, ``1.20e-05``."""
    return f"{value:.4f}" if value == 0 or 0.001 <= abs(value) < 1000 else f"{value:.2e}"


def p_text(p: float | None) -> str:
    """Return a p-value for a table: ``0.123``, ``<0.001``; nothing where there is none."""
    if p is None or math.isnan(p):
        return ""
    return f"{p:.3f}" if p >= SMALLEST_P else f"<{SMALLEST_P}"


def p_relation(p: float) -> str:
    """Return a p-value for a sentence: ``p = 0.123``, ``p < 0.001``."""
    return f"p = {p:.3f}" if p >= SMALLEST_P else f"p < {SMALLEST_P}"
