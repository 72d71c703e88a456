"""Initializers of kernels and biases: `initializer` in a recipe."""

from typing import Annotated, Any, ClassVar, Literal, Optional

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.spec import Component, ComponentOf, Positive, register
from hornbook.recipes.language.text import shown

__all__ = ["Initializer", "InitializerSpec"]

Mean = Annotated[float, Field(description="Mean of the distribution.")]
Deviation = Annotated[Positive, Field(description="Standard deviation of the distribution (before truncation).")]
Gain = Annotated[Positive, Field(description="Factor that the matrix is multiplied by.")]


def _check_value(value: Any) -> Any:
    """Accept a number, or rows of numbers in the shape of the weights."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, list | tuple) and value:
        return tuple(_check_value(item) for item in value)
    raise PydanticCustomError(
        "constant",
        "expected a number, or rows of numbers in the weights' shape, found {found}",
        {"found": shown(value)},
    )


def _rows(depth: int) -> dict[str, Any]:
    """Return the JSON Schema of a number or nested rows of numbers (a 2-D convolution's kernel has four axes)."""
    row: dict[str, Any] = {"type": "array", "minItems": 1}
    return {"anyOf": [{"type": "number"}, {**row, "items": _rows(depth - 1)} if depth > 1 else row]}


class InitializerSpec(Component):
    """Base of every initializer. `bias` initializes the biases (zeros when omitted); `data_dependent` fits to examples."""

    kind: ClassVar[str] = "initializer"
    shared: ClassVar[frozenset[str]] = frozenset({"bias", "data_dependent"})
    random: ClassVar[bool] = True
    """Whether it draws numbers and so takes a seed."""

    bias: Optional["Initializer"] = None
    """Initializer of the biases; omitted: zeros."""
    data_dependent: Literal["scale", "scale_and_bias"] | None = None
    """Fit the first weights to the training examples, layer by layer: `scale` divides each unit's weights, so that its sums
    deviate by 1; `scale_and_bias` also starts each bias at minus a random mixture of five examples' sums. Omitted: not.
    Krähenbühl et al. (2016), arXiv:1511.06856."""

    @model_validator(mode="after")
    def _one_level(self) -> "InitializerSpec":
        if self.bias is not None and self.bias.bias is not None:
            raise PydanticCustomError("bias", "a bias initializer has no bias of its own.")
        if self.bias is not None and self.bias.data_dependent is not None:
            raise PydanticCustomError("bias", "'data_dependent' belongs to the initializer of the weights.")
        return self


Initializer = Annotated[InitializerSpec, ComponentOf("initializer")]


@register
class Default(InitializerSpec):
    """What theory recommends for the activation in use.

    Glorot (variance 1/fan_avg) for none, tanh, sigmoid and softmax; He (2/fan_in) for ReLU and its variants; LeCun
    (1/fan_in) for SELU. Géron, ch. 11, "Initialization parameters for each type of activation function".

    Example:
        initializer: default
    """

    name: Literal["default"] = "default"


@register
class Zeros(InitializerSpec):
    """All zeros: for biases, or for a network without hidden layers.

    Hidden units that start equal stay equal. Goodfellow et al. (2016), "Deep Learning", section 8.4.

    Example:
        initializer: {name: he_normal, bias: zeros}
    """

    name: Literal["zeros"] = "zeros"
    builds = "keras.initializers:Zeros"
    random: ClassVar[bool] = False


@register
class Ones(InitializerSpec):
    """All ones; for biases of gates.

    Jozefowicz et al. (2015), "An empirical exploration of recurrent network architectures".

    Example:
        initializer: {name: he_normal, bias: ones}
    """

    name: Literal["ones"] = "ones"
    builds = "keras.initializers:Ones"
    random: ClassVar[bool] = False


@register
class Constant(InitializerSpec):
    """One number everywhere, or rows of numbers in the weights' shape (inputs × units).

    For worked examples and small positive biases. Keras: `Constant`.

    Example:
        initializer: {name: constant, value: [[0.15, 0.25], [0.20, 0.30]], bias: {name: constant, value: 0.35}}
    """

    name: Literal["constant"] = "constant"
    builds = "keras.initializers:Constant"
    random: ClassVar[bool] = False

    value: Annotated[
        Any, BeforeValidator(_check_value), WithJsonSchema({"title": "number or rows of numbers"} | _rows(depth=4))
    ] = 0.0
    """The number, or rows of numbers: one row per input, one number per unit."""


@register
class RandomNormal(InitializerSpec):
    """Normal distribution of fixed deviation, whatever the layer's size.

    What was used before Glorot; deep networks do not train well from it. Keras: `RandomNormal`.

    Example:
        initializer: {name: random_normal, stddev: 0.05}
    """

    name: Literal["random_normal"] = "random_normal"
    builds = "keras.initializers:RandomNormal"

    mean: Mean = 0.0
    stddev: Deviation = 0.05


@register
class Ntk(InitializerSpec):
    """Standard normal weights, with each dense layer's inputs divided by the root of their number: NTK parametrization.

    The same network at the start as from `lecun_normal`, in which one rate suits layers of any width: a step changes a layer
    of many inputs as much as one of few. For the dense layers of `mlp` and, as `head.initializer`, the head. Jacot et al.
    (2018), arXiv:1806.07572.

    Example:
        model: {name: mlp, units: [256, 256]}
        initializer: ntk
    """

    name: Literal["ntk"] = "ntk"
    builds = "keras.initializers:RandomNormal"
    fixed: ClassVar[dict[str, Any]] = {"mean": 0.0, "stddev": 1.0}


@register
class RandomUniform(InitializerSpec):
    """Uniform distribution between fixed bounds, whatever the layer's size.

    Keras: `RandomUniform`.

    Example:
        initializer: {name: random_uniform, minval: -0.05, maxval: 0.05}
    """

    name: Literal["random_uniform"] = "random_uniform"
    builds = "keras.initializers:RandomUniform"

    minval: float = -0.05
    """Lower bound."""
    maxval: float = 0.05
    """Upper bound."""

    @model_validator(mode="after")
    def _ordered(self) -> "RandomUniform":
        if self.minval >= self.maxval:
            raise PydanticCustomError(
                "order", "minval is not below maxval: {low} >= {high}.", {"low": self.minval, "high": self.maxval}
            )
        return self


@register
class TruncatedNormal(InitializerSpec):
    """Normal distribution of fixed deviation, redrawn beyond two deviations.

    Keras: `TruncatedNormal`.

    Example:
        initializer: {name: truncated_normal, stddev: 0.05}
    """

    name: Literal["truncated_normal"] = "truncated_normal"
    builds = "keras.initializers:TruncatedNormal"

    mean: Mean = 0.0
    stddev: Deviation = 0.05


@register
class VarianceScaling(InitializerSpec):
    """Variance scale/fan, the family that Glorot, He and LeCun belong to.

    He with fan_avg instead of fan_in, for instance. Glorot and Bengio (2010); He et al. (2015).

    Example:
        initializer: {name: variance_scaling, scale: 2.0, mode: fan_avg, distribution: uniform}
    """

    name: Literal["variance_scaling"] = "variance_scaling"
    builds = "keras.initializers:VarianceScaling"

    scale: Positive = 1.0
    """Numerator of the variance: 1 for Glorot and LeCun, 2 for He."""
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    """Denominator: inputs, outputs, or the mean of both."""
    distribution: Literal["truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal"
    """Shape of the distribution; the variance is the same."""


@register
class GlorotNormal(InitializerSpec):
    """Normal, variance 1/fan_avg: for linear, tanh, sigmoid and softmax.

    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks".

    Example:
        initializer: glorot_normal
    """

    name: Literal["glorot_normal"] = "glorot_normal"
    builds = "keras.initializers:GlorotNormal"


@register
class GlorotUniform(InitializerSpec):
    """Uniform, variance 1/fan_avg: for linear, tanh, sigmoid and softmax; Keras's own default.

    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks".

    Example:
        initializer: glorot_uniform
    """

    name: Literal["glorot_uniform"] = "glorot_uniform"
    builds = "keras.initializers:GlorotUniform"


@register
class HeNormal(InitializerSpec):
    """Normal, variance 2/fan_in: for ReLU and its variants, ELU included.

    He et al. (2015), arXiv:1502.01852.

    Example:
        initializer: he_normal
    """

    name: Literal["he_normal"] = "he_normal"
    builds = "keras.initializers:HeNormal"


@register
class HeUniform(InitializerSpec):
    """Uniform, variance 2/fan_in: for ReLU and its variants, ELU included.

    He et al. (2015), arXiv:1502.01852.

    Example:
        initializer: he_uniform
    """

    name: Literal["he_uniform"] = "he_uniform"
    builds = "keras.initializers:HeUniform"


@register
class LecunNormal(InitializerSpec):
    """Normal, variance 1/fan_in: for SELU.

    LeCun et al. (1998), "Efficient BackProp"; Klambauer et al. (2017), arXiv:1706.02515.

    Example:
        initializer: lecun_normal
    """

    name: Literal["lecun_normal"] = "lecun_normal"
    builds = "keras.initializers:LecunNormal"


@register
class LecunUniform(InitializerSpec):
    """Uniform, variance 1/fan_in: for SELU.

    LeCun et al. (1998), "Efficient BackProp".

    Example:
        initializer: lecun_uniform
    """

    name: Literal["lecun_uniform"] = "lecun_uniform"
    builds = "keras.initializers:LecunUniform"


@register
class Orthogonal(InitializerSpec):
    """A random orthogonal matrix, which keeps lengths; usual for recurrent weights.

    Saxe et al. (2014), arXiv:1312.6120.

    Example:
        initializer: {name: orthogonal, gain: 1.0}
    """

    name: Literal["orthogonal"] = "orthogonal"
    builds = "keras.initializers:Orthogonal"

    gain: Gain = 1.0


@register
class Identity(InitializerSpec):
    """The identity matrix, for square-ish dense and recurrent weights.

    Le et al. (2015), arXiv:1504.00941.

    Example:
        initializer: identity
    """

    name: Literal["identity"] = "identity"
    builds = "keras.initializers:Identity"
    random: ClassVar[bool] = False

    gain: Gain = 1.0
