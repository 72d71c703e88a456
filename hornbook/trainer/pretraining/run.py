"""Runs the phases of pretraining that are not done yet, in front of the epochs with labels."""

import math
import time
from dataclasses import replace
from typing import Any

from hornbook.engine.chunks import ChunkSizes
from hornbook.errors import DivergedError
from hornbook.recipes.language.durations import to_seconds
from hornbook.runs.directory import RunDirectory
from hornbook.trainer.checkpoints import Saver
from hornbook.trainer.pretraining.state import Pretraining
from hornbook.trainer.progress import Reporter
from hornbook.trainer.session import Session
from hornbook.trainer.signals import StopRequest

__all__ = ["pretrain"]


def pretrain(session: Session, run: RunDirectory, reporter: Reporter, saver: Saver, stop: StopRequest) -> str | None:
    """Train the phases that are left; returns None when training can begin, otherwise how the run ended.

    Raises:
        DivergedError: If loss or weights stop being finite.
    """
    given = session.pretraining
    if given is None or given.is_done:
        return None
    max_time = session.prepared.recipe.training.max_time
    limit_s = to_seconds(max_time) if max_time is not None else math.inf

    def is_over() -> bool:
        return stop.signal is not None or session.elapsed_s > limit_s

    chunks, phase = ChunkSizes(saver.every_s), ""
    while not given.is_done:
        if given.phase != phase:
            chunks, phase = ChunkSizes(saver.every_s), given.phase
            if not given.epoch and not given.batch:
                reporter.note(f"{phase}: {_epochs(given.epochs)} on {given.size:,} inputs without labels")
        if _train_one(session, given, reporter, saver, chunks, is_over):
            break
        _close_epoch(session, given, run, reporter)
        saver.save_if_due(models=True)
        if is_over():
            break
    if given.is_done:
        session.prepared = replace(session.prepared, unlabeled=None)  # they may take much memory
        reporter.note(f"training: on {len(session.prepared.splits.train):,} labeled examples")
        return None
    if stop.signal is not None:
        session.stop_reason = f"stopped by {stop.name} in {given.place}"
        return "interrupted"
    session.stop_reason = f"max_time of {max_time} reached in {given.place}"
    return "finished"


def _epochs(number: int) -> str:
    return f"{number} epochs" if number != 1 else "1 epoch"


def _train_one(
    session: Session, given: Pretraining, reporter: Reporter, saver: Saver, chunks: ChunkSizes, is_over: Any
) -> bool:
    """Train the running epoch to its end; returns whether something cut it."""
    engine, plan = given.engine(), given.plan()
    started, spent = time.perf_counter(), given.epoch_seconds

    def on_chunk(done: int) -> bool:
        given.batch = done
        given.epoch_seconds = spent + time.perf_counter() - started
        chunks.finished(done)
        reporter.chunk(given.epoch + 1, done, engine.batches)
        if done < engine.batches:
            saver.save_if_due(models=False)
        return bool(is_over())

    try:
        return engine.train_epoch(plan, chunks.sizes(given.batch), on_chunk, start=given.batch)
    except DivergedError as error:
        hint = "Lower pretraining.optimizer.learning_rate."
        raise DivergedError(f"{given.place} diverged: {error}. {hint}") from error


def _close_epoch(session: Session, given: Pretraining, run: RunDirectory, reporter: Reporter) -> None:
    """Write the epoch's row and move on."""
    row: dict[str, Any] = {"epoch": given.epoch + 1, "phase": given.phase, **given.engine().logs()}
    row["learning_rate"] = float(given.rate)
    row["train_seconds"] = round(given.epoch_seconds, 4)
    row["seconds"] = round(session.elapsed_s - sum(past["seconds"] for past in session.history), 4)
    session.history.append(row)
    run.append_history(row)
    reporter.epoch(row, is_best=False)
    given.close_epoch()
