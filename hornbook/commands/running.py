"""What the commands that train have in common: progress on stderr, the result on stdout. TensorFlow is imported here."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hornbook.commands.options import Device, import_tensorflow
from hornbook.display.terminal import console
from hornbook.errors import DivergedError

if TYPE_CHECKING:
    from hornbook.trainer.listeners import Listener, Start
    from hornbook.trainer.result import TrainResult

    Listeners = Sequence[Listener]

__all__ = ["train_and_print"]


def train_and_print(
    run_it: "Callable[[Listeners], TrainResult | None]",
    *,
    device: Device | None,
    as_json: bool,
    quiet: bool,
    afterwards: Callable[[Path], None] = lambda run: None,
) -> "TrainResult | None":
    """Train with progress on stderr and the result on stdout; an interrupted run ends the command with its code.

    `afterwards` is called with the folder of a run that has come to its end, also to that of having diverged.
    """
    import_tensorflow(device, quiet=quiet)
    from hornbook.trainer.listeners import Listener
    from hornbook.trainer.progress import ConsoleNotes, ConsoleProgress

    class Folder(Listener):
        path: Path | None = None

        def on_start(self, start: "Start") -> None:
            self.path = start.run

    progress, results = console(stderr=True), console(quiet=as_json)
    told, folder = ConsoleProgress(progress, results), Folder()

    def ended() -> None:
        """Name the run's issues on stderr, nothing of a healthy one, and do what comes afterwards."""
        from hornbook.doctor.diagnose import short_lines

        if folder.path is not None:
            for line in short_lines(folder.path):
                progress.print(line)
            afterwards(folder.path)

    try:
        result = run_it([ConsoleNotes(progress) if quiet else told, folder])
    except DivergedError:
        told.close()
        ended()
        raise
    finally:
        told.close()
    if result is None:
        return None
    if as_json:
        print(json.dumps(_record(result), indent=2))
    elif quiet:
        print(result)
    if result.exit_code:
        print(f"{result.state}: {result.stop_reason}", file=sys.stderr)
        raise typer.Exit(result.exit_code)
    ended()
    return result


def _record(result: "TrainResult") -> dict[str, object]:
    return {
        "run": str(result.run),
        "state": result.state,
        "stop_reason": result.stop_reason,
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "final": result.final,
        "validation": result.validation,
        "test": result.test,
    }
