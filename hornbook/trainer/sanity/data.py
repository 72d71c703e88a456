"""Whether inputs and targets are finite, vary, and lie in the range for which networks are initialized."""

from typing import Any

import numpy as np

from hornbook.data.source import Array
from hornbook.data.storage.rows import blocks
from hornbook.display.text import number_text
from hornbook.layers.series import SeriesLoss
from hornbook.recipes.thresholds import INPUTS, TARGETS
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.sanity.outcome import Outcome, failed, passed

__all__ = ["check_data"]

UNEQUAL = 1000.0
"""Factor between the deviations of two columns whose square is the condition number of a linear problem."""


def check_data(prepared: Prepared, inputs: Array | None) -> Outcome:
    """Check the training split.

    Args:
        prepared: A run before its first step.
        inputs: (R, …) what the first layer with weights reads of some examples; None where it reads no numbers.
    """
    y = np.asarray(prepared.splits.train.y)
    figures: dict[str, Any] = {"examples": len(y)}
    if not np.isfinite(y.astype(np.float64)).all():
        return failed("some targets are not finite. Remove those examples.", **figures)
    wrong = _targets(prepared, y, figures)
    if wrong is not None:
        return wrong
    if inputs is None:
        words = f"tokens below {prepared.splits.info.vocabulary_size}, as the embedding expects"
        return passed(f"{words}; {_targets_text(prepared, y)}", **figures)
    if not np.isfinite(inputs).all():
        return failed("what the first layer reads is not finite for some examples. Look for empty values.", **figures)
    columns = inputs.reshape(-1, inputs.shape[-1]).astype(np.float64)
    size, mean, deviation = float(np.sqrt(np.mean(columns**2))), float(columns.mean()), float(columns.std())
    figures |= {"mean": mean, "deviation": deviation, "lowest": float(columns.min()), "highest": float(columns.max())}
    span = f"the first layer reads numbers from {number_text(figures['lowest'])} to {number_text(figures['highest'])}"
    if len(y) > 1 and float((inputs.max(axis=0) - inputs.min(axis=0)).max()) == 0:
        return failed(
            f"{span}, the same for every example looked at: there is nothing to tell them apart by.", **figures
        )
    if not INPUTS[0] <= size <= INPUTS[1]:
        return failed(
            f"{span} (mean {number_text(mean)}, deviation {number_text(deviation)}), and initializers are made for a mean "
            "square of about 1. Add 'standardize: true' to the data, or leave 'scale' to it.",
            **figures,
        )
    spread = columns.std(axis=0)
    spread = spread[spread > 0]
    if not _is_image(prepared) and len(spread) > 1 and spread.max() / spread.min() > UNEQUAL:
        return failed(
            f"the deviations of the columns go from {number_text(float(spread.min()))} to "
            f"{number_text(float(spread.max()))}: one rate cannot suit both. Add 'standardize: true' to the data.",
            **figures,
        )
    return passed(
        f"{span} (mean {number_text(mean)}, deviation {number_text(deviation)}); {_targets_text(prepared, y)}",
        **figures,
    )


def _is_image(prepared: Prepared) -> bool:
    return prepared.splits.info.kind == "image"


def _targets(prepared: Prepared, y: Array, figures: dict[str, Any]) -> Outcome | None:
    """Return what is wrong with the targets, or None."""
    info = prepared.splits.info
    if len(y) < 2:
        return None
    if info.heads:
        return _of_heads(prepared, figures)
    if info.task == "multilabel":
        if (y == y[:1]).all():
            return failed("every training example has the same labels: there is nothing to learn.", **figures)
        return None
    if info.task != "regression":
        classes = np.unique(y)
        figures["classes"] = len(classes)
        if len(classes) < 2:
            name = info.class_names[int(classes[0])] if info.class_names else str(classes[0])
            return failed(f"every training example is of class '{name}': there is nothing to learn.", **figures)
        return None
    if (y == y[:1]).all():
        return failed("every training example has the same target: there is nothing to learn.", **figures)
    targets = _in_loss(prepared, y).astype(np.float64)
    size = float(np.sqrt(np.mean(targets**2)))
    figures["target_size"] = size
    head = prepared.recipe.head.activation
    if head is not None and head.name == "linear" and not TARGETS[0] <= size <= TARGETS[1]:
        return failed(
            f"the loss sees targets of root mean square {number_text(size)}, and outputs begin near 0 with a deviation of "
            "about 1. Leave 'head.standardize_targets' on, or divide them by a number that brings them near 1.",
            **figures,
        )
    return None


def _of_heads(prepared: Prepared, figures: dict[str, Any]) -> Outcome | None:
    """Return what is wrong with the targets of the first head where something is, or None."""
    for head in prepared.splits.info.heads:
        y = prepared.splits.train.of_head(head).y
        if (y == y[:1]).all():
            return failed(
                f"every training example has the same target of the head '{head.name}': nothing to learn.", **figures
            )
    return None


def _in_loss(prepared: Prepared, y: Array) -> Array:
    """Return all training targets in the unit of the loss, (N, K)."""
    built, rows_NK = prepared.built, y.reshape(len(y), -1).astype(np.float32)
    if not isinstance(built.loss, SeriesLoss):
        return np.asarray(built.in_loss(rows_NK))
    numbers_N = np.concatenate([block[:, 0, -1] for block in blocks(prepared.splits.train.x)])
    return np.asarray(built.loss.layer.learned(rows_NK, np.column_stack([rows_NK, numbers_N])))


def _targets_text(prepared: Prepared, y: Array) -> str:
    info = prepared.splits.info
    if info.heads:
        return "targets of " + ", ".join(f"{head.name} ({head.task})" for head in info.heads)
    if info.task == "regression":
        name = "standardized targets" if prepared.recipe.head.standardize_targets else "targets"
        targets = _in_loss(prepared, y)
        return f"{name} of mean {number_text(float(targets.mean()))}, deviation {number_text(float(targets.std()))}"
    counts = [count for count in info.class_counts if count]
    if not counts:
        return f"{info.num_classes} labels"
    few, many = min(counts), max(counts)
    return f"{len(counts)} classes of {few:,}{f' to {many:,}' if many > few else ''} examples"
