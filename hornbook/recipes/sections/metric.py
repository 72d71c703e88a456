"""Metrics: `training.metrics` in a recipe. They get probabilities, not logits."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hornbook.recipes.language.spec import Component, ComponentOf, PositiveInt, register
from hornbook.recipes.sections.head import Task

__all__ = ["Metric", "MetricSpec", "default_metric"]

Threshold = Annotated[float, Field(gt=0, lt=1, description="Probability above which an example counts as positive.")]
ALL_CLASSIFICATION: tuple[Task, ...] = ("multiclass", "binary", "multilabel")


class MetricSpec(Component):
    """Base of every metric. It is recorded under its name, and as `val_` + name for validation."""

    kind: ClassVar[str] = "metric"
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)
    mode: ClassVar[Literal["min", "max"]] = "max"
    """Which direction is better."""


Metric = Annotated[MetricSpec, ComponentOf("metric")]


def default_metric(task: Task) -> MetricSpec:
    """Return the metric that is recorded when `training.metrics` is omitted."""
    return RootMeanSquaredError() if task == "regression" else Accuracy()


@register
class Accuracy(MetricSpec):
    """Fraction of right answers: the likeliest class, or each output on the right side of 0.5.

    Keras: `SparseCategoricalAccuracy`, `BinaryAccuracy`.

    Example:
        training: {metrics: [accuracy]}
    """

    name: Literal["accuracy"] = "accuracy"
    builds = "hornbook.builder.metrics:accuracy"
    tasks: ClassVar[tuple[Task, ...]] = ALL_CLASSIFICATION


@register
class TopKAccuracy(MetricSpec):
    """Fraction of examples whose class is among the k likeliest.

    Keras: `SparseTopKCategoricalAccuracy`; usual for ImageNet with k = 5 (Russakovsky et al. 2015).

    Example:
        training: {metrics: [accuracy, {name: top_k_accuracy, k: 3}]}
    """

    name: Literal["top_k_accuracy"] = "top_k_accuracy"
    builds = "keras.metrics:SparseTopKCategoricalAccuracy"
    tasks: ClassVar[tuple[Task, ...]] = ("multiclass",)

    k: PositiveInt = 5
    """How many of the likeliest classes count."""


@register
class AUC(MetricSpec):
    """Area under the ROC (or precision-recall) curve, by 200 thresholds.

    Independent of a threshold; PR for rare positives. Keras: `AUC`; Fawcett (2006), "An introduction to ROC analysis".

    Example:
        training: {metrics: [{name: auc, curve: PR}]}
    """

    name: Literal["auc"] = "auc"
    builds = "keras.metrics:AUC"
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multilabel")

    curve: Literal["ROC", "PR"] = "ROC"
    """Receiver operating characteristic, or precision over recall."""
    num_thresholds: Annotated[int, Field(ge=2)] = 200
    """Points of the curve; more are slower and more exact."""


@register
class Precision(MetricSpec):
    """Fraction of positives predicted that are right.

    Keras: `Precision`.

    Example:
        training: {metrics: [precision, recall]}
    """

    name: Literal["precision"] = "precision"
    builds = "keras.metrics:Precision"
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multilabel")

    thresholds: Threshold = 0.5


@register
class Recall(MetricSpec):
    """Fraction of real positives that are found.

    Keras: `Recall`.

    Example:
        training: {metrics: [precision, recall]}
    """

    name: Literal["recall"] = "recall"
    builds = "keras.metrics:Recall"
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multilabel")

    thresholds: Threshold = 0.5


@register
class F1Score(MetricSpec):
    """Harmonic mean of precision and recall; the plain mean over labels for multilabel.

    Keras: `F1Score`; van Rijsbergen (1979), "Information retrieval".

    Example:
        training: {metrics: [f1_score]}
    """

    name: Literal["f1_score"] = "f1_score"
    builds = "hornbook.builder.metrics:f1_score"
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multilabel")

    threshold: Threshold = 0.5


@register
class MeanAbsoluteErrorMetric(MetricSpec):
    """Mean of absolute differences, in the target's unit.

    Keras: `MeanAbsoluteError`.

    Example:
        training: {metrics: [mean_absolute_error]}
    """

    name: Literal["mean_absolute_error"] = "mean_absolute_error"
    builds = "keras.metrics:MeanAbsoluteError"
    mode: ClassVar[Literal["min", "max"]] = "min"
    tasks: ClassVar[tuple[Task, ...]] = ("regression", "binary")


@register
class MeanSquaredErrorMetric(MetricSpec):
    """Mean of squared differences.

    Keras: `MeanSquaredError`; for probabilities it is the Brier score (Brier 1950).

    Example:
        training: {metrics: [mean_squared_error]}
    """

    name: Literal["mean_squared_error"] = "mean_squared_error"
    builds = "keras.metrics:MeanSquaredError"
    mode: ClassVar[Literal["min", "max"]] = "min"
    tasks: ClassVar[tuple[Task, ...]] = ("regression", "binary")


@register
class RootMeanSquaredError(MetricSpec):
    """Root of the mean squared difference, in the target's unit.

    Keras: `RootMeanSquaredError`.

    Example:
        training: {metrics: [root_mean_squared_error]}
    """

    name: Literal["root_mean_squared_error"] = "root_mean_squared_error"
    builds = "keras.metrics:RootMeanSquaredError"
    mode: ClassVar[Literal["min", "max"]] = "min"


@register
class MeanAbsolutePercentageError(MetricSpec):
    """Mean of absolute differences in percent of the target.

    Keras: `MeanAbsolutePercentageError`.

    Example:
        training: {metrics: [mean_absolute_percentage_error]}
    """

    name: Literal["mean_absolute_percentage_error"] = "mean_absolute_percentage_error"
    builds = "keras.metrics:MeanAbsolutePercentageError"
    mode: ClassVar[Literal["min", "max"]] = "min"


@register
class R2Score(MetricSpec):
    """Share of the targets' variance that is explained: 1 is perfect, 0 no better than their mean.

    Keras: `R2Score`.

    Example:
        training: {metrics: [r2_score]}
    """

    name: Literal["r2_score"] = "r2_score"
    builds = "hornbook.builder.metrics:r2_score"
