"""The commands `hornbook runs list` and `hornbook runs prune`. No TensorFlow."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hornbook.commands.options import examples
from hornbook.errors import RunError, UsageError
from hornbook.runs.caches import Cached, cached_sets, free_cached, remove_unfilled
from hornbook.runs.sweeps import best_runs, sweep_above, sweep_result
from hornbook.runs.usage import (
    Usage,
    date_text,
    find_runs,
    find_unbegun,
    free_models,
    free_states,
    models_size,
    remove_unbegun,
    size_text,
    states_size,
    usage_of,
)

__all__ = ["COMMANDS", "list_command", "prune"]

RunsArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="All runs, those of one recipe, or one sweep", show_default=True)
]


def list_command(
    folder: RunsArgument = Path("runs"),
    trials: Annotated[bool, typer.Option("--trials", help="Sweeps' trials too, one line each")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON")] = False,
    as_page: Annotated[
        bool, typer.Option("--html", help="Write index.html into the folder: a page of all runs")
    ] = False,
) -> None:
    """List runs: how they ended, and what they cost on disk."""
    if as_page and as_json:
        raise UsageError("--html writes a page and --json prints a list. Leave one out.")
    found = _usages(folder)
    if as_page:
        from hornbook.study.index import write_index

        print(write_index(folder, [one for one in found if trials or not one.is_trial]))
        _end(found)
        return
    if as_json:
        print(json.dumps([{**vars(one), "path": str(one.path)} for one in found], indent=2))
        _end(found)
        return
    shown = [one for one in found if trials or not one.is_trial]
    rows = [_row(one) for one in shown] + ([] if trials else _sweeps(found, folder))
    for row in sorted(rows):
        name, state, epochs, size, date, score = row
        print(f"{name}\n  {state:<11} {epochs:>6} {size:>9}  {date}  {score}".rstrip())
    if not found:
        print(f"No runs in {folder}: nothing was trained into it. 'hornbook train' makes runs below --runs.")
        return
    total = size_text(sum(one.size for one in found))
    print(f"{len(found)} runs, {total}. 'hornbook runs prune' shows what could be freed.")
    _end(found)


def prune(
    folder: RunsArgument = Path("runs"),
    keep_best: Annotated[
        int | None, typer.Option(min=0, help="In sweeps, also delete the models of all but so many trials")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, nothing is deleted")] = False,
) -> None:
    """Free what finished runs no longer need: the states to resume from.

    Recipe, history, results and logs always stay, and so do the models, except those that --keep-best names.
    A run without states can be used and reproduced, but not trained longer. Pixels of picture files and rows of large
    tables that no run has used for a week are freed too; they are read again where they are needed.
    """
    freed, count = 0, 0
    found, cached = _usages(folder), cached_sets()
    if not found and not cached and not any(True for _ in find_unbegun(folder)):
        print(f"No runs in {folder}, so there is nothing to free.")
        return
    dropped = _dropped(found, keep_best)
    for one in found:
        is_dropped = one.path in dropped
        size = models_size(one.path) if is_dropped else states_size(one.path)
        if not size or one.state != "finished":
            continue
        freed, count = freed + size, count + 1
        what = "models and states" if is_dropped else "states"
        print(f"{'freed' if yes else 'would free'} {size_text(size):>8}  {what} of {one.name}")
        if yes:
            (free_models if is_dropped else free_states)(one.path)
    for path in find_unbegun(folder):
        print(f"{'removed' if yes else 'would remove'}  {path.relative_to(folder)}, a run that was killed as it began")
        if yes:
            remove_unbegun(path)
    pixels = _free_cached(cached, yes=yes)
    end = "freed." if yes else "can be freed with --yes." if count or pixels else "can be freed."
    more = f", {size_text(pixels)} of what was read" if pixels else ""
    print(f"{size_text(freed)} in {count} run{'' if count == 1 else 's'}{more} {end}")
    _end(found)


def _free_cached(cached: list[Cached], *, yes: bool) -> int:
    """Free pictures and tables that nobody used for a week, or that are gone themselves; return their bytes."""
    freed = remove_unfilled() if yes else 0
    for one in cached:
        verb = ("freed" if yes else "would free") if one.is_unused else "kept"
        when = f", last used {date_text(one.used)}" if one.used else ""
        print(f"{verb} {size_text(one.size):>8}  {one.what} of {one.source}{when}")
        if one.is_unused:
            freed += one.size
            if yes:
                free_cached(one.path)
    return freed


def _end(found: list[Usage]) -> None:
    """Say last what is wrong with runs, and let the exit code say so too."""
    problems = [one.problem for one in found if one.problem]
    if problems:
        raise RunError("\n".join(problems))


def _usages(folder: Path) -> list[Usage]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder. Runs are in 'runs', or where --runs said.")
    return [usage_of(path, folder) for path in find_runs(folder)]


def _row(one: Usage) -> tuple[str, str, str, str, str, str]:
    epochs = f"{one.epochs} ep." if one.epochs is not None else ""
    return one.name, one.state, epochs, size_text(one.size), date_text(one.date), one.score


def _sweeps(found: list[Usage], folder: Path) -> list[tuple[str, str, str, str, str, str]]:
    """Return a line for each sweep, its runs added up."""
    groups: dict[Path, list[Usage]] = {}
    for one in found:
        if one.is_trial:
            groups.setdefault(sweep_above(one.path) or one.path, []).append(one)
    rows = []
    for sweep, runs in groups.items():
        try:
            state = str(sweep_result(sweep)["state"])
        except (RunError, KeyError):
            state = "unknown"
        epochs = f"{sum(one.epochs or 0 for one in runs)} ep."
        size, date = sum(one.size for one in runs), max(one.date for one in runs)
        name = sweep.relative_to(folder).as_posix()
        rows.append((name, state, epochs, size_text(size), date_text(date), f"{len(runs)} runs, --trials lists them"))
    return rows


def _dropped(found: list[Usage], keep_best: int | None) -> set[Path]:
    """Return the runs of finished sweeps' trials that are not among the best."""
    dropped: set[Path] = set()
    if keep_best is None:
        return dropped
    for sweep in {sweep for one in found if (sweep := sweep_above(one.path)) is not None}:
        if sweep_result(sweep)["state"] == "finished":
            kept = best_runs(sweep, keep_best)
            dropped |= {one.path for one in found if sweep in one.path.parents and one.path not in kept}
    return dropped


COMMANDS = (
    (
        list_command,
        examples("hornbook runs list", "hornbook runs list runs/he_elu_bn --trials"),
    ),
    (prune, examples("hornbook runs prune", "hornbook runs prune --keep-best 3 --yes")),
)
