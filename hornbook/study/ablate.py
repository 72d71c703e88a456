"""An ablation from its plan to its folder: tune, train every cell over the same seeds, compare, write."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hornbook.engine.turns import side_by_side
from hornbook.errors import Problem, RecipeError, UsageError
from hornbook.machines.cluster import Cluster, connected, share_of
from hornbook.machines.where import Where
from hornbook.recipes.recipe import Recipe
from hornbook.runs.studies import write_study
from hornbook.runs.writing import check_writable
from hornbook.study.cells import CellRunner, Figures
from hornbook.study.factors import ORIGIN
from hornbook.study.far import Job, train_far
from hornbook.study.measure import Measure, Target, measure_of, parse_target
from hornbook.study.notes import notes_of
from hornbook.study.outcome import Group, compare_groups
from hornbook.study.page import as_html
from hornbook.study.plan import NOTHING_LEFT, Plan, PlannedCell, also_called, same_as
from hornbook.study.table import Study, as_csv, as_json
from hornbook.trainer.prepare import quiet_upstream_warnings
from hornbook.trainer.signals import Interrupted, StopRequest

__all__ = ["ablate"]

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Trained:
    """A cell with its runs."""

    cell: PlannedCell
    runs: tuple[Figures, ...]
    overrides: tuple[str, ...]
    tuned: dict[str, Any] | None


def ablate(
    plan: Plan,
    *,
    runs: Path = Path("runs"),
    metric: str | None = None,
    target: str | None = None,
    parallel: int | None = None,
    on: Where | None = None,
    say: Say = lambda text: None,
) -> tuple[Study, Path]:
    """Train every cell of a plan over the same seeds; return what was found and the folder it was written to.

    Runs that are there already, of the same recipe and data, are not trained again.

    Args:
        plan: From `make_plan`.
        runs: Folder below which runs, and the study's own folder, are made.
        metric: What to compare, ``val_accuracy``; None takes the recipe's first metric on the validation split.
        target: ``val_accuracy>=0.95``; None takes what every run of the baseline reaches.
        parallel: Runs that train at the same time, in this process or on a cluster; omitted: as `runs_at_once` says, or as
            many as the cluster has room for.
        on: The cluster that trains.
        say: Called with a line per run.

    Raises:
        RecipeError: If a cell and the data do not fit together; before anything is trained.
        UsageError: If metric or target cannot be meant; also before.
        Interrupted: If a signal ended it.
    """
    quiet_upstream_warnings()
    check_writable(runs)
    runner = CellRunner(runs)
    with connected(on) if on is not None else nullcontext() as ray:
        plan, recipes = _completed(plan, _resolved(plan, runner))
        measure = measure_of(recipes, metric, prefer="val" if plan.folds is None else "test")
        goal = parse_target(target, recipes) if target is not None else None
        if plan.tune is not None and f"val_{measure.name.partition('_')[2]}" != _on_validation(measure, recipes):
            raise UsageError("--tune: it goes by the validation split, and there is none.")
        at_once = min(runner.at_once(recipe, are_processes=on is not None) for recipe in recipes)
        cluster = share_of(ray, on, at_once=at_once) if on is not None else None
        if cluster is not None:
            say(f"trains on {cluster.text()}; a run takes {cluster.share.text()}")
        elif parallel is None:
            parallel = at_once
        with StopRequest() as stop:
            trained = _Training(plan, runner, measure, say, parallel, cluster, stop).all()
    goal = goal if goal is not None else _usual_target(trained[0], measure)
    groups = [_group(cell, measure, goal) for cell in trained]
    name = recipes[0].name or "recipe"
    rows = tuple(compare_groups(groups, measure, plan.repeats()))
    notes = notes_of(plan, measure, groups, parallel=parallel or 1, is_far=cluster is not None)
    study = Study(name, measure, goal, plan.seeds, rows, tuple(notes), plan.repeats())
    return study, write_study(runs, study.name, page=as_html(study), table=as_csv(study), record=as_json(study))


def _resolved(plan: Plan, runner: CellRunner) -> list[Recipe]:
    """Return every cell's recipe as the data completes it.

    Raises:
        RecipeError: With the problems of all cells that do not fit the data.
    """
    recipes, problems = [], list[Problem]()
    for planned in plan.cells:
        try:
            recipes.append(runner.resolve(planned.recipe))
        except RecipeError as error:
            if not planned.cell.settings:
                raise
            origin = planned.cell.option
            problems += [
                replace(problem, line=0, column=0, origin=origin)
                for problem in error.problems
                if problem.severity == "error"
            ]
    if problems:
        raise RecipeError(problems, origin=ORIGIN)
    return recipes


def _completed(plan: Plan, recipes: Sequence[Recipe]) -> tuple[Plan, list[Recipe]]:
    """Return the plan without cells that turn out to be others, now that the data has filled in what was omitted.

    Raises:
        RecipeError: If a cell is another one under a different name, or nothing is left beside the baseline.
    """
    cells, kept, problems = list[PlannedCell](), list[Recipe](), list[Problem]()
    for planned, recipe in zip(plan.cells, recipes, strict=True):
        plain = recipe.to_dict()
        place = next((at for at, other in enumerate(kept) if other.to_dict() == plain), None)
        if place is None:
            cells.append(planned)
            kept.append(recipe)
        elif place == 0:
            cells[0] = also_called(cells[0], planned)
        else:
            problems.append(same_as(planned, cells[place]))
    if len(cells) == 1:
        problems.append(NOTHING_LEFT)
    if problems:
        raise RecipeError(problems, origin=ORIGIN)
    return replace(plan, cells=tuple(cells)), kept


def _on_validation(measure: Measure, recipes: Sequence[Recipe]) -> str | None:
    """Return the measure's name on the validation split; None where a cell has no such split."""
    name = f"val_{measure.name.partition('_')[2]}"
    try:
        return measure_of(recipes, name).name
    except UsageError:
        return None


@dataclass
class _Training:
    """The training of a plan's runs, so many at once; those of one structure share compiled programs."""

    plan: Plan
    runner: CellRunner
    measure: Measure
    say: Say
    parallel: int | None
    cluster: Cluster | None
    stop: StopRequest
    done: int = 0

    def all(self) -> list[_Trained]:
        """Train every cell, with every seed."""
        plan, jobs, tuned = self.plan, list[Job](), list[dict[str, Any] | None]()
        for planned in plan.cells:
            recipe, overrides, record = planned.recipe, planned.overrides, None
            if planned.grid:
                record, recipe, override = _tune(planned, self.measure, self.train, plan.text)
                overrides = (*overrides, override)
            tuned.append(record)
            for number in plan.seeds:
                own, more = plan.repeat(recipe, number)
                place = f"{planned.cell.label}, {plan.repeats().word[:-1]} {number}"
                jobs.append(Job(place, own, (plan.text, (*overrides, *more))))
        figures = iter(self.train(jobs))
        trained = []
        for planned, record, job in zip(plan.cells, tuned, jobs[:: len(plan.seeds)], strict=True):
            runs = tuple(replace(next(figures), seed=number) for number in plan.seeds)
            overrides = job.source[1][: len(planned.overrides) + (record is not None)]
            trained.append(_Trained(planned, runs, overrides, record))
        return trained

    def train(self, jobs: Sequence[Job]) -> list[Figures]:
        """Return what runs left, in their order; a line is said of each.

        Raises:
            Interrupted: If a signal ended it.
        """
        found: list[Figures] = []
        try:
            for figures in self._trained(jobs):
                self.done += 1
                self.say(
                    f"[{self.done:>3}/{self.plan.num_runs}] {jobs[len(found)].label}: {_described(figures, self.measure)}"
                )
                found.append(figures)
            if len(found) < len(jobs):
                raise Interrupted(f"stopped by {self.stop.name}", self.stop.exit_code)
        except Interrupted as error:
            message = (
                f"{error}; {self.done} of {self.plan.num_runs} runs are done. The same command goes on from there."
            )
            raise Interrupted(message, error.exit_code) from error
        return found

    def _trained(self, jobs: Sequence[Job]) -> Iterator[Figures]:
        """Yield what runs left, in their order."""
        if self.cluster is not None:
            return train_far(jobs, self.runner, self.cluster, stop=self.stop, say=self.say, most=self.parallel)
        work = [partial(self.runner.run, job.recipe, job.source) for job in jobs]
        return side_by_side(work, self.parallel or 1, goes_on=lambda: self.stop.signal is None)


def _described(figures: Figures, measure: Measure) -> str:
    value = figures.value(measure.name)
    if value is None:
        return f"{figures.state}: {figures.reason}"
    unit = " %" if measure.is_fraction else ""
    text = f"{measure.name} {measure.number(value)}{unit}"
    return text + (", was there" if figures.was_there else f", {figures.seconds:.1f} s")


def _tune(
    planned: PlannedCell, measure: Measure, train: Callable[[Sequence[Job]], list[Figures]], text: str
) -> tuple[dict[str, Any], Recipe, str]:
    """Train the grid with the recipe's own seed; return a record, and the recipe and override that validate best."""
    name = f"val_{measure.name.partition('_')[2]}"
    tried: list[tuple[float, str, Recipe]] = []
    record: list[dict[str, Any]] = []
    jobs = [
        Job(f"{planned.cell.label}, {override}", recipe, (text, (*planned.overrides, override)))
        for override, recipe in planned.grid
    ]
    for (override, recipe), figures in zip(planned.grid, train(jobs), strict=True):
        value = figures.value(name)
        record.append({"override": override, "state": figures.state, "value": value})
        if value is not None:
            tried.append((value if measure.higher_is_better else -value, override, recipe))
    if not tried:  # the seeds will show the reason in their row
        own, recipe = planned.grid[len(planned.grid) // 2]
        return {"chosen": own, "tried": record, "at_edge": False}, recipe, own
    _, chosen, recipe = max(tried, key=lambda item: item[0])
    at_edge = chosen in (planned.grid[0][0], planned.grid[-1][0])
    return {"chosen": chosen, "tried": record, "at_edge": at_edge}, recipe, chosen


def _usual_target(baseline: _Trained, measure: Measure) -> Target | None:
    """Return the value that every run of the baseline reaches in some epoch; None where nothing is recorded."""
    name = f"val_{measure.name.partition('_')[2]}"
    best = []
    for figures in baseline.runs:
        values = [row[name] for row in figures.history if row.get(name) is not None]
        if values and figures.is_finished:
            best.append(max(values) if measure.higher_is_better else min(values))
    if not best:
        return None
    return Target(name, min(best) if measure.higher_is_better else max(best), measure.higher_is_better)


def _group(trained: _Trained, measure: Measure, target: Target | None) -> Group:
    values, test, failures = dict[int, float](), dict[int, float](), dict[int, str]()
    reached: dict[int, tuple[int, float] | None] = {}
    curves: dict[int, Sequence[float]] = {}
    for figures in trained.runs:
        value = figures.value(measure.name)
        if value is None:
            failures[figures.seed] = figures.reason
            continue
        values[figures.seed] = value
        on_test = figures.value(f"test_{measure.name.partition('_')[2]}")
        if on_test is not None:
            test[figures.seed] = on_test
        if target is not None:
            reached[figures.seed] = target.reached(figures.history)
            curves[figures.seed] = [row[target.name] for row in figures.history if row.get(target.name) is not None]
    return Group(
        label=trained.cell.cell.label, values=values, failures=failures, test=test, reached=reached,
        factor=trained.cell.cell.factor, overrides=trained.overrides, tuned=trained.tuned,
        runs=tuple(_run_record(figures) for figures in trained.runs), curves=curves,
    )  # fmt: skip


def _run_record(figures: Figures) -> dict[str, Any]:
    return {
        "seed": figures.seed,
        "run": None if figures.path is None else str(figures.path),
        "state": figures.state,
        "reason": figures.reason,
        "validation": dict(figures.validation),
        "test": dict(figures.test),
        "epochs": len(figures.history),
        "seconds": figures.seconds,
        "was_there": figures.was_there,
    }
