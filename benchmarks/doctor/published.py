"""The simple rules that others publish, on what Hornbook records: the baseline of the benchmark.

Thresholds of SageMaker Debugger (dead units, saturation, poor initialization, update ratio, overfitting, class imbalance, a
loss that does not fall), AutoTrainer (vanishing and exploding gradients) and UMLAUT (rate, input range, too good).
"""

import math

from hornbook.doctor.case import Case

__all__ = ["published"]


def published(case: Case) -> list[str]:
    """Return the faults that the rules name, in the order in which they are listed."""
    return [fault for fault, holds in _rules(case) if holds]


def _rules(case: Case):
    place = min(1, len(case.health) - 1)
    gradients = case.figures("gradient_norm", place) if case.health else []
    ratio = gradients[0] / gradients[-1] if len(gradients) > 1 and gradients[-1] else 1.0
    figures = [value for row in case.health[-1:] for value in row["layers"].values()]
    sizes = case.figures("deviation", 0, case.hidden) if case.health else []
    variances = [size**2 for size in sizes if size > 0]
    updates = case.figures("update_ratio", place) if case.health else []
    rate = case.recipe.optimizer.rate()
    losses, held = case.losses, case.validation_losses
    accuracy = [row["val_accuracy"] for row in case.history if row.get("val_accuracy") is not None]
    shares = [share for share in case.class_shares if share]
    yield "exploding_gradient", case.has_diverged or ratio > 70 or not all(map(math.isfinite, gradients))
    yield "vanishing_gradient", bool(gradients) and ratio < 1e-3 and gradients[0] < 1e-4
    yield "dying_relu", any((layer.get("dead") or 0) > 0.5 for layer in figures)
    yield "saturated", any((layer.get("saturated") or 0) > 0.5 for layer in figures)
    yield "bad_initializer", bool(variances) and max(variances) / min(variances) > 10
    yield "lr_too_high", rate > 0.01 or any(update > 10 for update in updates)
    yield "lr_too_low", rate < 1e-7 or any(update < 1e-8 for update in updates)
    lowest, highest = case.figure("inputs", "lowest"), case.figure("inputs", "highest")
    yield "not_normalized_inputs", lowest is not None and highest is not None and max(-lowest, highest) > 1
    yield "class_imbalance", bool(shares) and max(shares) / min(shares) > 10
    yield "overfitting", bool(held) and losses[-1] > 0 and (held[-1] - losses[-1]) / losses[-1] > 0.1
    yield "plateau", len(losses) >= 10 and not min(losses[-9:]) < losses[-10]
    yield "label_leak", bool(accuracy) and accuracy[-1] > 0.95
