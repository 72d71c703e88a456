"""Whether the loss before the first step is what theory says of a network that has learned nothing."""

import math
from typing import Any

import keras
import numpy as np

from hornbook.builder.build import Built
from hornbook.builder.heads.single import HEAD_ACTIVATION
from hornbook.data.source import Array
from hornbook.display.text import number_text
from hornbook.layers.series import SeriesLoss
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.sanity.outcome import Outcome, failed, passed, skipped

__all__ = ["check_initial_loss"]

DRAWS = 500
ROUNDING = 1e-4
LOGIT_VARIANCE = 2.0
"""The most that Glorot's initialization gives scores over features of mean square 1: 2·fan_in/(fan_in + fan_out)."""


def check_initial_loss(prepared: Prepared, loss: float, y: Array) -> Outcome:
    """Compare the loss of some examples with that of networks whose scores are drawn.

    Scores that say nothing give ln C, whatever the classes' shares, and no constant gives less than the classes' entropy;
    standardized targets give their variance, 1. Small scores of random sign move this by an amount that is drawn here: the
    same for all examples of a class, or in proportion to a regression's target, which is the most that chance can do.

    Args:
        prepared: A run before its first step.
        loss: Of some examples, without dropout and the like.
        y: Their targets, in the shape that the loss expects.
    """
    copied = prepared.built.copied
    if (copied is not None and copied.start) or prepared.shrinking is not None:
        return skipped("the network begins with what an earlier model has learned, of which theory knows nothing.")
    if isinstance(prepared.built.loss, SeriesLoss):
        return skipped("each series is on a scale of its own, which scores alone do not tell.")
    zero, drawn = _losses(prepared.built, y)
    low, high = min(zero, float(np.quantile(drawn, 0.001))), max(zero, float(np.quantile(drawn, 0.999)))
    rounding = ROUNDING * abs(zero)
    figures: dict[str, Any] = {"loss": loss, "theory": zero, "lowest": low, "highest": high}
    entropy = _entropy(prepared, y)
    if entropy is not None:
        figures["entropy"] = entropy
    theory = f"{number_text(zero)} ({_name(prepared, zero, entropy)})"
    said = f"{number_text(loss)}; theory says {theory}"
    if not math.isfinite(loss):
        return failed(f"the loss is {loss} before the first step. Look at the inputs and the initializer.", **figures)
    allowed = f"{number_text(low)} to {number_text(high)} with scores of deviation 1.4"
    if loss > high + rounding:
        return failed(
            f"{said}, {allowed}. The network begins sure of itself and wrong: are inputs and initializer of the right "
            "size, does the loss fit the head?",
            **figures,
        )
    if loss < low - rounding:
        return failed(f"{said}, {allowed}. It knows too much: is the target among the inputs?", **figures)
    return passed(said, **figures)


def _losses(built: Built, y: Array) -> tuple[float, Array]:
    """Return the loss with scores 0, and with so many drawn ones."""
    width = int(built.logits_model.output_shape[-1])
    generator = np.random.default_rng(0)
    wanted = np.asarray(built.in_loss(y), np.float32)
    losses = [_loss(built, wanted, np.zeros((len(y), width), np.float32))]
    for _ in range(DRAWS):
        losses.append(_loss(built, wanted, _drawn(built, wanted, width, generator)))
    return losses[0], np.asarray(losses[1:])


def _drawn(built: Built, wanted: Array, width: int, generator: np.random.Generator) -> Array:
    """Return scores that are a random function of the targets, those of each head of its own."""
    if not built.heads:
        return _scores(wanted, width, generator)
    columns = [part.columns for part in built.heads]
    parts = [_scores(wanted[:, slice(*own.targets)], own.outputs[1] - own.outputs[0], generator) for own in columns]
    return np.concatenate(parts, axis=1)


def _scores(wanted: Array, width: int, generator: np.random.Generator) -> Array:
    """Return scores (B, width) that are a random function of the targets."""
    flat = wanted.reshape(len(wanted), -1)
    levels, place = np.unique(flat, axis=0, return_inverse=True)
    if len(levels) <= max(2, width):
        by_level: Array = generator.normal(0, LOGIT_VARIANCE**0.5, (len(levels), width)).astype(np.float32)
        return by_level[np.ravel(place)]
    size = np.sqrt(np.mean(flat**2, axis=0, keepdims=True)) + 1e-12
    slope, start = generator.normal(0, (LOGIT_VARIANCE / 2) ** 0.5, (2, 1, width))
    scores: Array = (start + slope * np.broadcast_to(flat / size, (len(flat), width))).astype(np.float32)
    return scores


def _loss(built: Built, wanted: Array, scores: Array) -> float:
    """Return the mean loss of scores in front of the head's activation, or of outputs where the loss reads these."""
    given: Any = scores
    if not built.from_logits and any(layer.name == HEAD_ACTIVATION for layer in built.model.layers):
        given = built.model.get_layer(HEAD_ACTIVATION)(scores)
    called = [keras.ops.convert_to_tensor(value, dtype=built.loss.dtype) for value in (wanted, given)]
    return float(np.mean(np.asarray(built.loss.call(*called), np.float64)))


def _entropy(prepared: Prepared, y: Array) -> float | None:
    if prepared.recipe.task not in ("binary", "multiclass"):
        return None
    shares = np.unique(y, return_counts=True)[1] / len(y)
    return float(-np.sum(shares * np.log(shares)))


def _name(prepared: Prepared, zero: float, entropy: float | None) -> str:
    """Return what the theoretical loss is called."""
    recipe = prepared.recipe
    if recipe.heads is not None:
        return "of scores 0 in all heads"
    classes = max(recipe.head.units or 1, 2)
    if recipe.task != "regression":
        name = f"ln {2 if recipe.task == 'multilabel' else classes}"
        if abs(zero - math.log(2 if recipe.task == "multilabel" else classes)) > 1e-3:
            name = "scores of 0"
        return name if entropy is None else f"{name}; the classes' entropy is {number_text(entropy)}"
    return "of scores 0, with standardized targets" if recipe.head.standardize_targets else "of scores 0"
