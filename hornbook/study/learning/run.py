"""A learning curve from its plan to its folder: train every size over the same seeds, measure both splits, write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hornbook.builder.build import as_targets
from hornbook.data import Shelf, load_data
from hornbook.engine.evaluation import Evaluator
from hornbook.engine.turns import side_by_side
from hornbook.errors import HornbookError, UsageError
from hornbook.inference.trained import load_run
from hornbook.recipes.recipe import Recipe
from hornbook.runs.studies import write_study
from hornbook.runs.writing import check_writable
from hornbook.study.cells import CellRunner, Figures
from hornbook.study.learning.outcome import Point, verdicts_of
from hornbook.study.learning.page import as_html
from hornbook.study.learning.plan import CurvePlan, Variant, at_size, sizes_of
from hornbook.study.learning.table import LearningCurve, as_csv, as_json
from hornbook.study.measure import Measure, measure_of
from hornbook.trainer.prepare import quiet_upstream_warnings
from hornbook.trainer.signals import Interrupted, StopRequest

__all__ = ["learning_curve"]

Say = Callable[[str], None]


def learning_curve(
    plan: CurvePlan,
    *,
    runs: Path = Path("runs"),
    metric: str | None = None,
    parallel: int | None = None,
    say: Say = lambda text: None,
) -> tuple[LearningCurve, Path]:
    """Train every point of a plan over the same seeds; return what was found and the folder it was written to.

    Runs that are there already, of the same recipe and data, are not trained again.

    Args:
        plan: From `make_plan`.
        runs: Folder below which runs, and the study's own folder, are made.
        metric: ``val_accuracy``; None takes the recipe's first metric.
        parallel: Runs that train side by side in this process; omitted: as `runs_at_once` says.
        say: Called with a line per run.

    Raises:
        RecipeError: If a recipe and the data do not fit together; before anything is trained.
        UsageError: If sizes or metric cannot be meant; also before.
        Interrupted: If a signal ended it.
    """
    quiet_upstream_warnings()
    check_writable(runs)
    runner = CellRunner(runs)
    resolved = [runner.resolve(variant.recipe) for variant in plan.variants]
    measure = measure_of(resolved, metric)
    if not measure.name.startswith("val_"):
        raise UsageError(
            "learning-curve: training is compared with validation, and there is no such figure. Use a metric of "
            "validation (val_accuracy), and a validation split (data.split.validation)."
        )
    with StopRequest() as stop:
        points = _Studying(plan, runner, measure, say).points(resolved, parallel, stop)
    name = resolved[0].name or "recipe"
    curve = LearningCurve(
        name,
        measure,
        plan.seeds,
        plan.key,
        tuple(points),
        tuple(verdicts_of(points, measure)),
        tuple(_notes(plan, measure)),
    )
    page, table, record = as_html(curve), as_csv(curve), as_json(curve)
    return curve, write_study(runs, name, page=page, table=table, record=record, kind="learning_curve")


@dataclass(frozen=True)
class _Planned:
    """A point before it is trained: its variant, its size, and the values that make its recipe."""

    variant: Variant
    size: int
    values: dict[str, Any]

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as overrides."""
        return tuple(f"{key}={value}" for key, value in self.values.items())


class _Studying:
    """Trains all runs, so many at once, and measures point by point; the seeds of a point share compiled programs."""

    def __init__(self, plan: CurvePlan, runner: CellRunner, measure: Measure, say: Say) -> None:
        self.plan, self.runner, self.measure, self.say = plan, runner, measure, say
        self.done, self.total = 0, 0
        self._shelf = Shelf()

    def points(self, resolved: list[Recipe], parallel: int | None, stop: StopRequest) -> list[Point]:
        """Return the points of all variants; so many runs train side by side, or as many as `runs_at_once` says."""
        planned = []
        for variant, recipe in zip(self.plan.variants, resolved, strict=True):
            info = self.runner.data_info(variant.recipe)
            total = info.counts["train"]
            for size in sizes_of(self.plan.amounts, info):
                planned.append(_Planned(variant, size, at_size(recipe, size, total)))
        jobs = [(point, seed) for point in planned for seed in self.plan.seeds]
        self.total = len(jobs)
        at_once = min(self.runner.at_once(recipe) for recipe in resolved) if parallel is None else parallel
        found = side_by_side([partial(self._train, *job) for job in jobs], at_once, goes_on=lambda: stop.signal is None)
        try:
            measured = [self._told(figures, *job) for job, figures in zip(jobs, found, strict=False)]
            if self.done < self.total:
                raise Interrupted(f"stopped by {stop.name}", stop.exit_code)
        except Interrupted as error:
            message = f"{error}; {self.done} of {self.total} runs are done. The same command goes on from there."
            raise Interrupted(message, error.exit_code) from error
        count = len(self.plan.seeds)
        return [self._point(point, measured[place * count :][:count]) for place, point in enumerate(planned)]

    def _train(self, point: _Planned, seed: int) -> Figures:
        recipe = point.variant.recipe.replaced({**point.values, "seed": seed})
        overrides = (*point.variant.overrides, *point.texts, f"seed={seed}")
        return self.runner.run(recipe, (self.plan.text, overrides))

    def _told(self, found: Figures, point: _Planned, seed: int) -> "tuple[Figures, dict[str, float]]":
        """Return a run with its figures on its training examples, and say a line about it."""
        training = dict[str, float]()
        if found.is_finished and found.path is not None:
            training = self._on_training_split(found.path, trust=point.variant.recipe.is_trusted)
        self.done += 1
        place = ", ".join(part for part in (point.variant.label, f"{point.size:,} examples", f"seed {seed}") if part)
        self.say(f"[{self.done:>3}/{self.total}] {place}: {self._described(found, training)}")
        return found, training

    def _point(self, planned: _Planned, measured: "Sequence[tuple[Figures, dict[str, float]]]") -> Point:
        name = self.measure.name.partition("_")[2]
        figures: dict[str, dict[int, float]] = {"train": {}, "validation": {}, "test": {}}
        failures, records = dict[int, str](), []
        for seed, (found, training) in zip(self.plan.seeds, measured, strict=True):
            records.append(_record(found, seed))
            value = found.value(self.measure.name)
            if value is None or name not in training:
                failures[seed] = found.reason
                continue
            figures["validation"][seed], figures["train"][seed] = value, training[name]
            on_test = found.value(f"test_{name}")
            if on_test is not None:
                figures["test"][seed] = on_test
        return Point(
            planned.variant.label, planned.size, **figures, failures=failures, runs=tuple(records),
            overrides=planned.texts,
        )  # fmt: skip

    def _described(self, found: Figures, training: dict[str, float]) -> str:
        value, measure = found.value(self.measure.name), self.measure
        name = measure.name.partition("_")[2]
        if value is None:
            return f"{found.state}: {found.reason}"
        own = f"{name} {measure.number(training[name])}, " if name in training else ""
        text = f"{own}{measure.name} {measure.number(value)}{' %' if measure.is_fraction else ''}"
        return text + (", was there" if found.was_there else f", {found.seconds:.1f} s")

    def _on_training_split(self, path: Path, *, trust: bool) -> dict[str, float]:
        """Return loss and metrics of a run's final weights on the examples that it was trained on.

        What the history calls `accuracy` is a mean over an epoch in which the weights change, with dropout.
        """
        try:
            trained = load_run(path, trust=trust)
            train = load_data(trained.recipe, for_training=False, shelf=self._shelf).splits.train
        except HornbookError as error:
            self.say(f"{path}: not measured on its training examples ({error})")
            return {}
        return dict(Evaluator(trained.built())(train.x, as_targets(train.y, trained.model)))


def _record(found: Figures, seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "run": None if found.path is None else str(found.path),
        "state": found.state,
        "reason": found.reason,
        "epochs": len(found.history),
        "seconds": found.seconds,
        "was_there": found.was_there,
    }


def _notes(plan: CurvePlan, measure: Measure) -> list[str]:
    """Return what a reader must know, in sentences."""
    notes = [
        f"Measured on {measure.name} of the final weights; training is measured with the same weights, without dropout or "
        "augmentation. ± is a 95 % t interval over the seeds, and differences are paired by seed. A seed draws split, "
        "initial weights and order; within a seed, all points have the same validation examples."
    ]
    if len(plan.amounts) > 1:
        is_first = plan.variants[0].recipe.data.sample == "first"
        sample = (
            "are the first of the larger ones" if is_first else "are a part of the larger ones, of each class its share"
        )
        notes.append(
            f"Fewer training examples {sample}. Every point takes as many steps as the recipe does on all examples, so that "
            "few examples do not mean little training."
        )
    notes.append(
        "Rate and regularization are the recipe's at every point; others may suit few examples or small networks better."
    )
    return notes
