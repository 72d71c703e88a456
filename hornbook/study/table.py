"""A study as text of 80 columns, as CSV and as JSON's types."""

import csv
import io
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hornbook.display.intervals import Interval
from hornbook.display.text import COLUMNS, p_text
from hornbook.study.measure import Measure, Target
from hornbook.study.outcome import Row
from hornbook.study.significance import SEEDS, Repeats

__all__ = ["Study", "as_csv", "as_json", "as_text", "verdict_lines"]

LABEL = 32


@dataclass(frozen=True)
class Study:
    """A finished ablation.

    Attributes:
        name: Of the recipe.
        measure: What was compared.
        target: What was to be reached.
        seeds: The seeds (or folds) of every cell.
        rows: The baseline first.
        notes: What a reader must know, in sentences.
        repeats: Whether seeds or folds were repeated.
    """

    name: str
    measure: Measure
    target: Target | None
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    repeats: Repeats = SEEDS

    def __str__(self) -> str:
        """Return what the command prints."""
        return as_text(self)


def as_text(study: Study) -> str:
    """Return the tables and verdicts."""
    lines = [
        f"{study.name}: {len(study.rows)} cells × {len(study.seeds)} {study.repeats.word} ({_range(study.seeds)})",
        "",
    ]
    lines += difference_lines(study.rows, study)
    lines += [*_second_table(study), "", *verdict_lines(study.rows), ""]
    for note in study.notes:
        lines += textwrap.wrap(note, COLUMNS)
    return "\n".join(lines)


def _range(seeds: Sequence[int]) -> str:
    return f"{seeds[0]} to {seeds[-1]}"


def difference_lines(rows: Sequence[Row], study: Study) -> list[str]:
    """Return the table of means and differences."""
    measure = study.measure
    unit = "difference" + (", points" if measure.is_fraction else "")
    name = measure.name + (", %" if measure.is_fraction else "")
    lines = [f"{'cell':<{LABEL}} {name:>17} {unit:>18} {'p (Holm)':>9}"]
    for row in rows:
        difference = row.difference
        middle = "" if difference is None else measure.interval(difference.interval, sign=True)
        p = p_text(None if difference is None else difference.adjusted_p)
        mean = "-" if row.mean is None else measure.interval(row.mean)
        lines += _labelled(row.group.label, f"{mean:>17} {middle:>18} {p:>9}")
    return lines


def _labelled(label: str, figures: str) -> list[str]:
    """Return the figures behind a label; a long label has a line to itself."""
    if len(label) <= LABEL:
        return [f"{label:<{LABEL}} {figures}".rstrip()]
    return [*textwrap.wrap(label, COLUMNS, break_long_words=True), f"{'':<{LABEL}} {figures}".rstrip()]


def _second_table(study: Study) -> list[str]:
    measure, target = study.measure, study.target
    name = f"test_{measure.name.partition('_')[2]}"
    has_test = any(row.test is not None for row in study.rows) and measure.name != name
    heading = f"{name + (', %' if measure.is_fraction else ''):>20}" if has_test else ""
    if target is not None:
        heading += f" {'epochs':>8} {'seconds':>8}"
    if not heading:
        return []
    lines = ["", f"{'cell':<{LABEL}} {heading}".rstrip()]
    for row in study.rows:
        figures = f"{_mean(row.test, study):>20}" if has_test else ""
        if target is not None:
            figures += f" {_count(row.epochs, row):>8} {_count(row.seconds, row, 2):>8}"
            figures += _share(row)
        lines += _labelled(row.group.label, figures)
    if target is not None:
        lines += [f"Epochs and training seconds to {target}: medians over the {study.repeats.word}."]
    return lines


def _mean(interval: Interval | None, study: Study) -> str:
    return "-" if interval is None else study.measure.interval(interval)


def _count(value: float | None, row: Row, digits: int = 0) -> str:
    if value is None:
        return "never" if row.group.reached else "-"
    return f"{value:.{digits}f}" if digits or not value % 1 else f"{value:.1f}"


def _share(row: Row) -> str:
    count = len(row.group.reached)
    return "" if row.num_reached in (0, count) else f" ({row.num_reached}/{count})"


def verdict_lines(rows: Iterable[Row]) -> list[str]:
    """Return a line per verdict, or more where it is long."""
    lines = []
    for row in rows:
        if row.verdict:
            text = f"{row.group.label}: {row.verdict}"
            lines += textwrap.wrap(text, COLUMNS, subsequent_indent="    ", break_on_hyphens=False)
    return lines


def as_csv(study: Study) -> str:
    """Return a line per cell: means, intervals, differences, and the metric seed by seed."""
    name = study.measure.name
    header = [
        "cell", "overrides", "runs", "failed", name, f"{name}_half_width", "test", "test_half_width", "difference",
        "difference_half_width", "p", "p_holm", "detectable", "epochs_to_target", "seconds_to_target",
        "reached_target", "verdict", *(f"{study.repeats.word[:-1]}_{seed}" for seed in study.seeds),
    ]  # fmt: skip
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for row in study.rows:
        group, difference = row.group, row.difference
        interval = None if difference is None else difference.interval
        tests = [None] * 3 if difference is None else [difference.p, difference.adjusted_p, difference.detectable]
        writer.writerow(
            [
                group.label, " ".join(group.overrides), group.num_runs, len(group.failures), *_pair(row.mean),
                *_pair(row.test), *_pair(interval), *tests, row.epochs, row.seconds, row.num_reached, row.verdict,
                *(group.values.get(seed) for seed in study.seeds),
            ]
        )  # fmt: skip
    return file.getvalue()


def _pair(interval: Interval | None) -> list[float | None]:
    return [None, None] if interval is None else [interval.mean, interval.half]


def as_json(study: Study) -> dict[str, Any]:
    """Return everything in JSON's types."""
    return {
        "name": study.name,
        "metric": study.measure.name,
        "higher_is_better": study.measure.higher_is_better,
        "target": None if study.target is None else str(study.target),
        study.repeats.word: list(study.seeds),
        "cells": [_cell(row) for row in study.rows],
        "notes": list(study.notes),
    }


def _cell(row: Row) -> dict[str, Any]:
    group, difference = row.group, row.difference
    return {
        "cell": group.label,
        "overrides": list(group.overrides),
        "tuned": group.tuned,
        "mean": _pair(row.mean)[0],
        "half_width": _pair(row.mean)[1],
        "test_mean": _pair(row.test)[0],
        "test_half_width": _pair(row.test)[1],
        "difference": None
        if difference is None
        else {
            "mean": difference.interval.mean,
            "half_width": difference.interval.half,
            "p": difference.p,
            "p_holm": difference.adjusted_p,
            "detectable": difference.detectable,
            "comparisons": difference.comparisons,
        },
        "epochs_to_target": row.epochs,
        "seconds_to_target": row.seconds,
        "reached_target": row.num_reached,
        "verdict": row.verdict,
        "runs": [dict(run) for run in group.runs],
    }
