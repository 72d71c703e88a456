"""How well it fits: by heart, too little, held back."""

import math
from collections.abc import Iterator

from hornbook.doctor.case import Case
from hornbook.doctor.finding import Finding
from hornbook.recipes.sections.model import Mlp
from hornbook.recipes.thresholds import DECAY, DROPPED, NOISE

__all__ = ["RULES"]

RISE = 1.25
"""Final validation loss relative to its lowest, from which on the rest of the training did harm."""


def learned_by_heart(case: Case) -> Iterator[Finding]:
    """A validation loss that rises while the training loss falls."""
    validated = [loss for loss in case.validation_losses if math.isfinite(loss)]
    if len(validated) < 5:
        return
    best = min(range(len(validated)), key=validated.__getitem__)
    rise = validated[-1] / validated[best] if validated[best] > 0 else 1.0
    train, held_out = case.explained(), case.explained("val_")
    gap = (train - held_out) if train is not None and held_out is not None else 0.0
    stopping = case.recipe.training.early_stopping
    count = int(case.data["counts"].get("validation", 0))
    noise = 0.5 / max(count, 1) ** 0.5  # figures of few examples rise and fall by chance
    rises = rise > RISE + 6 * noise and best < 0.8 * len(validated) and gap > 0.15 and stopping is None
    wrong = (case.right() or 1.0) - (case.right("val_") or 0.0)  # a few confident mistakes make a large loss
    by_heart = train is not None and train > 0.85 and gap > 0.25 + noise and wrong > 0.1 + 2 * noise
    if not rises and not by_heart:
        return
    evidence = (
        f"the network has learned {min(train or 0, 1):.0%} of its training examples and "
        f"{max(held_out or 0, -9):.0%} of the "
        f"{count:,} validation examples"
    )
    if rises:
        evidence += f", whose loss is {validated[best]:.3g} after epoch {best + 1} and {validated[-1]:.3g} at the end"
    given = case.recipe.regularization
    bare = given.dropout is None and not given.l1 and not given.l2
    change = ("training.early_stopping={patience: 5}",) if rises else ("regularization.dropout=0.3",)
    yield Finding("overfitting", "issue", 0.85 if rises else 0.7, evidence, change)
    if bare:
        evidence = f"neither penalty nor dropout nor early stopping, {evidence}"
        yield Finding("missing_regularization", "issue", 0.7, evidence, ("regularization.dropout=0.3",))


def held_back(case: Case) -> Iterator[Finding]:
    """Dropout or penalties that leave nothing to learn with."""
    given, explained = case.recipe.regularization, case.best_explained
    poor = explained is None or explained < 0.85
    rates = [
        rate for rate in (given.dropout, given.spatial_dropout, given.alpha_dropout, given.gaussian_dropout) if rate
    ]
    if given.input_dropout is not None and given.input_dropout >= DROPPED and poor:
        evidence = f"dropout of {given.input_dropout:g} shows each example {1 - given.input_dropout:.0%} of its inputs"
        yield Finding("too_much_dropout", "issue", 0.95, evidence, ("regularization.input_dropout=0.1",))
    if rates and max(rates) >= DROPPED and poor:
        evidence = f"dropout of {max(rates):g} leaves {1 - max(rates):.0%} of the units to each example"
        yield Finding("too_much_dropout", "issue", 0.95, evidence, ("regularization.dropout=0.2",))
    elif rates and max(rates) >= 0.5 and poor and _is_worse_in_training(case):
        evidence = (
            f"with dropout of {max(rates):g} the network has learned less of the training examples than of the others"
        )
        yield Finding("too_much_dropout", "issue", 0.8, evidence, ("regularization.dropout=0.2",))
    penalty, loss = (case.health[-1].get("penalty"), case.health[-1].get("loss")) if case.health else (None, None)
    start = case.figures("weight_norm", 0)
    end = case.figures("weight_norm", -1)
    shrunk = min((after / before for before, after in zip(start, end, strict=False) if before > 0), default=1.0)
    weighty = penalty is not None and loss is not None and penalty > abs(loss)
    weighty = weighty and (explained is None or explained < 0.6)  # a small loss is no sign of a large penalty
    if (given.l1 or given.l2) and (weighty or shrunk < 0.2) and poor:
        evidence = (
            f"the penalty is {penalty:.3g} beside a loss of {loss:.3g}, and a layer's weights have "
            f"shrunk to {shrunk:.0%}"
        )
        kind = "l2" if given.l2 else "l1"
        amount = float(f"{(given.l2 or given.l1 or 0) / 1000:.2g}")
        yield Finding("too_much_regularization", "issue", 0.94, evidence, (f"regularization.{kind}={amount:g}",))
    elif given.gaussian_noise is not None and given.gaussian_noise >= NOISE and poor:
        evidence = f"noise with a deviation of {given.gaussian_noise:g} drowns outputs of about 1"
        yield Finding("too_much_regularization", "issue", 0.93, evidence, ("regularization.gaussian_noise=0.1",))
    elif _decays(case) and poor:
        share = case.recipe.optimizer.rate() * (
            case.recipe.optimizer.weight_decay.rate if case.recipe.optimizer.weight_decay else 0
        )
        evidence = f"each step takes rate × decay = {share:.2g} of every weight"
        yield Finding("too_much_regularization", "issue", 0.93, evidence, ("optimizer.weight_decay.rate=0.01",))
    elif given.max_norm is not None and given.max_norm < 0.5 and poor:
        evidence = f"max_norm holds each unit's weights below {given.max_norm:g}"
        yield Finding("too_much_regularization", "issue", 0.94, evidence, ("regularization.max_norm=3.0",))


def _decays(case: Case) -> bool:
    decay = case.recipe.optimizer.weight_decay
    return decay is not None and case.recipe.optimizer.rate() * decay.rate >= DECAY


def _is_worse_in_training(case: Case) -> bool:
    train, held_out = case.explained(), case.explained("val_")
    return train is not None and held_out is not None and held_out - train > 0.1


def too_small(case: Case) -> Iterator[Finding]:
    """A network that learns as fast as it should and stands still too early."""
    explained, ratio = case.explained(), case.update_ratio()
    if explained is None or ratio is None or case.has_diverged or len(case.history) < 5:
        return
    units = [size for size in case.recipe.model.hidden_units() or () if size]
    possible = max(case.examples.nearest or 0.0, 0.0) if case.examples is not None and case.examples.nearest else 0.0
    possible = possible**2 if case.is_regression else possible
    narrow = bool(units) and min(units) <= 3 and (len(case.class_shares) > 2 or case.is_regression)
    bare = not units and case.recipe.model.name == "mlp"
    if explained < 0.8 and (narrow or (possible > explained + 0.25 and explained < 0.6)):
        evidence = f"the network has learned {max(explained, 0):.0%} of its training examples"
        if possible > explained:
            evidence += f", and the nearest example alone tells {possible:.0%}"
        if narrow:
            evidence += f"; a layer has {min(units)} unit" + "s" * (min(units) > 1)
        wider = max(64, 4 * max(units, default=16))
        change: tuple[str, ...] = ()
        if isinstance(case.recipe.model, Mlp):
            change = (f"model.units=[{wider}, {wider // 2}]",)
            change += ("~model.depth",) if case.recipe.model.depth is not None else ()
        if bare:
            evidence += "; there is no hidden layer"
        yield Finding(
            "underfitting_capacity",
            "issue",
            0.88 if narrow or bare else 0.55,
            evidence,
            change,
            "Give it more or wider layers.",
        )


def standstill(case: Case) -> Iterator[Finding]:
    """A loss that does not move, where nothing else says why."""
    losses, explained = [loss for loss in case.losses if math.isfinite(loss)], case.explained()
    if len(losses) < 5 or explained is None or explained > 0.3 or case.has_diverged:
        return
    if case.is_at_its_limit():
        return
    late = losses[len(losses) // 2 :]
    if max(late) - min(late) < 0.02 * abs(late[0]):
        evidence = (
            f"the training loss stays within {min(late):.4g} and {max(late):.4g} over the last {len(late)} epochs"
        )
        yield Finding(
            "plateau", "issue", 0.4, evidence, advice="`hornbook lr-find` looks for a rate at which it moves."
        )


def lost_numbers(case: Case) -> Iterator[Finding]:
    """A run that ended in infinity."""
    if case.has_diverged:
        evidence = str(case.result.get("stop_reason") or "the run went back after numbers were lost")
        change = ("training.gradient_clipping={by: global_norm, threshold: 1.0}",)
        yield Finding("diverged", "issue", 0.5, evidence.split(". ")[0], change)


RULES = (learned_by_heart, held_back, too_small, standstill, lost_numbers)
