"""Training as a straight line of stages: data and model → run directory → epochs → final weights → test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from hornbook.data import Shelf, to_json
from hornbook.engine.environment import environment_facts
from hornbook.engine.strategies import is_chief, own_folder, worker_losses
from hornbook.errors import DivergedError
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.check import Facts, check_rules
from hornbook.runs.directory import RunDirectory, check_writable
from hornbook.trainer.checkpoints import Saver
from hornbook.trainer.epochs import train_epochs
from hornbook.trainer.finish import finish
from hornbook.trainer.lr_find.auto import picture_of_failure, write_search
from hornbook.trainer.lr_find.report import note
from hornbook.trainer.prepare import Prepared, prepare, quiet_upstream_warnings
from hornbook.trainer.progress import Reporter, SilentReporter
from hornbook.trainer.result import TrainResult
from hornbook.trainer.reuse.record import start_record
from hornbook.trainer.session import Session, Trial
from hornbook.trainer.signals import StopRequest
from hornbook.trainer.user_callbacks import UserCallbacks
from hornbook.trainer.weights import save_model

__all__ = ["run_session", "train"]


def train(
    recipe: Recipe,
    *,
    data: Any = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    runs: str | Path = "runs",
    reporter: Reporter | None = None,
    source: tuple[str, tuple[str, ...]] | None = None,
    trial: Trial | None = None,
    shelf: Shelf | None = None,
) -> TrainResult:
    """Train a recipe and leave a run directory.

    Args:
        recipe: A checked recipe, from `hornbook.load_recipe`.
        data: Arrays in place of the recipe's data source: ``(x, y)`` and other forms, see `hornbook.data.from_arrays`.
        callbacks: Keras callbacks; batch hooks are called at the ends of chunks of steps.
        runs: Folder below which the run's own folder is made.
        reporter: Shows progress; silent when omitted.
        source: The recipe's text and overrides, kept with the run.
        trial: Given where this run is compared with others: what is different then.
        shelf: Where runs that share their data find it.

    Raises:
        RecipeError: If recipe and data do not fit together.
        DataError: If the data cannot be used.
        RunError: If the run directory cannot be written.
        DivergedError: If loss or weights stop being finite; the run keeps the last good model.
        InconclusiveError: If the learning rate is `auto` and cannot be found; no run is begun.
    """
    quiet_upstream_warnings()

    # ---- data, resolved recipe, model
    check_writable(Path(runs))
    with picture_of_failure(Path(runs), recipe.name or "recipe"):
        prepared = prepare(recipe, data, shelf=shelf)
    session = Session(prepared, UserCallbacks(callbacks, prepared))
    session.trial = trial
    del prepared  # its arrays live on in the engine

    reporter = reporter if reporter is not None else SilentReporter()
    if session.prepared.search is not None:
        reporter.note(note(session.prepared.search))
    for warning in _warnings(session.prepared, recipe, was_checked=source is not None):
        reporter.note(warning)

    # ---- run directory
    name = session.prepared.recipe.name or "recipe"
    with own_folder(lambda: RunDirectory.create(Path(runs), name), session.prepared.strategy) as run:
        write_inputs(run, session.prepared, source or ("", ()))

        # ---- epochs, final weights, test
        return run_session(session, run, reporter)


def _warnings(prepared: Prepared, recipe: Recipe, *, was_checked: bool) -> list[str]:
    """Return what recipe and data make doubtful; the command line has shown what a check finds without the data."""
    shown = {problem.sentence() for problem in check_rules(recipe, Facts.of(recipe))} if was_checked else set()
    found = [problem.sentence() for problem in prepared.problems]
    found += [f"warning: {warning}" for warning in prepared.splits.info.warnings]
    return [sentence for sentence in found if sentence not in shown]


def write_inputs(run: RunDirectory, prepared: Prepared, source: tuple[str, tuple[str, ...]]) -> None:
    """Write what a run starts from: resolved recipe, its source, environment, facts about the data."""
    recipe, info = prepared.recipe, prepared.splits.info
    resolved = to_yaml(recipe.to_dict())
    run.write_environment(environment_facts(seed=recipe.seed, fingerprint=info.fingerprint))
    run.write_data(to_json(info))
    record = start_record(prepared)
    if record is not None:
        run.write_reuse(record)
    write_search(run, prepared)
    run.write_result({"state": "running"})
    run.write_recipe(resolved)  # what makes it a run; a process killed before has left none
    run.write_source(source[0] or resolved, source[1])


def run_session(session: Session, run: RunDirectory, reporter: Reporter) -> TrainResult:
    """Train a session, new or restored, to its end, and write down how it ended."""
    if not is_chief(session.prepared.strategy):  # one of the workers speaks for all
        reporter = SilentReporter()
    reporter.start(session.prepared, run.path)
    saver = Saver(run, session)
    try:
        with worker_losses(session.prepared.strategy):
            with StopRequest() as stop:
                state = train_epochs(session, run, reporter, saver, stop)
            result = finish(session, run, saver, state=state, exit_code=stop.exit_code if state == "interrupted" else 0)
    except BaseException as error:
        record_failure(run, session, error)
        raise
    reporter.end(result)
    return result


def record_failure(run: RunDirectory, session: Session, error: BaseException) -> None:
    """Leave the reason in result.json; what was written before stays readable."""
    state = "diverged" if isinstance(error, DivergedError) else "failed"
    if isinstance(error, KeyboardInterrupt):
        state = "interrupted"
    if session.best_weights is not None:
        save_model(run, session.prepared.built.model, run.best, session.best_weights)
    reason = str(error) or type(error).__name__
    run.write_result({"state": state, "stop_reason": reason, "epochs": session.epoch})
