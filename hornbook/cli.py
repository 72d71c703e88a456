"""The command line: parse, call one function, print. Nothing here imports TensorFlow at module level."""

import io
import sys
import time
from typing import Annotated

PROCESS_START = time.perf_counter()

import typer  # noqa: E402  (the clock starts first)

from hornbook.commands import ablate as study_commands  # noqa: E402
from hornbook.commands import check as recipe_commands  # noqa: E402
from hornbook.commands import evaluate as inference_commands  # noqa: E402
from hornbook.commands import lr_find as lr_command  # noqa: E402
from hornbook.commands import reuse_report as reuse_command  # noqa: E402
from hornbook.commands import runs as runs_commands  # noqa: E402
from hornbook.commands import sweep as sweep_commands  # noqa: E402
from hornbook.commands import train as trainer_commands  # noqa: E402
from hornbook.errors import HornbookError  # noqa: E402

__all__ = ["app", "main"]

app = typer.Typer(
    name="hornbook",
    epilog=recipe_commands.examples("hornbook train --config he_elu_bn.yaml", "hornbook list recipes"),
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help can be copied, and rich takes 0.1 s to import
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    *trainer_commands.COMMANDS,
    *lr_command.COMMANDS,
    *sweep_commands.COMMANDS,
    *inference_commands.COMMANDS,
    *reuse_command.COMMANDS,
    *study_commands.COMMANDS,
    *recipe_commands.COMMANDS,
)
for command, examples in COMMANDS:
    app.command(name=command.__name__.removesuffix("_command").replace("_", "-"), epilog=examples)(command)
runs_app = typer.Typer(
    help="List runs and what they cost; free what is no longer needed.",
    epilog=recipe_commands.examples("hornbook runs list", "hornbook runs prune --yes"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
for command, lines in runs_commands.COMMANDS:
    runs_app.command(name=command.__name__.removesuffix("_command"), epilog=recipe_commands.examples(*lines))(command)
app.add_typer(runs_app, name="runs")


def show_version(is_asked: bool) -> None:
    """Print the versions for `--version`, before a missing command is complained about."""
    if is_asked:
        recipe_commands.version()
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the versions and exit.", is_eager=True, callback=show_version)
    ] = False,
) -> None:
    """Keras training recipes: one YAML file names the ingredients, Hornbook checks, trains and explains."""


def main() -> None:
    """Run the command line; a user's mistake ends in a message and an exit code, never in a traceback."""
    trainer_commands.process_start = PROCESS_START
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # × and ★ in a terminal that has no such characters
    try:
        app()
    except HornbookError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
