"""Training as a straight line of stages: data and model → rate → run directory → epochs → final weights → test."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from hornbook.builder import compile_shown
from hornbook.builder.memory import named_exhaustion
from hornbook.data import Shelf, to_json
from hornbook.engine.environment import environment_facts
from hornbook.engine.strategies import is_chief, own_folder, worker_losses
from hornbook.errors import DivergedError, GateError, RunError
from hornbook.recipes.facts import Facts
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.check import check_rules
from hornbook.runs.writing import RunDirectory, check_writable
from hornbook.trainer.checkpoints import Saver
from hornbook.trainer.epochs import train_epochs
from hornbook.trainer.finish import finish
from hornbook.trainer.health import HealthRecorder
from hornbook.trainer.listeners import HistoryFile, Listener, Listeners, Start
from hornbook.trainer.lr_find.auto import picture_of_failure, with_found_rate, write_search
from hornbook.trainer.lr_find.report import note
from hornbook.trainer.lr_find.suggest import Search
from hornbook.trainer.plan import length_notes
from hornbook.trainer.prepare import Prepared, prepare, quiet_upstream_warnings
from hornbook.trainer.progress import RunLog
from hornbook.trainer.result import TrainResult
from hornbook.trainer.reuse.record import start_record
from hornbook.trainer.session import Candidate, Session
from hornbook.trainer.signals import StopRequest
from hornbook.trainer.streamed import stream_notes
from hornbook.trainer.tracking import Tracking
from hornbook.trainer.weights import save_model

__all__ = ["build", "run_session", "train"]


def train(
    recipe: Recipe,
    *,
    data: Any = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    runs: str | Path = "runs",
    listeners: Sequence[Listener] = (),
    source: tuple[str, tuple[str, ...]] | None = None,
    candidate: Candidate | None = None,
    shelf: Shelf | None = None,
    started: float | None = None,
    is_latest: bool = True,
) -> TrainResult:
    """Train a recipe and leave a run directory.

    Args:
        recipe: A checked recipe, from `hornbook.load_recipe`.
        data: Arrays in place of the recipe's data source, ``(x, y)`` and other forms, or a source of batches: see
            `hornbook.data.from_arrays`.
        callbacks: Keras callbacks. Those with hooks for batches make steps run one by one.
        runs: Folder below which the run's own folder is made.
        listeners: Hear what happens; see `hornbook.trainer.listeners`.
        source: The recipe's text and overrides, kept with the run.
        candidate: Given where this run is one of many to choose from: what is different then.
        shelf: Where runs that share their data find it.
        started: `time.perf_counter()` of what the user began; now when omitted. Start-up is counted from there.
        is_latest: Whether `latest` is to point to the run.

    Raises:
        RecipeError: If recipe and data do not fit together.
        DataError: If the data cannot be used.
        RunError: If the run directory cannot be written.
        DivergedError: If loss or weights stop being finite; the run keeps the last good model.
        InconclusiveError: If the learning rate is `auto` and cannot be found; no run is begun.
        Interrupted: If a signal comes while it is looked for; no run is begun.
        GateError: If a smaller model is worse than the recipe allows; no run is kept.
    """
    started = started if started is not None else time.perf_counter()
    quiet_upstream_warnings()

    # ---- data, resolved recipe, model
    check_writable(Path(runs), recipe.name or "recipe")
    prepared = prepare(recipe, data, shelf=shelf)
    notes = _warnings(prepared, recipe, was_checked=source is not None)
    notes += stream_notes(prepared.splits.stream) if prepared.splits.stream is not None else []

    # ---- learning rate, where it is to be found
    search = None
    if prepared.recipe.optimizer.is_auto:
        with picture_of_failure(Path(runs), recipe.name or "recipe"):
            prepared, search = with_found_rate(prepared)
        notes.insert(0, note(search))

    session = Session(prepared, callbacks, candidate=candidate)
    del prepared  # its arrays live on in the engine

    # ---- run directory
    name = session.prepared.recipe.name or "recipe"
    with own_folder(
        lambda: RunDirectory.create(Path(runs), name, is_latest=is_latest), session.prepared.strategy
    ) as run:
        try:
            write_inputs(run, session.prepared, source or ("", ()), search)
        except BaseException:
            run.remove_unbegun()
            raise

        # ---- epochs, final weights, test
        return run_session(session, run, listeners, notes=notes, started=started)


def build(recipe: Recipe, data: Any = None) -> Any:
    """Return the recipe's model as a plain, compiled `keras.Model`, to do anything with.

    Its optimizer knows a single rate, the peak. `hornbook.callbacks.from_recipe(recipe)` returns what else the recipe says
    of a training, for `fit(callbacks=…)`: the schedule with its momentum, early stopping. Epochs, batch size and class
    weights are arguments of `fit`.

    Args:
        recipe: A checked recipe, from `hornbook.load_recipe`.
        data: Arrays in place of the recipe's data source; shapes and statistics come from the data.

    Raises:
        RecipeError, DataError, InconclusiveError: As `train`.

    Example:
        >>> model = hornbook.build(hornbook.load_recipe("he_elu_bn"))
        >>> model.count_params()
        51810
    """
    prepared = prepare(recipe, data)
    if prepared.recipe.optimizer.is_auto:
        prepared, _ = with_found_rate(prepared)
    return compile_shown(prepared.built, prepared.recipe, prepared.splits.info, for_training=True)


def _warnings(prepared: Prepared, recipe: Recipe, *, was_checked: bool) -> list[str]:
    """Return what recipe and data make doubtful; the command line has shown what a check finds without the data."""
    shown = {problem.sentence() for problem in check_rules(recipe, Facts.of(recipe))} if was_checked else set()
    warnings = [problem.sentence() for problem in prepared.problems]
    warnings += [f"warning: {warning}" for warning in prepared.splits.info.warnings]
    return [sentence for sentence in warnings if sentence not in shown]


def write_inputs(
    run: RunDirectory, prepared: Prepared, source: tuple[str, tuple[str, ...]], search: Search | None
) -> None:
    """Write what a run starts from: resolved recipe, its source, environment, facts about the data."""
    recipe, info = prepared.recipe, prepared.splits.info
    resolved = to_yaml(recipe.to_dict())
    run.write_environment(environment_facts(seed=recipe.seed, fingerprint=info.fingerprint))
    run.write_data(to_json(info))
    record = start_record(prepared)
    if record is not None:
        run.write_reuse(record)
    if prepared.shrinking is not None:
        run.write_shrink(prepared.shrinking.record())
    if search is not None:
        write_search(run, search, f"{recipe.name or 'recipe'}: learning rate {search.rate:g}")
    run.write_result({"state": "running"})
    run.write_recipe(resolved)  # what makes it a run; a process killed before has left none
    run.write_source(source[0] or resolved, source[1])


def run_session(
    session: Session, run: RunDirectory, listeners: Sequence[Listener], *, notes: Sequence[str], started: float
) -> TrainResult:
    """Train a session, new or restored, to its end, and write down how it ended."""
    saver = Saver(run, session)
    if not is_chief(session.prepared.strategy):  # one of the workers speaks for all
        listeners = ()
    # Files first, so that a listener that fails or stops the run finds them; the saver saves what callbacks have done.
    # Trackers last, so that what they tell stands below what is printed.
    health, trackers = health_of(run, session), tracking_of(run, session, lambda text: listener.on_note(text))
    for recorder in health:
        recorder.followers += [tracking.on_layers for tracking in trackers]
    listener = Listeners([HistoryFile(run), RunLog(run), *health, *listeners, session.users, saver, *trackers])
    notes = [*notes, *length_notes(session.prepared), *session.users.notes]
    try:
        listener.on_start(Start(session.prepared, run.path, notes, session.history, time.perf_counter() - started))
        with worker_losses(session.prepared.strategy), named_exhaustion(session.prepared.size_text):
            with StopRequest() as stop:
                ending = train_epochs(session, listener, stop)
            if ending.state == "finished":
                session.users.on_train_end()
            exit_code = stop.exit_code if ending.state == "interrupted" else 0
            result = finish(session, run, saver, state=ending.state, exit_code=exit_code)
    except GateError:
        for recorder in health:
            recorder.close()
        run.remove()
        raise
    except BaseException as error:
        state = record_failure(run, session, error)
        for recorder in health:
            recorder.close()
        for tracking in trackers:
            tracking.close(state)
        raise
    listener.on_end(result)
    return result


def health_of(run: RunDirectory, session: Session) -> list[HealthRecorder]:
    """Return what records health, if it is recorded: not of a run that is one of many, nor by workers that only compute."""
    prepared = session.prepared
    is_wanted = prepared.recipe.health != "off" and session.candidate is None and is_chief(prepared.strategy)
    return [HealthRecorder(run, session)] if is_wanted else []


def tracking_of(run: RunDirectory, session: Session, tell: Callable[[str], None]) -> list[Tracking]:
    """Return what tells trackers of the run, if the recipe names any; workers that only compute have none."""
    is_wanted = bool(session.prepared.recipe.tracking) and is_chief(session.prepared.strategy)
    return [Tracking(run, session, tell)] if is_wanted else []


def record_failure(run: RunDirectory, session: Session, error: BaseException) -> str:
    """Leave the reason in result.json; what was written before stays readable. Returns the run's state."""
    state = "diverged" if isinstance(error, DivergedError) else "failed"
    if isinstance(error, KeyboardInterrupt):
        state = "interrupted"
    reason = str(error) or type(error).__name__
    run.write_failure({"state": state, "stop_reason": reason, "epochs": session.epoch})
    if session.best_weights is not None:
        with contextlib.suppress(RunError):  # a full disk may be why training ended
            info = session.prepared.splits.info
            save_model(run, session.prepared.built.model, run.best, info, session.best_weights)
    return state
