"""Optimizers: `optimizer` in a recipe, with weight decay, averaging and accumulation."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from hornbook.recipes.language.spec import Component, ComponentOf, Fraction, NonNegative, Positive, Rate, Spec, register
from hornbook.recipes.sections.schedule import Schedule

__all__ = ["AUTO", "Ema", "LearningRate", "Optimizer", "OptimizerSpec", "WeightDecay"]

AUTO: Literal["auto"] = "auto"
LearningRate = Annotated[
    Positive | Literal["auto"],
    Field(description="Size of the steps, what the schedule multiplies; `auto`: found before training, by `lr-find`."),
]


class WeightDecay(Spec):
    """Decoupled weight decay: each step also multiplies the weights by 1 - learning rate × rate.

    Loshchilov and Hutter (2017), arXiv:1711.05101.
    """

    rate: NonNegative
    """Share of the weight that decays per step and unit of learning rate; 0.0001 to 0.01 is usual."""
    exclude: Annotated[
        tuple[Literal["bias", "normalization"], ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
    ] = ("bias", "normalization")
    """Weights that do not decay."""
    schedule: Schedule | None = None
    """How the decay changes during the run, beside the rate; omitted: not at all."""


class Ema(Spec):
    """Exponential moving average of the weights, used for validation, best, last and test.

    Polyak and Juditsky (1992), "Acceleration of stochastic approximation by averaging".
    """

    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.99
    """Share of the old average that is kept at each step; 0.99 averages over about 100 steps."""


class Factor(Spec):
    """What the rate and the weight decay of some variables are multiplied by."""

    rate: NonNegative = 1.0
    """Factor of the learning rate."""
    decay: NonNegative = 1.0
    """Factor of the weight decay, beside that of the rate, which it is a share of."""


def _shorthand(key: str) -> Callable[[Any], Any]:
    """Return a function that makes a mapping of what is written without one: `ema: 0.99` is `ema: {momentum: 0.99}`."""
    return lambda value: value if value is None or isinstance(value, dict | Spec) else {key: value}


OptionalDecay = Annotated[
    WeightDecay | None,
    BeforeValidator(_shorthand("rate"), json_schema_input_type=NonNegative | WeightDecay | None),
    Field(description="Decoupled weight decay: a rate, or `{rate, exclude}`; biases and normalization do not decay."),
]
OptionalEma = Annotated[
    Ema | None,
    BeforeValidator(_shorthand("momentum"), json_schema_input_type=Annotated[float, Field(gt=0, lt=1)] | Ema | None),
]
OneFactor = Annotated[Factor, BeforeValidator(_shorthand("rate"), json_schema_input_type=NonNegative | Factor)]
Beta1 = Annotated[Rate, Field(description="Share of the old average gradient that is kept: the momentum.")]
Beta2 = Annotated[Rate, Field(description="Share of the old average squared gradient that is kept.")]
Epsilon = Annotated[Positive, Field(description="Small number added to the denominator, against division by zero.")]
AmsGrad = Annotated[bool, Field(description="Use the largest squared-gradient average so far (Reddi et al. 2018).")]
Accumulator = Annotated[NonNegative, Field(description="Where the sum of squared gradients starts.")]
Momentum = Annotated[
    Rate, Field(description="Share of the last step that is added to this one; 0.9 is usual, 0 is none.")
]


class OptimizerSpec(Component):
    """Base of every optimizer.

    `weight_decay` is a number or `{rate, exclude}`; `ema` a number or `{momentum}`; `accumulation` averages the
    gradients of so many batches into one step.
    """

    kind: ClassVar[str] = "optimizer"
    shared: ClassVar[frozenset[str]] = frozenset({"weight_decay", "ema", "accumulation", "factors"})
    momentum_option: ClassVar[str | None] = None
    """The option that schedules may cycle: SGD's momentum, Adam's beta_1."""

    learning_rate: LearningRate = 0.001
    weight_decay: OptionalDecay = None
    ema: OptionalEma = None
    """Average of the weights over the steps, used from validation on: a momentum such as 0.99, or `{momentum}`."""
    accumulation: Annotated[int, Field(ge=1)] = 1
    """Batches whose gradients are averaged into one step."""
    factors: Annotated[dict[str, OneFactor], Field(min_length=1)] | None = None
    """Factors of learning rate and weight decay for groups of weights: `bias` (but of `numbers`), `activation` (what it
    learns), `numbers`, `categories`, `front_scale`, or layers as in `reuse.freeze`. A number, or `{rate, decay}`; where
    several apply, they are multiplied."""

    @property
    def is_auto(self) -> bool:
        """Whether the learning rate is still to be found."""
        return self.learning_rate == AUTO

    def rate(self) -> float:
        """Return the learning rate as a number.

        Raises:
            ValueError: If it is `auto` and nobody has looked for it yet.
        """
        if isinstance(self.learning_rate, str):
            raise ValueError("learning_rate: auto has to be found first")
        return self.learning_rate

    def momentum_value(self) -> float:
        """Return the momentum that a schedule may cycle; 0 where there is none."""
        return float(getattr(self, self.momentum_option)) if self.momentum_option else 0.0


Optimizer = Annotated[OptimizerSpec, ComponentOf("optimizer")]


@register
class SGD(OptimizerSpec):
    """Stochastic gradient descent, with momentum and Nesterov's look-ahead as options.

    Momentum 0.9 is a good default; often generalizes better than adaptive methods. Keras updates Nesterov's shifted
    variable. Polyak (1964); Nesterov (1983); Sutskever et al. (2013).

    Example:
        optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9, nesterov: true}
    """

    name: Literal["sgd"] = "sgd"
    builds = "keras.optimizers:SGD"
    momentum_option: ClassVar[str | None] = "momentum"

    learning_rate: LearningRate = 0.01
    momentum: Momentum = 0.0
    nesterov: bool = False
    """Measure the gradient a little ahead, where momentum is going."""


@register
class RMSprop(OptimizerSpec):
    """Divides the rate by a decaying average of squared gradients.

    Keras keeps epsilon inside the root. Tieleman and Hinton (2012), Coursera lecture 6.

    Example:
        optimizer: {name: rmsprop, learning_rate: 0.001, rho: 0.9}
    """

    name: Literal["rmsprop"] = "rmsprop"
    builds = "keras.optimizers:RMSprop"
    momentum_option: ClassVar[str | None] = "momentum"

    rho: Rate = 0.9
    """Share of the old average squared gradient that is kept."""
    momentum: Momentum = 0.0
    epsilon: Epsilon = 1e-7
    centered: bool = False
    """Divide by the estimated variance instead of the mean square; a little slower."""


@register
class Adam(OptimizerSpec):
    """Adaptive moments: momentum and RMSProp together, bias corrected.

    Little tuning needed. Keras uses the "epsilon hat" form of section 2. Kingma and Ba (2014), arXiv:1412.6980.

    Example:
        optimizer: {name: adam, learning_rate: 0.001, beta_1: 0.9, beta_2: 0.999}
    """

    name: Literal["adam"] = "adam"
    builds = "keras.optimizers:Adam"
    momentum_option: ClassVar[str | None] = "beta_1"

    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7
    amsgrad: AmsGrad = False


@register
class AdamW(OptimizerSpec):
    """Adam with decoupled weight decay.

    Loshchilov and Hutter (2017), arXiv:1711.05101. Biases and normalization are not decayed unless asked for.

    Example:
        optimizer: {name: adamw, learning_rate: 0.001, weight_decay: 0.004}
    """

    name: Literal["adamw"] = "adamw"
    builds = "keras.optimizers:AdamW"
    momentum_option: ClassVar[str | None] = "beta_1"

    weight_decay: OptionalDecay = WeightDecay(rate=0.004)
    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7
    amsgrad: AmsGrad = False


@register
class Adadelta(OptimizerSpec):
    """Adagrad with a decaying window and steps in the weights' own units.

    The paper's rate is 1.0, Keras's default 0.001. Zeiler (2012), arXiv:1212.5701.

    Example:
        optimizer: {name: adadelta, learning_rate: 1.0}
    """

    name: Literal["adadelta"] = "adadelta"
    builds = "keras.optimizers:Adadelta"

    rho: Rate = 0.95
    """Share of the old averages that is kept."""
    epsilon: Epsilon = 1e-7


@register
class Adagrad(OptimizerSpec):
    """Divides the rate by the root of all squared gradients so far.

    Good for sparse features, stops too early in deep networks. Keras starts the accumulator at 0.1. Duchi et al. (2011),
    JMLR 12.

    Example:
        optimizer: {name: adagrad, learning_rate: 0.01}
    """

    name: Literal["adagrad"] = "adagrad"
    builds = "keras.optimizers:Adagrad"

    initial_accumulator_value: Accumulator = 0.1
    epsilon: Epsilon = 1e-7


@register
class Adamax(OptimizerSpec):
    """Adam with the largest instead of the root-mean-square gradient.

    Sometimes more stable than Adam. Kingma and Ba (2014), arXiv:1412.6980, section 7.1.

    Example:
        optimizer: {name: adamax, learning_rate: 0.001}
    """

    name: Literal["adamax"] = "adamax"
    builds = "keras.optimizers:Adamax"
    momentum_option: ClassVar[str | None] = "beta_1"

    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7


@register
class Adafactor(OptimizerSpec):
    """Adam with factored second moments: little memory for large matrices.

    Shazeer and Stern (2018), arXiv:1804.04235.

    Example:
        optimizer: {name: adafactor, learning_rate: 0.01, relative_step: false}
    """

    name: Literal["adafactor"] = "adafactor"
    builds = "keras.optimizers:Adafactor"

    beta_2_decay: Annotated[float, Field(lt=0)] = -0.8
    """Exponent with which the averaging of squared gradients lengthens over the steps."""
    epsilon_1: Positive = 1e-30
    """Small number added to squared gradients."""
    epsilon_2: Positive = 1e-3
    """Smallest size of weights that steps are scaled by."""
    clip_threshold: Positive = 1.0
    """Largest root mean square of a step; larger ones are scaled down."""
    relative_step: bool = True
    """Let the rate fall with the step, 1/√t, never above `learning_rate`."""


@register
class Nadam(OptimizerSpec):
    """Adam with Nesterov momentum: often a little faster than Adam.

    Dozat (2016), "Incorporating Nesterov momentum into Adam".

    Example:
        optimizer: {name: nadam, learning_rate: 0.001}
    """

    name: Literal["nadam"] = "nadam"
    builds = "keras.optimizers:Nadam"

    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7


@register
class Ftrl(OptimizerSpec):
    """Follow the regularized leader: for shallow models over many sparse features.

    McMahan et al. (2013), "Ad click prediction: a view from the trenches".

    Example:
        optimizer: {name: ftrl, learning_rate: 0.1, l1_regularization_strength: 0.001}
    """

    name: Literal["ftrl"] = "ftrl"
    builds = "keras.optimizers:Ftrl"

    learning_rate_power: Annotated[float, Field(le=0)] = -0.5
    """Exponent with which the rate falls with squared gradients; 0 is a constant rate."""
    initial_accumulator_value: Accumulator = 0.1
    l1_regularization_strength: NonNegative = 0.0
    """ℓ1 penalty inside the update: sparse weights."""
    l2_regularization_strength: NonNegative = 0.0
    """ℓ2 penalty inside the update."""
    l2_shrinkage_regularization_strength: NonNegative = 0.0
    """ℓ2 penalty on the gradient instead of the accumulated weights."""
    beta: NonNegative = 0.0
    """The paper's β, which lowers the first rates."""


@register
class Lion(OptimizerSpec):
    """Takes only the sign of a momentum: use a rate 3 to 10 times below Adam's.

    Chen et al. (2023), arXiv:2302.06675.

    Example:
        optimizer: {name: lion, learning_rate: 0.0003, weight_decay: 0.01}
    """

    name: Literal["lion"] = "lion"
    builds = "keras.optimizers:Lion"
    momentum_option: ClassVar[str | None] = "beta_1"

    beta_1: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of the momentum in the sign that is stepped by."""
    beta_2: Beta2 = 0.99


@register
class Lamb(OptimizerSpec):
    """Adam with a rate per layer, for very large batches.

    You et al. (2019), arXiv:1904.00962.

    Example:
        optimizer: {name: lamb, learning_rate: 0.002}
    """

    name: Literal["lamb"] = "lamb"
    builds = "keras.optimizers:Lamb"
    momentum_option: ClassVar[str | None] = "beta_1"

    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-7


@register
class Muon(OptimizerSpec):
    """Orthogonalized momentum for the hidden layers' matrices, Adam for everything else.

    The head belongs to Adam here, as its author advises. Jordan et al. (2024), "Muon: an optimizer for hidden layers in
    neural networks".

    Example:
        optimizer: {name: muon, learning_rate: 0.02, momentum: 0.95}
    """

    name: Literal["muon"] = "muon"
    builds = "keras.optimizers:Muon"
    fixed: ClassVar[dict[str, Any]] = {"exclude_layers": ["head"]}

    weight_decay: OptionalDecay = WeightDecay(rate=0.004)
    adam_beta_1: Rate = 0.9
    """Adam's beta_1, for all that is no hidden matrix."""
    adam_beta_2: Rate = 0.999
    """Adam's beta_2, for all that is no hidden matrix."""
    adam_weight_decay: NonNegative = 0.004
    """Weight decay of what Adam updates."""
    adam_lr_ratio: Positive = 1.0
    """Adam's rate as a multiple of `learning_rate`."""
    epsilon: Epsilon = 1e-7
    momentum: Momentum = 0.95
    nesterov: bool = True
    """Measure the gradient a little ahead, where momentum is going."""
    ns_steps: Annotated[int, Field(ge=1)] = 5
    """Newton-Schulz iterations that make a step orthogonal."""
    rms_rate: Fraction = 0.2
    """Root mean square that steps are scaled to, about that of Adam."""


@register
class ScheduleFreeAdamW(OptimizerSpec):
    """AdamW that needs no schedule: it averages its own iterates.

    Use with `schedule: constant`. Defazio et al. (2024), arXiv:2405.15682.

    Example:
        optimizer: {name: schedule_free_adamw, learning_rate: 0.0025}
    """

    name: Literal["schedule_free_adamw"] = "schedule_free_adamw"
    builds = "keras.optimizers:ScheduleFreeAdamW"

    learning_rate: LearningRate = 0.0025
    beta_1: Beta1 = 0.9
    beta_2: Beta2 = 0.999
    epsilon: Epsilon = 1e-8
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Steps in which the rate rises from 0."""
