"""Loss and metrics of a split, in batches as large as memory allows."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from hornbook.builder.build import Built, as_targets
from hornbook.builder.heads.metrics import build_metric
from hornbook.builder.heads.several import parts_of
from hornbook.data.facts import DataInfo
from hornbook.data.source import Array, Split
from hornbook.engine.prediction import large_batch, predict_scores
from hornbook.engine.programs import Programs
from hornbook.engine.steps import count, forward
from hornbook.recipes.recipe import Recipe
from hornbook.upstream import Statistics

__all__ = ["Evaluator", "TestHooks", "of_mean", "of_targets"]

MOST_TARGETS = 100  # above that they are points of a picture or curve, and a figure for each says nothing


def of_mean(recipe: Recipe, train: Split, split: Split | None) -> dict[str, float]:
    """Return a regression's metrics of the mean of the training targets, predicted for every example of a split.

    What a model has to beat. Nothing where the split is empty, or the task is another. Of several heads each regression has
    its own, `<head>_<metric>`.
    """
    if recipe.heads is not None and split is not None:
        return {
            f"{part.name}_{name}": value
            for part in parts_of(recipe)
            for name, value in of_mean(part.recipe, part.split(train), part.split(split)).items()
        }
    if recipe.task != "regression" or split is None or not len(split):
        return {}
    y = split.y.reshape(len(split.y), -1)
    mean = np.average(train.y.reshape(len(train.y), -1).astype(np.float64), axis=0, weights=train.weights)
    metrics = [build_metric(spec, "regression") for spec in recipe.training.metrics or ()]
    return _figures(metrics, y, np.broadcast_to(mean, y.shape).astype(np.float32), split.weights)


def of_targets(recipe: Recipe, info: DataInfo, model: keras.Model, split: Split | None) -> dict[str, dict[str, float]]:
    """Return a regression's metrics of each of its targets, by name.

    Nothing where the split is empty, there is one target or more than a hundred, or the task is another.
    """
    if recipe.heads is not None and split is not None:
        return {
            f"{part.name}_{name}": figures
            for part in parts_of(recipe)
            for name, figures in of_targets(
                part.recipe, info.of_head(part.name), part.model(model), part.split(split)
            ).items()
        }
    names = info.target_names()
    specs = [spec for spec in recipe.training.metrics or () if spec.of_one_target]
    if split is None or not len(split) or not 1 < len(names) <= MOST_TARGETS or not specs:
        return {}
    metrics = [build_metric(spec, "regression") for spec in specs]
    outputs = predict_scores(model, split.x)
    return {
        name: _figures(metrics, split.y[:, column : column + 1], outputs[:, column : column + 1], split.weights)
        for column, name in enumerate(names)
    }


def _figures(
    metrics: list[keras.metrics.Metric], y: Array, predicted: Array, weights: Array | None
) -> dict[str, float]:
    for metric in metrics:
        metric.reset_state()
        metric.update_state(y, predicted, weights)
    return {metric.name: float(metric.result()) for metric in metrics}


class TestHooks(Protocol):
    """What hears of an evaluation, by the names of Keras's callbacks."""

    def on_test_begin(self) -> None:
        """Called before the first batch."""

    def on_test_batch_begin(self, batch: int) -> None:
        """Called before each batch, counted from 0."""

    def on_test_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        """Called after each batch, with loss and metrics so far."""

    def on_test_end(self, logs: Mapping[str, float]) -> None:
        """Called after the last batch, with loss and metrics."""


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

    def __call__(
        self, x: Any, y: Any, hooks: TestHooks | None = None, weights: Array | None = None
    ) -> dict[str, float]:
        """Return loss (penalties included, as in training) and metrics over a whole split.

        Args:
            x: Inputs (N, …): an array, or rows that stay on disk.
            y: Targets in the shape that the loss expects, (N,) or (N, K).
            hooks: Hears of it.
            weights: What each example counts, (N,), or None where all count alike.
        """
        for metric in (self._loss, *self.built.metrics):
            metric.reset_state()
        if hooks is not None:
            hooks.on_test_begin()
        for batch, start in enumerate(range(0, len(y), self.size)):
            part = slice(start, start + self.size)
            if hooks is not None:
                hooks.on_test_batch_begin(batch)
            arrays = [x[part], y[part], *([] if weights is None else [weights[part]])]
            self._programs.call("evaluate", self._batch, *map(tf.constant, arrays), any_length=True)
            if hooks is not None:
                hooks.on_test_batch_end(batch, self._logs())
        logs = self._logs()
        if hooks is not None:
            hooks.on_test_end(logs)
        return logs

    def _logs(self) -> dict[str, float]:
        return {metric.name: float(metric.result()) for metric in (self._loss, *self.built.metrics)}

    def make_ready(self, split: Split | None) -> None:
        """Trace the program of a split, and have it compiled beside what follows."""
        if split is not None and len(split):
            y, few = as_targets(split.y[:1], self.built.model), slice(0, 1)
            arrays = [split.x[few], y, *([] if split.weights is None else [split.weights[few]])]
            self._programs.make_ready("evaluate", self._batch, *map(tf.constant, arrays), any_length=True)

    def of_split(self, split: Split | None, hooks: TestHooks | None = None) -> dict[str, float]:
        """Return loss and metrics of a split; nothing where it is empty."""
        if split is None or not len(split):
            return {}
        return self(split.x, as_targets(split.y, self.built.model), hooks, split.weights)

    def _batch(self, inputs: Any, y: Any, weights_B: Any = None) -> Any:
        with self._statistics.as_variables():
            scores, loss, penalties = forward(self.built, inputs, y, training=False, weights_B=weights_B)
            loss = loss if penalties is None else loss + penalties
            count(self.built, self._loss, y, scores, loss, size=tf.shape(y)[0], weights_B=weights_B)
        return loss
