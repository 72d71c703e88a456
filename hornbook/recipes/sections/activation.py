"""Activations of hidden layers and heads: `activation` in a recipe."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.spec import Component, ComponentOf, NonNegative, Positive, PositiveInt, register

__all__ = ["Activation", "ActivationSpec"]

Axes = Annotated[tuple[PositiveInt, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]


class ActivationSpec(Component):
    """Base of every activation."""

    kind: ClassVar[str] = "activation"
    builds = "keras.layers:Activation"
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "glorot_uniform"
    """The initializer that theory recommends in front of it (Géron, ch. 11, table of initializers)."""
    hidden: ClassVar[bool] = True
    """Whether gradient descent can train a hidden layer through it."""

    def function_name(self) -> str | None:
        """Return Keras's string for the plain function, or None where options or a layer are needed."""
        plain = self.fixed.get("activation", self.name if self.name in {"elu", "relu", "gelu"} else None)
        return plain if not self.model_dump(exclude_defaults=True) else None


Activation = Annotated[ActivationSpec, ComponentOf("activation")]


class Parametric(ActivationSpec):
    """Base of activations with a weight for each unit."""

    builds = "hornbook.layers.activations:Parametric"
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "lecun_normal"

    def function_name(self) -> None:
        """Return None: it is a layer."""


@register
class Linear(ActivationSpec):
    """No activation: the layer's weighted sum itself.

    For the output of a regression; a stack of linear layers is still one linear layer. Goodfellow et al. (2016), "Deep
    Learning", section 6.1.

    Example:
        head: {activation: linear}
    """

    name: Literal["linear"] = "linear"
    fixed: ClassVar[dict[str, Any]] = {"activation": "linear"}


@register
class Step(ActivationSpec):
    """1 where the input is 0 or more, otherwise 0: the unit of the perceptron, for heads only.

    Its derivative is 0 everywhere, so nothing below it can learn by gradient descent. Rosenblatt (1958), "The
    perceptron"; Géron, ch. 10.

    Example:
        head: {units: 1, activation: step, loss: perceptron}
    """

    name: Literal["step"] = "step"
    builds = "hornbook.layers.activations:Step"
    hidden: ClassVar[bool] = False


@register
class Sigmoid(ActivationSpec):
    """The logistic function 1/(1 + exp(-z)), from 0 to 1.

    For the output of a binary or multilabel classifier; in deep hidden layers it saturates and gradients vanish. Glorot
    and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks".

    Example:
        activation: sigmoid
    """

    name: Literal["sigmoid"] = "sigmoid"
    fixed: ClassVar[dict[str, Any]] = {"activation": "sigmoid"}


@register
class Tanh(ActivationSpec):
    """The hyperbolic tangent, from -1 to 1 and centred at 0.

    The usual choice inside recurrent cells. LeCun et al. (1998), "Efficient BackProp".

    Example:
        activation: tanh
    """

    name: Literal["tanh"] = "tanh"
    fixed: ClassVar[dict[str, Any]] = {"activation": "tanh"}


@register
class ReLU(ActivationSpec):
    """max(0, z): fast, and does not saturate for positive inputs; units can die.

    Nair and Hinton (2010), "Rectified linear units improve restricted Boltzmann machines".

    Example:
        activation: {name: relu, max_value: 6.0}
    """

    name: Literal["relu"] = "relu"
    builds = "keras.layers:ReLU"
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "he_normal"

    max_value: Positive | None = None
    """Outputs above this are cut off; omitted: no limit."""
    negative_slope: NonNegative = 0.0
    """Slope below the threshold; 0 is the plain ReLU."""
    threshold: NonNegative = 0.0
    """Inputs at or below this count as negative."""


@register
class LeakyReLU(ActivationSpec):
    """max(slope·z, z): the small slope keeps units from dying.

    0.3 is Keras's slope; 0.01 the original's, 0.2 often better. Maas et al. (2013); Xu et al. (2015), arXiv:1505.00853.

    Example:
        activation: {name: leaky_relu, negative_slope: 0.2}
    """

    name: Literal["leaky_relu"] = "leaky_relu"
    builds = "keras.layers:LeakyReLU"
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "he_normal"

    negative_slope: NonNegative = 0.3
    """Slope for negative inputs."""


@register
class RandomizedLeakyReLU(ActivationSpec):
    """Leaky ReLU whose slope is drawn per element while training and fixed at its mean otherwise.

    Acts as a regularizer too. Xu et al. (2015), arXiv:1505.00853, where the slope is 1/a with a from 3 to 8.

    Example:
        activation: {name: randomized_leaky_relu, lower: 0.125, upper: 0.333}
    """

    name: Literal["randomized_leaky_relu"] = "randomized_leaky_relu"
    builds = "hornbook.layers.activations:RandomizedLeakyReLU"
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "he_normal"

    lower: NonNegative = 0.125
    """Smallest slope that is drawn."""
    upper: NonNegative = 1 / 3
    """Largest slope that is drawn."""

    @model_validator(mode="after")
    def _ordered(self) -> "RandomizedLeakyReLU":
        if self.lower > self.upper:
            raise PydanticCustomError(
                "order", "lower is above upper: {lower} > {upper}.", {"lower": self.lower, "upper": self.upper}
            )
        return self


@register
class PReLU(ActivationSpec):
    """Leaky ReLU whose slope is learned, one per unit (per channel of images and sequences).

    Strong on large image data sets, risks overfitting on small ones. He et al. (2015), arXiv:1502.01852.

    Example:
        activation: {name: prelu, initial_slope: 0.25}
    """

    name: Literal["prelu"] = "prelu"
    builds = "keras.layers:PReLU"
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "he_normal"

    initial_slope: float = 0.25
    """Slope for negative inputs before training; 0.25 is the paper's."""
    shared_axes: Axes | None = None
    """Axes that share a slope, batch axis 0 left out; omitted: all but the last."""

    def options(self) -> dict[str, Any]:
        """Return Keras's arguments: the slope is an initializer there."""
        return {
            "alpha_initializer": {"class_name": "Constant", "config": {"value": self.initial_slope}},
            "shared_axes": self.shared_axes,
        }


@register
class ELU(ActivationSpec):
    """z for z > 0, otherwise α(exp(z) - 1): smooth, mean output near 0.

    The best of the classic activations in most comparisons, slower to compute than ReLU. Clevert et al. (2015),
    arXiv:1511.07289.

    Example:
        activation: {name: elu, alpha: 1.0}
    """

    name: Literal["elu"] = "elu"
    builds = "keras.layers:ELU"
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "he_normal"

    alpha: Positive = 1.0
    """What the output approaches, negated, for very negative inputs."""


@register
class SELU(ActivationSpec):
    """Scaled ELU: a plain dense stack normalizes itself.

    Only with `lecun_normal`, standardized inputs, no other normalization, and alpha dropout instead of dropout.
    Klambauer et al. (2017), arXiv:1706.02515.

    Example:
        activation: selu
    """

    name: Literal["selu"] = "selu"
    fixed: ClassVar[dict[str, Any]] = {"activation": "selu"}
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "lecun_normal"


@register
class ParametricSELU(Parametric):
    """z + α(selu(z) - z) with a learned α for each unit, which starts at 1: between a straight line and SELU, or beyond.

    Lets units choose how far from linear they are. Holzmüller et al. (2024), arXiv:2407.04491 (RealMLP, for classes).

    Example:
        activation: parametric_selu
    """

    name: Literal["parametric_selu"] = "parametric_selu"
    fixed: ClassVar[dict[str, Any]] = {"activation": "selu"}


@register
class GELU(ActivationSpec):
    """z·Φ(z) with Φ the standard normal distribution: a smooth ReLU.

    Usual in transformers. The tanh approximation is faster and exports to ONNX, the exact form does not. Hendrycks and
    Gimpel (2016), arXiv:1606.08415.

    Example:
        activation: {name: gelu, approximate: true}
    """

    name: Literal["gelu"] = "gelu"
    builds = "hornbook.layers.activations:gelu"
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "he_normal"

    approximate: bool = False
    """Use the tanh approximation."""


@register
class SiLU(ActivationSpec):
    """z·sigmoid(z), also called swish.

    Smooth and not monotonic; good in deep networks. Ramachandran et al. (2017), arXiv:1710.05941.

    Example:
        activation: silu
    """

    name: Literal["silu"] = "silu"
    fixed: ClassVar[dict[str, Any]] = {"activation": "silu"}
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "he_normal"


@register
class Mish(ActivationSpec):
    """z·tanh(softplus(z)): close to SiLU, a little smoother.

    Misra (2019), arXiv:1908.08681.

    Example:
        activation: mish
    """

    name: Literal["mish"] = "mish"
    fixed: ClassVar[dict[str, Any]] = {"activation": "mish"}
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "he_normal"


@register
class ParametricMish(Parametric):
    """z + α(mish(z) - z) with a learned α for each unit, which starts at 1: between a straight line and Mish, or beyond.

    Lets units choose how far from linear they are. Holzmüller et al. (2024), arXiv:2407.04491 (RealMLP, for numbers).

    Example:
        activation: parametric_mish
    """

    name: Literal["parametric_mish"] = "parametric_mish"
    fixed: ClassVar[dict[str, Any]] = {"activation": "mish"}


@register
class Softplus(ActivationSpec):
    """log(1 + exp(z)): a smooth ReLU that is always positive.

    For outputs that must be positive. Glorot et al. (2011), "Deep sparse rectifier neural networks".

    Example:
        activation: softplus
    """

    name: Literal["softplus"] = "softplus"
    fixed: ClassVar[dict[str, Any]] = {"activation": "softplus"}
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "he_normal"


@register
class Softsign(ActivationSpec):
    """z/(1 + |z|): like tanh with slower saturation.

    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks".

    Example:
        activation: softsign
    """

    name: Literal["softsign"] = "softsign"
    fixed: ClassVar[dict[str, Any]] = {"activation": "softsign"}


@register
class Exponential(ActivationSpec):
    """exp(z): for outputs that are positive and vary by orders of magnitude.

    Grows without bound, so hardly ever for hidden layers. Keras: `exponential`.

    Example:
        head: {activation: exponential}
    """

    name: Literal["exponential"] = "exponential"
    fixed: ClassVar[dict[str, Any]] = {"activation": "exponential"}


@register
class HardSigmoid(ActivationSpec):
    """A sigmoid made of three straight lines: cheap on small devices.

    Courbariaux et al. (2015), arXiv:1511.00363.

    Example:
        activation: hard_sigmoid
    """

    name: Literal["hard_sigmoid"] = "hard_sigmoid"
    fixed: ClassVar[dict[str, Any]] = {"activation": "hard_sigmoid"}


@register
class HardTanh(ActivationSpec):
    """z cut off at -1 and 1: a cheap tanh.

    Collobert (2004), "Large scale machine learning".

    Example:
        activation: hard_tanh
    """

    name: Literal["hard_tanh"] = "hard_tanh"
    fixed: ClassVar[dict[str, Any]] = {"activation": "hard_tanh"}


@register
class HardSiLU(ActivationSpec):
    """z·hard_sigmoid(z): SiLU's cheap form, made for mobile networks.

    Howard et al. (2019), arXiv:1905.02244.

    Example:
        activation: hard_silu
    """

    name: Literal["hard_silu"] = "hard_silu"
    fixed: ClassVar[dict[str, Any]] = {"activation": "hard_silu"}
    suits: ClassVar[Literal["glorot_uniform", "he_normal", "lecun_normal"]] = "he_normal"


@register
class Softmax(ActivationSpec):
    """exp(z) divided by its sum: probabilities of exclusive classes.

    For the output of a multiclass classifier. Bridle (1990), "Probabilistic interpretation of feedforward network
    outputs".

    Example:
        head: {activation: softmax}
    """

    name: Literal["softmax"] = "softmax"
    builds = "keras.layers:Softmax"

    axis: Annotated[int, Field(le=-1)] = -1
    """Axis that sums to 1, counted from the end."""
