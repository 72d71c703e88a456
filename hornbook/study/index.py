"""All runs of a folder as one page that can be searched and sorted. No TensorFlow."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from hornbook.atomic import write_text
from hornbook.display.page import render
from hornbook.errors import RunError
from hornbook.runs.directory import Run, is_pretraining
from hornbook.runs.usage import Usage, date_text, size_text

__all__ = ["write_index"]

INDEX = "index.html"
SPARK = (96, 22)  # px
SPARK_POINTS = 24


class _Row(NamedTuple):
    """A run, what its cells are sorted by, and where its page is."""

    usage: Usage
    link: str
    has_page: bool
    figure: float | None
    date: str
    size: str
    spark: str
    ends: str


def write_index(folder: Path, runs: Sequence[Usage]) -> Path:
    """Write the page of some runs into the folder that they are in; returns its file.

    Args:
        folder: Where the runs are; links are relative to it.
        runs: What is known of each.

    Raises:
        RunError: If the page cannot be written.
    """
    rows = [_row(folder, one) for one in sorted(runs, key=lambda one: -one.date)]
    path = folder / INDEX
    write_text(path, render("hornbook.study/index.html.jinja", folder=str(folder), rows=rows, spark=SPARK))
    return path


def _row(folder: Path, usage: Usage) -> _Row:
    page = Run(usage.path).page_path
    target = page if page.is_file() else usage.path
    last = usage.score.split()[-1] if usage.score else ""
    values = _losses(usage.path)
    ends = f"from {values[0]:.4g} to {values[-1]:.4g}" if values else ""
    return _Row(
        usage=usage,
        link=quote(target.relative_to(folder).as_posix() + ("" if page.is_file() else "/")),
        has_page=page.is_file(),
        figure=_number(last),
        date=date_text(usage.date),
        size=size_text(usage.size),
        spark=_points(values),
        ends=ends,
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _losses(path: Path) -> list[float]:
    """Return the validation losses (or training losses, without validation) of a run's epochs, evenly chosen."""
    try:
        history = [row for row in Run(path).history if not is_pretraining(row)]
    except RunError:
        return []
    key = "val_loss" if any("val_loss" in row for row in history) else "loss"
    found: list[Any] = [row.get(key) for row in history]
    values = [float(value) for value in found if isinstance(value, int | float) and math.isfinite(value)]
    step = max(1, -(-len(values) // SPARK_POINTS))
    return [*values[:-1:step], *values[-1:]]


def _points(values: Sequence[float]) -> str:
    """Return the points of a small line; one value has none."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    width, height = SPARK
    return " ".join(
        f"{1 + (width - 2) * place / (len(values) - 1):.0f},"
        f"{height - 2 - (height - 4) * ((value - low) / (high - low) if high > low else 0.5):.0f}"
        for place, value in enumerate(values)
    )
