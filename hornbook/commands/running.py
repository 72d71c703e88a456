"""What the commands that train have in common: progress on stderr, the result on stdout. TensorFlow is imported here."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hornbook.commands.options import Device, import_tensorflow
from hornbook.errors import DivergedError
from hornbook.report.terminal import console

if TYPE_CHECKING:
    from hornbook.trainer.listeners import Listener
    from hornbook.trainer.result import TrainResult

    Listeners = Sequence[Listener]

__all__ = ["train_and_print"]


def train_and_print(
    run_it: "Callable[[Listeners], TrainResult | None]", *, device: Device | None, as_json: bool, quiet: bool
) -> "TrainResult | None":
    """Train with progress on stderr and the result on stdout; an interrupted run ends the command with its code."""
    import_tensorflow(device, quiet=quiet)
    from hornbook.trainer.listeners import Listener, Start
    from hornbook.trainer.progress import ConsoleNotes, ConsoleProgress

    class _Place(Listener):
        """Remembers the run, to say what is wrong with it when it has ended."""

        def __init__(self) -> None:
            self.run: Path | None = None

        def on_start(self, start: Start) -> None:
            self.run = start.run

        def diagnose(self) -> None:
            """Name the run's issues on stderr; say nothing of a healthy one."""
            from hornbook.doctor.diagnose import short_lines

            for line in short_lines(self.run) if self.run is not None else ():
                progress.print(line)

    progress, results = console(stderr=True), console(quiet=as_json)
    told, place = ConsoleProgress(progress, results), _Place()
    try:
        result = run_it([ConsoleNotes(progress) if quiet else told, place])
    except DivergedError:
        told.close()
        place.diagnose()
        raise
    finally:
        told.close()
    if result is None:
        return None
    if as_json:
        print(json.dumps(_record(result), indent=2))
    elif quiet:
        print(result)
    if result.state == "finished":
        place.diagnose()
    if result.exit_code:
        print(f"{result.state}: {result.stop_reason}", file=sys.stderr)
        raise typer.Exit(result.exit_code)
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
