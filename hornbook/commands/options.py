"""Options, arguments and steps that several commands share."""

import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from hornbook.commands.completion import complete_override, complete_recipe, complete_run
from hornbook.display.terminal import passing
from hornbook.errors import RecipeError, UsageError, format_problems
from hornbook.recipes.language.hints import key_hint
from hornbook.recipes.language.translate import elsewhere
from hornbook.recipes.load import Checked, check_recipe, shipped_recipes
from hornbook.recipes.recipe import Recipe
from hornbook.runs.directory import Run, find_run

__all__ = [
    "AnywayOption",
    "CheckpointOption",
    "Command",
    "ConfigOption",
    "DeviceOption",
    "EachOption",
    "HeadOption",
    "JsonOption",
    "OnOption",
    "OverrideArguments",
    "ParallelOption",
    "QuietOption",
    "RunArgument",
    "RunArguments",
    "RunsOption",
    "TrustOption",
    "Which",
    "examples",
    "find_whole",
    "import_tensorflow",
    "load_or_explain",
    "say_on_stderr",
]  # fmt: skip

MOST_AT_ONCE = 1000


def parse_parallel(text: str) -> int | None:
    """Return how many runs are to be trained at once; None for `auto`, as without the option.

    Raises:
        BadParameter: If it is neither.
    """
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_AT_ONCE):
        raise typer.BadParameter(f"expected auto or a number from 1 to {MOST_AT_ONCE}, not '{text}'.")
    return int(text)


ConfigOption = Annotated[
    str,
    typer.Option(
        "--config", "-c", help="A recipe file, the name of a shipped recipe, or -", autocompletion=complete_recipe
    ),
]
OverrideArguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Overrides: optimizer.learning_rate=0.01, ~schedule",
        autocompletion=complete_override,
    ),
]


class Command(TyperCommand):
    """A command that says how a recipe is named and a key is set, where they were written as other programs take them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments.

        Raises:
            UsageError: If a recipe's file stands without `--config`, or a recipe's key has dashes in front.
        """
        options = {name for param in self.params for name in param.opts}
        if "--config" in options and not {"-h", "--help"} & {*args}:
            refuse_other_ways(ctx.command_path, args, options)
        return super().parse_args(ctx, args)


def refuse_other_ways(command: str, args: list[str], options: set[str]) -> None:
    """Refuse `train mine.yaml` and `train -c mine.yaml --epochs 3`, and say how both are written."""
    if args and not any(word.startswith(("-c", "--config")) for word in args):
        first = args[0]
        if first.endswith((".yaml", ".yml")) or first in shipped_recipes():
            raise UsageError(f"A recipe stands behind its option: {command} --config {first}")
    for word in args:
        key = word.partition("=")[0]
        if not key.startswith("--") or key in options:
            continue
        name = key.removeprefix("--").replace("-", "_")
        hint = elsewhere(name, (name,), [], {}, Recipe) or key_hint(name, (), Recipe.model_fields, section="")
        if hint:
            raise UsageError(f"No such option: {key}. {hint} A key is set without dashes, as in training.epochs=5.")


class Device(StrEnum):
    """What to train on."""

    cpu = "cpu"
    gpu = "gpu"


RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="A run's folder, runs/NAME/latest, or a recipe's name", autocompletion=complete_run
    ),
]
RunArguments = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN",
        help="A run: folder, runs/NAME/latest, or recipe's name; several are averaged",
        autocompletion=complete_run,
    ),
]
RunsOption = Annotated[Path, typer.Option(help="Folder below which runs are made")]
DeviceOption = Annotated[Device | None, typer.Option(help="cpu or gpu; omitted: a GPU if there is one")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON")]
ParallelOption = Annotated[
    int | None,
    typer.Option(
        parser=parse_parallel, metavar="N|auto", help="Runs at once; omitted: auto, as many as there is room for"
    ),
]
OnOption = Annotated[
    str | None,
    typer.Option(metavar="ray[://HOST:PORT]", help="Train on the machines of a Ray cluster, or start one here"),
]
EachOption = Annotated[
    str | None, typer.Option(metavar="cpus=N,gpus=N", help="What each run gets of Ray's machines: cpus=2,gpus=0.5")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print the result and warnings, no progress")]

AnywayOption = Annotated[bool, typer.Option("--anyway", help="Go on where the run's data has changed since training")]


class Which(StrEnum):
    """Which weights."""

    best = "best"
    last = "last"


HeadOption = Annotated[
    str | None,
    typer.Option("--head", metavar="NAME", help="One of several heads, as if the run had no other; omitted: all"),
]
CheckpointOption = Annotated[Which | None, typer.Option(help="best or last; omitted: the run's final weights")]
TrustOption = Annotated[bool, typer.Option("--trust", help="Run code that an earlier model or the run's model holds")]


def load_or_explain(config: str, overrides: list[str] | None) -> tuple[Recipe, Checked]:
    """Return a checked recipe, and what the check found; its warnings go to stderr.

    Raises:
        RecipeError: If it has errors.
    """
    checked = check_recipe(config, overrides or [])
    if checked.recipe is None:
        raise RecipeError(checked.problems, origin=checked.config.origin)
    if checked.problems:
        print(format_problems(checked.problems, origin=checked.config.origin), file=sys.stderr)
    return checked.recipe, checked


def find_whole(name: str, *files: str) -> Run:
    """Return a run, after reading what a command needs of it: before TensorFlow, which takes seconds to import.

    Args:
        name: The run.
        files: ``result``, ``data``, ``environment``, ``history``, ``reuse``.

    Raises:
        UsageError: If there is no such run.
        RunError: If a file is missing or damaged.
    """
    run = find_run(name)
    for file in files:
        getattr(run, file)
    return run


def import_tensorflow(device: Device | None = None, *, quiet: bool = False) -> None:
    """Import TensorFlow for a command, on the device that was asked for, and say so in a terminal while it lasts."""
    from hornbook import startup

    with nullcontext() if quiet else passing("loading TensorFlow …"):
        startup.import_for_command(device.value if device is not None else None)


def examples(*lines: str) -> str:
    """Return runnable examples for the end of a command's help: one a line, and `\\b` keeps the lines as they are."""
    return "\b\nExamples:\n  " + "\n  ".join(lines)


def say_on_stderr(text: str) -> None:
    """Print a line beside a command's output, at once."""
    print(text, file=sys.stderr, flush=True)
