"""Who asks the oracle, writes the record and keeps to the budget. Workers, wherever they are, get tasks from here."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hornbook.errors import HornbookError
from hornbook.recipes.language.durations import to_seconds
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import Hyperband, Optuna
from hornbook.recipes.trial import trial_recipe, why_rejected
from hornbook.runs.sweeps import Outcome, Rejection, SweepFolder, TrialRow
from hornbook.sweep.front import front, selected
from hornbook.sweep.trial import Task
from hornbook.sweep.tuners.advisor import WAIT, Advisor, Wait
from hornbook.sweep.tuners.oracle import Oracle

__all__ = ["Coordinator", "advisor_of"]

MOST_DEATHS = 2  # workers that a trial may outlive before it counts as failed
HOPELESS = 5  # trials in a row, the first ones, that fail for other reasons than divergence


def advisor_of(
    recipe: Recipe, directions: Mapping[str, str], why_rejected: Callable[[Mapping[str, Any]], str]
) -> Advisor:
    """Return who proposes a sweep's trials, new; see `Advisor`."""
    if recipe.sweep is not None and isinstance(recipe.sweep.tuner, Optuna):
        from hornbook.sweep.tuners.sampler import Sampler  # Optuna only where it is used

        return Sampler(recipe, directions, why_rejected)
    return Oracle(recipe, directions, why_rejected)


class Coordinator:
    """Hands out tasks and takes outcomes.

    Everything handed out is recorded first, so that a sweep whose process was killed goes on: the oracle hears again what
    it was told, in the same order, and trials that had begun are handed out before new ones.

    Args:
        recipe: The recipe with its sweep.
        directions: {objective: ``min`` or ``max``}.
        folder: The sweep's folder, new or reopened.
    """

    def __init__(self, recipe: Recipe, directions: Mapping[str, str], folder: SweepFolder) -> None:
        if recipe.sweep is None:
            raise TypeError("the recipe has no sweep")
        self.recipe, self.sweep, self.directions, self.folder = recipe, recipe.sweep, directions, folder
        self._advisor = advisor_of(recipe, directions, partial(why_rejected, recipe))
        self._began, self._before_s = time.perf_counter(), folder.elapsed_s
        self.running: set[int] = set()
        self.stop_reason = ""
        self._deaths: dict[int, int] = {}
        self._front: tuple[int, list[TrialRow]] = (0, [])
        for event, number in folder.order:
            row = folder.rows[number]
            if event == "start":
                self._advisor.replay(row.proposal, row.drawn)
            elif row.outcome is not None:
                self._advisor.tell(number, row.outcome.of(directions))
        self.waiting = [number for number, row in sorted(folder.rows.items()) if row.outcome is None]

    @property
    def elapsed_s(self) -> float:
        """Seconds that the sweep has taken, in all its processes."""
        return self._before_s + time.perf_counter() - self._began

    @property
    def rejected(self) -> list[Rejection]:
        """The combinations that the rules rejected: in this process, and before it."""
        known = [one.values for one in self._advisor.rejected]
        return [*self._advisor.rejected, *(one for one in self.folder.rejected if one.values not in known)]

    def next(self) -> Task | Wait | None:
        """Return what to train next; WAIT where a running trial has to end first, None where nothing is left.

        Raises:
            HornbookError: If the first trials have all failed.
        """
        if self.waiting:
            number = self.waiting.pop(0)
        else:
            self._give_up_if_hopeless()
            if self._is_spent():
                return WAIT if self.running else None
            proposal = self._advisor.ask()
            if proposal is None or isinstance(proposal, Wait):
                if proposal is None and not self.stop_reason:
                    self.stop_reason = "every combination tried" if not self._is_hyperband else "all brackets done"
                return WAIT if self.running else None
            number = proposal.trial
            row = TrialRow(proposal, self._advisor.drawn(number))
            self.folder.start(row, rejected=self.rejected)
        self.running.add(number)
        return self._task(number)

    @property
    def _is_hyperband(self) -> bool:
        return isinstance(self.sweep.tuner, Hyperband)

    def _task(self, number: int) -> Task:
        proposal = self.folder.rows[number].proposal
        recipe = trial_recipe(self.recipe, proposal.values)
        if recipe is None:
            raise HornbookError(f"trial {number + 1}: the rules reject it now. Start the sweep anew with --fresh.")
        common = (self.sweep.objectives, self.sweep.executions, proposal.until)
        parent = proposal.parent
        since = self.folder.rows[parent].proposal.until if parent is not None else 0
        return Task(number, self.folder.roots(number), recipe, *common, since=since or 0)

    def give_back(self, number: int) -> None:
        """Put a trial first in the queue again, because its worker is gone."""
        self.running.discard(number)
        self.waiting.insert(0, number)

    def lose(self, number: int, how: str) -> Outcome | None:
        """Put a trial whose worker died first in the queue, or give it up where that has happened before.

        Args:
            number: The trial.
            how: What became of the worker.

        Returns:
            The recorded failure, or None where another worker is to go on with it.
        """
        self._deaths[number] = self._deaths.get(number, 0) + 1
        if self._deaths[number] < MOST_DEATHS:
            self.give_back(number)
            return None
        outcome = Outcome("failed", reason=f"its worker died {MOST_DEATHS} times ({how})")
        self.finish(number, outcome)
        return outcome

    def finish(self, number: int, outcome: Outcome) -> None:
        """Record how a trial ended, then tell the oracle."""
        self.folder.end(number, outcome, elapsed_s=self.elapsed_s)
        self.running.discard(number)
        self._advisor.tell(number, outcome.of(self.directions))

    def _is_spent(self) -> bool:
        """Return whether the budget allows no new trial."""
        sweep, rows = self.sweep, self.folder.rows
        done = [row.outcome.epochs for row in self.folder.ended() if row.outcome is not None]
        length = self.recipe.training.epochs
        # Only the trials themselves tell how many epochs a number of steps is.
        per_trial = length * sweep.executions if isinstance(length, int) else max(done, default=1)
        epochs = sum(done) + sum(rows[number].proposal.until or per_trial for number in self.running)
        if sweep.max_trials is not None and len(rows) >= sweep.max_trials:
            self.stop_reason = f"{sweep.max_trials} trial{'s' if sweep.max_trials > 1 else ''} done"
        elif sweep.total_epochs is not None and epochs >= sweep.total_epochs:
            self.stop_reason = f"total_epochs of {sweep.total_epochs} reached"
        elif sweep.max_time is not None and self.elapsed_s >= to_seconds(sweep.max_time):
            self.stop_reason = f"max_time of {sweep.max_time} reached"
        else:
            return False
        return True

    def _give_up_if_hopeless(self) -> None:
        ended = [row.outcome for row in self.folder.ended() if row.outcome is not None]
        if len(ended) >= HOPELESS and all(outcome.state == "failed" for outcome in ended):
            raise HornbookError(
                f"the first {len(ended)} trials have all failed, so the sweep ends here: {ended[-1].reason} "
                "Once the cause is gone, --fresh starts anew."
            )

    def front(self) -> list[TrialRow]:
        """Return the trials that no other beats; with one objective only the best."""
        if len(self.directions) == 1:
            best = self.best()
            return [] if best is None else [best]
        ended = self.folder.ended()
        if self._front[0] != len(ended):
            self._front = (len(ended), front(ended, self.directions))
        return self._front[1]

    def best(self) -> TrialRow | None:
        """Return the trial with the best score; of equal ones the first, of a trial trained further its last.

        With several objectives, the one that `sweep.select` names.
        """
        if len(self.directions) > 1:
            return selected(self.front(), self.sweep, self.directions)
        rows = [row for row in self.folder.ended() if row.outcome is not None and row.outcome.score is not None]
        if not rows:
            return None
        longest = max(row.proposal.until or 0 for row in rows)
        rows = [row for row in rows if (row.proposal.until or 0) == longest]
        sign = 1 if next(iter(self.directions.values())) == "max" else -1
        return max(rows, key=lambda row: sign * (row.outcome.score if row.outcome and row.outcome.score else 0.0))
