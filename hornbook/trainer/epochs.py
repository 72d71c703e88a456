"""The epochs of a run: train, look at the figures, tell the listeners, move on, and say why it ends.

There is one loop for whatever is trained epoch by epoch: the network (`hornbook.trainer.session`), and a layer or task in
front of that (`hornbook.trainer.pretraining.state`).
"""

import functools
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hornbook.engine.chunks import ChunkSizes
from hornbook.engine.engine import EpochPlan
from hornbook.engine.loops import Loop
from hornbook.errors import DivergedError
from hornbook.trainer.listeners import Listener, Position
from hornbook.trainer.session import Session
from hornbook.trainer.signals import StopRequest
from hornbook.trainer.user_callbacks import UserCallbacks

__all__ = ["Ending", "Stage", "train_epochs"]


class Stage(Protocol):
    """Something that is trained epoch by epoch, and where it stands.

    Attributes:
        epoch: Epochs done.
        batch: Batches done of the running epoch.
        epoch_seconds: Training seconds of the running epoch so far, earlier processes included.
    """

    epoch: int
    batch: int
    epoch_seconds: float

    @property
    def phase(self) -> str:
        """What the history calls the running epoch's stretch."""

    @property
    def loop(self) -> Loop:
        """What trains the running epoch."""

    @property
    def batches(self) -> int:
        """Batches of the running epoch."""

    @property
    def is_over(self) -> bool:
        """Whether no epoch is left to train now."""

    @property
    def rate(self) -> float:
        """The learning rate of the running epoch's last batch that is done, or that there is."""

    def enter(self) -> list[str]:
        """Make ready for the running epoch; returns sentences about what is new."""

    def make_ready(self) -> None:
        """Begin to compile what the running epoch needs, beside what follows."""

    def plan(self) -> EpochPlan:
        """Return order and rates of the running epoch."""

    def figures(self) -> dict[str, float]:
        """Return what the history records of the epoch that has just been trained."""

    def is_best(self) -> bool:
        """Return whether that epoch is the best so far."""

    def recover(self, error: DivergedError) -> str:
        """Go back to where the running epoch can be trained otherwise; returns a sentence about it.

        Raises:
            DivergedError: If there is no way, with the place.
        """

    def close(self, figures: Mapping[str, float]) -> None:
        """Move on to the next epoch, and decide whether there is one."""


@dataclass(frozen=True)
class Ending:
    """Why a run ends.

    Attributes:
        state: ``finished``, ``interrupted`` or ``paused``.
        reason: In words.
        is_done: Whether nothing is left to do, also for a later process.
    """

    state: str
    reason: str
    is_done: bool = False


def ending_of(session: Session, stop: StopRequest) -> Ending | None:
    """Return why a run ends where it stands now, the weightiest reason; None where it goes on."""
    training, place = session.prepared.recipe.training, session.running_epoch()
    if session.is_done:
        return Ending("finished", session.stop_reason, is_done=True)
    epochs = session.length.epochs
    if session.epoch >= epochs:
        done = "the one epoch" if training.epochs == 1 else f"all {training.duration}"
        return Ending("finished", f"{done} done", is_done=True)
    if stop.signal is not None:
        return Ending("interrupted", f"stopped by {stop.name} in {place}")
    if session.epoch >= session.until:
        return Ending("paused", f"paused after {session.epoch} of {epochs} epochs")
    if session.users.wants_stop:
        return Ending("finished", f"a callback stopped training in {place}", is_done=True)
    if session.elapsed_s > session.limit_s:
        return Ending("finished", f"max_time of {training.max_time} reached in {place}")
    return None


def train_epochs(session: Session, listener: Listener, stop: StopRequest) -> Ending:
    """Train what is left of a run, what comes in front of its first epoch too, until something ends it.

    Raises:
        DivergedError: If loss or weights stop being finite and the recipe does not roll back (any more).
    """

    pretraining = session.pretraining
    if pretraining is not None and not pretraining.is_over:
        _train_stage(pretraining, session, listener, stop)
        if pretraining.is_over:
            session.forget_unlabeled()
            listener.on_note(f"training: on {len(session.prepared.splits.train):,} labeled examples")
    if pretraining is None or pretraining.is_over:
        session.users.on_train_begin()
        _train_stage(session, session, listener, stop)
    ending = ending_of(session, stop)
    if ending is None:
        raise RuntimeError("no epoch is left, and no reason why")
    session.is_done, session.stop_reason = ending.is_done, ending.reason
    return ending


def _train_stage(stage: Stage, session: Session, listener: Listener, stop: StopRequest) -> None:
    """Train a stage's epochs until none is left or something ends the run."""

    def is_over() -> bool:
        return ending_of(session, stop) is not None

    chunks, loop = ChunkSizes(session.every_s), None
    while not stage.is_over:
        notes = stage.enter()
        for note in notes:
            listener.on_note(note)
        if notes or stage.loop is not loop:
            stage.make_ready()
        if stage.loop is not loop:  # another one's chunks take another time
            chunks, loop = ChunkSizes(session.every_s), stage.loop
        listener.on_epoch_begin(_place(stage))
        try:
            is_cut = _train_epoch(stage, chunks, listener, is_over, session.users if stage is session else None)
            if is_cut and (stop.signal is not None or not session.users.wants_stop):
                return  # what a callback has ended counts as an epoch, as it does for `fit`
            figures = stage.figures()
        except DivergedError as error:
            listener.on_note(stage.recover(error))
            continue
        row = _row(stage, session, figures)
        session.history.append(row)
        listener.on_epoch(row, is_best=stage.is_best())
        stage.close(figures)
        listener.on_epoch_end()
        if is_over():
            return


def _train_epoch(
    stage: Stage, chunks: ChunkSizes, listener: Listener, is_over: Callable[[], bool], users: UserCallbacks | None
) -> bool:
    """Train the running epoch to its end; returns whether something cut it.

    Chunks are single batches where a user's callbacks have hooks for those, or have asked to stop already.
    """
    started, spent, plan = time.perf_counter(), stage.epoch_seconds, stage.plan()

    def on_chunk(done: int) -> bool:
        stage.batch = done
        stage.epoch_seconds = spent + time.perf_counter() - started
        chunks.finished(done)
        listener.on_chunk(_place(stage))
        return is_over()

    sizes, before_chunk = _bounded(chunks.sizes(stage.batch), stage, listener), None
    if users is not None and users.sees_batches:
        before_chunk = functools.partial(users.on_train_batch_begin, plan.rates)
    if users is not None and (users.sees_batches or users.wants_stop):
        sizes = itertools.repeat(1)
    return stage.loop.train_epoch(plan, sizes, on_chunk, start=stage.batch, before_chunk=before_chunk)


def _bounded(sizes: Iterator[int], stage: Stage, listener: Listener) -> Iterator[int]:
    """Yield the sizes of chunks, smaller ones where a listener wants one to end earlier."""
    for size in sizes:
        batch = listener.pause_at(_place(stage))
        yield size if batch is None else min(size, max(batch - stage.batch, 1))


def _place(stage: Stage) -> Position:
    return Position(stage.phase, stage.epoch + 1, stage.batch, stage.batches)


def _row(stage: Stage, session: Session, figures: Mapping[str, float]) -> dict[str, Any]:
    """Return the history's row of the epoch that has just been trained."""
    return {
        "epoch": stage.epoch + 1,
        "phase": stage.phase,
        **figures,
        "learning_rate": stage.rate,
        "train_seconds": round(stage.epoch_seconds, 4),
        "seconds": round(session.elapsed_s - sum(past["seconds"] for past in session.history), 4),
    }
