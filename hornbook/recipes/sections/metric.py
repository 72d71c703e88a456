"""Metrics: `training.metrics` in a recipe. They get probabilities, not logits."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hornbook.recipes.language.spec import Component, ComponentOf, PositiveInt, register
from hornbook.recipes.sections.head import LossSpec, Task

__all__ = ["AveragedMetric", "Metric", "MetricSpec", "default_metric"]

Average = Literal["macro", "micro", "weighted"]
Threshold = Annotated[float, Field(gt=0, lt=1)]
ALL_CLASSIFICATION: tuple[Task, ...] = ("multiclass", "binary", "multilabel")


class MetricSpec(Component):
    """Base of every metric. It is recorded under its name, or `record_as`, and with `val_` in front for validation."""

    kind: ClassVar[str] = "metric"
    shared: ClassVar[frozenset[str]] = frozenset({"record_as"})
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)
    mode: ClassVar[Literal["min", "max"]] = "max"
    """Which direction is better."""
    takes_scores: ClassVar[tuple[Task, ...]] = ()
    """Tasks in which outputs that are no probabilities will do, because only their order or sign counts."""
    of_one_target: ClassVar[bool] = True
    """Whether it says something of one of several targets alone."""

    record_as: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")] | None = None
    """What it is called in history, monitors and results, so that the same metric can be there with other options."""

    @property
    def recorded(self) -> str:
        """What it is recorded as."""
        return self.record_as or self.name


class AveragedMetric(MetricSpec):
    """Base of metrics that are computed for each class or label and averaged over them."""

    tasks: ClassVar[tuple[Task, ...]] = ALL_CLASSIFICATION
    takes_scores: ClassVar[tuple[Task, ...]] = ("multiclass",)
    usual: ClassVar[Average] = "macro"
    """How labels of a multilabel task are averaged where nothing is said."""

    average: Average | None = None
    """Of several classes or labels: `macro` (their plain mean), `weighted` (by their number of examples) or `micro` (all
    decisions counted together); omitted: `macro`, unless the metric says otherwise."""

    def average_of(self, task: Task | None) -> Average | None:
        """Return how classes or labels are averaged; None where there is one yes or no."""
        if task not in ("multiclass", "multilabel"):
            return None
        return self.average or ("macro" if task == "multiclass" else self.usual)


Metric = Annotated[MetricSpec, ComponentOf("metric")]


def default_metric(task: Task, loss: LossSpec | None = None) -> MetricSpec:
    """Return the metric that is recorded when `training.metrics` is omitted: what task and loss are about."""
    if loss is not None and loss.targets == "vectors" and task == "regression":
        return CosineSimilarityMetric()
    return RootMeanSquaredError() if task == "regression" else Accuracy()


@register
class Accuracy(MetricSpec):
    """Fraction of right answers: the likeliest class, or each output on the right side of 0.5.

    Keras: `SparseCategoricalAccuracy`, `BinaryAccuracy`.

    Example:
        training: {metrics: [accuracy]}
    """

    name: Literal["accuracy"] = "accuracy"
    builds = "hornbook.builder.heads.metrics:accuracy"
    tasks: ClassVar[tuple[Task, ...]] = ALL_CLASSIFICATION
    takes_scores: ClassVar[tuple[Task, ...]] = ALL_CLASSIFICATION


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
    takes_scores: ClassVar[tuple[Task, ...]] = ("multiclass",)

    k: PositiveInt = 5
    """How many of the likeliest classes count."""


@register
class RankError(MetricSpec):
    """Mean distance between the likeliest class and the right one, in classes: 1 is the neighbouring class.

    For classes in an order (`head: {ordinal: true}`). The mean absolute error of ranks: Cao et al. (2020), arXiv:1901.07884.

    Example:
        training: {metrics: [accuracy, rank_error]}
    """

    name: Literal["rank_error"] = "rank_error"
    builds = "hornbook.builder.heads.metrics:rank_error"
    tasks: ClassVar[tuple[Task, ...]] = ("multiclass",)
    takes_scores: ClassVar[tuple[Task, ...]] = ("multiclass",)
    mode: ClassVar[Literal["min", "max"]] = "min"


@register
class AUC(AveragedMetric):
    """Area under the ROC (or precision-recall) curve, by 200 thresholds.

    Independent of a threshold; PR for rare positives. With several classes, each against all others; a class that no
    example, or every example, belongs to has no curve and does not count. Keras: `AUC`; Fawcett (2006), "An introduction
    to ROC analysis".

    Example:
        training: {metrics: [{name: auc, curve: PR}]}
    """

    name: Literal["auc"] = "auc"
    builds = "hornbook.builder.heads.metrics:auc"
    takes_scores: ClassVar[tuple[Task, ...]] = ()

    curve: Literal["ROC", "PR"] = "ROC"
    """Receiver operating characteristic, or precision over recall."""
    num_thresholds: Annotated[int, Field(ge=2)] = 200
    """Points of the curve; more are slower and more exact."""


@register
class Precision(AveragedMetric):
    """Fraction of positives predicted that are right.

    With several classes, each against all others, as in scikit-learn: a class that is never predicted has 0, one that is
    neither there nor predicted does not count. Labels are counted together (`micro`) unless `average` says otherwise.
    Keras: `Precision`.

    Example:
        training: {metrics: [{name: precision, average: weighted}]}
    """

    name: Literal["precision"] = "precision"
    builds = "hornbook.builder.heads.metrics:precision"
    usual: ClassVar[Average] = "micro"

    thresholds: Threshold | None = None
    """Probability above which an answer is yes; omitted: 0.5. Of several classes the likeliest is predicted."""


@register
class Recall(AveragedMetric):
    """Fraction of real positives that are found.

    With several classes, each against all others, as in scikit-learn; weighted by examples it is the accuracy. Labels are
    counted together (`micro`) unless `average` says otherwise. Keras: `Recall`.

    Example:
        training: {metrics: [precision, recall]}
    """

    name: Literal["recall"] = "recall"
    builds = "hornbook.builder.heads.metrics:recall"
    usual: ClassVar[Average] = "micro"

    thresholds: Threshold | None = None
    """Probability above which an answer is yes; omitted: 0.5. Of several classes the likeliest is predicted."""


@register
class F1Score(AveragedMetric):
    """Harmonic mean of precision and recall.

    Of several classes or labels, that of each, averaged: `macro` where rare classes are as important as others. A class
    that is neither there nor predicted does not count, as in scikit-learn. Keras: `F1Score`; van Rijsbergen (1979),
    "Information retrieval".

    Example:
        training: {metrics: [{name: f1_score, average: macro}]}
    """

    name: Literal["f1_score"] = "f1_score"
    builds = "hornbook.builder.heads.metrics:f1_score"

    threshold: Threshold | None = None
    """Probability above which an answer is yes; omitted: 0.5. Of several classes the likeliest is predicted."""


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
class CosineSimilarityMetric(MetricSpec):
    """Mean cosine of the angle between targets and predictions: 1 where all point the same way.

    For several numbers per example that mean a direction. Keras: `CosineSimilarity`.

    Example:
        training: {metrics: [cosine_similarity]}
    """

    name: Literal["cosine_similarity"] = "cosine_similarity"
    builds = "keras.metrics:CosineSimilarity"
    of_one_target: ClassVar[bool] = False


@register
class R2Score(MetricSpec):
    """Share of the targets' variance that is explained: 1 is perfect, 0 no better than their mean.

    Keras: `R2Score`, counted in float64.

    Example:
        training: {metrics: [r2_score]}
    """

    name: Literal["r2_score"] = "r2_score"
    builds = "hornbook.builder.heads.metrics:r2_score"
