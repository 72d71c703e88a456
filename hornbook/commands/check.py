"""The command `hornbook check`. No TensorFlow."""

import json
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import typer

from hornbook.commands.options import ConfigOption, OverrideArguments, examples
from hornbook.engine.cluster import check_cluster
from hornbook.errors import Problem, UsageError, format_path, format_problems
from hornbook.recipes.facts import Facts
from hornbook.recipes.load import Checked, Config, Look, check_recipe
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sources.synthetic import Inline

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
    load_data: Annotated[
        bool, typer.Option("--load-data", help="Load all of the data, and say what does not fit it")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors")] = False,
) -> None:
    """Check a recipe: every problem with line and column."""
    look = partial(_look, whole=load_data)
    checked = _checked(config, overrides or [], look, is_for_people=format is Format.text)
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


def _look(recipe: Recipe, *, whole: bool) -> tuple[Facts, list[Problem]]:
    """Return what is known about the data, which is read where the recipe names files or holds it, and what is wrong."""
    facts, problems = Facts.named(recipe), list[Problem]()
    if whole or isinstance(recipe.data, Inline) or any(recipe.data.absolute_paths()):
        from hornbook.data.probe import probe  # NumPy

        facts, problems = probe(recipe, whole=whole)
    if recipe.training.strategy == "multi_worker":
        try:
            check_cluster()
        except UsageError as error:
            message = str(error).removeprefix("training.strategy: ")
            problems = [*problems, Problem(("training", "strategy"), message, code="strategy")]
    return facts, problems


def _checked(config: str, overrides: list[str], look: Look, *, is_for_people: bool) -> Checked:
    """Return what a check found; a program that reads the problems also gets that there is no such file as one."""
    try:
        return check_recipe(config, overrides, look=look)
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
