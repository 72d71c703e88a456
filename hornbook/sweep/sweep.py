"""A sweep as a straight line: objective → folder, new or gone on with → trials → the winner with fresh seeds → report."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from hornbook.data import Shelf, load_data, memory_budget
from hornbook.data.source import DataInfo
from hornbook.display.intervals import Interval, mean_interval
from hornbook.engine.turns import runs_at_once
from hornbook.errors import HornbookError, RunError
from hornbook.machines.cluster import connected, share_of
from hornbook.machines.where import Where
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.load import refuse_errors
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.check import check_rules
from hornbook.recipes.sections.sweep import Hyperband, no_sweep
from hornbook.recipes.trial import trial_recipe
from hornbook.runs.directory import Run
from hornbook.runs.sweeps import BEST, LATEST, REPORT, TABLE, SweepFolder
from hornbook.runs.usage import free_models, free_states
from hornbook.runs.writing import check_writable
from hornbook.sweep import tensorboard
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.drive import learns_from_trials
from hornbook.sweep.far import Far
from hornbook.sweep.here import Here
from hornbook.sweep.result import SweepResult
from hornbook.sweep.table import best_text, csv_text, ranking, short_keys, values_text
from hornbook.sweep.view import View
from hornbook.trainer.prepare import quiet_upstream_warnings
from hornbook.trainer.signals import StopRequest

__all__ = ["source_text", "sweep"]


def sweep(
    recipe: Recipe,
    *,
    runs: str | Path = "runs",
    source: tuple[str, Sequence[str]] | None = None,
    fresh: bool = False,
    workers: int = 1,
    parallel: int | None = None,
    on: Where | None = None,
    view: View | None = None,
) -> SweepResult:
    """Run a recipe's sweep, or go on with the newest unfinished one of the same recipe.

    Args:
        recipe: A checked recipe with a `sweep` section.
        runs: Folder below which the sweep's own folder is made.
        source: The recipe's text and overrides: what makes two sweeps the same; omitted: the recipe itself.
        fresh: Whether to begin anew in any case.
        workers: Processes on this machine that train at the same time.
        parallel: Trials that train at the same time, in this process or on a cluster; omitted: as `runs_at_once` says, or
            as many as the cluster has room for.
        on: The cluster that trains.
        view: Shows progress; silent when omitted.

    Raises:
        UsageError: If the recipe has no sweep.
        RecipeError: If the objective is not recorded.
        DataError: If the recipe's data cannot be used.
        RunError: If nothing can be written, another process works on the same sweep, or the data of an unfinished one has
            changed since.
        HornbookError: If no trial ended with a score.
    """
    quiet_upstream_warnings()
    if recipe.sweep is None:
        raise no_sweep(recipe.name or "recipe")
    view = view if view is not None else View()

    check_writable(Path(runs), recipe.name or "recipe", latest=LATEST)
    with connected(on) if on is not None else nullcontext() as ray:
        shelf = Shelf()
        direction, text = find_direction(recipe, shelf), source_text(recipe, source)
        info = load_data(recipe, shelf=shelf, for_training=False).splits.info
        folder, is_continued = _open(recipe, Path(runs), text, info.fingerprint, fresh=fresh)
        try:
            coordinator = Coordinator(recipe, direction, folder)
            if on is not None:
                at_once = runs_at_once(recipe, info, memory_budget=memory_budget(recipe))
                cluster = share_of(ray, on, at_once=at_once)
                where: Here | Far = Far(cluster, parallel, info.fingerprint)
                view.note(f"trains on {cluster.text()}; a trial takes {cluster.share.text()}")
                view.start(coordinator, is_continued=is_continued, workers=1, parallel=parallel or 1)
            else:
                if parallel is None:
                    parallel = _at_once(recipe, info) if workers == 1 else 1
                where = Here(shelf, workers, parallel)
                view.start(coordinator, is_continued=is_continued, workers=workers, parallel=parallel)
            return _run(coordinator, where, view)
        finally:
            folder.close()
            view.close()


def _at_once(recipe: Recipe, info: DataInfo) -> int:
    """Return how many trials train at once: of a tuner that learns from them one, so that it knows all that went before."""
    if recipe.sweep is None or learns_from_trials(recipe.sweep):
        return 1
    return runs_at_once(recipe, info, memory_budget=memory_budget(recipe))


def _run(coordinator: Coordinator, where: "Here | Far", view: View) -> SweepResult:
    """Train the trials, then the winner with fresh seeds, and write what is left to read."""
    recipe = coordinator.recipe
    with StopRequest() as stop:
        exit_code = where.drive(coordinator, view, stop, lambda: _tidy(coordinator))
        if exit_code:
            return _interrupted(coordinator, view, exit_code)
        best = coordinator.best()
        _tidy(coordinator, is_over=True)
        if best is None:
            _write(coordinator, "finished")
            raise HornbookError(_no_score(coordinator))
        winner = trial_recipe(recipe, best.proposal.values)
        if winner is None:
            raise TypeError("the winner was trained and cannot be now")
        view.confirm(best)
        runs, exit_code = where.confirm(winner, coordinator.sweep.confirm, coordinator, view, stop)
        if exit_code:
            return _interrupted(coordinator, view, exit_code)
    return _close(coordinator, winner, runs, view)


def find_direction(recipe: Recipe, shelf: Shelf) -> str:
    """Return ``min`` or ``max`` of the objective; loads the data where only that tells the task.

    Raises:
        RecipeError: If trials would not record it.
    """
    if recipe.sweep is None:
        raise TypeError("the recipe has no sweep")
    facts = Facts.of(recipe)
    if recorded_names(recipe, facts) is None:
        facts = Facts.of(recipe, load_data(recipe, shelf=shelf, for_training=False).splits.info)
        refuse_errors(recipe, list(check_rules(recipe, facts)))
    recorded = recorded_names(recipe, facts) or {}
    return recipe.sweep.mode or recorded[recipe.sweep.objective]


def source_text(recipe: Recipe, source: tuple[str, Sequence[str]] | None) -> str:
    """Return what makes two sweeps the same: the recipe's text below its overrides; without a text the recipe itself."""
    text, overrides = source if source is not None else (to_yaml(recipe.to_dict()), ())
    return "".join(f"# override: {override}\n" for override in overrides) + text


def _open(recipe: Recipe, runs: Path, text: str, data: str, *, fresh: bool) -> tuple[SweepFolder, bool]:
    """Return the folder, and whether it is that of a sweep that goes on.

    Raises:
        RunError: If it would go on with data of another fingerprint, so that scores could not be compared.
    """
    name = recipe.name or "recipe"
    found = None if fresh else SweepFolder.find_unfinished(runs, name, text)
    if found is None:
        return SweepFolder.create(runs, name, text, fingerprint=data), False
    if found.fingerprint not in (None, data):  # an earlier version kept none
        found.close()
        raise RunError(
            f"{found.path}: the data has changed since this unfinished sweep began (fingerprint {data}, then "
            f"{found.fingerprint}). Restore it, or begin another sweep with --fresh (in Python fresh=True)."
        )
    return found, True


def _tidy(coordinator: Coordinator, *, is_over: bool = False) -> None:
    """Write the table and what TensorBoard shows, and free what trials that are not among the best cost.

    With hyperband at the end only, because any trial may be trained further.
    """
    folder, sweep = coordinator.folder, coordinator.sweep
    folder.write_text(TABLE, csv_text(folder, coordinator.rejected, list(sweep.space), sweep.objective))
    tensorboard.write_new(folder, sweep)
    if isinstance(sweep.tuner, Hyperband) and not is_over:
        return
    rows = ranking(folder, coordinator.direction)
    best = coordinator.best()
    kept = {
        run for row in [*rows[: sweep.keep_best], *([best] if best else [])] if row.outcome for run in row.outcome.runs
    }
    for row in folder.ended():
        for run in row.outcome.runs if row.outcome is not None else ():
            (free_states if run in kept else free_models)(folder.path / run)


def _figures(runs: Sequence[Path]) -> dict[str, Interval]:
    """Return mean and interval of every figure of the final weights, test figures first."""
    found: dict[str, list[float]] = {}
    for split, prefix in (("test", "test_"), ("validation", "val_")):
        for run in runs:
            for name, value in Run(run).result.get(split, {}).items():
                found.setdefault(prefix + name, []).append(math.nan if value is None else float(value))
    return {name: mean_interval(values) for name, values in found.items()}


def _write(coordinator: Coordinator, state: str, more: dict[str, Any] | None = None) -> None:
    folder = coordinator.folder
    rows = ranking(folder, coordinator.direction)
    ended = [row.outcome for row in folder.ended() if row.outcome is not None]
    counts = {name: sum(outcome.state == name for outcome in ended) for name in ("finished", "diverged", "failed")}
    entries = [
        {"trial": row.proposal.trial + 1, "score": row.outcome.score, "runs": list(row.outcome.runs)}
        for row in rows
        if row.outcome is not None
    ]
    folder.write_result(
        {
            "state": state,
            "stop_reason": coordinator.stop_reason,
            "objective": coordinator.sweep.objective,
            "direction": coordinator.direction,
            "tuner": coordinator.sweep.tuner.name,
            "trials": len(ended),
            **counts,
            "rejected": len(coordinator.rejected),
            "epochs": sum(outcome.epochs for outcome in ended),
            "seconds": round(coordinator.elapsed_s, 3),
            "ranking": entries,
            **(more or {}),
        }
    )


def _no_score(coordinator: Coordinator) -> str:
    path, rejected = coordinator.folder.path, coordinator.rejected
    if coordinator.folder.rows or not rejected:
        return f"{path}: no trial ended with a score. {TABLE} has each trial's reason."
    return (
        f"{path}: the rules reject every combination that was drawn ({len(rejected):,}), and {TABLE} has the reasons. "
        f"The first: {rejected[0].reason}"
    )


def _interrupted(coordinator: Coordinator, view: View, exit_code: int) -> SweepResult:
    _write(coordinator, "interrupted")
    reason = f"stopped by {'Ctrl-C' if exit_code == 130 else 'SIGTERM'}"
    folder = coordinator.folder
    result = SweepResult(folder.path, "interrupted", reason, len(folder.ended()), exit_code=exit_code)
    view.end(result)
    return result


def _close(coordinator: Coordinator, winner: Recipe, runs: Sequence[Path], view: View) -> SweepResult:
    """Write best.yaml, result and report."""
    from hornbook.sweep.page import report_html

    folder, sweep, best = coordinator.folder, coordinator.sweep, coordinator.best()
    if best is None or best.outcome is None:
        raise TypeError("a sweep without a winner has no end")
    confirmed = _figures(runs)
    own = winner.replaced({"name": coordinator.recipe.name or "recipe"})
    count = len(folder.ended())
    lines = [
        f"Trial {best.proposal.trial + 1} of {count} of {folder.path.name}:",
        f"  {values_text(best.proposal.values, short_keys(sweep.space))}",
        f"Selected by {sweep.objective} {best.outcome.score:.4g}, the best of {count} noisy scores and so too good.",
    ]
    lines += [f"Fresh seeds ({value.count}): {name} {value.text()}" for name, value in confirmed.items()]
    lines += [f"Run: hornbook train --config {BEST}"]
    folder.write_text(BEST, best_text(own, lines))
    plain = {name: {"mean": value.mean, "half": value.half, "count": value.count} for name, value in confirmed.items()}
    score = best.outcome.score
    facts = {"best": best.proposal.trial + 1, "values": best.proposal.values, "score": score, "confirmed": plain}
    facts["confirm_runs"] = [str(run.relative_to(folder.path)) for run in runs]
    result = SweepResult(
        folder.path, "finished", coordinator.stop_reason, count, dict(best.proposal.values), score, confirmed
    )
    folder.write_text(REPORT, report_html(coordinator, result))
    _write(coordinator, "finished", facts)
    view.end(result)
    return result
