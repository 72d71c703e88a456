"""Tries what a diagnosis proposes: the same seeds with and without the change, again and again until nothing is left.

A run is judged by its first metric on the validation split; one with several heads by the first of each.
"""

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hornbook.data import Shelf
from hornbook.display.intervals import Interval, paired_interval
from hornbook.doctor.diagnose import Diagnosis, diagnose
from hornbook.doctor.finding import Finding
from hornbook.errors import HornbookError, RecipeError, UsageError
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.load import load_recipe
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.metric import MetricSpec
from hornbook.runs import find_run
from hornbook.trainer.signals import Interrupted, StopRequest
from hornbook.trainer.train import train

__all__ = ["Cure", "Figures", "Trial", "treat"]

ROUNDS = 4
"""Changes that a recipe may need one after the other."""
MOST = 3
"""Findings that are tried in a round."""

Scores = Mapping[str, tuple[float | None, ...]]
"""Of each metric its value per seed; None where numbers were lost."""


@dataclass(frozen=True)
class Figures:
    """A metric on the validation split over paired seeds.

    Attributes:
        metric: Its name.
        before: The metric per seed without a change; None where numbers were lost.
        after: The metric per seed with it; empty where it could not be tried.
        gain: Of the change, positive where it is better; None where too few seeds can be compared.
        surely: 1 where the change makes it better for sure, -1 where worse, else 0.
    """

    metric: str
    before: tuple[float | None, ...]
    after: tuple[float | None, ...] = ()
    gain: Interval | None = None
    surely: int = 0


@dataclass(frozen=True)
class Trial:
    """One proposal over paired seeds.

    Attributes:
        finding: Whose change was tried.
        figures: What it does to each metric that the run is judged by.
        helps: Whether it is kept.
        reason: Why it could not be tried; empty where it was.
    """

    finding: Finding
    figures: tuple[Figures, ...]
    helps: bool
    reason: str = ""


@dataclass(frozen=True)
class Cure:
    """How a treatment ended.

    Attributes:
        metrics: What was compared, on the validation split.
        trials: Every proposal, in order.
        overrides: Those that helped, in order.
        recipe: The recipe with them, as YAML; None where nothing helped.
    """

    metrics: tuple[str, ...]
    trials: tuple[Trial, ...]
    overrides: tuple[str, ...]
    recipe: str | None


@dataclass(frozen=True)
class _Measure:
    """A metric that runs are judged by.

    Attributes:
        sign: 1 where more of it is better, otherwise -1.
        head: Whose it is, where there are several; None where there is one.
    """

    sign: int
    head: str | None = None


@dataclass
class _Patient:
    """A recipe with what was changed, and how it does for each seed."""

    recipe: Recipe
    scores: Scores
    overrides: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = field(default=None)


def treat(
    name: str | Path,
    *,
    seeds: int = 3,
    mute: Sequence[str] = (),
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> Cure:
    """Try the changes that a run's diagnosis proposes, the likeliest first, and keep what helps.

    A change for one of several heads helps where that head gets better for sure and no other worse for sure; one for what
    heads share where all get better in the mean, and one for sure.

    Args:
        name: The run.
        seeds: Trainings with and without each change, from the recipe's seed on.
        mute: Codes of findings that are not to be tried.
        on_trial: Hears of each trial.

    Raises:
        UsageError: If there is no such run.
        RunError: If its files are damaged.
        DataError: If its data cannot be read.
        Interrupted: If Ctrl-C or SIGTERM ended it.
    """
    run = find_run(name)
    recipe = load_recipe(run.recipe_path, ["health=on", "tracking=[]"], of_run=True)
    measures = _judged_by(recipe)
    trials: list[Trial] = []
    with StopRequest() as stop, tempfile.TemporaryDirectory(prefix="hornbook-doctor-") as folder:
        ward = _Ward(Path(folder), measures, seeds, tuple(mute), stop)
        patient = ward.examine(recipe, ())
        for _ in range(ROUNDS):
            better = ward.improved(patient, trials, on_trial)
            if better is None:
                break
            patient = better
    kept = to_yaml(patient.recipe.to_dict()) if patient.overrides else None
    return Cure(tuple(measures), tuple(trials), patient.overrides, kept)


@dataclass
class _Ward:
    """Where recipes are trained and diagnosed: nothing of it outlives the treatment.

    Attributes:
        folder: Of its runs.
        measures: What is compared, by the names of metrics on the validation split.
        seeds: Trainings of each recipe.
        mute: Codes of findings that are not to be tried.
        stop: Knows of Ctrl-C and SIGTERM.
        tried: Changes that need no second trial.
        shelf: The data, read once.
    """

    folder: Path
    measures: Mapping[str, _Measure]
    seeds: int
    mute: tuple[str, ...]
    stop: StopRequest
    tried: set[tuple[str, ...]] = field(default_factory=set)
    shelf: Shelf = field(default_factory=Shelf)

    def improved(self, patient: _Patient, trials: list[Trial], on_trial: Callable[[Trial], None]) -> _Patient | None:
        """Try the likeliest changes until one helps; return the recipe with it, None where none does."""
        findings = patient.diagnosis.findings if patient.diagnosis is not None else ()
        wanted = [
            each
            for each in findings
            if each.severity == "issue" and each.overrides and each.overrides not in self.tried
        ]
        for finding in wanted[:MOST]:
            self.tried.add(finding.overrides)
            candidate = None
            try:
                if any(_is_task(each) for each in finding.overrides):
                    raise UsageError("another task has other metrics, so before and after cannot be compared")
                changed = _with(patient.recipe, finding.overrides)
                candidate = self.examine(changed, (*patient.overrides, *finding.overrides))
            except (RecipeError, UsageError) as error:
                figures = tuple(Figures(metric, before) for metric, before in patient.scores.items())
                trial = Trial(finding, figures, helps=False, reason=str(error))
            else:
                trial = _compared(finding, patient.scores, candidate.scores, self.measures)
            trials.append(trial)
            on_trial(trial)
            if trial.helps:
                return candidate
        return None

    def examine(self, recipe: Recipe, overrides: tuple[str, ...]) -> _Patient:
        """Train a recipe with each seed, and diagnose the first run."""
        rows, diagnosis = list[Mapping[str, float | None]](), None
        for number in range(self.seeds):
            row, path = self._trained(recipe, recipe.seed + number)
            if self.stop.signal is not None:
                message = f"stopped by {self.stop.name}: nothing was written. The same command begins anew."
                raise Interrupted(message, self.stop.exit_code)
            rows.append(row)
            if number == 0 and path is not None:
                diagnosis = diagnose(path, mute=self.mute)
        return _Patient(
            recipe, {name: tuple(row[name] for row in rows) for name in self.measures}, overrides, diagnosis
        )

    def _trained(self, recipe: Recipe, seed: int) -> tuple[Mapping[str, float | None], Path | None]:
        """Return the metrics on the validation split, None where numbers were lost, and the run."""
        place = self.folder / f"{len(list(self.folder.iterdir()))}"
        place.mkdir()
        figures: Mapping[str, Any] = {}
        try:
            result = train(recipe.replaced({"seed": seed}), runs=place, shelf=self.shelf, is_latest=False)
            figures = result.validation or result.test
        except RecipeError:
            raise
        except HornbookError:
            pass
        runs = [path.parent for path in place.rglob("recipe.yaml")]
        return {name: _finite(figures.get(name)) for name in self.measures}, runs[0] if runs else None


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _judged_by(recipe: Recipe) -> dict[str, _Measure]:
    """Return what is compared: the first metric, or the loss; of several heads those of each that learns anything."""
    if recipe.heads is None:
        name, sign = _first(recipe.training.metrics)
        return {name: _Measure(sign)}
    firsts = {head: _first(named.metrics) for head, named in recipe.heads.items() if named.weight}
    return {f"{head}_{name}": _Measure(sign, head) for head, (name, sign) in firsts.items()}


def _first(metrics: Sequence[MetricSpec] | None) -> tuple[str, int]:
    for metric in metrics or ():
        return metric.recorded, 1 if metric.mode == "max" else -1
    return "loss", -1


def _is_task(override: str) -> bool:
    key = override.partition("=")[0]
    return key == "task" or (key.startswith("heads.") and key.endswith(".task"))


def _with(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    tree = recipe.to_dict()
    if any(override.startswith("schedule=") for override in overrides):
        tree.pop("schedule", None)
    return load_recipe(tree, list(overrides))


def _compared(finding: Finding, before: Scores, after: Scores, measures: Mapping[str, _Measure]) -> Trial:
    figures = tuple(_figures(name, before[name], after[name], each.sign) for name, each in measures.items())
    pairs = [pair for each in figures for pair in zip(each.before, each.after, strict=True)]
    lost = any(new is None and old is not None for old, new in pairs)
    saved = any(old is None and new is not None for old, new in pairs)
    own = [each for each in figures if finding.head is not None and measures[each.metric].head == finding.head]
    if own:
        is_better = own[0].surely > 0 and all(each.surely >= 0 for each in figures)
    else:
        means = [each.gain.mean if each.gain is not None else 0.0 for each in figures]
        is_better = min(means) > 0 and any(each.surely > 0 for each in figures)
    return Trial(finding, figures, helps=not lost and (saved or is_better))


def _figures(metric: str, before: tuple[float | None, ...], after: tuple[float | None, ...], sign: int) -> Figures:
    whole = [
        (sign * new, sign * old) for new, old in zip(after, before, strict=True) if new is not None and old is not None
    ]
    if len(whole) < 2:
        return Figures(metric, before, after)
    gain = paired_interval([new for new, _ in whole], [old for _, old in whole])
    surely = 0
    for way in (1, -1):
        if way * gain.mean > 0 and (gain.excludes_zero or all(way * new > way * old for new, old in whole)):
            surely = way
    return Figures(metric, before, after, gain, surely)
