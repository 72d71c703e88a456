"""How fast it learns: rate, schedule, clipping, optimizer, batches, length."""

import itertools
import math
from collections.abc import Iterator
from typing import Literal

import numpy as np

from hornbook.doctor.case import Case
from hornbook.doctor.finding import Finding
from hornbook.recipes.thresholds import BATCHES, ENOUGH, USUAL_BATCH

__all__ = ["RULES"]

HIGH = 0.3
"""Size of the first steps relative to the weights that no optimizer survives."""
LOW = 2e-4
"""Size of a step relative to the weights below which a run of usual length moves nothing."""
AIM = 3e-3
"""Size of a step relative to the weights at which a run begins well."""
FALLS = 0.05
"""Part of its loss that a run still loses an epoch at its end, from which on it should have been longer."""
LEARNED, LOST = 0.6, 0.85
"""Parts of the first loss: a network that got below the one and ended above the other has lost what it had learned."""
REACH = 0.4
"""How far all steps together could move the weights, relative to their size, below which a run has hardly begun."""
USUAL = {"sgd": 0.05, "adagrad": 0.02, "adadelta": 1.0, "ftrl": 0.05, "lion": 0.0003, "muon": 0.02}
"""Rates that most networks survive; 0.002 for the optimizers that are not here."""
SLOW_OPTIMIZERS = {"adadelta": 0.1, "adagrad": 0.005, "ftrl": 0.005}
"""Optimizers whose own step size makes a rate below this one too low."""


def _reach(case: Case) -> tuple[float, float] | None:
    """Return (median relative size of a step, the same times the number of steps)."""
    ratio = case.update_ratio()
    return None if ratio is None else (ratio, ratio * case.steps)


def _is_poor(case: Case, bound: float = 0.8) -> bool:
    explained = case.explained()
    return explained is None or not explained >= bound


def _with_rate(case: Case, factor: float) -> tuple[str, ...]:
    return (f"optimizer.learning_rate={float(f'{case.recipe.optimizer.rate() * factor:.2g}'):g}",)


def rate_too_high(case: Case) -> Iterator[Finding]:
    """Steps as large as the weights, a loss that jumps or numbers that are lost."""
    early = [
        value
        for place, row in enumerate(case.health)
        if row["step"] <= max(case.batches, 20)
        for value in case.figures("update_ratio", place)
    ]
    largest = max(early, default=0.0)
    losses = [loss for loss in case.losses if math.isfinite(loss)]
    rate = case.recipe.optimizer.rate()
    usual = USUAL.get(case.recipe.optimizer.name, 0.002)
    factor = min(max(10 * AIM / largest, 1e-4), 0.1) if largest > 0 else 0.03
    lower = _with_rate(case, min(factor, usual / rate))
    if case.has_diverged:
        evidence = f"numbers were lost with a rate of {rate:g}"
        evidence += f"; the first steps moved a layer by {largest:.2g} of its weights" if early else ""
        yield Finding("lr_too_high", "issue", 0.9 if largest > 0.02 or not early else 0.6, evidence, lower)
        return
    poor = _is_poor(case, 0.85) and not case.is_tiny
    jumps = _jumps(losses)
    lost = _lost(case)
    if lost and poor:
        yield Finding("lr_too_high", "issue", 0.96, lost, lower)
    elif largest > HIGH and poor:
        evidence = f"in the first epoch a step moved a layer by {largest:.2g} of its weights (about 0.001 is usual)"
        yield Finding("lr_too_high", "issue", 0.95, evidence, lower)
    elif jumps > 0.25 and largest > 0.02 and poor:
        evidence = (
            f"the training loss jumps by {jumps:.0%} from epoch to epoch, and steps move a layer by up to {largest:.2g}"
        )
        yield Finding("lr_too_high", "issue", 0.8, evidence, lower)


def _lost(case: Case) -> str:
    """Return how a network lost what it had learned, as rates that are too high do it; nothing where it did not."""
    rows = [row for row in case.health if row["loss"] is not None and math.isfinite(row["loss"])]
    if len(rows) < 3:
        return ""
    first, last = rows[0]["loss"], rows[-1]["loss"]
    best = min(rows, key=lambda row: row["loss"])
    if best["loss"] > LEARNED * first or last < LOST * first:
        return ""
    rates = [
        row["learning_rate"] for row in rows if row.get("learning_rate") is not None and row["step"] >= best["step"]
    ]
    rate = f", with rates up to {max(rates):.2g}" if rates else ""
    return (
        f"the loss fell from {first:.3g} to {best['loss']:.2g} by step {best['step']:,} and ended at {last:.3g}{rate}"
    )


def _jumps(losses: list[float]) -> float:
    """Return how much the loss rises on average in the epochs in which it does, as a part of "
    "its level; 0 for few epochs."""
    if len(losses) < 4:
        return 0.0
    late = losses[len(losses) // 3 :]
    rises = [max(new - old, 0.0) / max(abs(old), 1e-12) for old, new in itertools.pairwise(late)]
    return float(np.mean(rises)) if rises else 0.0


def too_slow(case: Case) -> Iterator[Finding]:
    """A run that ends close to where it began, and why: clipping, schedule, optimizer, rate, batches or length."""
    moved = _reach(case)
    if moved is None or case.has_diverged or case.is_tiny:
        return
    ratio, reach = moved
    poor = _is_poor(case)
    if ratio < AIM:
        yield from _clipped(case)
    yield from _fallen(case)
    rate, name = case.recipe.optimizer.rate(), case.recipe.optimizer.name
    said = f"a step moves the weights by {ratio:.2g} of their size, {case.steps:,} of them by {reach:.2g} at most"
    if name in SLOW_OPTIMIZERS and rate < SLOW_OPTIMIZERS[name] and poor:
        evidence = f"'{name}' with a rate of {rate:g}: {said}"
        yield Finding("wrong_optimizer", "issue", 0.93, evidence, ("optimizer={name: adam, learning_rate: 0.001}",))
    if not poor:
        return
    if reach < REACH and (ratio < LOW or reach < REACH / 4):
        yield Finding(
            "lr_too_low",
            "issue",
            0.9 if ratio < LOW / 3 else 0.75,
            said,
            _with_rate(case, min(max(AIM / ratio, 10), 1e4) if ratio > 0 else 100),
        )
    falls = _still_falls(case.losses)
    if case.validation_losses:
        falls = min(falls, 2 * _still_falls(case.validation_losses))
    epochs = len(case.history)
    is_short = epochs <= 3 and reach < 30 * REACH
    if case.batches <= BATCHES and case.train_size >= ENOUGH and case.steps < 300:
        size = case.recipe.training.batch_size
        evidence = f"{size} examples a batch: an epoch has {case.batches} steps, the run {case.steps}"
        yield Finding("batch_size", "issue", 0.9, evidence, (f"training.batch_size={USUAL_BATCH}",))
    is_done = case.is_at_its_limit(0.97 if is_short else 0.8) and reach >= REACH
    if not is_done and (is_short or (falls > 0.02 and ratio >= LOW)):
        evidence = f"the training loss still falls by {falls:.1%} an epoch after {epochs} epoch" + "s" * (epochs != 1)
        if epochs == 1:
            evidence = f"one epoch of {case.batches} steps; {said}"
        confidence = 0.85 if is_short else 0.6
        severity: Literal["issue", "tip"] = "issue" if is_short or falls > FALLS else "tip"
        yield Finding("too_few_epochs", severity, confidence, evidence, (f"training.epochs={max(20, 4 * epochs)}",))


def _clipped(case: Case) -> Iterator[Finding]:
    clipping = case.recipe.training.gradient_clipping
    if clipping is None or not case.health:
        return
    norms = case.figures("gradient_norm", min(1, len(case.health) - 1), list(case.health[0]["layers"]))
    total = math.sqrt(sum(norm**2 for norm in norms))
    if clipping.by == "value":  # a number of the gradient is cut: compare with their root mean square
        total = max(case.figures("gradient_rms", min(1, len(case.health) - 1)), default=0.0)
    part = clipping.threshold / total if total > 0 else 1.0
    if part < 0.02 and _is_poor(case):
        what = "numbers" if clipping.by == "value" else "a norm"
        evidence = f"gradients have {what} of {total:.2g} and are cut to {clipping.threshold:g}, {part:.2g} of it"
        yield Finding("clipping", "issue", 0.95, evidence, ("training.gradient_clipping.threshold=1.0",))


def _fallen(case: Case) -> Iterator[Finding]:
    rates = [row["learning_rate"] for row in case.history if row.get("learning_rate")]
    if len(rates) < 4 or not _is_poor(case, 0.9):
        return
    peak, early = max(rates), rates[len(rates) // 3]
    if early < 0.02 * peak or (rates[0] < 0.02 * case.recipe.optimizer.rate() and rates[0] == peak):
        name, rate = case.recipe.schedule.name, case.recipe.optimizer.rate()
        evidence = f"'{name}' lowers the rate from {rate:g} to {early:.2g} in the first third of the run"
        yield Finding("schedule", "issue", 0.94, evidence, ("schedule=cosine",))


def _still_falls(curve: list[float]) -> float:
    """Return by how much of itself a loss falls an epoch at the end."""
    losses = [loss for loss in curve if math.isfinite(loss)]
    if len(losses) < 2:
        return 0.0
    window = losses[-max(2, len(losses) // 4 + 1) :]
    if window[0] <= 0 or window[-1] <= 0:
        return 0.0
    return float(1 - (window[-1] / window[0]) ** (1 / (len(window) - 1)))


def small_batches(case: Case) -> Iterator[Finding]:
    """Batches of so few examples that batch normalization estimates nothing."""
    size = case.recipe.training.batch_size
    if size < 8 and case.recipe.normalization.name == "batch_normalization" and _is_poor(case, 0.95):
        evidence = f"batch normalization estimates mean and variance from {size} examples"
        yield Finding("batch_size", "issue", 0.88, evidence, (f"training.batch_size={USUAL_BATCH}",))


RULES = (rate_too_high, too_slow, small_batches)
