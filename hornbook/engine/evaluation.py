"""Loss and metrics of a split, in batches as large as memory allows."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hornbook.builder.build import Built, as_targets
from hornbook.builder.metrics import build_metric
from hornbook.data.source import Split
from hornbook.engine.prediction import large_batch
from hornbook.engine.programs import Programs
from hornbook.engine.steps import count, forward
from hornbook.recipes.recipe import Recipe
from hornbook.upstream import Statistics

__all__ = ["Evaluator", "of_mean"]


def of_mean(recipe: Recipe, train: Split, split: Split | None) -> dict[str, float]:
    """Return a regression's metrics of the mean of the training targets, predicted for every example of a split.

    What a model has to beat. Nothing where the split is empty, or the task is another.
    """
    if recipe.task != "regression" or split is None or not len(split):
        return {}
    y = split.y.reshape(len(split.y), -1)
    mean = train.y.reshape(len(train.y), -1).astype(np.float64).mean(axis=0)
    metrics = [build_metric(spec, "regression") for spec in recipe.training.metrics or ()]
    for metric in metrics:
        metric.update_state(y, np.broadcast_to(mean, y.shape).astype(np.float32))
    return {metric.name: float(metric.result()) for metric in metrics}


class Evaluator:
    """Evaluates splits of one model again and again, as validation needs.

    Args:
        built: The model's two views, loss and metrics. The metrics are reset at each call.
        structure: What makes compiled programs interchangeable between runs, or None to share none.
    """

    def __init__(self, built: Built, structure: str | None = None) -> None:
        self.built = built
        self.size = large_batch(built.model)
        self._loss = keras.metrics.Mean(name="loss")
        self._statistics = Statistics(built.training_model)
        if structure is None:
            self._programs = Programs(None, [])
            return
        variables = [*built.training_model.variables, *self._loss.variables]
        variables += [variable for metric in built.metrics for variable in metric.variables]
        handles = {id(variable): variable.value.handle for variable in variables}
        statistics = [variable.handle for variable in self._statistics.variables]
        self._programs = Programs(structure, [*handles.values(), *statistics])

    def __call__(self, x: Any, y: Any) -> dict[str, float]:
        """Return loss (penalties included, as in training) and metrics over a whole split.

        Args:
            x: Inputs (N, …): an array, or rows that stay on disk.
            y: Targets in the shape that the loss expects, (N,) or (N, K).
        """
        trackers = (self._loss, *self.built.metrics)
        for metric in trackers:
            metric.reset_state()
        for start in range(0, len(y), self.size):
            part = slice(start, start + self.size)
            self._programs.call("evaluate", self._batch, tf.constant(x[part]), tf.constant(y[part]), any_length=True)
        return {metric.name: float(metric.result()) for metric in trackers}

    def of_split(self, split: Split | None) -> dict[str, float]:
        """Return loss and metrics of a split; nothing where it is empty."""
        if split is None or not len(split):
            return {}
        return self(split.x, as_targets(split.y, self.built.model))

    def _batch(self, inputs: Any, y: Any) -> Any:
        with self._statistics.as_variables():
            scores, loss, penalties = forward(self.built, inputs, y, training=False)
            loss = loss if penalties is None else loss + penalties
            count(self.built, self._loss, y, scores, loss, size=tf.shape(y)[0])
        return loss
