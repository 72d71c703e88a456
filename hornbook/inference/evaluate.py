"""Loss and metrics of a split, in batches as large as memory allows."""

from typing import Any

import keras
import tensorflow as tf

from hornbook.builder.build import Built
from hornbook.data.source import Split
from hornbook.inference.predict import large_batch

__all__ = ["Evaluator"]


class Evaluator:
    """Evaluates one split again and again, as validation needs; the split stays on the device.

    Args:
        built: The model's two views, loss and metrics. The metrics are reset at each call.
        split: Inputs (N, …) and targets.
        targets: The targets in the shape that the loss expects, (N,) or (N, K).
    """

    def __init__(self, built: Built, split: Split, targets: Any) -> None:
        self.built = built
        self.size = large_batch(built.model)
        self.count = len(split)
        self._inputs = tf.constant(split.x)
        self._targets = tf.constant(targets)
        self._loss = keras.metrics.Mean(name="loss")
        self._batch = tf.function(self._run_batch, autograph=False, reduce_retracing=True)

    def __call__(self) -> dict[str, float]:
        """Return loss (penalties included, as in training) and metrics over the whole split."""
        trackers = (self._loss, *self.built.metrics)
        for metric in trackers:
            metric.reset_state()
        for start in range(0, self.count, self.size):
            self._batch(tf.constant(start), tf.constant(min(start + self.size, self.count)))
        return {metric.name: float(metric.result()) for metric in trackers}

    def _run_batch(self, start: Any, end: Any) -> None:
        built, model = self.built, self.built.logits_model
        y = self._targets[start:end]
        scores = model(tf.cast(self._inputs[start:end], model.inputs[0].dtype), training=False)
        loss = built.loss(y, scores)
        if model.losses:
            loss = loss + tf.add_n(model.losses)
        self._loss.update_state(loss, sample_weight=tf.cast(end - start, tf.float32))
        outputs = built.activate(scores)
        for metric in built.metrics:
            metric.update_state(y, outputs)
