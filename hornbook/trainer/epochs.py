"""The epochs of a run: train, validate, remember the best, write the row, decide whether to go on."""

import math
import time
from typing import Any

from hornbook.builder.build import as_targets
from hornbook.data.source import Split
from hornbook.engine.chunks import ChunkSizes
from hornbook.engine.engine import EpochPlan, permutation
from hornbook.engine.evaluation import Evaluator
from hornbook.errors import DivergedError
from hornbook.recipes.language.durations import to_seconds
from hornbook.runs.directory import RunDirectory
from hornbook.trainer.checkpoints import Saver
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.pretraining.run import pretrain
from hornbook.trainer.progress import Reporter
from hornbook.trainer.session import Session
from hornbook.trainer.signals import StopRequest
from hornbook.trainer.weights import averaged, snapshot

__all__ = ["evaluate", "train_epochs"]

DIVERGED_HINT = "Lower optimizer.learning_rate, or clip: training.gradient_clipping={by: global_norm, threshold: 1.0}."


def plural(epochs: int) -> str:
    """Return ``the one epoch`` or ``all 20 epochs``."""
    return f"all {epochs} epochs" if epochs != 1 else "the one epoch"


def evaluate(prepared: Prepared, evaluator: Evaluator, split: Split | None) -> dict[str, float]:
    """Return loss and metrics of a split; nothing where it is empty."""
    if split is None or not len(split):
        return {}
    return evaluator(split.x, as_targets(split.y, prepared.built.model))


def train_epochs(session: Session, run: RunDirectory, reporter: Reporter, saver: Saver, stop: StopRequest) -> str:
    """Train until the epochs are done or something ends the run; returns ``finished``, ``interrupted`` or ``paused``.

    Raises:
        DivergedError: If loss or weights stop being finite and the recipe does not roll back (any more).
    """
    ended = pretrain(session, run, reporter, saver, stop)
    if ended is not None:
        return ended
    training = session.prepared.recipe.training
    limit_s = to_seconds(training.max_time) if training.max_time is not None else math.inf
    chunks = ChunkSizes(saver.every_s)
    session.users.on_train_begin()
    until = session.trial.until if session.trial is not None and session.trial.until is not None else training.epochs
    while session.epoch < min(until, training.epochs) and not session.is_done:
        entered = session.enter_phase()
        if entered is not None:
            reporter.note(entered)
        session.keep_epoch_start()
        try:
            was_cut = _train_one(session, reporter, saver, stop, chunks, limit_s)
            logs = {} if was_cut else _validate(session)
        except DivergedError as error:
            _roll_back(session, reporter, error)
            continue
        if was_cut:
            break
        _close_epoch(session, run, reporter, logs)
        saver.save_if_due(models=True)
        if stop.signal is not None or session.elapsed_s > limit_s:
            break
    if stop.signal is not None and not session.is_done:
        session.stop_reason = f"stopped by {stop.name} in epoch {session.epoch + 1}"
        return "interrupted"
    if until <= session.epoch < training.epochs and not session.is_done:
        session.stop_reason = f"paused after {session.epoch} of {training.epochs} epochs"
        return "paused"
    if session.epoch >= training.epochs and not session.is_done:
        session.stop_reason, session.is_done = f"{plural(training.epochs)} done", True
    elif not session.is_done and session.users.wants_stop:
        session.stop_reason, session.is_done = f"a callback stopped training in epoch {session.epoch + 1}", True
    elif not session.is_done:
        session.stop_reason = f"max_time of {training.max_time} reached in epoch {session.epoch + 1}"
    session.users.on_train_end()
    return "finished"


def _train_one(
    session: Session, reporter: Reporter, saver: Saver, stop: StopRequest, chunks: ChunkSizes, limit_s: float
) -> bool:
    """Train the running epoch to its end; returns whether something cut it."""
    recipe, loop = session.prepared.recipe, session.loop
    started, spent = time.perf_counter(), session.epoch_seconds
    rates, momenta = session.prepared.table.epoch(session.epoch, session.rate_factor * session.divergence_factor)
    order = permutation(recipe.seed, session.epoch, len(session.prepared.splits.train))
    plan = EpochPlan(order, rates, momenta, session.epoch * loop.batches)
    if session.batch == 0:
        session.users.on_epoch_begin(session.epoch)

    def on_chunk(done: int) -> bool:
        session.batch = done
        session.epoch_seconds = spent + time.perf_counter() - started
        chunks.finished(done)
        reporter.chunk(session.epoch + 1, done, loop.batches)
        session.users.on_chunk_end(done, loop)
        if done < loop.batches:
            saver.save_if_due(models=False)
        return stop.signal is not None or session.elapsed_s > limit_s or session.users.wants_stop

    try:
        return loop.train_epoch(plan, chunks.sizes(session.batch), on_chunk, start=session.batch)
    except DivergedError as error:
        raise DivergedError(f"training diverged in epoch {session.epoch + 1}: {error}. {DIVERGED_HINT}") from error


def _validate(session: Session) -> dict[str, float]:
    """Return the epoch's figures, and keep the weights if they are the best so far."""
    built = session.prepared.built
    logs = session.loop.logs()
    with averaged(built.model, built.optimizer):
        figures = evaluate(session.prepared, session.evaluator, session.prepared.splits.validation)
        logs |= {f"val_{name}": value for name, value in figures.items()}
        if session.keeper.is_best(session.epoch + 1, logs):
            session.best_weights = snapshot(built.model)
    return logs


def _close_epoch(session: Session, run: RunDirectory, reporter: Reporter, logs: dict[str, float]) -> None:
    """Write the epoch's row and move on to the next epoch; sets `is_done` if there should be none."""
    number = session.epoch + 1
    recipe = session.prepared.recipe
    rates, _ = session.prepared.table.epoch(session.epoch, session.rate_factor * session.divergence_factor)
    phase = session.timeline.at(session.epoch).name
    row: dict[str, Any] = {"epoch": number, "phase": phase, **logs, "learning_rate": float(rates[-1])}
    row["train_seconds"] = round(session.epoch_seconds, 4)
    row["seconds"] = round(session.elapsed_s - sum(past["seconds"] for past in session.history), 4)
    session.history.append(row)
    run.append_history(row)
    reporter.epoch(row, is_best=session.keeper.best_epoch == number)
    session.users.on_epoch_end(session.epoch, {**logs, "learning_rate": float(row["learning_rate"])})
    session.epoch, session.batch, session.epoch_seconds = number, 0, 0.0
    if session.reducer is not None:
        session.rate_factor = session.reducer.update(logs)
    if session.users.wants_stop:
        session.is_done, session.stop_reason = True, f"a callback stopped training after epoch {number}"
    elif session.stopper is not None and session.stopper.should_stop(number, logs) and number < recipe.training.epochs:
        session.is_done = True
        session.stop_reason = f"no better {session.stopper.monitor} for {session.stopper.wait} epochs"


def _roll_back(session: Session, reporter: Reporter, error: DivergedError) -> None:
    """Go back to the start of the epoch with a lower rate, as often as the recipe allows.

    Raises:
        DivergedError: The same error, where it does not.
    """
    given, start = session.prepared.recipe.training.on_divergence, session.epoch_start
    if start is None or given is None:
        raise error
    rollbacks, factor = session.rollbacks + 1, session.divergence_factor * given.rate_factor
    if rollbacks > given.rollback:
        raise DivergedError(f"{error} The run went back {given.rollback} times already.") from error
    session.set_state(start)
    session.rollbacks, session.divergence_factor = rollbacks, factor
    reason = str(error).removesuffix(f" {DIVERGED_HINT}")
    reporter.note(f"{reason} Going back to the start of epoch {session.epoch + 1} with {factor:g} times the rate.")
