"""Continues a run from its newest whole state, bit for bit where the uninterrupted run would have gone."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from hornbook.callbacks.rates import rate_table
from hornbook.data import Shelf, from_json
from hornbook.data.sources.given import given
from hornbook.data.sources.streams import Stream
from hornbook.engine.environment import environment_facts
from hornbook.engine.strategies import own_folder
from hornbook.errors import RunError, UsageError
from hornbook.recipes.language.durations import Length
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.load import load_recipe
from hornbook.recipes.recipe import Recipe
from hornbook.runs.directory import Run, find_run, is_pretraining
from hornbook.runs.states import State, load_state
from hornbook.runs.writing import RunDirectory
from hornbook.trainer.listeners import Listener
from hornbook.trainer.lr_find.auto import with_found_rate
from hornbook.trainer.prepare import Prepared, prepare, quiet_upstream_warnings
from hornbook.trainer.result import TrainResult
from hornbook.trainer.reuse.timeline import Timeline
from hornbook.trainer.session import Candidate, Session, make_keeper, make_stopper
from hornbook.trainer.train import run_session

__all__ = ["resume"]

MAY_CHANGE = (
    "training.epochs",
    "training.max_time",
    "training.early_stopping",
    "training.on_divergence",
    "training.checkpoint.every",
    "tracking",
)

LEAVE_TRAINING = frozenset({"training.checkpoint.every", "tracking"})
"""Those of them that training does nothing with."""


def resume(
    run: str | Path,
    overrides: Sequence[str] = (),
    *,
    data: Any = None,
    validation_data: Any = None,
    steps_per_epoch: int | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    listeners: Sequence[Listener] = (),
    candidate: Candidate | None = None,
    shelf: Shelf | None = None,
    started: float | None = None,
    trust: bool = False,
) -> TrainResult | None:
    """Continue a run that was interrupted or killed, or train a finished one for longer.

    Args:
        run: The run's folder, or its recipe's name for the newest run.
        overrides: ``training.epochs=40`` and the like; only keys that leave the past as it was.
        data: The arrays or the source of batches that were passed to `train`, if any.
        validation_data: As passed to `train`.
        steps_per_epoch: As passed to `train`.
        callbacks: Keras callbacks; those with `get_state` and `set_state` go on from where they were.
        listeners: Hear what happens; see `hornbook.trainer.listeners`.
        candidate: Given where this run is one of many to choose from: what is different then.
        shelf: Where runs that share their data find it.
        started: `time.perf_counter()` of what the user began; now when omitted.
        trust: Whether code may be run that the earlier model holds, which the run reuses.

    Returns:
        The result, or None where the run is finished and nothing was left to do.

    Raises:
        UsageError: If there is no such run, or an override would change what is trained already.
        RunError: If the run's files, data or versions make an exact continuation impossible.
    """
    started = started if started is not None else time.perf_counter()
    quiet_upstream_warnings()
    earlier = find_run(run)
    recipe = load_recipe(earlier.recipe_path, of_run=True, trust=trust, for_training=not overrides)
    changed = _extended(recipe, earlier, overrides, trust=trust)
    folder, is_finished = RunDirectory(earlier.path), earlier.result["state"] == "finished"
    if is_finished and not overrides:
        return None
    state, notes = load_state(folder.states)
    if is_finished and state is None:
        raise RunError(f"{earlier.path}: there is no whole state of this finished run, so it cannot be trained longer.")
    prepared = _prepared(changed, earlier, given(data, validation_data, steps_per_epoch), shelf)
    session = Session(prepared, callbacks, candidate=candidate)
    notes += _differences(earlier, prepared)
    if state is not None:
        _restore(session, state, old=recipe, overrides=overrides)
        notes.append(f"resumed in {session.place()}")
    else:
        notes.append("there is no whole state of this run, so it starts again from its beginning")
    with own_folder(lambda: folder, prepared.strategy) as locked:
        locked.remove_leftovers()
        locked.write_result({"state": "running"})
        locked.write_recipe(to_yaml(prepared.recipe.to_dict()))
        return run_session(session, locked, listeners, notes=notes, started=started)


def _key(override: str) -> str:
    return override.removeprefix("~").split("=", 1)[0]


def _extended(recipe: Recipe, run: Run, overrides: Sequence[str], *, trust: bool) -> Recipe:
    """Return the recipe with overrides that leave what is trained already as it was."""
    if recipe.shrink is not None and any(override.startswith("training.epochs") for override in overrides):
        raise UsageError(
            f"training.epochs: zeros come by a schedule over the run, so a run that makes a model smaller keeps its length. "
            f"Start a new one: hornbook train --config {run.recipe_path} {' '.join(overrides)}"
        )
    for override in overrides:
        key = _key(override)
        if not any(key == allowed or key.startswith(f"{allowed}.") for allowed in MAY_CHANGE):
            raise UsageError(
                f"{key}: a run that has begun keeps its recipe; only {', '.join(MAY_CHANGE)} may change. "
                f"Start a new run from it: hornbook train --config {run.recipe_path} {override}"
            )
    return load_recipe(run.recipe_path, overrides, of_run=True, trust=trust) if overrides else recipe


def _prepared(recipe: Recipe, earlier: Run, data: Any, shelf: Shelf | None) -> Prepared:
    """Return the run before its first step, on the data that it was trained on.

    Raises:
        RunError: If data or the earlier model are others now.
    """
    if isinstance(data, Stream):
        data.known = earlier.data["extra"].get("stream", {}).get("statistics", {})
    prepared = prepare(recipe, data, shelf=shelf)
    _check_data(earlier, prepared)
    _check_source(earlier, prepared)
    return with_found_rate(prepared)[0] if prepared.recipe.optimizer.is_auto else prepared


def _restore(session: Session, state: State, *, old: Recipe, overrides: Sequence[str]) -> None:
    """Put the state into the session, after making sure that longer training does not change the past."""
    session.set_state(state)
    if not any(_key(override) not in LEAVE_TRAINING for override in overrides):
        return
    new = session.prepared.recipe
    before = rate_table(old, batches=session.loop.batches)
    _check_length(session, before.length)
    _watch_again(session)
    done = session.epoch * session.loop.batches + session.batch
    now = session.prepared.table
    is_same = np.array_equal(before.rates[:done], now.rates[:done])
    if before.amounts is not None and now.amounts is not None:
        is_same = is_same and np.array_equal(before.amounts[:done], now.amounts[:done])
    if not is_same or not np.array_equal(before.momenta[:done], now.momenta[:done]):
        raise UsageError(
            f"schedule '{new.schedule.name}' is sized to the length of the run: with {new.training.duration} the "
            f"{session.epoch} that are done would have had other rates. Train anew with training.epochs="
            f"{_written(new)}, or give the schedule's durations in steps or epochs."
        )
    _check_phases(session, old)
    session.is_done, session.stop_reason = False, ""


def _written(recipe: Recipe) -> str:
    """Return the length of a run as an override has it."""
    epochs = recipe.training.epochs
    return f"'{epochs}'" if isinstance(epochs, str) else str(epochs)


def _check_length(session: Session, before: Length) -> None:
    """Refuse a length that the run has gone beyond, or one of which an epoch that is over would have been a longer one."""
    new, length, begun = session.prepared.recipe, session.length, session.epoch + (session.batch > 0)
    wanted = f"training.epochs={_written(new)}"
    if length.epochs < begun:
        raise UsageError(f"{wanted}: the run has trained {begun} already.")
    if session.batch > length.batches_of(session.epoch):
        raise UsageError(f"{wanted}: the run stands {session.place()} already.")
    if any(before.batches_of(epoch) != length.batches_of(epoch) for epoch in range(session.epoch)):
        whole = session.epoch * length.batches // length.accumulation
        raise UsageError(
            f"{wanted}: the run ended with batch {before.batches_of(session.epoch - 1)} of {length.batches} of epoch "
            f"{session.epoch}, which is closed: its figures and what follows from them would have been others. Train "
            f"anew, in whole epochs if it is to go on later ({whole} steps)."
        )


def _check_phases(session: Session, old: Recipe) -> None:
    """Refuse a length of the run that would have frozen or thawed layers at other times."""
    prepared, batches = session.prepared, session.loop.batches
    before = Timeline(old, prepared.built, batches=batches).phases
    if [p for p in before if p.start < session.epoch] != [
        p for p in session.timeline.phases if p.start < session.epoch
    ]:
        raise UsageError(
            f"reuse.unfreeze: with {prepared.recipe.training.duration} the {session.epoch} that are done would have "
            "had other phases. Train anew, or give its durations in epochs."
        )


def _check_source(run: Run, prepared: Prepared) -> None:
    """Refuse to go on with another earlier model than the run began with."""
    copied, shrinking = prepared.built.copied, prepared.shrinking
    sources: list[tuple[Any, Any]] = [(run.reuse, copied), (run.shrink, shrinking)]
    for record, source in sources:
        if record is not None and source is not None and record["sha256"] != source.checksum:
            raise RunError(
                f"{source.where}: the earlier model has changed since this run began. Restore it, or start a new run."
            )


def _watch_again(session: Session) -> None:
    """Show all epochs to early stopping as the recipe now has it, as if it had been like that from the start."""
    recipe = session.prepared.recipe
    first = session.last_start
    keeper, stopper = make_keeper(recipe, first), make_stopper(recipe, session.length, first)
    for row in session.history:
        if is_pretraining(row):
            continue
        keeper.is_best(row["epoch"], row)
        if stopper is not None and stopper.should_stop(row["epoch"], row):
            raise UsageError(
                f"early stopping ends this run after epoch {row['epoch']}: {stopper.reason}. To go on, raise its patience: "
                f"training.early_stopping.patience={2 * stopper.patience}"
            )
    if keeper.best_epoch != session.keeper.best_epoch:
        raise UsageError(
            f"training.early_stopping: its best epoch would be {keeper.best_epoch or 'none yet'}, whose weights were not "
            f"kept, instead of {session.keeper.best_epoch or 'none yet'}. Train anew."
        )
    session.keeper, session.stopper = keeper, stopper


def _check_data(run: Run, prepared: Prepared) -> None:
    trained_on = from_json(run.data)
    if trained_on.fingerprint != prepared.splits.info.fingerprint:
        raise RunError(
            f"{run.path}: the data has changed since training (fingerprint {prepared.splits.info.fingerprint}, then "
            f"{trained_on.fingerprint}). Restore it, or start a new run."
        )


def _differences(run: Run, prepared: Prepared) -> list[str]:
    """Return a note for everything that may keep the continuation from being exact to the bit."""
    before = run.environment
    now = environment_facts(seed=prepared.recipe.seed, fingerprint=prepared.splits.info.fingerprint)
    notes = []
    for package in ("hornbook", "tensorflow", "keras", "numpy"):
        old, new = before["versions"].get(package), now["versions"].get(package)
        if old != new:
            notes.append(f"{package} was {old} and is {new}: the continuation may differ in its last bits")
    for key in ("device", "threads", "onednn"):
        if before.get(key) != now[key]:
            notes.append(f"{key} was {before.get(key)} and is {now[key]}: the continuation may differ in its last bits")
    return notes
