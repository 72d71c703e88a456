"""Predictions in batches as large as memory allows."""

import math
import weakref
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

import keras
import numpy as np
import tensorflow as tf

from hornbook.data.source import Array, Inputs
from hornbook.display.terminal import Bar
from hornbook.upstream import forgettable

__all__ = ["large_batch", "predict_scores"]

FLOATS_PER_BATCH = 2**21  # the widest layer's outputs may take 8 MB
MOST = 32_768  # a thin network computes as long as a call costs with 8,192
AT_ONCE = 2  # batches that are computed while another is read
_TRACED: "WeakKeyDictionary[keras.Model, dict[Any, Any]]" = WeakKeyDictionary()


def large_batch(model: keras.Model) -> int:
    """Return how many examples fit in one batch: between 32 and 32,768, fewer for wide layers."""
    widest = 1
    for layer in model.layers:
        shape = getattr(layer.output, "shape", None) if not isinstance(layer.output, list) else None
        if shape is not None:
            widest = max(widest, math.prod(size or 1 for size in shape[1:]))
    return int(min(max(FLOATS_PER_BATCH // widest, 32), MOST))


def _program(model: keras.Model, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return the model in inference mode, traced for inputs (any number, *shape): once, as importances ask many times."""
    programs = _TRACED.setdefault(model, {})
    key = tuple(shape), str(dtype), tuple(map(id, model.variables))  # others once it is quantized
    if key not in programs:
        alone = weakref.proxy(model)  # or the program would keep the model, and the model the program
        wanted = model.inputs[0].dtype
        call = tf.function(lambda batch: alone(tf.cast(batch, wanted), training=False), autograph=False)
        with forgettable():
            programs[key] = call.get_concrete_function(tf.TensorSpec([None, *shape], dtype))
    return programs[key]


def predict_scores(
    model: keras.Model, x: Inputs, *, shows_progress: bool = False, batch_size: int | None = None
) -> Array:
    """Return the model's outputs (N, K) float32 for inputs (N, …), in memory or on disk, in inference mode.

    Outputs of a row may differ in their last bit between batches of different sizes. A model that was built for batches of
    one size gets such batches, the last one filled up with its first row.
    """
    program = _program(model, x.shape[1:], x.dtype)
    fixed = model.inputs[0].shape[0]
    if fixed is not None and len(x):
        return _of_one_size(program, x, fixed)
    size = batch_size or large_batch(model)
    if len(x) <= size:
        empty = np.zeros((0, *model.output_shape[1:]), np.float32)
        return _outputs(program, tf.constant(x[:size])) if len(x) else empty
    bar, parts = Bar("predicting", len(x)) if shows_progress else None, list[Any]()
    threads, running = ThreadPoolExecutor(AT_ONCE, "hornbook predicts"), deque[Future[Array]]()
    try:
        for start in range(0, len(x), size):
            running.append(threads.submit(_outputs, program, tf.constant(x[start : start + size])))
            while len(running) > AT_ONCE or (running and start + size >= len(x)):
                parts.append(running.popleft().result())
                if bar is not None:
                    bar.move(min(len(parts) * size, len(x)))
    finally:
        threads.shutdown(wait=True, cancel_futures=True)
        if bar is not None:
            bar.close()
    return np.concatenate(parts)


def _of_one_size(program: Any, x: Inputs, size: int) -> Array:
    """Return the outputs of a model that takes batches of one size alone, one after the other: it may keep a state."""
    parts = []
    for start in range(0, len(x), size):
        batch = x[start : start + size]
        missing = np.repeat(batch[:1], size - len(batch), axis=0)
        parts.append(_outputs(program, tf.constant(np.concatenate([batch, missing])))[: len(batch)])
    return np.concatenate(parts)


def _outputs(program: Any, batch: Any) -> Array:
    found: Array = program(batch).numpy()
    return found
