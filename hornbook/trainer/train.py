"""Training as a straight line of stages: data and model → run directory → epochs → final weights → test."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from hornbook.builder.build import as_targets
from hornbook.callbacks import BestKeeper, EarlyStopper, PlateauReducer
from hornbook.data import to_json
from hornbook.data.source import Split
from hornbook.errors import DivergedError
from hornbook.inference.evaluate import Evaluator
from hornbook.recipes.durations import to_seconds, to_steps
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.schedule import Performance
from hornbook.recipes.text import to_yaml
from hornbook.runs.directory import RunDirectory, check_writable
from hornbook.trainer.chunks import ChunkSizes
from hornbook.trainer.engine import EpochPlan, permutation
from hornbook.trainer.environment import environment_facts
from hornbook.trainer.loops import make_loop
from hornbook.trainer.prepare import Prepared, prepare, quiet_upstream_warnings
from hornbook.trainer.progress import Reporter, SilentReporter
from hornbook.trainer.result import TrainResult
from hornbook.trainer.signals import StopRequest
from hornbook.trainer.user_callbacks import UserCallbacks
from hornbook.trainer.weights import averaged, save_model, snapshot

__all__ = ["train"]

SAVE_SHARE = 50  # saving a checkpoint waits until training has taken so many times as long as the last save


def train(
    recipe: Recipe,
    *,
    data: Any = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    runs: str | Path = "runs",
    reporter: Reporter | None = None,
    source: tuple[str, tuple[str, ...]] | None = None,
) -> TrainResult:
    """Train a recipe and leave a run directory.

    Args:
        recipe: A checked recipe, from `hornbook.load_recipe`.
        data: Arrays in place of the recipe's data source: ``(x, y)`` and other forms, see `hornbook.data.from_arrays`.
        callbacks: Keras callbacks; batch hooks are called at the ends of chunks of steps.
        runs: Folder below which the run's own folder is made.
        reporter: Shows progress; silent when omitted.
        source: The recipe's text and overrides, kept with the run.

    Raises:
        RecipeError: If recipe and data do not fit together.
        DataError: If the data cannot be used.
        RunError: If the run directory cannot be written.
        DivergedError: If loss or weights stop being finite; the run keeps the last good model.
    """
    reporter = reporter if reporter is not None else SilentReporter()
    quiet_upstream_warnings()

    # ---- data, resolved recipe, model
    check_writable(Path(runs))
    prepared = prepare(recipe, data)
    users = UserCallbacks(callbacks, prepared)

    # ---- run directory
    run = RunDirectory.create(Path(runs), prepared.recipe.name or "recipe")
    _write_inputs(run, prepared, source or ("", ()))
    progress = _Progress(run=run, keeper=_keeper(prepared.recipe))
    reporter.start(prepared, run.path)

    # ---- epochs
    try:
        with StopRequest() as stop:
            _train_epochs(prepared, progress, users, reporter, stop)
    except BaseException as error:
        _record_failure(run, progress, error)
        raise

    # ---- final weights and their metrics
    result = _finish(prepared, progress, exit_code=stop.exit_code)
    reporter.end(result)
    return result


@dataclass
class _Progress:
    """What a run accumulates."""

    run: RunDirectory
    keeper: BestKeeper
    history: list[dict[str, Any]] = field(default_factory=list)
    best_weights: list[Any] | None = None
    state: str = "running"
    stop_reason: str = ""
    started: float = field(default_factory=time.perf_counter)
    saved_at: float = field(default_factory=time.perf_counter)
    save_cost: float = 0.05


def _write_inputs(run: RunDirectory, prepared: Prepared, source: tuple[str, tuple[str, ...]]) -> None:
    recipe, info = prepared.recipe, prepared.splits.info
    resolved = to_yaml(recipe.to_dict())
    run.write_recipe(resolved)
    run.write_source(source[0] or resolved, source[1])
    run.write_environment(environment_facts(seed=recipe.seed, fingerprint=info.fingerprint))
    run.write_data(to_json(info))
    run.write_result({"state": "running"})


def _keeper(recipe: Recipe) -> BestKeeper:
    checkpoint, stopping = recipe.training.checkpoint, recipe.training.early_stopping
    if checkpoint is None or checkpoint.mode is None:
        raise ValueError("resolve the recipe first: its checkpoint is open")
    start = stopping.start_from_epoch if stopping is not None else 0
    return BestKeeper(checkpoint.monitor, checkpoint.mode, start_from_epoch=start)


def _stopper(recipe: Recipe, batches: int) -> EarlyStopper | None:
    given = recipe.training.early_stopping
    if given is None:
        return None
    total = recipe.training.epochs * batches
    patience = to_steps(given.patience, unit="epochs", steps_per_epoch=batches, total_steps=total)
    return EarlyStopper(
        given.monitor,
        given.mode or "min",
        patience=math.ceil(patience / batches),
        min_delta=given.min_delta,
        start_from_epoch=given.start_from_epoch,
    )


def _reducer(recipe: Recipe) -> PlateauReducer | None:
    given = recipe.schedule
    if not isinstance(given, Performance):
        return None
    return PlateauReducer(
        given.monitor,
        given.mode or "min",
        reduction=given.reduction,
        patience=given.patience,
        min_delta=given.min_delta,
        cooldown=given.cooldown,
        min_factor=given.min_learning_rate / recipe.optimizer.learning_rate,
    )


def _evaluator(prepared: Prepared, split: Split | None) -> Evaluator | None:
    if split is None or not len(split):
        return None
    return Evaluator(prepared.built, split, as_targets(split.y, prepared.built.model))


def _train_epochs(
    prepared: Prepared, progress: _Progress, users: UserCallbacks, reporter: Reporter, stop: StopRequest
) -> None:
    """Train until the epochs are done or something ends the run; sets the progress's state and stop reason."""
    recipe, built, splits = prepared.recipe, prepared.built, prepared.splits
    loop = make_loop(prepared)
    validate = _evaluator(prepared, splits.validation)
    stopper, reducer = _stopper(recipe, loop.batches), _reducer(recipe)
    limit = to_seconds(recipe.training.max_time) if recipe.training.max_time is not None else math.inf
    chunks = ChunkSizes(loop.batches)
    users.on_train_begin()
    factor, epochs = 1.0, recipe.training.epochs
    progress.state, progress.stop_reason = "finished", f"all {epochs} epochs done"
    for epoch in range(epochs):
        started = time.perf_counter()
        rates, momenta = prepared.table.epoch(epoch, factor)
        order = permutation(recipe.seed, epoch, len(splits.train))
        plan = EpochPlan(order, rates, momenta, epoch * loop.batches)
        users.on_epoch_begin(epoch)

        def on_chunk(done: int, epoch: int = epoch) -> bool:
            chunks.finished(done)
            reporter.chunk(epoch + 1, done, loop.batches)
            users.on_chunk_end(done, loop)
            too_long = time.perf_counter() - progress.started > limit
            return stop.signal is not None or too_long or users.wants_stop

        was_cut = loop.train_epoch(plan, chunks.sizes(), on_chunk)
        train_seconds = time.perf_counter() - started
        if stop.signal is not None:
            progress.state, progress.stop_reason = "interrupted", f"signal {stop.signal} in epoch {epoch + 1}"
            return
        logs = loop.logs()
        _check_finite(logs, loop.is_finite(), epoch + 1)
        with averaged(built.model, built.optimizer):
            if validate is not None:
                logs |= {f"val_{name}": value for name, value in validate().items()}
            is_best = progress.keeper.is_best(epoch + 1, logs)
            if is_best:
                progress.best_weights = snapshot(built.model)
            _save_sometimes(progress, prepared)
        row: dict[str, Any] = {"epoch": epoch + 1, "phase": "training", **logs, "learning_rate": float(rates[-1])}
        row |= {"train_seconds": round(train_seconds, 4), "seconds": round(time.perf_counter() - started, 4)}
        progress.history.append(row)
        progress.run.append_history(row)
        reporter.epoch(row, is_best=is_best)
        users.on_epoch_end(epoch, {**logs, "learning_rate": row["learning_rate"]})
        if (was_cut or time.perf_counter() - progress.started > limit) and not users.wants_stop:
            progress.stop_reason = f"max_time of {recipe.training.max_time} reached in epoch {epoch + 1}"
            return
        if users.wants_stop:
            progress.stop_reason = f"a callback stopped training in epoch {epoch + 1}"
            return
        if reducer is not None:
            factor = reducer.update(logs)
        if stopper is not None and stopper.should_stop(epoch + 1, logs):
            progress.stop_reason = f"no better {stopper.monitor} for {stopper.wait} epochs"
            return


def _check_finite(logs: dict[str, float], weights_are_finite: bool, epoch: int) -> None:
    broken = [name for name, value in logs.items() if not math.isfinite(value)]
    if not broken and weights_are_finite:
        return
    what = f"{broken[0]} is {logs[broken[0]]}" if broken else "the weights are not finite"
    hint = "Lower optimizer.learning_rate, or clip: training.gradient_clipping={by: global_norm, threshold: 1.0}."
    raise DivergedError(f"training diverged in epoch {epoch}: {what}. {hint}")


def _save_sometimes(progress: _Progress, prepared: Prepared) -> None:
    """Save checkpoints when enough time has passed that saving costs under 2 %."""
    now = time.perf_counter()
    if now - progress.saved_at < max(SAVE_SHARE * progress.save_cost, 5.0):
        return
    _save_both(progress, prepared)
    progress.saved_at = time.perf_counter()
    progress.save_cost = progress.saved_at - now


def _save_both(progress: _Progress, prepared: Prepared) -> None:
    run, model = progress.run, prepared.built.model
    save_model(run, model, run.last)
    if progress.best_weights is not None:
        save_model(run, model, run.best, progress.best_weights)


def _record_failure(run: RunDirectory, progress: _Progress, error: BaseException) -> None:
    """Leave the reason in result.json; what was written before stays readable."""
    state = "diverged" if isinstance(error, DivergedError) else "failed"
    if isinstance(error, KeyboardInterrupt):
        state = "interrupted"
    run.write_result(
        {"state": state, "stop_reason": str(error) or type(error).__name__, "epochs": len(progress.history)}
    )


def _finish(prepared: Prepared, progress: _Progress, *, exit_code: int) -> TrainResult:
    """Save last and best, put the final weights into the model, and test them."""
    recipe, built, keeper = prepared.recipe, prepared.built, progress.keeper
    inner = getattr(built.optimizer, "inner_optimizer", built.optimizer)
    if inner.use_ema and progress.history:
        inner.finalize_variable_values(built.model.trainable_variables)
    _save_both(progress, prepared)
    stopping = recipe.training.early_stopping
    restores = stopping is not None and stopping.restore_best and progress.best_weights is not None
    if restores and progress.best_weights is not None:
        built.model.set_weights(progress.best_weights)
    validation, test = {}, {}
    if progress.state == "finished":
        validate, tester = (_evaluator(prepared, split) for split in (prepared.splits.validation, prepared.splits.test))
        validation = validate() if validate is not None else {}
        test = tester() if tester is not None else {}
    result = TrainResult(
        model=built.model,
        history=progress.history,
        recipe=recipe,
        run=progress.run.path,
        state=progress.state,
        stop_reason=progress.stop_reason,
        final="best" if restores else "last",
        best_epoch=keeper.best_epoch,
        validation=validation,
        test=test,
        exit_code=exit_code,
    )
    progress.run.write_result(
        {
            "state": result.state,
            "stop_reason": result.stop_reason,
            "epochs": len(result.history),
            "best_epoch": result.best_epoch,
            "monitor": keeper.monitor,
            "final": result.final,
            "validation": validation,
            "test": test,
            "seconds": round(time.perf_counter() - progress.started, 3),
        }
    )
    return result
