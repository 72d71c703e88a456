"""The command `hornbook check`. No TensorFlow."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer

from hornbook.commands.options import ConfigOption, OverrideArguments, examples
from hornbook.errors import Problem, UsageError, format_path, format_problems
from hornbook.recipes.load import Checked, Config, check_recipe

__all__ = ["COMMANDS"]


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
) -> None:
    """Check a recipe: every problem with line and column."""
    checked = _checked(config, overrides or [], is_for_people=format is Format.text)
    failed = checked.recipe is None or (strict and bool(checked.problems))
    if format is Format.json:
        print(
            json.dumps({"ok": not failed, "problems": [_record(item, checked) for item in checked.problems]}, indent=2)
        )
    elif format is Format.github:
        for problem in checked.problems:
            print(_annotation(problem, checked))
    elif checked.problems:
        print(format_problems(checked.problems, origin=checked.config.origin))
    else:
        print(f"{checked.config.origin}: ok")
    if failed:
        raise typer.Exit(2)


def _checked(config: str, overrides: list[str], *, is_for_people: bool) -> Checked:
    """Return what a check found; a program that reads the problems also gets that there is no such file as one."""
    try:
        return check_recipe(config, overrides)
    except UsageError as error:
        if is_for_people:
            raise
        problem = Problem((), str(error).removeprefix(f"{config}: "), code="file", origin=config)
        return Checked(None, (problem,), Config("", config, "recipe"), tuple(overrides))


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
    text = problem.sentence().removeprefix("warning: ").replace("%", "%25")
    return f"::{problem.severity} {place},title={problem.code}::{text}"


COMMANDS = (
    (
        check,
        examples("hornbook check -c he_elu_bn.yaml", "hornbook check -c he_elu_bn.yaml activation=leaky_relu --strict"),
    ),
)
