"""Whether inputs are like those that a reused model has learned from, by what it keeps of them itself."""

from collections.abc import Iterator

import keras
import numpy as np

from hornbook.builder.build import Built
from hornbook.builder.reuse import PREPROCESSING
from hornbook.data.source import Splits
from hornbook.data.storage.rows import in_memory, select
from hornbook.errors import Problem
from hornbook.recipes.recipe import Recipe

__all__ = ["range_problems"]

EXAMPLES = 500
DARKEST, BRIGHTEST = 1 / 8, 8.0  # of images that the earlier model scales, whose training images reached about 1
FARTHEST, NARROWEST, WIDEST = 5.0, 1 / 20, 20.0  # mean and spread, in the deviations of the earlier training data
MOST_NAMED = 5


def range_problems(recipe: Recipe, built: Built, splits: Splits) -> Iterator[Problem]:
    """Warn of training inputs in another range than those of the earlier model, whose scaling they go through."""
    copied = built.copied
    if recipe.reuse is None or copied is None or recipe.reuse.weights == "fresh":
        return
    layers = [layer for layer in built.training_model.layers if layer.name in copied.origin]
    scaling = [layer for layer in layers if type(layer).__name__ in PREPROCESSING]
    if not scaling:
        return
    rows = np.linspace(0, len(splits.train) - 1, min(EXAMPLES, len(splits.train))).astype(int)
    x = np.asarray(in_memory(select(splits.train.x, rows)), np.float32)
    seen = np.asarray(keras.Model(built.training_model.input, scaling[-1].output)(x, training=False))
    flat = seen.reshape(-1, seen.shape[-1])
    if type(scaling[-1]).__name__ == "Normalization":
        yield from _standardized(flat, [feature.name for feature in splits.info.features or ()])
        return
    largest, reached = float(np.nanmax(np.abs(flat))), float(np.nanmax(np.abs(x)))
    if largest and not DARKEST <= largest <= BRIGHTEST:
        message = (
            f"the earlier model scales its inputs to 1 at most, and these, which reach {reached:g}, to {largest:.2g}."
        )
        hint = "Bring them into the range of its own training data."
        yield Problem(("reuse", "from"), message, hint, severity="warning", code="reuse-range")


def _standardized(seen: np.ndarray, names: list[str]) -> Iterator[Problem]:
    """Warn of columns (rows, F) that the earlier model's own means and deviations leave far from 0 or 1."""
    finite = np.isfinite(seen).any(axis=0)
    mean, deviation = np.zeros(seen.shape[1]), np.ones(seen.shape[1])
    mean[finite], deviation[finite] = np.nanmean(seen[:, finite], axis=0), np.nanstd(seen[:, finite], axis=0)
    varies = deviation > 0
    odd = (np.abs(mean) > FARTHEST) | (varies & ((deviation < NARROWEST) | (deviation > WIDEST)))
    if not odd.any():
        return
    places = np.flatnonzero(odd)
    texts = [
        f"{names[place] if len(names) == len(odd) else f'column {place + 1}'} (mean {mean[place]:.3g}, deviation "
        f"{deviation[place]:.3g})"
        for place in places[:MOST_NAMED]
    ]
    more = f" and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
    message = (
        f"standardized by the earlier model's own training data, these inputs are far from mean 0 and deviation 1: "
        f"{', '.join(texts)}{more}."
    )
    yield Problem(("reuse", "from"), message, "Are they in another unit?", severity="warning", code="reuse-range")
