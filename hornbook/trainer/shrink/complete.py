"""The end of a run that makes a model smaller: cut, folded and rounded weights, measured beside the earlier model's."""

from typing import Any

from hornbook.builder.build import Built
from hornbook.builder.heads.single import decision_threshold
from hornbook.data.source import Split
from hornbook.errors import GateError
from hornbook.inference.trained import load_model
from hornbook.runs.writing import RunDirectory
from hornbook.shrinking.measure import Loss, latencies, loss_of, size_of
from hornbook.shrinking.stages import Shrinking, Smaller, finish
from hornbook.trainer.prepare import Prepared, around
from hornbook.trainer.session import Session
from hornbook.trainer.weights import save_model, snapshot

__all__ = ["complete"]


def complete(session: Session, run: RunDirectory, *, restores_best: bool) -> tuple[Built, dict[str, Any]]:
    """Make the final model of a run out of its fine-tuned weights, save it, and measure it.

    Args:
        session: At its end, with the last weights in its model.
        run: Where to.
        restores_best: Whether the best epoch's weights are the final ones.

    Returns:
        The final model, ready to be evaluated, and what shrink.json holds.

    Raises:
        GateError: If it is worse than the earlier model by more than the recipe allows.
        RunError: If nothing would be left of a layer, or weights cannot be rounded.
    """
    prepared, shrinking = session.prepared, session.prepared.shrinking
    if shrinking is None:
        raise TypeError("this run makes nothing smaller")
    if session.masks is not None:
        session.masks.hold()  # averaged weights know nothing of zeros
        session.masks.complete()
    smaller = _save_both(session, run, shrinking, restores_best=restores_best)
    record = _measured(prepared, shrinking, smaller, run, final="best" if restores_best else "last")
    run.write_shrink(record)
    return around(prepared.recipe, smaller.model, prepared.splits), record


def _save_both(session: Session, run: RunDirectory, shrinking: Shrinking, *, restores_best: bool) -> Smaller:
    """Save the smaller models of the last and the best epoch; returns the final one."""
    model, info = session.prepared.built.model, session.prepared.splits.info
    weights = {run.last: snapshot(model)}
    if session.best_weights is not None:
        weights[run.best] = session.best_weights
    final = run.best if restores_best else run.last
    is_same = session.keeper.best_epoch == session.epoch
    if is_same:
        weights = {final: weights[final]}
    made: dict[Any, Smaller] = {}
    for path, values in weights.items():
        model.set_weights(values)
        if session.masks is not None:
            session.masks.hold()
        made[path] = finish(model, shrinking)
        save_model(run, made[path].model, path, info)
    if is_same and not restores_best and session.best_weights is not None:
        run.copy_last_to_best()
    elif is_same and restores_best:
        save_model(run, made[final].model, run.last, info)
    return made[final]


def _measured(
    prepared: Prepared, shrinking: Shrinking, smaller: Smaller, run: RunDirectory, *, final: str
) -> dict[str, Any]:
    """Return the record, or raise a GateError where too much is lost."""
    splits, info, recipe = prepared.splits, prepared.splits.info, prepared.recipe
    path = run.best if final == "best" else run.last
    before = load_model(shrinking.where, trust=shrinking.shrink.trust)
    losses: dict[str, Loss] = {}
    for name, split in _judged(prepared).items():
        losses[name] = loss_of(before, smaller.model, split, info, decision=decision_threshold(recipe))
    _check(next(iter(losses)), next(iter(losses.values())), shrinking.shrink.max_loss)
    x = (splits.validation or splits.train).x
    return {
        **shrinking.record(),
        "folded": {**shrinking.folded, **smaller.folded},
        "kept": {**shrinking.kept, **smaller.kept},
        "difference": max(shrinking.difference, smaller.difference),
        "units": dict(smaller.removed),
        "rounding": dict(smaller.rounding),
        "size": {"before": size_of(shrinking.where, before), "after": size_of(path, smaller.model)},
        "latency": latencies({"before": before, "after": smaller.model}, x),
        "metric": {name: loss.record() for name, loss in losses.items()},
    }


def _judged(prepared: Prepared) -> dict[str, Split]:
    """Return the splits that both models are compared on; the first one decides."""
    splits = prepared.splits
    held_out = {"validation": splits.validation, "test": splits.test}
    judged = {name: split for name, split in held_out.items() if split is not None and len(split)}
    return judged if "validation" in judged else {"train": splits.train, **judged}


def _check(split: str, loss: Loss, most: float) -> None:
    if loss.lost.mean <= most:
        return
    raise GateError(
        f"{loss.metric} on {loss.lost.count:,} {split} examples falls from {loss.before:.2f} to {loss.after:.2f}: by "
        f"{loss.lost.text(2)} points, and at most {most:g} are allowed ({loss.unit}). Nothing was kept. Set fewer weights "
        "to zero, fine-tune for more epochs, or allow more: --max-loss, in the recipe shrink.max_loss."
    )
