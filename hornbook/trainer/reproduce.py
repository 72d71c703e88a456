"""Trains a run again from its resolved recipe and compares, naming what differs where the result does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.inference.trained import load_model
from hornbook.recipes.load import load_recipe
from hornbook.runs.directory import Run, find_run
from hornbook.runs.writing import point_latest
from hornbook.trainer.listeners import Listener
from hornbook.trainer.train import train

__all__ = ["Comparison", "reproduce"]

CLOCK = frozenset({"train_seconds", "seconds"})
TRACKED = ("device", "threads", "onednn", "data_fingerprint", "platform")


@dataclass(frozen=True)
class Comparison:
    """What came out of training a run again.

    Attributes:
        run: The run that was repeated.
        again: The new run.
        is_same: Whether history and final weights are equal to the last bit.
        findings: What is equal and what differs, in sentences.
        causes: Versions, device or data that differ between the two.
    """

    run: Path
    again: Path
    is_same: bool
    findings: tuple[str, ...]
    causes: tuple[str, ...]

    def text(self) -> str:
        """Return the verdict and its reasons as lines."""
        verdict = "same to the last bit" if self.is_same else "not the same"
        lines = [f"reproduced {self.run}: {verdict}", *(f"  {finding}" for finding in self.findings)]
        if not self.is_same:
            lines += [f"  {cause}" for cause in self.causes or ("versions, device and data are the same",)]
        return "\n".join([*lines, f"run  {self.again}"])


def reproduce(
    name: str | Path,
    *,
    data: Any = None,
    runs: str | Path = "runs",
    listeners: Sequence[Listener] = (),
    started: float | None = None,
    trust: bool = False,
) -> Comparison:
    """Train a finished run again from its recipe and seed; `latest` points to the new run only where it is the same.

    Args:
        name: The run.
        data: The arrays that were passed to `train`, if any.
        runs: Folder for the new run.
        listeners: Hear what happens.
        started: `time.perf_counter()` of what the user began; now when omitted.
        trust: Whether code may be run that the run's model, or the earlier one that it reuses, holds.

    Raises:
        UsageError: If there is no such run.
    """
    run = find_run(name)
    recipe = load_recipe(run.recipe_path, of_run=True, trust=trust)
    _ = run.model_path(), run.history, run.environment  # what would be missed only after the training
    result = train(recipe, data=data, runs=runs, listeners=listeners, started=started, is_latest=False)
    again = Run(result.run)
    findings, is_same = _compare_history(run, again)
    more, same_weights = _compare_weights(run, again, trust=trust)
    is_same = is_same and same_weights
    if is_same:
        point_latest(again.path)
    return Comparison(run.path, again.path, is_same, (*findings, *more), tuple(_causes(run, again)))


def _compare_history(run: Run, again: Run) -> tuple[list[str], bool]:
    before, now = run.history, again.history
    findings = []
    if len(before) != len(now):
        findings.append(f"history: {len(before)} epochs, then {len(now)}")
    for old, new in zip(before, now, strict=False):
        differing = [key for key in old if key not in CLOCK and old[key] != new.get(key)]
        if differing:
            key = differing[0]
            findings.append(
                f"history: first difference in epoch {old['epoch']}, {key} {old[key]!r}, then {new.get(key)!r}"
            )
            break
    return (findings, False) if findings else ([f"history: {len(now)} epochs equal"], True)


def _compare_weights(run: Run, again: Run, *, trust: bool) -> tuple[list[str], bool]:
    models = [load_model(each.model_path(), trust=trust) for each in (run, again)]
    worst, where = 0.0, ""
    for variable, other in zip(models[0].weights, models[1].get_weights(), strict=True):
        before = variable.numpy()
        if not np.array_equal(before, other):
            largest = float(np.max(np.nan_to_num(np.abs(before - other), nan=np.inf)))
            if largest >= worst:
                worst, where = largest, variable.path
    if where:
        return [f"weights: largest difference {worst:.3g}, in {where}"], False
    return [f"weights: all {len(models[0].weights)} arrays equal"], True


def _causes(run: Run, again: Run) -> list[str]:
    before, now = run.environment, again.environment
    causes = [
        f"{package} was {old} and is {now['versions'].get(package)}"
        for package, old in before["versions"].items()
        if old != now["versions"].get(package)
    ]
    return causes + [
        f"{key} was {before.get(key)} and is {now.get(key)}" for key in TRACKED if before.get(key) != now.get(key)
    ]
