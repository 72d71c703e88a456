"""The command `hornbook check`. No TensorFlow."""

import json
from collections import Counter
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hornbook.commands.options import ConfigOption, OverrideArguments, examples
from hornbook.display.text import COLUMNS, cut, cut_inside, hanging, indented
from hornbook.engine.cluster import check_cluster
from hornbook.errors import Problem, UsageError, format_path, format_problems
from hornbook.recipes.facts import Facts
from hornbook.recipes.load import Checked, Config, Look, check_recipe
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sources.synthetic import Inline

if TYPE_CHECKING:
    from hornbook.data.preview.survey import Survey
    from hornbook.data.source import Splits
    from hornbook.data.tables.overview import ColumnLine

__all__ = ["COMMANDS", "DataLook"]

MOST_COLUMNS, MOST_NOTES = 60, 20
"""Columns that a report for people shows, and those of which it says what to look at."""
NARROWEST_RANGE = 16


class Format(StrEnum):
    """How problems are printed."""

    text = "text"
    json = "json"
    github = "github"


def check(
    config: ConfigOption,
    overrides: OverrideArguments = None,
    format: Annotated[Format, typer.Option(help="text, json, or github (annotations of a workflow)")] = Format.text,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors")] = False,
    load_data: Annotated[
        bool, typer.Option("--load-data", help="Load all of the data, and show what each column of a table is")
    ] = False,
) -> None:
    """Check a recipe: every problem with line and column."""
    look = DataLook(whole=load_data)
    checked = _checked(config, overrides or [], look, is_for_people=format is Format.text)
    seen = look.survey() if load_data else None
    failed = checked.recipe is None or (strict and bool(checked.warnings))
    if format is Format.json:
        record: dict[str, Any] = {
            "ok": not failed,
            "problems": [_record(item, checked) for item in checked.problems],
        }
        if seen is not None:
            record |= {"data": seen.summary, "columns": [asdict(column) for column in seen.columns]}
            record |= {"pictures": list(seen.pictures)} if seen.pictures else {}
            record |= {"texts": list(seen.texts)} if seen.texts else {}
        print(json.dumps(record, indent=2))
    elif format is Format.github:
        for problem in checked.problems:
            print(_annotation(problem, checked))
    elif checked.problems:
        print(format_problems(checked.problems, origin=checked.config.origin))
    else:
        print(f"{checked.config.origin}: ok")
    if seen is not None and format is Format.text:
        print("\n".join(_table(seen)))
    if failed:
        raise typer.Exit(2)


class DataLook:
    """Looks at a recipe's data: it is read where the recipe names files or holds it, and whole where that is asked for."""

    def __init__(self, *, whole: bool) -> None:
        self.whole = whole
        self.recipe: Recipe | None = None
        self.splits: Splits | None = None

    def __call__(self, recipe: Recipe) -> tuple[Facts, list[Problem]]:
        """Return what is known about the data, and what is wrong."""
        self.recipe = recipe
        facts, problems = Facts.named(recipe), list[Problem]()
        if self.whole or isinstance(recipe.data, Inline) or any(recipe.data.absolute_paths()):
            from hornbook.data.preview.probe import probe  # NumPy

            seen = probe(recipe, whole=self.whole)
            facts, problems, self.splits = seen.facts, list(seen.problems), seen.splits
        if recipe.training.strategy == "multi_worker":
            try:
                check_cluster()
            except UsageError as error:
                message = str(error).removeprefix("training.strategy: ")
                problems = [*problems, Problem(("training", "strategy"), message, code="strategy")]
        return facts, problems

    def survey(self) -> "Survey | None":
        """Return what the data holds; None where the recipe does not say which data."""
        from hornbook.data.preview.survey import survey

        return survey(self.recipe, self.splits) if self.recipe is not None else None


def _checked(config: str, overrides: list[str], look: Look, *, is_for_people: bool) -> Checked:
    """Return what a check found; a program that reads the problems also gets that there is no such file as one."""
    try:
        return check_recipe(config, overrides, look=look)
    except UsageError as error:
        if is_for_people:
            raise
        problem = Problem((), str(error).removeprefix(f"{config}: "), code="file", origin=config)
        return Checked(None, (problem,), Config("", config, "recipe"), tuple(overrides))


def _table(seen: "Survey") -> list[str]:
    """Return what the data holds: its examples, the spans of splits by time, and a line per column."""
    lines = indented("data", seen.summary) if seen.summary is not None else []
    lines += [f"{name:<11} {first} to {last}" for name, (first, last) in seen.spans.items()]
    lines += [line for text in (*seen.pictures, *seen.texts) for line in indented("", text)]
    return lines + _columns(seen.columns) if seen.columns else lines


def _columns(columns: "tuple[ColumnLine, ...]") -> list[str]:
    """Return a line per column, the first ones where there are very many, and below them what is to be looked at."""
    rows = [("type", "missing", "distinct", "range", "becomes")]
    rows += [
        (item.type, f"{item.missing:,}", f"{item.distinct:,}", _range(item), cut(item.becomes, 18))
        for item in columns[:MOST_COLUMNS]
    ]
    names = ["column", *(item.name for item in columns[:MOST_COLUMNS])]
    kind, missing, distinct, span, becomes = (max(len(row[place]) for row in rows) for place in range(len(rows[0])))
    room = COLUMNS - kind - missing - distinct - becomes - 2 * len(rows[0])
    width = min(max(map(len, names)), max(room - min(span, NARROWEST_RANGE), 12))
    span = min(span, max(room - width, NARROWEST_RANGE))
    lines = []
    for name, row in zip(names, rows, strict=True):
        numbers = f"{row[1]:>{missing}}  {row[2]:>{distinct}}"
        line = f"{cut_inside(name, width):<{width}}  {row[0]:<{kind}}  {numbers}  {cut(row[3], span):<{span}}  {row[4]}"
        lines.append(line.rstrip())
    if len(columns) > MOST_COLUMNS:
        kinds = Counter(f"{item.type}, {item.becomes.split(' of ')[0]}" for item in columns[MOST_COLUMNS:])
        said = "; ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
        lines += indented("", f"and {len(columns) - MOST_COLUMNS:,} more ({said}); '--format json' lists all")
    noted = [(item.name, note) for item in columns for note in item.notes]
    if noted:
        lines += ["look at"]
        lines += [line for name, note in noted[:MOST_NOTES] for line in hanging(f"  {cut_inside(name, 24)}  ", note)]
    if len(noted) > MOST_NOTES:
        lines.append(f"  and {len(noted) - MOST_NOTES:,} more columns; '--format json' lists all")
    return lines


def _range(item: "ColumnLine") -> str:
    """Return what a column's values lie between, or the most frequent ones."""
    if item.lowest is not None and item.highest is not None:
        low, high = (each if isinstance(each, str) else _figure(each) for each in (item.lowest, item.highest))
        return low if low == high else f"{low}..{high}"
    return ", ".join(item.values)


def _figure(value: float) -> str:
    return f"{value:.0f}" if 10_000 <= abs(value) < 10**12 else f"{value:.5g}"


def _record(problem: Problem, checked: Checked) -> dict[str, Any]:
    return {
        "file": problem.origin or checked.config.origin,
        "line": problem.line,
        "column": problem.column,
        "path": format_path(problem.path),
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
    }


def _annotation(problem: Problem, checked: Checked) -> str:
    place = f"file={checked.config.origin}" + (f",line={problem.line},col={problem.column}" if problem.line else "")
    text = problem.sentence().removeprefix(f"{problem.severity}: ").replace("%", "%25")
    return f"::{'notice' if problem.severity == 'tip' else problem.severity} {place},title={problem.code}::{text}"


COMMANDS = (
    (
        check,
        examples("hornbook check -c he_elu_bn.yaml", "hornbook check -c he_elu_bn.yaml activation=leaky_relu --strict"),
    ),
)
