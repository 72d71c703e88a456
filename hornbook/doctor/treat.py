"""Tries what a diagnosis proposes: the same seeds with and without the change, again and again until nothing is left."""

import math
import tempfile
from collections.abc import Callable, Sequence
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
from hornbook.runs import find_run
from hornbook.trainer.signals import Interrupted, StopRequest
from hornbook.trainer.train import train

__all__ = ["Cure", "Trial", "treat"]

ROUNDS = 4
"""Changes that a recipe may need one after the other."""
MOST = 3
"""Findings that are tried in a round."""


@dataclass(frozen=True)
class Trial:
    """One proposal over paired seeds.

    Attributes:
        finding: Whose change was tried.
        before: The metric per seed without it; None where numbers were lost.
        after: The metric per seed with it.
        gain: Of the change, positive where it is better; None where too few seeds can be compared.
        helps: Whether it is kept.
        reason: Why it could not be tried; empty where it was.
    """

    finding: Finding
    before: tuple[float | None, ...]
    after: tuple[float | None, ...]
    gain: Interval | None
    helps: bool
    reason: str = ""


@dataclass(frozen=True)
class Cure:
    """How a treatment ended.

    Attributes:
        metric: What was compared, on the validation split.
        trials: Every proposal, in order.
        overrides: Those that helped, in order.
        recipe: The recipe with them, as YAML; None where nothing helped.
    """

    metric: str
    trials: tuple[Trial, ...]
    overrides: tuple[str, ...]
    recipe: str | None


@dataclass
class _Patient:
    """A recipe with what was changed, and how it does for each seed."""

    recipe: Recipe
    overrides: tuple[str, ...] = ()
    scores: tuple[float | None, ...] = ()
    diagnosis: Diagnosis | None = field(default=None)


def treat(
    name: str | Path,
    *,
    seeds: int = 3,
    mute: Sequence[str] = (),
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> Cure:
    """Try the changes that a run's diagnosis proposes, the likeliest first, and keep what helps.

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
    if recipe.heads is not None:
        raise UsageError(
            f"{run.path}: changes are compared by one metric, and this run has several heads. Try them one by one: hornbook "
            f"ablate --config {run.recipe_path} --vary KEY=VALUE --metric val_{next(iter(recipe.heads))}_loss"
        )
    metric, sign = _judged_by(recipe)
    trials: list[Trial] = []
    with StopRequest() as stop, tempfile.TemporaryDirectory(prefix="hornbook-doctor-") as folder:
        ward = _Ward(Path(folder), metric, sign, seeds, tuple(mute), stop)
        patient = ward.examine(recipe, ())
        for _ in range(ROUNDS):
            better = ward.improved(patient, trials, on_trial)
            if better is None:
                break
            patient = better
    kept = to_yaml(patient.recipe.to_dict()) if patient.overrides else None
    return Cure(metric, tuple(trials), patient.overrides, kept)


@dataclass
class _Ward:
    """Where recipes are trained and diagnosed: nothing of it outlives the treatment.

    Attributes:
        folder: Of its runs.
        metric: What is compared, on the validation split.
        sign: 1 where more of it is better, otherwise -1.
        seeds: Trainings of each recipe.
        mute: Codes of findings that are not to be tried.
        stop: Knows of Ctrl-C and SIGTERM.
        tried: Changes that need no second trial.
        shelf: The data, read once.
    """

    folder: Path
    metric: str
    sign: int
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
                if any(each.startswith("task=") for each in finding.overrides):
                    raise UsageError("another task has other metrics, so before and after cannot be compared")
                changed = _with(patient.recipe, finding.overrides)
                candidate = self.examine(changed, (*patient.overrides, *finding.overrides))
            except (RecipeError, UsageError) as error:
                trial = Trial(finding, patient.scores, (), None, helps=False, reason=str(error))
            else:
                trial = _compared(finding, patient.scores, candidate.scores, self.sign)
            trials.append(trial)
            on_trial(trial)
            if trial.helps:
                return candidate
        return None

    def examine(self, recipe: Recipe, overrides: tuple[str, ...]) -> _Patient:
        """Train a recipe with each seed, and diagnose the first run."""
        scores, diagnosis = [], None
        for number in range(self.seeds):
            score, path = self._trained(recipe, recipe.seed + number)
            if self.stop.signal is not None:
                message = f"stopped by {self.stop.name}: nothing was written. The same command begins anew."
                raise Interrupted(message, self.stop.exit_code)
            scores.append(score)
            if number == 0 and path is not None:
                diagnosis = diagnose(path, mute=self.mute)
        return _Patient(recipe, overrides, tuple(scores), diagnosis)

    def _trained(self, recipe: Recipe, seed: int) -> tuple[float | None, Path | None]:
        """Return the metric on the validation split, None where numbers were lost, and the run."""
        place = self.folder / f"{len(list(self.folder.iterdir()))}"
        place.mkdir()
        try:
            result = train(recipe.replaced({"seed": seed}), runs=place, shelf=self.shelf, is_latest=False)
            value = (result.validation or result.test).get(self.metric)
            score = float(value) if value is not None and math.isfinite(value) else None
        except RecipeError:
            raise
        except HornbookError:
            score = None
        runs = [path.parent for path in place.rglob("recipe.yaml")]
        return score, runs[0] if runs else None


def _judged_by(recipe: Recipe) -> tuple[str, int]:
    """Return the metric that is compared and whether more of it is better (1) or less (-1)."""
    for metric in recipe.training.metrics or ():
        return metric.recorded, 1 if metric.mode == "max" else -1
    return "loss", -1


def _with(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    tree = recipe.to_dict()
    if any(override.startswith("schedule=") for override in overrides):
        tree.pop("schedule", None)
    return load_recipe(tree, list(overrides))


def _compared(finding: Finding, before: tuple[float | None, ...], after: tuple[float | None, ...], sign: int) -> Trial:
    pairs: list[tuple[Any, Any]] = [(new, old) for new, old in zip(after, before, strict=True)]
    whole = [(sign * new, sign * old) for new, old in pairs if new is not None and old is not None]
    saved = sum(old is None and new is not None for new, old in pairs)
    lost = sum(new is None and old is not None for new, old in pairs)
    gain = paired_interval([new for new, _ in whole], [old for _, old in whole]) if len(whole) > 1 else None
    is_sure = gain is not None and gain.mean > 0 and (gain.excludes_zero or all(new > old for new, old in whole))
    return Trial(finding, before, after, gain, helps=lost == 0 and (saved > 0 or is_sure))
