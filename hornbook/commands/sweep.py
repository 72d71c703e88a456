"""The sweep command. TensorFlow is imported when it runs."""

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hornbook.commands.options import (
    ConfigOption,
    DeviceOption,
    EachOption,
    JsonOption,
    OnOption,
    OverrideArguments,
    ParallelOption,
    QuietOption,
    examples,
    import_tensorflow,
    load_or_explain,
)
from hornbook.display.terminal import console
from hornbook.errors import UsageError
from hornbook.machines.where import refuse_chief, where_of
from hornbook.recipes.sections.sweep import no_sweep

if TYPE_CHECKING:
    from hornbook.sweep.result import SweepResult

__all__ = ["COMMANDS", "sweep"]


def sweep(
    config: ConfigOption,
    overrides: OverrideArguments = None,
    runs: Annotated[str, typer.Option(help="Folder below which the sweep's folder is made")] = "runs",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, even if the newest sweep of this recipe is unfinished")
    ] = False,
    parallel: ParallelOption = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that train at the same time")] = 1,
    on: OnOption = None,
    each: EachOption = None,
    device: DeviceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Try many values of a recipe, and confirm the best of them.

    Interrupted or killed, the same command goes on where it was. With --on ray, the machines of a cluster train.
    """
    recipe, checked = load_or_explain(config, overrides)
    if recipe.sweep is None:
        raise no_sweep(checked.config.origin)

    where = where_of(on, each, device=device)
    refuse_chief(os.environ)
    if where is not None and workers > 1:
        raise UsageError(
            "--workers is for processes on this machine; with --on ray, --parallel limits the runs at once."
        )
    if parallel is not None and workers > 1:
        raise UsageError("--parallel is for trials in this process; leave it out where worker processes train.")

    import_tensorflow(device, quiet=quiet)
    from hornbook.sweep.sweep import sweep as run_sweep
    from hornbook.sweep.view import ConsoleView

    progress = console(stderr=True, quiet=quiet)
    notes = console(stderr=True) if quiet else progress
    view = ConsoleView(progress, console(quiet=as_json), notes)
    source = (checked.config.text, checked.overrides)
    result = run_sweep(
        recipe, runs=runs, source=source, fresh=fresh, workers=workers, parallel=parallel, on=where, view=view
    )
    if as_json:
        print(json.dumps(_record(result), indent=2))
    if result.exit_code:
        print(f"{result.state}: {result.stop_reason}", file=sys.stderr)
        raise typer.Exit(result.exit_code)


def _record(result: "SweepResult") -> dict[str, object]:
    from hornbook.sweep.ending import front_record, plain

    front = {"front": [front_record(member) for member in result.front]} if result.front else {}
    return {
        "sweep": str(result.folder),
        "state": result.state,
        "stop_reason": result.stop_reason,
        "trials": result.trials,
        "best": result.best,
        "score": result.score,
        "confirmed": plain(result.confirmed),
        **front,
    }


COMMANDS = (
    (
        sweep,
        examples(
            "hornbook sweep --config sweep.yaml",
            "hornbook sweep -c sweep.yaml sweep.max_trials=50 --workers 2",
            "hornbook sweep -c sweep.yaml --fresh",
            "hornbook sweep -c sweep.yaml --runs /shared/runs --on ray://10.0.0.1:6379",
        ),
    ),
)
