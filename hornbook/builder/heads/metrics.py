"""Metrics whose Keras class depends on the task."""

from typing import Any, Literal

import keras
from keras import ops

from hornbook.recipes.sections.head import Task
from hornbook.recipes.sections.metric import AveragedMetric, MetricSpec

__all__ = [
    "AreaUnderCurves",
    "ClassFigure",
    "ExactR2Score",
    "RankError",
    "accuracy",
    "auc",
    "build_metric",
    "f1_score",
    "precision",
    "r2_score",
    "rank_error",
    "recall",
]

Figure = Literal["precision", "recall", "f1_score"]


@keras.saving.register_keras_serializable("hornbook")
class ClassFigure(keras.metrics.Metric):
    """Precision, recall or F1 of several classes or labels, as scikit-learn averages them.

    What would be divided by 0 is 0. A class that is neither there nor predicted does not count in a macro average; a label
    does.

    Args:
        figure: ``precision``, ``recall`` or ``f1_score``.
        num_classes: Classes or labels, K.
        average: ``macro``, ``micro`` or ``weighted`` (by the examples of each).
        threshold: Probability above which a label is predicted; None for classes, of which the likeliest is predicted.
        name: What it is recorded as.
    """

    def __init__(
        self,
        figure: Figure,
        num_classes: int,
        average: str = "macro",
        threshold: float | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name or figure, **kwargs)
        self.figure, self.num_classes, self.average, self.threshold = figure, num_classes, average, threshold
        self.right, self.predicted, self.real = (
            self.add_variable((num_classes,), initializer="zeros", name=name) for name in ("right", "predicted", "real")
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: class numbers (B,) or (B, 1), or labels (B, K), and outputs (B, K)."""
        outputs = ops.convert_to_tensor(y_pred)
        if self.threshold is None:
            predicted = _rows(ops.argmax(outputs, axis=-1), self.num_classes)
            real = _rows(y_true, self.num_classes)
        else:
            predicted = ops.cast(outputs > self.threshold, "float32")
            real = ops.cast(ops.convert_to_tensor(y_true), "float32")
        weights = 1.0 if sample_weight is None else ops.reshape(ops.cast(sample_weight, "float32"), (-1, 1))
        for variable, rows in ((self.right, real * predicted), (self.predicted, predicted), (self.real, real)):
            variable.assign_add(ops.sum(rows * weights, axis=0))

    def result(self) -> Any:
        """Return the average so far."""
        right, predicted, real = (ops.convert_to_tensor(v) for v in (self.right, self.predicted, self.real))
        if self.average == "micro":
            right, predicted, real = (ops.sum(values, keepdims=True) for values in (right, predicted, real))
        whole = {"precision": predicted, "recall": real, "f1_score": (predicted + real) / 2}[self.figure]
        figures_K = ops.divide_no_nan(right, whole)
        weights_K = ops.ones_like(real)
        if self.average == "weighted":
            weights_K = real
        elif self.average == "macro" and self.threshold is None:
            weights_K = ops.cast(predicted + real > 0, "float32")
        return ops.divide_no_nan(ops.sum(figures_K * weights_K), ops.sum(weights_K))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        names = ("figure", "num_classes", "average", "threshold")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("hornbook")
class AreaUnderCurves(keras.metrics.AUC):
    """Keras's AUC of each class or label against all others, averaged over those that have a curve.

    Args:
        num_classes: Classes or labels, K.
        average: ``macro``, ``micro`` (all decisions as one curve) or ``weighted`` (by the examples of each).
        exclusive: Whether targets are class numbers.
        kwargs: As of `keras.metrics.AUC`.
    """

    def __init__(self, num_classes: int, average: str = "macro", exclusive: bool = True, **kwargs: Any) -> None:
        own = {} if average == "micro" else {"multi_label": True, "num_labels": num_classes}
        super().__init__(**{**kwargs, **own})
        self.num_classes, self.average, self.exclusive = num_classes, average, exclusive

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: class numbers (B,) or (B, 1), or labels (B, K), and probabilities (B, K)."""
        rows = _rows(y_true, self.num_classes) if self.exclusive else y_true
        super().update_state(rows, y_pred, sample_weight)

    def result(self) -> Any:
        """Return the average so far."""
        if self.average == "micro":
            return super().result()
        positives = self.true_positives[0] + self.false_negatives[0]
        negatives = self.false_positives[0] + self.true_negatives[0]
        has_curve = ops.cast(ops.logical_and(positives > 0, negatives > 0), "float32")
        self.label_weights = has_curve * positives if self.average == "weighted" else has_curve
        try:
            return super().result()
        finally:
            self.label_weights = None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        config = super().get_config()
        names = ("num_classes", "average", "exclusive")
        inherited = {key: value for key, value in config.items() if key not in {"multi_label", "num_labels"}}
        return {**inherited, **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("hornbook")
class RankError(keras.metrics.Mean):
    """Mean distance between the likeliest class and the right one, in classes."""

    def __init__(self, name: str = "rank_error", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch: class numbers (B,) or (B, 1), and outputs (B, K)."""
        predicted = ops.cast(ops.argmax(y_pred, axis=-1), "float32")
        super().update_state(ops.abs(predicted - ops.cast(ops.reshape(y_true, [-1]), "float32")), sample_weight)


@keras.saving.register_keras_serializable("hornbook")
class ExactR2Score(keras.metrics.R2Score):
    """Keras's R², counted in float64.

    It takes the squared sum of the targets from the sum of their squares. Of targets far from 0 (years, times) float32
    keeps next to nothing of that difference.
    """

    def __init__(self, name: str = "r2_score", dtype: str = "float64", **kwargs: Any) -> None:
        super().__init__(name=name, dtype=dtype, **kwargs)

    def add_variable(self, shape: Any, initializer: Any, dtype: Any = None, **kwargs: Any) -> Any:
        """Return a variable of what is counted; Keras makes those of any metric float32."""
        return super().add_variable(shape, initializer, dtype=dtype or self.dtype, **kwargs)


def rank_error(task: Task, name: str) -> RankError:
    """Return the mean distance between classes in an order."""
    return RankError(name=name)


def _rows(numbers: Any, num_classes: int) -> Any:
    """Return class numbers (B,) or (B, 1) as rows (B, K) of 0 and 1."""
    return ops.one_hot(ops.cast(ops.reshape(numbers, [-1]), "int32"), num_classes, dtype="float32")


def accuracy(task: Task, name: str, decision: float = 0.5) -> keras.metrics.Metric:
    """Return accuracy for class numbers (multiclass) or for outputs on either side of `decision`."""
    if task == "multiclass":
        return keras.metrics.SparseCategoricalAccuracy(name=name)
    return keras.metrics.BinaryAccuracy(threshold=decision, name=name)


def precision(
    task: Task, name: str, units: int = 1, average: str | None = None, thresholds: float | None = None
) -> keras.metrics.Metric:
    """Return precision over classes, or over 0/1 labels."""
    if average in (None, "micro") and task != "multiclass":
        return keras.metrics.Precision(thresholds=thresholds or 0.5, name=name)
    return _class_figure("precision", task, name, units, average, thresholds)


def recall(
    task: Task, name: str, units: int = 1, average: str | None = None, thresholds: float | None = None
) -> keras.metrics.Metric:
    """Return recall over classes, or over 0/1 labels."""
    if average in (None, "micro") and task != "multiclass":
        return keras.metrics.Recall(thresholds=thresholds or 0.5, name=name)
    return _class_figure("recall", task, name, units, average, thresholds)


def f1_score(
    task: Task, name: str, units: int = 1, average: str | None = None, threshold: float | None = None
) -> keras.metrics.Metric:
    """Return F1 over classes, or over 0/1 labels."""
    if task != "multiclass":
        return keras.metrics.F1Score(average=average or "macro", threshold=threshold or 0.5, name=name)
    return _class_figure("f1_score", task, name, units, average, threshold)


def _class_figure(
    figure: Figure, task: Task, name: str, units: int, average: str | None, threshold: float | None
) -> ClassFigure:
    limit = None if task == "multiclass" else threshold or 0.5
    return ClassFigure(figure, units, average or "macro", limit, name=name)


def auc(
    task: Task,
    name: str,
    units: int = 1,
    average: str | None = None,
    curve: str = "ROC",
    num_thresholds: int = 200,
) -> keras.metrics.Metric:
    """Return the area under the curve of one yes or no, or of each class or label."""
    if task == "binary":
        return keras.metrics.AUC(num_thresholds=num_thresholds, curve=curve, name=name)
    exclusive = task == "multiclass"
    return AreaUnderCurves(units, average or "macro", exclusive, num_thresholds=num_thresholds, curve=curve, name=name)


def r2_score(task: Task, name: str) -> keras.metrics.Metric:
    """Return the explained share of the variance, averaged over targets."""
    return ExactR2Score(name=name)


def build_metric(
    spec: MetricSpec, task: Task, *, units: int | None = None, decision: float = 0.5
) -> keras.metrics.Metric:
    """Return a fresh Keras metric, with the name that the recipe records it by.

    Args:
        spec: The recipe's metric.
        task: The recipe's task.
        units: Outputs of the head: classes or labels.
        decision: The output above which a unit says yes.
    """
    arguments: dict[str, Any] = {"task": task} if (spec.builds or "").startswith("hornbook.") else {}
    if spec.name == "accuracy":
        arguments["decision"] = decision
    if isinstance(spec, AveragedMetric):
        arguments |= {"units": units or 1, "average": spec.average_of(task)}
    return spec.build(name=spec.recorded, **arguments)
