"""What a smaller model gains and costs: size, zeros, time of a prediction, and the result on the same examples."""

import gzip
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array, Inputs, Split
from hornbook.display.intervals import Interval, mean_interval
from hornbook.engine.prediction import large_batch
from hornbook.shrinking.prune import count_zeros

__all__ = ["Loss", "latencies", "loss_of", "size_of"]

BATCHES = (1, 256)
WARM_UP_CALLS = 2
FEWEST_CALLS, MOST_CALLS = 20, 200
SECONDS = 0.4  # for each size of batches, both models together
UNITS = {
    "regression": ("explained variance", "a point is a hundredth of the targets' variance"),
    "multilabel": ("accuracy", "a point is a percent of the labels"),
}
ACCURACY = ("accuracy", "a point is a percent of the examples")


def size_of(path: Path, model: keras.Model) -> dict[str, int]:
    """Return the bytes of a saved model, as it is and compressed by gzip, and its numbers with the zeros among them."""
    content = path.read_bytes()
    zeros, numbers = count_zeros(model.weights)
    return {
        "file": len(content),
        "compressed": len(gzip.compress(content, 9)),
        "parameters": numbers,
        "zeros": zeros,
    }


def latencies(models: Mapping[str, keras.Model], x: Inputs) -> list[dict[str, Any]]:
    """Return how long a call of each model takes, in milliseconds: they take turns, after two calls each to warm up.

    Args:
        models: By what they are called.
        x: Examples, at least one; they are repeated where a batch takes more.
    """
    calls = {name: _compiled(model) for name, model in models.items()}
    rows: list[dict[str, Any]] = []
    for size in BATCHES:
        examples = np.asarray(x[:size])
        batch = np.resize(examples, (size, *examples.shape[1:]))
        for _ in range(WARM_UP_CALLS):
            for call in calls.values():
                call(tf.constant(batch)).numpy()
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        started = time.perf_counter()
        for count in range(MOST_CALLS):
            if count >= FEWEST_CALLS and time.perf_counter() - started > SECONDS:
                break
            for name, call in calls.items():
                start = time.perf_counter()
                call(tf.constant(batch)).numpy()
                seconds[name].append(time.perf_counter() - start)
        figures = {
            name: {"p50_ms": float(np.percentile(taken, 50)) * 1e3, "p95_ms": float(np.percentile(taken, 95)) * 1e3}
            for name, taken in seconds.items()
        }
        rows.append({"batch": size, **figures})
    return rows


def _compiled(model: keras.Model) -> Any:
    dtype = model.inputs[0].dtype
    return tf.function(lambda batch: model(tf.cast(batch, dtype), training=False), autograph=False)


@dataclass(frozen=True)
class Loss:
    """How much worse one model is than another on the same examples.

    Attributes:
        metric: What is compared.
        unit: What a point of it is.
        before, after: In points.
        lost: Before minus after, with its 95 % interval over the examples, paired.
    """

    metric: str
    unit: str
    before: float
    after: float
    lost: Interval

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        half = self.lost.half if np.isfinite(self.lost.half) else None
        facts = {"metric": self.metric, "unit": self.unit, "before": self.before, "after": self.after}
        return {**facts, "lost": self.lost.mean, "half": half, "examples": self.lost.count}


def loss_of(before: keras.Model, after: keras.Model, split: Split, info: DataInfo, *, decision: float) -> Loss:
    """Return how much worse a model is on a split, example by example.

    Args:
        before: The earlier model.
        after: The smaller one.
        split: Examples, at least one.
        info: What is known of the data.
        decision: Output above which a unit says yes.
    """
    y = np.asarray(split.y)
    old, new = (points(_scores(model, split.x), y, info.task, decision) for model in (before, after))
    lost = mean_interval((old - new).tolist())
    metric, unit = UNITS.get(info.task, ACCURACY)
    return Loss(metric, unit, float(old.mean()), float(new.mean()), lost)


def _scores(model: keras.Model, x: Inputs) -> Array:
    """Return the outputs (N, K) for inputs: layer by layer, which takes less time than to compile a program for one use."""
    size, dtype = large_batch(model), model.inputs[0].dtype
    parts = [
        np.asarray(model(tf.cast(x[start : start + size], dtype), training=False)) for start in range(0, len(x), size)
    ]
    return np.concatenate(parts)


def points(scores: Array, y: Array, task: str, decision: float) -> Array:
    """Return what each example adds to the metric, in points, (N,).

    Of a classification 100 where the label is right; of a regression 100 minus the squared error in hundredths of the
    targets' variance, whose mean is 100·R².
    """
    if task == "multiclass":
        right = scores.argmax(axis=-1) == y.reshape(-1)
    elif task == "binary":
        right = (scores[:, 0] > decision) == (y.reshape(-1) > 0)
    elif task == "multilabel":
        right = ((scores > decision) == (y > 0)).mean(axis=1)
    else:
        return _explained(scores, y)
    return np.asarray(100.0 * right)


def _explained(scores: Array, y: Array) -> Array:
    truth = y.reshape(len(y), -1).astype(np.float64)
    variance = truth.var(axis=0)
    errors = (scores.reshape(truth.shape) - truth) ** 2 / np.where(variance > 0, variance, 1.0)
    return np.asarray(100.0 * (1.0 - errors.mean(axis=1)))
