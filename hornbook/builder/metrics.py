"""Metrics whose Keras class depends on the task."""

from typing import Any

import keras

from hornbook.recipes.sections.head import Task
from hornbook.recipes.sections.metric import MetricSpec

__all__ = ["accuracy", "build_metric", "f1_score", "r2_score"]


def accuracy(task: Task, name: str, decision: float = 0.5) -> keras.metrics.Metric:
    """Return accuracy for class numbers (multiclass) or for outputs on either side of `decision`."""
    if task == "multiclass":
        return keras.metrics.SparseCategoricalAccuracy(name=name)
    return keras.metrics.BinaryAccuracy(threshold=decision, name=name)


def f1_score(task: Task, name: str, threshold: float = 0.5) -> keras.metrics.Metric:
    """Return F1 over 0/1 labels, averaged over labels where there are several."""
    return keras.metrics.F1Score(average="macro", threshold=threshold, name=name)


def r2_score(task: Task, name: str) -> keras.metrics.Metric:
    """Return the explained share of the variance, averaged over targets."""
    return keras.metrics.R2Score(name=name)


def build_metric(spec: MetricSpec, task: Task, *, decision: float = 0.5) -> keras.metrics.Metric:
    """Return a fresh Keras metric, named as in the recipe; multilabel AUC counts each label by itself.

    `decision` is the output above which a unit says yes.
    """
    arguments: dict[str, Any] = {"task": task} if (spec.builds or "").startswith("hornbook.") else {}
    if spec.name == "accuracy":
        arguments["decision"] = decision
    if spec.name == "auc" and task == "multilabel":
        arguments["multi_label"] = True
    return spec.build(name=spec.name, **arguments)
