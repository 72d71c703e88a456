"""The commands `hornbook resume` and `hornbook reproduce`. TensorFlow is imported when they run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from hornbook.commands.completion import complete_override
from hornbook.commands.options import (
    DeviceOption,
    JsonOption,
    QuietOption,
    RunArgument,
    TrustOption,
    examples,
    find_whole,
    import_tensorflow,
)
from hornbook.commands.running import train_and_print
from hornbook.display.terminal import console
from hornbook.startup import process_start

if TYPE_CHECKING:
    from hornbook.trainer.listeners import Listener
    from hornbook.trainer.result import TrainResult

__all__ = ["COMMANDS"]


def resume(
    run: RunArgument,
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Train longer: training.epochs=40", autocompletion=complete_override),
    ] = None,
    device: DeviceOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Continue an interrupted run, or a finished one for longer.

    The result is bit for bit that of a run without the interruption.
    """

    earlier = find_whole(run, "result", "data", "environment", "reuse", "shrink")

    def run_it(listeners: "Sequence[Listener]") -> "TrainResult | None":
        from hornbook.trainer.resume import resume as resume_run

        return resume_run(run, overrides or (), listeners=listeners, started=process_start(), trust=trust)

    if train_and_print(run_it, device=device, as_json=as_json, quiet=quiet) is None:
        reason = earlier.result.get("stop_reason", "")
        longer = "training.max_time=TIME" if reason.startswith("max_time") else "training.epochs=NUMBER"
        print(f"{run}: this run is finished ({reason}), there is nothing left to do.")
        if earlier.shrink is None:
            print(f"To train it longer: hornbook resume {run} {longer}")


def reproduce(
    run: RunArgument,
    runs: Annotated[str, typer.Option(help="Folder below which the new run's folder is made")] = "runs",
    trust: TrustOption = False,
) -> None:
    """Train a run again from its recipe and seed, and compare.

    The comparison is to the last bit; exit code 3 where it differs.
    """
    find_whole(run, "result", "environment", "history")
    import_tensorflow()
    from hornbook.trainer.progress import ConsoleProgress
    from hornbook.trainer.reproduce import reproduce as reproduce_run

    told = ConsoleProgress(console(stderr=True))
    try:
        comparison = reproduce_run(run, runs=runs, listeners=[told], started=process_start(), trust=trust)
    finally:
        told.close()
    print(comparison.text())
    if not comparison.is_same:
        raise typer.Exit(3)


COMMANDS = (
    (resume, examples("hornbook resume runs/he_elu_bn/latest", "hornbook resume default_nesterov training.epochs=40")),
    (reproduce, examples("hornbook reproduce runs/he_elu_bn/latest")),
)
