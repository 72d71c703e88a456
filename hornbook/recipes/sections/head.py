"""The head: output units, their activation and the loss: `head` in a recipe. Omitted, all follow from the task."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hornbook.recipes.language.spec import Component, ComponentOf, Positive, PositiveInt, Spec, register
from hornbook.recipes.sections.activation import Activation
from hornbook.recipes.sections.initializer import Initializer

__all__ = ["Head", "Loss", "LossSpec", "Task"]

Task = Literal["multiclass", "binary", "multilabel", "regression"]
Targets = Literal["numbers", "counts", "nonzero", "vectors", "distributions"]
LabelSmoothing = Annotated[float, Field(ge=0, lt=1)]


class LossSpec(Component):
    """Base of every loss."""

    kind: ClassVar[str] = "loss"
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)
    from_logits: ClassVar[str | None] = None
    """The head activation in front of which it is computed, for numerical stability."""
    only: ClassVar[bool] = False
    """Whether it works with that activation alone."""
    has_unit: ClassVar[bool] = False
    """Whether another unit of the targets is another scale of the loss, and nothing else but the start is lost."""
    positive: ClassVar[str | None] = None
    """The head activation it gets when the recipe names none, because it is not defined for negative outputs."""
    gives_scores: ClassVar[bool] = False
    """Whether outputs are scores, with 0 between no and yes, instead of probabilities."""
    targets: ClassVar[Targets] = "numbers"
    """What the targets of a regression have to be: any numbers; ``counts`` (none below 0); ``nonzero``; ``vectors`` (rows of
    several numbers, none all 0); ``distributions`` (rows of several numbers from 0 on that add up to 1)."""


Loss = Annotated[LossSpec, ComponentOf("loss")]


class Head(Spec):
    """The last layer. Every key is optional: the task decides what is omitted.

    `initializer` is for its kernel; omitted: what theory recommends for its activation, and without hidden layers the
    recipe's own `initializer`.
    """

    units: PositiveInt | None = None
    """Numbers that come out; omitted: what the labels need."""
    activation: Activation | None = None
    """Last activation; omitted: softmax, sigmoid or linear, as the task needs."""
    loss: Loss | None = None
    """What training minimizes; omitted: the task's cross-entropy or mean squared error."""
    initializer: Initializer | None = None
    """Initializer of the head's kernel."""
    standardize_targets: bool | None = None
    """For a regression: learn (y - mean)/deviation of the training split, and return y's own unit; omitted: done where the
    head is linear and the loss is the mean squared error, the mean absolute error or Huber's."""
    ordinal: bool | None = None
    """For three or more classes in an order, such as grades: learn one score, and the thresholds between the classes. Texts
    are in the order of `data.classes`. McCullagh (1980), "Regression models for ordinal data"."""
    target_transform: Literal["log", "quantile"] | None = None
    """For a regression: learn the logarithm of targets above 0 (`log`), or targets that are given a normal distribution by
    their quantiles (`quantile`), standardized in both cases; predictions and metrics are in y's own unit. Box and Cox
    (1964), "An analysis of transformations"."""
    clamp: bool | None = None
    """For a regression: predict nothing beyond the lowest and the highest target of the training split. Training itself is
    not cut off. Holzmüller et al. (2024), arXiv:2407.04491."""


@register
class SparseCategoricalCrossentropy(LossSpec):
    """Minus the log of the probability given to the right class.

    The loss of multiclass tasks, computed before the softmax. With `label_smoothing` it is Keras's
    `CategoricalCrossentropy`: the right class counts less than wholly, the others a little. Goodfellow et al. (2016), "Deep
    Learning", section 6.2.2; smoothing: Szegedy et al. (2016), arXiv:1512.00567.

    Example:
        head: {loss: {name: sparse_categorical_crossentropy, label_smoothing: 0.1}}
    """

    name: Literal["sparse_categorical_crossentropy"] = "sparse_categorical_crossentropy"
    builds = "hornbook.builder.heads.losses:categorical_crossentropy"
    tasks: ClassVar[tuple[Task, ...]] = ("multiclass",)
    from_logits: ClassVar[str | None] = "softmax"
    only: ClassVar[bool] = True

    label_smoothing: LabelSmoothing = 0.0
    """How much of the right class is spread evenly over all classes."""


@register
class CategoricalCrossentropy(LossSpec):
    """The same as `sparse_categorical_crossentropy`, by the name that Keras gives it for one-hot rows.

    One-hot targets are read as class numbers, so either name takes either form. Keras: `CategoricalCrossentropy`.

    Example:
        head: {loss: {name: categorical_crossentropy, label_smoothing: 0.1}}
    """

    name: Literal["categorical_crossentropy"] = "categorical_crossentropy"
    builds = "hornbook.builder.heads.losses:categorical_crossentropy"
    tasks: ClassVar[tuple[Task, ...]] = ("multiclass",)
    from_logits: ClassVar[str | None] = "softmax"
    only: ClassVar[bool] = True

    label_smoothing: LabelSmoothing = 0.0
    """How much of the right class is spread evenly over all classes."""


@register
class CategoricalFocalCrossentropy(LossSpec):
    """Cross-entropy of several classes that counts easy examples less.

    For classes of very different size. Keras: `CategoricalFocalCrossentropy`; Lin et al. (2017), arXiv:1708.02002.

    Example:
        head: {loss: {name: categorical_focal_crossentropy, gamma: 2.0}}
    """

    name: Literal["categorical_focal_crossentropy"] = "categorical_focal_crossentropy"
    builds = "hornbook.builder.heads.losses:categorical_focal_crossentropy"
    tasks: ClassVar[tuple[Task, ...]] = ("multiclass",)
    from_logits: ClassVar[str | None] = "softmax"
    only: ClassVar[bool] = True

    alpha: Annotated[float, Field(gt=0, le=1)] = 0.25
    """What the whole loss is multiplied with; `training.class_weights` weighs single classes."""
    gamma: Annotated[float, Field(ge=0)] = 2.0
    """How little easy examples count; 0 is plain cross-entropy."""
    label_smoothing: LabelSmoothing = 0.0
    """How much of the right class is spread evenly over all classes."""


@register
class BinaryCrossentropy(LossSpec):
    """Cross-entropy of independent yes-or-no outputs.

    The loss of binary and multilabel tasks, computed before the sigmoid; `label_smoothing` moves targets towards 0.5.
    Goodfellow et al. (2016), "Deep Learning", section 6.2.2; smoothing: Szegedy et al. (2016), arXiv:1512.00567.

    Example:
        head: {loss: {name: binary_crossentropy, label_smoothing: 0.1}}
    """

    name: Literal["binary_crossentropy"] = "binary_crossentropy"
    builds = "keras.losses:BinaryCrossentropy"
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multilabel")
    from_logits: ClassVar[str | None] = "sigmoid"
    only: ClassVar[bool] = True

    label_smoothing: LabelSmoothing = 0.0
    """How far targets move towards 0.5."""


@register
class BinaryFocalCrossentropy(LossSpec):
    """Binary cross-entropy that counts easy examples less.

    For few positives among many negatives. Lin et al. (2017), arXiv:1708.02002.

    Example:
        head: {loss: {name: binary_focal_crossentropy, gamma: 2.0}}
    """

    name: Literal["binary_focal_crossentropy"] = "binary_focal_crossentropy"
    builds = "keras.losses:BinaryFocalCrossentropy"
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multilabel")
    from_logits: ClassVar[str | None] = "sigmoid"
    only: ClassVar[bool] = True

    apply_class_balancing: bool = False
    """Weigh positives by `alpha` and negatives by 1 - `alpha`."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Weight of positives, where classes are balanced."""
    gamma: Annotated[float, Field(ge=0)] = 2.0
    """How little easy examples count; 0 is plain cross-entropy."""
    label_smoothing: LabelSmoothing = 0.0
    """How far targets move towards 0.5."""


@register
class Hinge(LossSpec):
    """max(1 - y·z, 0) on the raw score, labels -1 and 1: the support vector machine's loss.

    With a linear head. Cortes and Vapnik (1995), "Support-vector networks".

    Example:
        head: {activation: linear, loss: hinge}
    """

    name: Literal["hinge"] = "hinge"
    builds = "keras.losses:Hinge"
    tasks: ClassVar[tuple[Task, ...]] = ("binary",)
    from_logits: ClassVar[str | None] = "linear"
    only: ClassVar[bool] = True
    gives_scores: ClassVar[bool] = True


@register
class SquaredHinge(LossSpec):
    """max(1 - y·z, 0)² on the raw score, labels -1 and 1: a hinge without a corner, hard on what is far off.

    With a linear head. Keras: `SquaredHinge`; Rosasco et al. (2004), "Are loss functions all the same?".

    Example:
        head: {activation: linear, loss: squared_hinge}
    """

    name: Literal["squared_hinge"] = "squared_hinge"
    builds = "keras.losses:SquaredHinge"
    tasks: ClassVar[tuple[Task, ...]] = ("binary",)
    from_logits: ClassVar[str | None] = "linear"
    only: ClassVar[bool] = True
    gives_scores: ClassVar[bool] = True


@register
class CategoricalHinge(LossSpec):
    """max(1 + largest wrong score - right score, 0): the hinge loss of several classes.

    With a linear head, whose outputs are scores and no probabilities; the largest wrong score is 0 where all are below.
    Keras: `CategoricalHinge`; Crammer and Singer (2001), "On the algorithmic implementation of multiclass kernel-based
    vector machines".

    Example:
        head: {activation: linear, loss: categorical_hinge}
    """

    name: Literal["categorical_hinge"] = "categorical_hinge"
    builds = "hornbook.builder.heads.losses:categorical_hinge"
    tasks: ClassVar[tuple[Task, ...]] = ("multiclass",)
    from_logits: ClassVar[str | None] = "linear"
    only: ClassVar[bool] = True
    gives_scores: ClassVar[bool] = True


@register
class Perceptron(LossSpec):
    """(step(z) - y)·z with the step's output held constant: its gradient is (ŷ - y)x, Rosenblatt's rule.

    With a `step` head, `sgd` and batches of one this is the perceptron exactly. Rosenblatt (1958); Géron, ch. 10.

    Example:
        head: {units: 1, activation: step, loss: perceptron}
    """

    name: Literal["perceptron"] = "perceptron"
    builds = "hornbook.builder.heads.losses:PerceptronLoss"
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multilabel")
    from_logits: ClassVar[str | None] = "step"
    only: ClassVar[bool] = True


@register
class MeanSquaredError(LossSpec):
    """Mean of squared differences.

    The loss of regression; large errors weigh most. Legendre (1805), "Nouvelles méthodes pour la détermination des
    orbites des comètes".

    Example:
        head: {loss: mean_squared_error}
    """

    name: Literal["mean_squared_error"] = "mean_squared_error"
    builds = "keras.losses:MeanSquaredError"
    has_unit: ClassVar[bool] = True
    tasks: ClassVar[tuple[Task, ...]] = ("regression", "binary", "multilabel")


@register
class MeanAbsoluteError(LossSpec):
    """Mean of absolute differences: predicts the median, outliers weigh no more than others.

    Boscovich (1757), Laplace (1793); Géron, ch. 10, on regression losses.

    Example:
        head: {loss: mean_absolute_error}
    """

    name: Literal["mean_absolute_error"] = "mean_absolute_error"
    builds = "keras.losses:MeanAbsoluteError"
    has_unit: ClassVar[bool] = True
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)


@register
class Huber(LossSpec):
    """Squared below `delta`, linear above: few outliers do little harm.

    Huber (1964), "Robust estimation of a location parameter".

    Example:
        head: {loss: {name: huber, delta: 1.0}}
    """

    name: Literal["huber"] = "huber"
    builds = "keras.losses:Huber"
    has_unit: ClassVar[bool] = True
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)

    delta: Positive = 1.0
    """Error at which the square becomes a line."""


@register
class LogCosh(LossSpec):
    """Logarithm of the hyperbolic cosine of the difference: a smooth Huber loss.

    Keras: `LogCosh`. Saleh and Saleh (2022), arXiv:2208.04564.

    Example:
        head: {loss: log_cosh}
    """

    name: Literal["log_cosh"] = "log_cosh"
    builds = "keras.losses:LogCosh"
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)


@register
class Poisson(LossSpec):
    """Prediction - target·log(prediction): for counts.

    With an `exponential` or `softplus` head. Keras: `Poisson`; Nelder and Wedderburn (1972), "Generalized linear models".

    Example:
        head: {activation: exponential, loss: poisson}
    """

    name: Literal["poisson"] = "poisson"
    builds = "keras.losses:Poisson"
    positive: ClassVar[str | None] = "exponential"
    targets: ClassVar[Targets] = "counts"
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)


@register
class MeanSquaredLogarithmicError(LossSpec):
    """Squared difference of log(1 + value): for positive targets that vary by orders of magnitude.

    Keras: `MeanSquaredLogarithmicError`.

    Example:
        head: {activation: softplus, loss: mean_squared_logarithmic_error}
    """

    name: Literal["mean_squared_logarithmic_error"] = "mean_squared_logarithmic_error"
    builds = "keras.losses:MeanSquaredLogarithmicError"
    positive: ClassVar[str | None] = "softplus"
    targets: ClassVar[Targets] = "counts"
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)


@register
class MeanAbsolutePercentageError(LossSpec):
    """Mean of absolute differences in percent of the target: an error of 10 counts more at 20 than at 200.

    For targets without zeros, by which it divides. Keras: `MeanAbsolutePercentageError`; de Myttenaere et al. (2016),
    arXiv:1605.02541.

    Example:
        head: {loss: mean_absolute_percentage_error}
    """

    name: Literal["mean_absolute_percentage_error"] = "mean_absolute_percentage_error"
    builds = "keras.losses:MeanAbsolutePercentageError"
    targets: ClassVar[Targets] = "nonzero"
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)


@register
class CosineSimilarity(LossSpec):
    """Minus the cosine of the angle between target and prediction: -1 where they point the same way, whatever their length.

    For several numbers per example that mean a direction; predictions have no scale. Keras: `CosineSimilarity`.

    Example:
        head: {loss: cosine_similarity}
    """

    name: Literal["cosine_similarity"] = "cosine_similarity"
    builds = "keras.losses:CosineSimilarity"
    targets: ClassVar[Targets] = "vectors"
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)


@register
class KLDivergence(LossSpec):
    """Sum of target·log(target/prediction): how far a predicted distribution is from the target's.

    For several numbers per example that are shares of a whole; with a softmax head, and computed before it. Keras:
    `KLDivergence`; Kullback and Leibler (1951), "On information and sufficiency".

    Example:
        head: {loss: kl_divergence}
    """

    name: Literal["kl_divergence"] = "kl_divergence"
    builds = "hornbook.builder.heads.losses:KLDivergenceLoss"
    from_logits: ClassVar[str | None] = "softmax"
    only: ClassVar[bool] = True
    targets: ClassVar[Targets] = "distributions"
    tasks: ClassVar[tuple[Task, ...]] = ("regression",)
