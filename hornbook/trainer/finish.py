"""The end of a run: last state and models, the final weights, their metrics, the result."""

from typing import Any

from hornbook.builder import compile_shown
from hornbook.engine.evaluation import Evaluator, of_mean, of_targets
from hornbook.engine.forecasts import of_forecast
from hornbook.runs.writing import RunDirectory
from hornbook.trainer.checkpoints import Saver
from hornbook.trainer.result import TrainResult
from hornbook.trainer.reuse.record import end_record, start_record
from hornbook.trainer.session import Session
from hornbook.trainer.shrink.complete import complete
from hornbook.upstream import finish_averages

__all__ = ["finish"]


def finish(session: Session, run: RunDirectory, saver: Saver, *, state: str, exit_code: int) -> TrainResult:
    """Save everything, put the final weights into the model, evaluate them, and write the result.

    An interrupted run is saved and not evaluated; a trial is not tested. A model that was to become smaller does so here.

    Raises:
        GateError: If a smaller model is worse than the recipe allows.
    """
    prepared, keeper = session.prepared, session.keeper
    recipe, built = prepared.recipe, prepared.built
    saver.save(models=True)
    if session.epoch:
        finish_averages(built.optimizer)
    restores = session.restores_best and session.best_weights is not None
    evaluator, shrunk = session.evaluator, None
    if prepared.shrinking is not None and state == "finished":
        built, shrunk = complete(session, run, restores_best=restores)
        evaluator = Evaluator(built)
    elif restores:
        built.model.set_weights(session.best_weights)
    validation, test = {}, {}
    if state == "finished":
        validation = evaluator.of_split(prepared.splits.validation)
        test = evaluator.of_split(prepared.splits.test) if session.candidate is None else {}
    splits = prepared.splits
    examples = splits.test if test else splits.validation if validation else None
    baseline = of_mean(recipe, splits.train, examples)
    forecast = of_forecast(splits.info, built.model, splits.train, examples)
    targets = of_targets(recipe, splits.info, built.model, examples)
    record = start_record(prepared)
    if record is not None:
        record = end_record(record, built)
        run.write_reuse(record)
    result = TrainResult(
        model=compile_shown(built, recipe, splits.info, for_training=False),  # the saved ones stay as they are
        history=session.history,
        recipe=recipe,
        run=run.path,
        state=state,
        stop_reason=session.stop_reason,
        final="best" if restores else "last",
        best_epoch=keeper.best_epoch,
        validation=validation,
        test=test,
        baseline=baseline,
        targets=targets,
        forecast=forecast,
        examples=0 if examples is None else len(examples),
        exit_code=exit_code,
        reuse=record,
        shrink=shrunk,
    )
    run.write_result(_record(result, session, parameters=built.model.count_params()))
    return result


def _record(result: TrainResult, session: Session, *, parameters: int) -> dict[str, Any]:
    """Return what stands in the result's file."""
    extra = {"baseline": result.baseline, "targets": result.targets, "forecast": result.forecast}
    return {
        "state": result.state,
        "stop_reason": result.stop_reason,
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "monitor": session.keeper.monitor,
        "final": result.final,
        "parameters": parameters,
        "rollbacks": session.rollbacks,
        "validation": result.validation,
        "test": result.test,
        **{name: value for name, value in extra.items() if value},
        "seconds": round(session.elapsed_s, 3),
    }
