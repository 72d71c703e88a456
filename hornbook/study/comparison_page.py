"""Runs on one page: their curves over each other, and where the recipes differ beside what came out. No TensorFlow."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from hornbook.atomic import write_text
from hornbook.display.health import last_extremes
from hornbook.display.intervals import mean_interval, share_interval
from hornbook.display.learning import figures_of
from hornbook.display.page import render
from hornbook.display.text import cut, p_text, path_text
from hornbook.errors import RunError
from hornbook.recipes.faults import FAULTS
from hornbook.recipes.language.text import shown, to_flow
from hornbook.runs.directory import Run, is_pretraining
from hornbook.study.compare import NOT_TRAINING, Column, Comparison, compare_found
from hornbook.study.curves import MOST_CURVES, chart_of
from hornbook.study.measure import Measure
from hornbook.study.outcome import Group

__all__ = ["write_comparison"]

PAGE = "comparison.html"
MOST_FIGURES = 3
LONGEST_NAME, SIZE = 18, (470, 290)  # characters at a curve's end, px
IN_NAMES = 2  # keys whose values tell the runs apart in the pictures
RUNS_SIDE_BY_SIDE = 4  # columns of recipes' values that A4 has room for


class _Cell(NamedTuple):
    """What stands in a cell and what it is sorted by; the spread of repeats, or the ends of an interval."""

    text: str
    value: float | None = None
    spread: str = ""
    ends: str = ""


def write_comparison(
    runs: Sequence[Run],
    *,
    output: Path | None = None,
    findings: Mapping[Path, Sequence[Mapping[str, Any]] | None] | None = None,
) -> Path:
    """Write the page of several runs; returns its file.

    Args:
        runs: Two different ones at least, the one that the others are compared with first.
        output: The file to write; omitted: ``comparison.html`` in the folder that all runs are in, or in the current one
            where there is no such folder.
        findings: What a check of each run's folder has found; None where none was made.

    Raises:
        RunError: If fewer than two of them can be read, or the page cannot be written.
    """
    readable, gaps = _readable(runs)
    if len(readable) < 2:
        raise RunError("\n".join(["A comparison needs two runs at least that can be read.", *gaps]))
    roots = {run.path.parent.parent for run in readable}
    path = output if output is not None else (roots.pop() if len(roots) == 1 else Path.cwd()) / PAGE
    comparison = compare_found(readable)
    labels, keys = _labels(comparison)
    health, more = _health(comparison.columns)
    write_text(
        path,
        render(
            "hornbook.study/comparison.html.jinja",
            comparison=comparison,
            gaps=[*gaps, *more],
            labels=labels,
            keys=keys,
            members=[
                [_member(run, path.parent, findings or {}) for run in column.runs] for column in comparison.columns
            ],
            pictures=_pictures(comparison.columns, labels),
            figures=_figures(comparison.columns),
            blocks=_blocks(comparison),
            health=health,
            measure=comparison.measure,
            unit=" (%)" if comparison.measure is not None and comparison.measure.is_fraction else "",
            p=p_text,
            faults=FAULTS,
        ),
    )
    return path


def _readable(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """Return the runs whose files can be compared, and why the others are left out."""
    readable, gaps = [], []
    for run in runs:
        try:
            for column in compare_found([run]).columns:
                column.figures()
            readable.append(run)
        except RunError as error:
            gaps.append(f"Left out: {error}")
            continue
        state = run.result["state"]
        if state != "finished":
            gaps.append(f"{path_text(run.path)} is not finished: {state}.")
    return readable, gaps


def _labels(comparison: Comparison) -> tuple[list[str], list[str]]:
    """Return what each column is called, and the keys whose values that is; none where recipes' names are.

    A column is its letter with the recipe's name where each has another one; else with the few values that it has alone.
    """
    names = [column.runs[0].path.parent.name for column in comparison.columns]
    if len(set(names)) == len(names):
        return [f"{column.letter} {name}" for column, name in zip(comparison.columns, names, strict=True)], []
    differences = {key: values for key, values in comparison.differences if key not in {*NOT_TRAINING, "seed"}}
    labels, keys = [], dict[str, None]()
    for place, (column, name) in enumerate(zip(comparison.columns, names, strict=True)):
        apart = [key for key, values in differences.items() if place == 0 or values[place] != values[0]]
        apart = apart if len(apart) <= IN_NAMES else []
        keys |= dict.fromkeys(apart)
        labels.append(f"{column.letter} {', '.join(_value(differences[key][place]) for key in apart) or name}")
    return labels, list(keys)


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list | dict):
        return to_flow(value)
    return value if isinstance(value, str) else shown(value)


def _member(run: Run, folder: Path, findings: Mapping[Path, Sequence[Mapping[str, Any]] | None]) -> dict[str, Any]:
    page = run.page_path
    target = os.path.relpath(page if page.is_file() else run.path, folder.resolve())
    return {
        "path": path_text(run.path),
        "seed": run.environment["seed"],
        "state": run.result["state"],
        "link": quote(Path(target).as_posix() + ("" if page.is_file() else "/")),
        "has_page": page.is_file(),
        "findings": findings.get(run.path),
    }


def _pictures(columns: Sequence[Column], labels: Sequence[str]) -> list[tuple[str, str]]:
    """Return (name, picture) of each figure by epoch, validation before training, so many runs in one as have colours."""
    histories = [[[row for row in run.history if not is_pretraining(row)] for run in one.runs] for one in columns]
    names = figures_of([row for runs in histories for rows in runs for row in rows])[:MOST_FIGURES]
    recorded = {key for runs in histories for rows in runs for row in rows for key in row}
    found: list[tuple[str, str]] = []
    for name in [key for figure in names for key in (f"val_{figure}", figure) if key in recorded]:
        measure = Measure(name if name.startswith("val_") else f"train_{name}", False)
        groups = []
        for label, one, runs in zip(labels, columns, histories, strict=True):
            values = {seed: _column(rows, name) for seed, rows in zip(one.seeds, runs, strict=True)}
            groups.append(Group(cut(label, LONGEST_NAME), {}, curves=values))
        title = f"{measure.name}{' (%)' if measure.is_fraction else ''}"
        for start in range(0, max(len(groups) - 1, 1), MOST_CURVES - 1):
            chart = chart_of([groups[0], *groups[1 + start : start + MOST_CURVES]], measure, title, SIZE)
            if chart is not None:
                found.append((name, chart.svg(f"curves-{len(found) + 1}", f"{title} by epoch of each run")))
    return found


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [float(value) if isinstance(value := row.get(name), int | float) else math.nan for row in rows]


def _figures(columns: Sequence[Column]) -> dict[str, list[_Cell]]:
    """Return a cell per column of each figure, by its heading."""
    names = dict.fromkeys(name for column in columns for name in column.figures())
    return {_heading(name): [_cell(column, name) for column in columns] for name in names}


def _heading(name: str) -> str:
    return f"{name} (%)" if Measure(name, False).is_fraction else name


def _cell(column: Column, name: str) -> _Cell:
    values = column.figures().get(name, [])
    if not values:
        return _Cell("–")
    if name in {"epochs", "seconds"}:
        mean = sum(values) / len(values)
        return _Cell(f"{mean:.0f}" if name == "epochs" and not mean % 1 else f"{mean:.1f}", mean)
    measure, interval = Measure(name, False), mean_interval(values)
    if len(values) > 1:
        return _Cell(measure.number(interval.mean), interval.mean, spread=f"± {measure.number(interval.half)}")
    split, _, figure = name.partition("_")
    count = _count(column.runs[0], "validation" if split == "val" else split) if figure == "accuracy" else 0
    ends = share_interval(values[0], count) if count else ()
    return _Cell(measure.number(values[0]), values[0], ends=" to ".join(map(measure.number, ends)))


def _count(run: Run, split: str) -> int:
    """Return the examples of a split; 0 where one counts for several labels, or where nobody knows."""
    try:
        data = run.data
    except RunError:
        return 0
    return 0 if data["task"] == "multilabel" else int(data["counts"].get(split) or 0)


def _blocks(comparison: Comparison) -> list[dict[str, Any]]:
    """Return where the recipes differ: tables of few columns, a line per key."""
    letters = [column.letter for column in comparison.columns]
    keys = [(key, [_value(value) for value in values]) for key, values in comparison.differences]
    blocks = []
    for start in range(0, len(letters), RUNS_SIDE_BY_SIDE):
        part = slice(start, start + RUNS_SIDE_BY_SIDE)
        blocks.append({"letters": letters[part], "rows": [(key, values[part]) for key, values in keys]})
    return blocks


def _health(columns: Sequence[Column]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the layers' extremes at the end of each column's first run, where they differ; and what cannot be read."""
    found, gaps = [], []
    for column in columns:
        try:
            found.append(last_extremes(column.runs[0].health))
        except RunError as error:
            found.append({})
            gaps.append(f"Layers: {error}")
    titles = dict.fromkeys(title for one in found for title in one)
    table = {title: [one.get(title, "–") for one in found] for title in titles}
    return {title: texts for title, texts in table.items() if len({*texts}) > 1}, gaps
