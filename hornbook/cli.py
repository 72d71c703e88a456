"""The command line's app: which commands there are. Nothing here imports TensorFlow at module level."""

import errno
import io
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from hornbook.commands import (
    ablate,
    catalog,
    check,
    doctor,
    evaluate,
    explain,
    export,
    learning_curve,
    lr_find,
    new,
    report,
    resume,
    reuse_report,
    runs,
    sanity,
    serve,
    shrink,
    sweep,
    train,
)
from hornbook.commands import version as versions
from hornbook.commands.completion import mend_zsh
from hornbook.commands.options import Command, examples
from hornbook.display.terminal import escaping_streams
from hornbook.ending import hear_ctrl_c, leave_after
from hornbook.errors import HornbookError, UsageError

__all__ = ["PURPOSES", "app", "main", "program"]

PURPOSES = {
    "Write a recipe": ("new", "check", "explain", "list", "show", "schema"),
    "Train": ("train", "resume", "reproduce", "sanity", "lr-find"),
    "Judge a run": ("evaluate", "report", "doctor", "reuse-report"),
    "Use its model": ("predict", "serve", "export", "shrink"),
    "Find what is better": ("sweep", "ablate", "compare", "learning-curve"),
    "Keep order": ("runs", "version"),
}
"""{what one wants to do: the commands for it}, in the order of `hornbook --help` and docs/commands.md."""
MODULES = (
    ablate, catalog, check, doctor, evaluate, explain, export, learning_curve, lr_find, new, report, resume, reuse_report,
    sanity, serve, shrink, sweep, train, versions,
)  # fmt: skip


class ByPurpose(TyperGroup):
    """The app: its help shows commands by what they are for, with their sentences in one column."""

    def invoke(self, ctx: Any) -> Any:
        """Call the command; Ctrl-C is said in one line, where typer would end without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise typer.Exit(130) from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each purpose."""
        width = max(map(len, self.commands))
        for purpose, names in PURPOSES.items():
            with formatter.section(purpose):
                sentences = [self.commands[name].get_short_help_str(formatter.width - 6 - width) for name in names]
                padded = [name.ljust(width) for name in names]
                formatter.write_dl(list(zip(padded, sentences, strict=True)))


app = typer.Typer(
    name="hornbook",
    cls=ByPurpose,
    epilog=examples("hornbook train --config he_elu_bn.yaml", "hornbook list recipes"),
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help can be copied, and rich takes 0.1 s to import
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
runs_app = typer.Typer(
    help="List runs and what they cost; free what is not needed.",
    epilog=examples("hornbook runs list", "hornbook runs prune --yes"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
for below, modules in ((app, MODULES), (runs_app, (runs,))):
    for command, lines in (pair for module in modules for pair in module.COMMANDS):
        name = command.__name__.removesuffix("_command").replace("_", "-")
        below.command(name=name, epilog=lines, cls=Command)(command)
app.add_typer(runs_app, name="runs")
mend_zsh()


def show_version(is_asked: bool) -> None:
    """Print the versions for `--version`, before a missing command is complained about."""
    if is_asked:
        versions.version()
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the versions and exit.", is_eager=True, callback=show_version)
    ] = False,
) -> None:
    """Keras training recipes: one YAML file names the ingredients, Hornbook checks, trains and explains."""


def program() -> NoReturn:
    """The program `hornbook`: `main`, and the end of the process."""
    leave_after(main)


def main() -> None:
    """Run the command line; a user's mistake ends in a message and an exit code, never in a traceback."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller; no other file may get its number
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # × and ★ in a terminal that has no such characters
    with escaping_streams():
        code = _run()
    if code:
        sys.exit(code)  # outside of any handler: what an error holds is let go of before Python ends


def check_current_folder() -> None:
    """Raise a UsageError where the current folder has been removed: every relative path would fail in a way of its own."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise UsageError("the current folder has been removed. Go to one that exists.") from None


def _run() -> int:
    """Run the app; returns an exit code other than 0 where an error has been printed."""
    try:
        hear_ctrl_c()
        check_current_folder()
        app(prog_name="hornbook")
    except HornbookError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 141
    except OSError as error:
        if error.filename is None and error.errno != errno.ENOSPC:
            raise
        print(f"{error.filename or 'writing'}: {error.strerror}.", file=sys.stderr)  # a forbidden folder, a full disk
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0
