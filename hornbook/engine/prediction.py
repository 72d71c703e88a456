"""Predictions in batches as large as memory allows."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hornbook.data.source import Array, Inputs
from hornbook.display.terminal import Bar
from hornbook.upstream import traced_anew

__all__ = ["large_batch", "predict_scores"]

FLOATS_PER_BATCH = 2**21  # the widest layer's outputs may take 8 MB


def large_batch(model: keras.Model) -> int:
    """Return how many examples fit in one batch: between 32 and 8192, fewer for wide layers."""
    widest = 1
    for layer in model.layers:
        shape = getattr(layer.output, "shape", None) if not isinstance(layer.output, list) else None
        if shape is not None:
            widest = max(widest, math.prod(size or 1 for size in shape[1:]))
    return int(min(max(FLOATS_PER_BATCH // widest, 32), 8192))


def predict_scores(
    model: keras.Model, x: Inputs, *, shows_progress: bool = False, batch_size: int | None = None
) -> Array:
    """Return the model's outputs (N, K) float32 for inputs (N, …), in memory or on disk, in inference mode.

    Outputs of a row may differ in their last bit between batches of different sizes.
    """
    dtype = model.inputs[0].dtype
    call = traced_anew(
        tf.function(lambda batch: model(tf.cast(batch, dtype), training=False), autograph=False, reduce_retracing=True)
    )
    size = batch_size or large_batch(model)
    bar, parts = Bar("predicting", len(x)) if shows_progress else None, list[Any]()
    try:
        for start in range(0, len(x), size):
            parts.append(call(tf.constant(x[start : start + size])).numpy())
            if bar is not None:
                bar.move(start + len(parts[-1]))
    finally:
        if bar is not None:
            bar.close()
    return np.concatenate(parts) if parts else np.zeros((0, *model.output_shape[1:]), np.float32)
