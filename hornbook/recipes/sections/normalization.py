"""Normalization of hidden layers: `normalization` in a recipe."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from hornbook.recipes.language.spec import Component, ComponentOf, Positive, PositiveInt, register

__all__ = ["Normalization", "NormalizationSpec", "subtracts_biases"]

Momentum = Annotated[float, Field(ge=0, lt=1)]
Epsilon = Annotated[Positive, Field(description="Small number added to the variance, against division by zero.")]
Center = Annotated[bool, Field(description="Learn an offset per unit.")]
Scale = Annotated[bool, Field(description="Learn a factor per unit.")]
Axis = Annotated[int | tuple[int, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]


class NormalizationSpec(Component):
    """Base of every normalization.

    `position` is before or after the activation; `input: true` also normalizes the inputs, in place of standardizing
    them; `output: true` also normalizes the head's weighted sums, before its activation.
    """

    kind: ClassVar[str] = "normalization"
    shared: ClassVar[frozenset[str]] = frozenset({"position", "input", "output"})
    centers: ClassVar[bool] = False
    """Whether it subtracts a mean and so makes a bias in front of it useless."""

    position: Literal["before_activation", "after_activation"] = "before_activation"
    """Before the activation, as in its paper, or after it."""
    input: bool = False
    """Also normalize the inputs, in place of standardizing them."""
    output: bool = False
    """Also normalize the head's weighted sums, before its activation."""


@register
class NoNormalization(Component):
    """No normalization.

    Right for shallow networks and for self-normalizing ones (SELU). Klambauer et al. (2017), arXiv:1706.02515.

    Example:
        normalization: none
    """

    kind: ClassVar[str] = "normalization"
    name: Literal["none"] = "none"


Normalization = Annotated[NormalizationSpec | NoNormalization, ComponentOf("normalization")]


def subtracts_biases(normalization: NormalizationSpec | NoNormalization) -> bool:
    """Return whether a bias in front of it has no effect, so that layers have none."""
    if not isinstance(normalization, NormalizationSpec):
        return False
    return normalization.centers and normalization.position == "before_activation"


@register
class BatchNormalization(NormalizationSpec):
    """Standardize each unit over the batch, then scale and shift; moving averages serve at inference.

    Allows higher rates and regularizes a little; noisy below about 16 examples a batch. Ioffe and Szegedy (2015),
    arXiv:1502.03167.

    Example:
        normalization: {name: batch_normalization, position: before_activation, momentum: 0.99}
    """

    name: Literal["batch_normalization"] = "batch_normalization"
    builds = "keras.layers:BatchNormalization"
    centers: ClassVar[bool] = True

    axis: int = -1
    """Axis of the units or channels; -1 is the last."""
    momentum: Momentum = 0.99
    """Share of the old moving average that is kept at each step; 0.9 for short runs, 0.999 for small batches."""
    epsilon: Epsilon = 1e-3
    center: Center = True
    scale: Scale = True
    synchronized: bool = False
    """Compute statistics over all devices instead of one by one."""


@register
class LayerNormalization(NormalizationSpec):
    """Standardize each example over its units, then scale and shift; the same in training and inference.

    The usual choice for recurrent networks and small batches. Ba et al. (2016), arXiv:1607.06450.

    Example:
        normalization: layer_normalization
    """

    name: Literal["layer_normalization"] = "layer_normalization"
    builds = "keras.layers:LayerNormalization"

    axis: Axis = -1
    """Axis or axes to normalize over; -1 is the last."""
    epsilon: Epsilon = 1e-3
    center: Center = True
    scale: Scale = True


@register
class GroupNormalization(NormalizationSpec):
    """Standardize each example over groups of channels, then scale and shift.

    For convolutional networks with small batches; the groups must divide the channels. Wu and He (2018),
    arXiv:1803.08494.

    Example:
        normalization: {name: group_normalization, groups: 4}
    """

    name: Literal["group_normalization"] = "group_normalization"
    builds = "keras.layers:GroupNormalization"

    groups: PositiveInt = 32
    """Groups of channels; 1 is layer normalization, one per channel instance normalization."""
    axis: int = -1
    """Axis of the channels; -1 is the last."""
    epsilon: Epsilon = 1e-3
    center: Center = True
    scale: Scale = True


@register
class RMSNormalization(NormalizationSpec):
    """Divide each example by its root mean square over the units, then scale.

    Layer normalization without the mean, a little faster. Zhang and Sennrich (2019), arXiv:1910.07467.

    Example:
        normalization: rms_normalization
    """

    name: Literal["rms_normalization"] = "rms_normalization"
    builds = "keras.layers:RMSNormalization"

    axis: Axis = -1
    """Axis or axes to normalize over; -1 is the last."""
    epsilon: Epsilon = 1e-6
