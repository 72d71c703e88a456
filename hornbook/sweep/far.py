"""A sweep's trials and its winner on other machines: what travels there, and what is called there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from hornbook.machines.cluster import Cluster
from hornbook.machines.crew import FarCrew
from hornbook.machines.worker import check_data, shelf, tell
from hornbook.recipes.recipe import Recipe
from hornbook.runs.sweeps import SOURCE, Outcome
from hornbook.sweep.confirm import Confirmation, confirm, confirm_one
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.drive import drive_side_by_side, learns_from_trials
from hornbook.sweep.trial import Reporter, Task, run_trial
from hornbook.sweep.view import View
from hornbook.sweep.wire import task_from, task_to
from hornbook.trainer.signals import Interrupted, StopRequest

__all__ = ["Far"]

DECIDES = ("data", "task", "seed", "pretraining")  # what a fingerprint follows from


@dataclass(frozen=True)
class Far:
    """A cluster's machines train."""

    cluster: Cluster
    parallel: int | None
    fingerprint: str

    def drive(self, coordinator: Coordinator, view: View, stop: StopRequest, after: Callable[[], None]) -> int:
        """Train the trials; return 0 or a signal's exit code."""
        recipe, folder = coordinator.recipe, coordinator.folder.path
        learns = learns_from_trials(coordinator.sweep)
        team = FarCrew[Outcome](
            **self._options(coordinator, view, stop),
            label=lambda number: f"trial {number + 1}",
            lost=lambda number, reason: Outcome("failed", reason=reason),
            is_eager=not learns,
        )
        job, is_in_order = _training(recipe, folder, self.fingerprint), learns and self.parallel is not None
        return drive_side_by_side(coordinator, view, stop, after=after, team=team, job=job, is_in_order=is_in_order)

    def confirm(
        self, recipes: Sequence[Recipe], coordinator: Coordinator, view: View, stop: StopRequest
    ) -> tuple[list[Path], int]:
        """Train recipes of the winner with fresh seeds; return their runs, and 0 or a signal's exit code."""
        if not recipes:
            return [], 0
        folder = coordinator.folder.path
        names = [recipe.name or "" for recipe in recipes]
        team = FarCrew[Confirmation](**self._options(coordinator, view, stop), label=names.__getitem__)
        jobs = [partial(_confirm, recipe.to_dict(), str(folder.absolute())) for recipe in recipes]
        return confirm(jobs, folder, team=team, stop=stop, told=view.confirmed)

    def _options(self, coordinator: Coordinator, view: View, stop: StopRequest) -> dict[str, Any]:
        return {
            "cluster": self.cluster,
            "stop": stop,
            "proof": coordinator.folder.path / SOURCE,
            "say": view.note,
            "hear": view.progress,
            "most": self.parallel,
        }


def _training(base: Recipe, folder: Path, fingerprint: str) -> Callable[[Task], Callable[[], Outcome]]:
    """Return what makes of a task a call that can travel.

    Args:
        base: The sweep's recipe.
        folder: The sweep's, on all machines.
        fingerprint: That of the base's data, which trials on the same data have to find again.
    """

    def job(task: Task) -> Callable[[], Outcome]:
        return partial(_train, task_to(task), str(folder.absolute()), _same_data(task.recipe, base, fingerprint))

    return job


def _same_data(recipe: Recipe, base: Recipe, fingerprint: str) -> str | None:
    """Return the fingerprint of a recipe's data where that is the base's."""
    is_same = all(getattr(recipe, part) == getattr(base, part) for part in DECIDES)
    return fingerprint if is_same else None


def _train(task: Mapping[str, Any], folder: str, fingerprint: str | None) -> Outcome:
    known = task_from(task)
    check_data(known.recipe, fingerprint)
    reporter = Reporter(partial(tell, known.names()[0]))
    return run_trial(known, Path(folder), reporter, shelf())


def _confirm(plain: Mapping[str, Any], folder: str) -> Confirmation:
    recipe = Recipe.model_validate(plain)
    done = confirm_one(recipe, Path(folder), Reporter(partial(tell, recipe.name or "")), shelf())
    if done.exit_code:
        raise Interrupted("stopped by a signal", done.exit_code)
    return done
