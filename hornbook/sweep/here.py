"""A sweep's trials and its winner on this machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hornbook.data import Shelf
from hornbook.engine.turns import Crew
from hornbook.recipes.recipe import Recipe
from hornbook.runs.sweeps import Outcome
from hornbook.sweep.confirm import Confirmation, confirm, confirm_one
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.drive import drive_here, drive_side_by_side, drive_workers
from hornbook.sweep.trial import Task, run_trial
from hornbook.sweep.view import View
from hornbook.trainer.signals import StopRequest

__all__ = ["Here"]


@dataclass(frozen=True)
class Here:
    """This machine trains: this process, or workers beside it."""

    shelf: Shelf
    workers: int
    parallel: int

    def drive(self, coordinator: Coordinator, view: View, stop: StopRequest, after: Callable[[], None]) -> int:
        """Train the trials; return 0 or a signal's exit code."""
        folder, shelf = coordinator.folder.path, self.shelf

        def job(task: Task) -> Callable[[], Outcome]:
            return partial(run_trial, task, folder, view.listener(task.names()[0]), shelf)

        if self.workers > 1:
            return drive_workers(coordinator, view, stop, after=after, workers=self.workers)
        if self.parallel == 1:
            return drive_here(coordinator, view, stop, after=after, shelf=shelf)
        return drive_side_by_side(coordinator, view, stop, after=after, team=Crew(self.parallel), job=job)

    def confirm(
        self, recipes: Sequence[Recipe], coordinator: Coordinator, view: View, stop: StopRequest
    ) -> tuple[list[Path], int]:
        """Train recipes of the winner with fresh seeds; return their runs, and 0 or a signal's exit code."""
        folder = coordinator.folder.path
        jobs: list[Callable[[], Confirmation]] = [
            partial(confirm_one, recipe, folder, view.listener(recipe.name or ""), self.shelf) for recipe in recipes
        ]
        return confirm(jobs, folder, team=self.parallel, stop=stop, told=view.confirmed)
