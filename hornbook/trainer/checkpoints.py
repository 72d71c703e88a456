"""Saves checkpoints and state: as often as costs under 2 % of the time, at the end, and on signals."""

import time

from hornbook.runs.states import save_state
from hornbook.runs.writing import RunDirectory
from hornbook.trainer.listeners import Listener, Position
from hornbook.trainer.session import Session
from hornbook.trainer.weights import averaged, save_model

__all__ = ["Saver"]

SHARE = 50  # a save waits until training has taken so many times as long as saving took last time
SHORTEST_S = 1.0


class Saver(Listener):
    """Decides when to save, and saves everything that belongs together.

    Args:
        run: Where to.
        session: What.
    """

    def __init__(self, run: RunDirectory, session: Session) -> None:
        self.run = run
        self.session = session
        self._cost_s = 0.05
        self._saved_at = time.perf_counter()

    def on_chunk(self, place: Position) -> None:
        """Save the state in the middle of an epoch, if it is time."""
        if place.batch < place.batches and self.session.loop.can_pause:
            self._save_if_due(models=False)

    def on_epoch_end(self) -> None:
        """Save the state and the models, if it is time."""
        self._save_if_due(models=True)

    def _is_due(self) -> bool:
        """Return whether enough time has passed since the last save."""
        every_s = self.session.every_s
        wait = every_s if every_s is not None else max(SHARE * self._cost_s, SHORTEST_S)
        if self.session.prepared.strategy is not None:
            return True  # all workers have to read their variables at the same moment, so the clock must not decide
        return time.perf_counter() - self._saved_at >= wait

    def _save_if_due(self, *, models: bool) -> None:
        if not self._is_due():
            return
        started = time.perf_counter()
        self.save(models=models)
        self._saved_at = time.perf_counter()
        self._cost_s = self._saved_at - started

    def save(self, *, models: bool) -> None:
        """Save the state; with `models` also last.keras and best.keras (averaged weights where there are any)."""
        built, info = self.session.prepared.built, self.session.prepared.splits.info
        save_state(self.run.states, self.session.resumable_state())
        if models:
            with averaged(built.optimizer):
                save_model(self.run, built.model, self.run.last, info)
            if self.session.best_weights is None:
                return
            if self.session.keeper.best_epoch == self.session.epoch and not self.session.batch:
                self.run.copy_last_to_best()
            else:
                save_model(self.run, built.model, self.run.best, info, self.session.best_weights)
