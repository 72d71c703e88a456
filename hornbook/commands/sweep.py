"""The sweep command. TensorFlow is imported when it runs."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hornbook.commands.options import (
    ConfigOption,
    DeviceOption,
    JsonOption,
    OverrideArguments,
    ParallelOption,
    QuietOption,
    examples,
    import_tensorflow,
    load_or_explain,
)
from hornbook.display.terminal import console, line
from hornbook.errors import UsageError
from hornbook.recipes.sections.sweep import no_sweep

if TYPE_CHECKING:
    from rich.console import Console

    from hornbook.recipes.recipe import Recipe
    from hornbook.sweep.network.address import Place
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
    device: DeviceOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Try many values of a recipe, and confirm the best of them.

    Interrupted or killed, the same command goes on where it was. With keras-tuner's variables KERASTUNER_TUNER_ID,
    KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT set, it is the chief or a worker of a sweep over several machines.
    """
    recipe, checked = load_or_explain(config, overrides)
    if recipe.sweep is None:
        raise no_sweep(checked.config.origin)

    import_tensorflow(device, quiet=quiet)
    from hornbook.sweep.network.address import place_of
    from hornbook.sweep.sweep import source_text
    from hornbook.sweep.sweep import sweep as run_sweep
    from hornbook.sweep.view import ConsoleView

    progress = console(stderr=True, quiet=quiet)
    place = place_of(os.environ)
    if parallel is not None and (workers > 1 or place is not None):
        raise UsageError("--parallel is for trials in this process; leave it out where worker processes train.")
    if place is not None and workers > 1:
        raise UsageError(
            "--workers is for one machine; with the KERASTUNER variables each worker is a command of its own."
        )
    if place is not None and not place.is_chief:
        _work(recipe, place, source_text(recipe, (checked.config.text, checked.overrides)), runs, progress)
        return
    notes = console(stderr=True) if quiet else progress
    view = ConsoleView(progress, console(quiet=as_json), notes)
    source = (checked.config.text, checked.overrides)
    result = run_sweep(
        recipe, runs=runs, source=source, fresh=fresh, workers=workers, parallel=parallel, place=place, view=view
    )
    if as_json:
        print(json.dumps(_record(result), indent=2))
    if result.exit_code:
        print(f"{result.state}: {result.stop_reason}", file=sys.stderr)
        raise typer.Exit(result.exit_code)


def _work(recipe: "Recipe", place: "Place", text: str, runs: str, progress: "Console") -> None:
    """Train what a chief hands out."""
    from hornbook.sweep.network.address import fingerprint
    from hornbook.sweep.network.remote import work

    code = work(
        recipe,
        place,
        sweep=fingerprint(text),
        runs=Path(runs),
        say=lambda text: progress.print(line(text), soft_wrap=True),
    )
    if code:
        raise typer.Exit(code)


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
        ),
    ),
)
