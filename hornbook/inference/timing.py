"""What a model costs where it is used: parameters, size, and how long a prediction takes."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from hornbook.data.source import Array, Inputs
from hornbook.inference.trained import Trained
from hornbook.runs.usage import size_text
from hornbook.upstream import traced_anew

__all__ = ["Cost", "PredictionTime", "cost_of"]

BATCHES = (1, 256)
WARM_UP_CALLS = 3  # the first one compiles
FEWEST_CALLS, MOST_CALLS = 5, 200
SECONDS = 0.3  # for each size of batches


@dataclass(frozen=True)
class PredictionTime:
    """Milliseconds per example, with inputs in memory: the median of all calls, and what 95 % of them keep to."""

    batch_size: int
    median_ms: float
    p95_ms: float
    calls: int


@dataclass(frozen=True)
class Cost:
    """What a model costs.

    Attributes:
        parameters: All numbers of the model, those that do not learn among them.
        bytes: Of the saved model.
        prediction: How long it takes to predict one example, alone and in batches, on this machine.
    """

    parameters: int
    bytes: int
    prediction: tuple[PredictionTime, ...]

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        return asdict(self) | {"prediction": [asdict(one) for one in self.prediction]}

    def lines(self) -> list[str]:
        """Return lines of at most 80 characters."""
        lines = ["", f"{self.parameters:,} parameters, {size_text(self.bytes)} on disk"]
        lines.append("prediction        ms per example  95 % within")
        for one in self.prediction:
            what = "one at a time" if one.batch_size == 1 else f"batches of {one.batch_size}"
            lines.append(f"{what:<16}  {one.median_ms:>14.4f}  {one.p95_ms:>11.4f}")
        return lines


def cost_of(trained: Trained, x: Inputs) -> Cost:
    """Return what a run's model costs; predictions are timed on some of the examples `x`, of which there is at least one."""
    model = trained.model
    dtype = model.inputs[0].dtype
    examples = np.asarray(x[: max(BATCHES)])
    call = traced_anew(
        tf.function(
            lambda batch: model(tf.cast(batch, dtype), training=False),
            input_signature=[tf.TensorSpec([None, *examples.shape[1:]], examples.dtype)],  # one program for all sizes
            autograph=False,
        )
    )
    times = []
    for size in BATCHES:
        batch = np.resize(examples, (size, *examples.shape[1:]))  # repeats what there are too few of
        seconds = _timed(call, batch) / size * 1000
        times.append(PredictionTime(size, float(np.median(seconds)), float(np.percentile(seconds, 95)), len(seconds)))
    return Cost(model.count_params(), trained.run.model_path(trained.which).stat().st_size, tuple(times))


def _timed(call: Any, batch: Array) -> Array:
    """Return the seconds of each call, from an array to an array."""
    for _ in range(WARM_UP_CALLS):
        call(tf.constant(batch)).numpy()
    seconds: list[float] = []
    while len(seconds) < FEWEST_CALLS or (sum(seconds) < SECONDS and len(seconds) < MOST_CALLS):
        start = time.perf_counter()
        call(tf.constant(batch)).numpy()
        seconds.append(time.perf_counter() - start)
    return np.asarray(seconds)
