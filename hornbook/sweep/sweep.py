"""A sweep as a straight line: objective → folder, new or gone on with → trials → the winner with fresh seeds → report."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from hornbook.data import Shelf, load_data, memory_budget
from hornbook.data.facts import DataInfo
from hornbook.engine.turns import runs_at_once
from hornbook.errors import RunError
from hornbook.machines.cluster import connected, share_of
from hornbook.machines.where import Where
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.load import refuse_errors
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.check import check_rules
from hornbook.recipes.sections.sweep import PARAMETERS, Hyperband, no_sweep
from hornbook.runs.sweeps import LATEST, TABLE, SweepFolder
from hornbook.runs.usage import free_models, free_states
from hornbook.runs.writing import check_writable
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.drive import learns_from_trials
from hornbook.sweep.ending import close, fresh_seeds, interrupted, winners
from hornbook.sweep.far import Far
from hornbook.sweep.here import Here
from hornbook.sweep.report import tensorboard
from hornbook.sweep.report.table import csv_text, ranking
from hornbook.sweep.result import SweepResult
from hornbook.sweep.view import View
from hornbook.trainer.prepare import quiet_upstream_warnings
from hornbook.trainer.signals import StopRequest

__all__ = ["sweep"]


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
        directions, text = find_directions(recipe, shelf), source_text(recipe, source)
        info = load_data(recipe, shelf=shelf, for_training=False).splits.info
        folder, is_continued = _open(recipe, Path(runs), text, info.fingerprint, fresh=fresh)
        try:
            coordinator = Coordinator(recipe, directions, folder)
            if on is not None:
                budget = memory_budget(recipe)
                at_once = runs_at_once(recipe, info, memory_budget=budget, are_processes=True)
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
    """Train the trials, then the winner or the front with fresh seeds, and write what is left to read."""
    with StopRequest() as stop:
        exit_code = where.drive(coordinator, view, stop, lambda: _tidy(coordinator))
        if exit_code:
            return interrupted(coordinator, view, exit_code)
        _tidy(coordinator, is_over=True)
        rows = winners(coordinator)
        view.confirm(rows)
        again = [one for row in rows for one in fresh_seeds(coordinator, row)]
        runs, exit_code = where.confirm(again, coordinator, view, stop)
        if exit_code:
            return interrupted(coordinator, view, exit_code)
    return close(coordinator, runs, view)


def find_directions(recipe: Recipe, shelf: Shelf) -> dict[str, str]:
    """Return ``min`` or ``max`` of each objective; loads the data where only that tells the task.

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
    names = recipe.sweep.objectives
    return {name: recipe.sweep.mode or ("min" if name == PARAMETERS else recorded[name]) for name in names}


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
    folder, sweep, front = coordinator.folder, coordinator.sweep, coordinator.front()
    members = front if len(sweep.objectives) > 1 else []
    folder.write_text(TABLE, csv_text(folder, coordinator.rejected, list(sweep.space), sweep.objectives, members))
    tensorboard.write_new(folder, sweep)
    if isinstance(sweep.tuner, Hyperband) and not is_over:
        return
    rows = ranking(folder, coordinator.directions[sweep.objectives[0]], members)
    kept = {run for row in [*rows[: sweep.keep_best], *front] if row.outcome for run in row.outcome.runs}
    for row in folder.ended():
        for run in row.outcome.runs if row.outcome is not None else ():
            (free_states if run in kept else free_models)(folder.path / run)
