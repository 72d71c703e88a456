"""Backbones: `model` in a recipe. The six ingredients apply to every hidden layer of whatever is named here."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.spec import PositiveInt, Rate, Spec, register
from hornbook.recipes.sections.backbone import (
    Backbone,
    Depth,
    ModelSpec,
    ReadsColumns,
    ReadsTokens,
    Repeats,
    Sizes,
    Widths,
    at_least_one,
    check_depth,
    stack,
)
from hornbook.recipes.sections.free_layer import LayerItem
from hornbook.recipes.sections.token_backbones import BagOfWords, MeanEmbedding, Transformer

__all__ = [
    "KIND_OF_BLOCK", "PATHS", "Backbone", "BagOfWords", "Cnn", "Funnel", "InputGroups", "Layers", "MeanEmbedding", "Mlp",
    "ModelSpec", "ReadsColumns", "ReadsTokens", "ResidualCnn", "Rnn", "Transformer", "WideAndDeep",
]  # fmt: skip


def _names(value: Any) -> Any:
    """Return names in a tuple; the columns of an array are called by their numbers."""
    return tuple(str(v) if type(v) is int else v for v in value) if isinstance(value, list | tuple) else value


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise PydanticCustomError("columns", "column '{name}' is listed twice: list it once.", {"name": twice})
    return names


Separable = Annotated[
    bool,
    Field(
        description="Depthwise-separable convolutions in place of all but the first, which reads few channels: first each "
        "channel for itself, then 1×1 across channels. With 3×3 pixels about a ninth of the weights and of the "
        "multiplications. Chollet (2017), arXiv:1610.02357; Howard et al. (2017), arXiv:1704.04861."
    ),
]
StemStrides = Annotated[
    PositiveInt,
    Field(
        description="Step of the first convolution, in pixels of height and width; 2 makes everything behind it four "
        "times smaller: for pictures of about 100 pixels."
    ),
]
Group = Annotated[tuple[str, ...], BeforeValidator(_names), Field(min_length=1), AfterValidator(_each_once)]


class Funnel(Spec):
    """Widths that go evenly from one number of units to another: `{from: 300, to: 50, layers: 4}`."""

    from_: PositiveInt = Field(alias="from")
    """Units of the first layer."""
    to: PositiveInt
    """Units of the last layer."""
    layers: Annotated[int, Field(ge=2, le=1000)]
    """Number of layers, the first and last included."""

    def units(self) -> tuple[int, ...]:
        """Return the widths, rounded: 300, 217, 133, 50."""
        step = (self.to - self.from_) / (self.layers - 1)
        return tuple(round(self.from_ + step * index) for index in range(self.layers))


@register
class Mlp(ReadsColumns, ModelSpec):
    """A stack of dense layers, given by `units` or as a `funnel`; no units at all is linear or logistic regression.

    `units: 100` with `depth: 3` is the same as `units: [100, 100, 100]`.

    Images and sequences are flattened. Rumelhart et al. (1986), "Learning representations by back-propagating errors".

    Example:
        model: {name: mlp, units: [300, 100]}
    """

    name: Literal["mlp"] = "mlp"
    builds = "hornbook.builder.features.backbones:mlp"

    units: Widths = ()
    """Units of each hidden layer, or one number for all; none at all: the head alone."""
    depth: Depth = None
    funnel: Funnel | None = None
    """Units that go evenly from one number to another, in place of `units`."""
    ensemble: Annotated[int, Field(ge=2)] | None = None
    """So many networks in one, trained side by side, whose mean predicts: they share each layer's weights, and scale its
    inputs and outputs by numbers of their own. 32 is usual. Gorishniy et al. (2024), arXiv:2410.24210 (TabM)."""

    @model_validator(mode="after")
    def _one_way(self) -> "Mlp":
        if self.units and self.funnel is not None:
            raise PydanticCustomError("either", "give either 'units' or 'funnel', not both.")
        if self.depth is not None and self.funnel is not None:
            raise PydanticCustomError("either", "a funnel has its own number of layers: leave out 'depth'.")
        check_depth(self.units, self.depth)
        return self

    def hidden_units(self) -> tuple[int, ...]:
        """Return the width of every hidden layer."""
        return self.funnel.units() if self.funnel is not None else stack(self.units, self.depth)


PATHS = ("wide", "deep")
"""The keys of `InputGroups`; inputs given from Python under these names are the paths of a recipe that names none."""


class InputGroups(Spec):
    """Which columns each of two paths reads; both paths may read the same column.

    By name, of arrays without names by number, from 0 on; the name of an input given from Python stands for all of it.
    """

    wide: Group | None = None
    """Columns of the wide path; omitted: all."""
    deep: Group | None = None
    """Columns of the deep path; omitted: all."""


@register
class WideAndDeep(ReadsColumns, ModelSpec):
    """Two paths to the head: the deep one through dense layers, the wide one straight from the inputs.

    Simple rules go the short way and need not be bent through hidden layers; what columns mean together is learned by the
    deep path. The wide path reads numbers as they are and categories one-hot; `numbers`, `categories` and `front_scale`
    are of the deep path. Cheng et al. (2016), "Wide & deep learning for recommender systems", arXiv:1606.07792; Géron,
    ch. 10.

    Example:
        model: {name: wide_and_deep, units: [30, 30], inputs: {wide: [age, bmi], deep: [bmi, bp, s1]}}
    """

    name: Literal["wide_and_deep"] = "wide_and_deep"
    builds = "hornbook.builder.features.backbones:wide_and_deep"
    accepts: ClassVar[tuple[str, ...]] = ("table",)

    units: Annotated[Widths, AfterValidator(at_least_one)] = (30, 30)
    """Units of each hidden layer of the deep path, or one number for all."""
    depth: Depth = None
    inputs: InputGroups | None = None
    """Which columns each path reads, `{wide: […], deep: […]}`; omitted: both read all."""

    @model_validator(mode="after")
    def _one_way(self) -> "WideAndDeep":
        check_depth(self.units, self.depth)
        return self

    def hidden_units(self) -> tuple[int, ...]:
        """Return the width of every layer of the deep path."""
        return stack(self.units, self.depth)


@register
class Cnn(ReadsTokens, ModelSpec):
    """Blocks of convolutions, each ending in pooling, then dense layers.

    Reads images, and in one dimension sequences and tokens (through an embedding), of which padding is never pooled.
    `filters` has one number per block. LeCun et al. (1998), "Gradient-based learning applied to document recognition";
    Géron, ch. 14. Of pictures of about 100 pixels, `separable`, `stem_strides: 2` and `flatten: global_average` make a
    network that trains in minutes on a CPU.

    Example:
        model: {name: cnn, filters: [32, 64], kernel_size: 3, pooling: max, dense: [128]}
    """

    name: Literal["cnn"] = "cnn"
    builds = "hornbook.builder.features.backbones:cnn"
    accepts: ClassVar[tuple[str, ...]] = ("image", "sequence", "tokens")

    filters: Annotated[Sizes, Field(min_length=1)] = (32, 64)
    """Channels of each block."""
    kernel_size: PositiveInt = 3
    """Height and width of each convolution in pixels; for sequences its length in steps."""
    convolutions: Repeats = 1
    """Convolutions in each block."""
    separable: Separable = False
    stem_strides: StemStrides = 1
    padding: Literal["same", "valid"] = "same"
    """Whether images are padded to keep their size."""
    pooling: Literal["max", "average", "stride", "none"] = "max"
    """How each block halves its inputs; `stride`: the block's last convolution takes every second pixel or step."""
    pool_size: Annotated[int, Field(ge=2)] = 2
    """Pixels that are pooled into one, in height and width, or steps."""
    flatten: Literal["flatten", "global_average", "global_max"] = "flatten"
    """How the last channels become one row of numbers."""
    dense: Sizes = ()
    """Units of dense layers that follow."""

    def hidden_units(self) -> tuple[int, ...]:
        """Return the channels of every convolution, then the dense layers' widths."""
        return tuple(size for size in self.filters for _ in range(self.convolutions)) + self.dense


@register
class ResidualCnn(ModelSpec):
    """A residual network: each block adds its input to what two convolutions make of it.

    One stage per number in `filters`, `blocks` blocks each; every stage but the first halves the image. The mean of each
    channel is what dense layers or the head read. He et al. (2015), arXiv:1512.03385.

    Example:
        model: {name: residual_cnn, filters: [16, 32, 64], blocks: 2}
    """

    name: Literal["residual_cnn"] = "residual_cnn"
    builds = "hornbook.builder.features.backbones:residual_cnn"
    accepts: ClassVar[tuple[str, ...]] = ("image",)

    filters: Annotated[Sizes, Field(min_length=1)] = (16, 32, 64)
    """Channels of each stage."""
    blocks: Repeats = 2
    """Residual blocks in each stage."""
    kernel_size: PositiveInt = 3
    """Height and width of each convolution, in pixels."""
    separable: Separable = False
    stem_strides: StemStrides = 1
    dense: Sizes = ()
    """Units of dense layers that follow."""

    def hidden_units(self) -> tuple[int, ...]:
        """Return the channels of the stem and of every convolution, then the dense layers' widths."""
        convolutions = tuple(size for size in self.filters for _ in range(2 * self.blocks))
        return (self.filters[0], *convolutions, *self.dense)


@register
class Rnn(ReadsTokens, ModelSpec):
    """Recurrent layers, then dense layers; reads sequences, tokens (through an embedding) and images row by row.

    Activation and initializer go into the cell (recurrent weights stay orthogonal), normalization and dropout between
    layers; an omitted activation is tanh here. Hochreiter and Schmidhuber (1997), LSTM; Cho et al. (2014), GRU.

    Example:
        model: {name: rnn, cell: lstm, units: [64, 64], bidirectional: false}
    """

    name: Literal["rnn"] = "rnn"
    builds = "hornbook.builder.features.backbones:rnn"
    accepts: ClassVar[tuple[str, ...]] = ("sequence", "tokens", "image")

    cell: Literal["simple", "lstm", "gru"] = "lstm"
    """What remembers; `simple` forgets over long sequences."""
    units: Annotated[Widths, AfterValidator(at_least_one)] = (64,)
    """Units of each recurrent layer, or one number for all."""
    depth: Depth = None
    bidirectional: bool = False
    """Read each sequence in both directions, with units for each."""
    recurrent_dropout: Rate = 0.0
    """Fraction of the state set to zero between time steps while training."""
    dense: Sizes = ()
    """Units of dense layers that follow."""

    @model_validator(mode="after")
    def _one_way(self) -> "Rnn":
        check_depth(self.units, self.depth)
        return self

    def recurrent_units(self) -> tuple[int, ...]:
        """Return the width of every recurrent layer, of one direction."""
        return stack(self.units, self.depth)

    def hidden_units(self) -> tuple[int, ...]:
        """Return the width of every recurrent layer (both directions counted), then the dense layers' widths."""
        return tuple(size * (1 + self.bidirectional) for size in self.recurrent_units()) + self.dense


KIND_OF_BLOCK = {"picture": "image", "sequence": "sequence", "text": "tokens"}
"""What an encoder of each kind of input has to accept."""


for _backbone in (BagOfWords, MeanEmbedding, Transformer):
    register(_backbone)  # here, in the order in which backbones are listed


@register
class Layers(ReadsColumns, ModelSpec):
    """A free list of Keras layers in the same shorthand.

    The ingredients apply to every layer with weights of its own (dense, convolutions, recurrent layers) unless the
    layer says otherwise: `{name: dense, units: 10, activation: tanh, normalization: none}`. Beside Keras's arguments a
    layer takes `trainable: false`, penalties (`bias_regularizer: {l2: 0.01}`; `activity_regularizer` is of what the
    activation returns, in the mean over the batch) and limits (`kernel_constraint: non_negative`, `unit_norm` or
    `{max_norm: 3.0}` over each unit's incoming weights). Keras: `keras.layers`.

    Example:
        model: {name: layers, layers: [flatten, {name: dense, units: 300}, {name: dense, units: 100, activation: tanh}]}
    """

    name: Literal["layers"] = "layers"
    builds = "hornbook.builder.features.free_layers:free_layers"
    accepts: ClassVar[tuple[str, ...]] = ("image", "table", "sequence", "tokens")

    layers: Annotated[tuple[LayerItem, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]
    """The layers from input to head, each a name or a mapping. `hornbook list layers` shows all names."""

    def options(self) -> dict[str, Any]:
        """Return the layers."""
        return {"layers": self.layers}

    def hidden_units(self) -> tuple[int, ...] | None:
        """Return nothing where no layer takes the ingredients; otherwise only Keras knows the widths."""
        return None if any(layer.takes_ingredients() for layer in self.layers) else ()
