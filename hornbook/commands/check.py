"""Commands that need no TensorFlow: check, list, show, new, schema, version."""

import json
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from hornbook.atomic import write_text
from hornbook.errors import Problem, RecipeError, UsageError, format_path, format_problems
from hornbook.recipes.describe import catalog as describe
from hornbook.recipes.describe import scaffold
from hornbook.recipes.describe.schema import json_schema
from hornbook.recipes.load import Checked, Config, check_recipe, shipped_recipes

__all__ = ["COMMANDS", "ConfigOption", "OverrideArguments", "complete_recipe"]


def complete_recipe(incomplete: str) -> list[str]:
    """Return shipped recipes and local files for shell completion."""
    local = [path.name for path in Path().glob("*.yaml")]
    return [name for name in [*local, *(f"{name}.yaml" for name in shipped_recipes())] if name.startswith(incomplete)]


ConfigOption = Annotated[
    str,
    typer.Option(
        "--config", "-c", help="A recipe file, the name of a shipped recipe, or -", autocompletion=complete_recipe
    ),
]
OverrideArguments = Annotated[
    list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Overrides: optimizer.learning_rate=0.01, ~schedule")
]


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


def list_command(
    what: Annotated[
        str | None, typer.Argument(metavar="KIND", help="recipes, data, models, layers, or an ingredient")
    ] = None,
) -> None:
    """List recipes, data, backbones or one ingredient's choices."""
    rows = describe.list_lines(what)
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        line = f"{name:<{width}}  {text}".rstrip()
        columns = shutil.get_terminal_size().columns
        if sys.stdout.isatty() and len(line) > columns:
            line = line[: columns - 1] + "…"
        print(line)


def show(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="An ingredient, data, model, layer, recipe; or the name alone")
    ],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The component's or recipe's name")] = None,
) -> None:
    """Show a component's options and an example, or a recipe."""
    columns = min(shutil.get_terminal_size().columns, 100)
    print(describe.as_text(describe.show(kind, name), columns))


def new(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, for instance my_recipe.yaml")],
    data: Annotated[str, typer.Option(help="A data source: 'hornbook list data'")] = "digits",
    model: Annotated[str | None, typer.Option(help="A backbone: 'hornbook list models'; chosen by the data")] = None,
) -> None:
    """Write a commented recipe to start from.

    The JSON Schema is written beside it, so that editors complete and check the recipe while you type.
    """
    path = path if path.suffix in {".yaml", ".yml"} else path.with_name(path.name + ".yaml")
    if path.exists():
        raise UsageError(f"{path}: exists already, and is left as it is. Choose another name.")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: there is no such folder.")
    text = scaffold.new_recipe(data=data, model=model)
    write_text(path, text)
    write_text(path.parent / scaffold.SCHEMA_FILE, _schema_text())
    print(f"wrote {path} and {path.parent / scaffold.SCHEMA_FILE}")
    print(f"next  hornbook check --config {path}")
    print(f"      hornbook train --config {path}")


def _schema_text() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file to write; omitted: print it")] = None,
) -> None:
    """Write the JSON Schema of recipes, for editors and tools."""
    if output is None:
        print(_schema_text(), end="")
        return
    write_text(output, _schema_text())
    print(f"wrote {output}")


def version() -> None:
    """Print the versions of Hornbook and what it stands on."""
    import platform
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    for package in ("hornbook", "tensorflow", "keras", "keras-tuner", "numpy"):
        try:
            print(f"{package} {version_of(package)}")
        except PackageNotFoundError:
            print(f"{package} is missing")
    print(f"python {platform.python_version()}")


def load_or_explain(config: str, overrides: list[str] | None) -> Checked:
    """Return a checked recipe; its warnings go to stderr.

    Raises:
        RecipeError: If it has errors.
    """
    checked = check_recipe(config, overrides or [])
    if checked.recipe is None:
        raise RecipeError(checked.problems, origin=checked.config.origin)
    if checked.problems:
        print(format_problems(checked.problems, origin=checked.config.origin), file=sys.stderr)
    return checked


def examples(*lines: str) -> str:
    """Return runnable examples for the end of a command's help: one a line, and `\\b` keeps the lines as they are."""
    return "\b\nExamples:\n  " + "\n  ".join(lines)


COMMANDS = (
    (
        check,
        examples("hornbook check -c he_elu_bn.yaml", "hornbook check -c he_elu_bn.yaml activation=leaky_relu --strict"),
    ),
    (list_command, examples("hornbook list", "hornbook list activation", "hornbook list recipes")),
    (show, examples("hornbook show activation elu", "hornbook show recipe he_elu_bn")),
    (new, examples("hornbook new my_recipe.yaml", "hornbook new flowers.yaml --data iris")),
    (schema, examples("hornbook schema", "hornbook schema --output hornbook.schema.json")),
    (version, examples("hornbook version")),
)
