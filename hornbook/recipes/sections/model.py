"""Backbones: `model` in a recipe. The six ingredients apply to every hidden layer of whatever is named here."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.spec import Component, ComponentOf, PositiveInt, Rate, Spec, register
from hornbook.recipes.sections.embedding import Numbers, OptionalCategories
from hornbook.recipes.sections.free_layer import LayerItem

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


Repeats = Annotated[int, Field(ge=1, le=1000)]
Sizes = Annotated[tuple[PositiveInt, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]
Widths = Annotated[
    PositiveInt | tuple[PositiveInt, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
Separable = Annotated[
    bool,
    Field(
        description="Depthwise-separable convolutions in place of all but the first, which reads few channels: first each "
        "channel for itself, then 1×1 across channels. A ninth of the weights and products, of 3×3. Chollet (2017), "
        "arXiv:1610.02357; Howard et al. (2017), arXiv:1704.04861."
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
Depth = Annotated[Repeats | None, Field(description="How many layers as wide as `units`, where that is one number.")]


class ModelSpec(Component):
    """Base of every backbone."""

    kind: ClassVar[str] = "model"
    accepts: ClassVar[tuple[str, ...]] = ("image", "table", "sequence")
    """Kinds of data that it can read."""
    reads_vocabulary: ClassVar[bool] = False
    """Whether it is told what is known of the tokens that it reads, as the argument `vocabulary`."""

    def hidden_units(self) -> tuple[int, ...] | None:
        """Return the width (channels) of every layer that ingredients apply to, or None where only Keras knows."""
        return None


Backbone = Annotated[ModelSpec, ComponentOf("model")]


class ReadsColumns(Spec):
    """What backbones of dense layers do with the columns of a table first, and with what stands beside them."""

    numbers: Numbers | None = None
    """How each number column of a table becomes several numbers; omitted: it stays one. `hornbook list embeddings`."""
    categories: OptionalCategories = None
    """Embeddings of a table's categories, `{embedding, one_hot_up_to}` or the numbers per category; omitted: all one-hot."""
    front_scale: bool | None = None
    """Multiply each of a table's columns by a number that is learned and starts at 1, in front of the first layer."""
    encoders: Annotated[dict[str, Backbone], Field(min_length=1)] | None = None
    """Which backbone reads each input that is no column, by its name: `{photo: {name: cnn, filters: [16, 32]}}`; omitted: a
    small `cnn` for pictures, a `mean_embedding` for texts, an `rnn` for sequences. What it makes of the input is read
    beside the columns."""


class ReadsTokens(Spec):
    """What backbones do with tokens first."""

    reads_vocabulary: ClassVar[bool] = True

    embedding: PositiveInt | None = None
    """Numbers per token, for token data only; omitted: as many as `data.text.embeddings` has, else 64."""
    frozen_embedding: bool = False
    """Keep the embeddings of `data.text.embeddings` as they are."""


def _stack(units: int | tuple[int, ...], depth: int | None) -> tuple[int, ...]:
    """Return the width of each layer: as listed, or one width as often as the network is deep."""
    return units if isinstance(units, tuple) else (units,) * (depth or 1)


def _at_least_one(units: int | tuple[int, ...]) -> int | tuple[int, ...]:
    if units == ():
        raise PydanticCustomError("units", "expected at least one layer, found none.")
    return units


def _check_depth(units: int | tuple[int, ...], depth: int | None) -> None:
    if depth is not None and isinstance(units, tuple):
        message = "'depth' repeats one width: write it as one number, for instance 'units: 100', or leave out 'depth'."
        raise PydanticCustomError("depth", message)


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
    builds = "hornbook.builder.backbones:mlp"

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
        _check_depth(self.units, self.depth)
        return self

    def hidden_units(self) -> tuple[int, ...]:
        """Return the width of every hidden layer."""
        return self.funnel.units() if self.funnel is not None else _stack(self.units, self.depth)


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
    builds = "hornbook.builder.backbones:wide_and_deep"
    accepts: ClassVar[tuple[str, ...]] = ("table",)

    units: Annotated[Widths, AfterValidator(_at_least_one)] = (30, 30)
    """Units of each hidden layer of the deep path, or one number for all."""
    depth: Depth = None
    inputs: InputGroups | None = None
    """Which columns each path reads, `{wide: […], deep: […]}`; omitted: both read all."""

    @model_validator(mode="after")
    def _one_way(self) -> "WideAndDeep":
        _check_depth(self.units, self.depth)
        return self

    def hidden_units(self) -> tuple[int, ...]:
        """Return the width of every layer of the deep path."""
        return _stack(self.units, self.depth)


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
    builds = "hornbook.builder.backbones:cnn"
    accepts: ClassVar[tuple[str, ...]] = ("image", "sequence", "tokens")

    filters: Annotated[Sizes, Field(min_length=1)] = (32, 64)
    """Channels of each block."""
    kernel_size: PositiveInt = 3
    """Height and width of each convolution, in pixels, or its steps."""
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
    builds = "hornbook.builder.backbones:residual_cnn"
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
    builds = "hornbook.builder.backbones:rnn"
    accepts: ClassVar[tuple[str, ...]] = ("sequence", "tokens", "image")

    cell: Literal["simple", "lstm", "gru"] = "lstm"
    """What remembers; `simple` forgets over long sequences."""
    units: Annotated[Widths, AfterValidator(_at_least_one)] = (64,)
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
        _check_depth(self.units, self.depth)
        return self

    def recurrent_units(self) -> tuple[int, ...]:
        """Return the width of every recurrent layer, of one direction."""
        return _stack(self.units, self.depth)

    def hidden_units(self) -> tuple[int, ...]:
        """Return the width of every recurrent layer (both directions counted), then the dense layers' widths."""
        return tuple(size * (1 + self.bidirectional) for size in self.recurrent_units()) + self.dense


KIND_OF_BLOCK = {"picture": "image", "sequence": "sequence", "text": "tokens"}
"""What an encoder of each kind of input has to accept."""


@register
class BagOfWords(ModelSpec):
    """The tokens of a text without their order: which are there, or how often, then dense layers.

    With `dense: []` a linear model. Fast, and hard to beat where single words tell; `ngrams: 2` in `data.text` adds pairs of
    words. Salton and Buckley (1988), "Term-weighting approaches in automatic text retrieval".

    Example:
        model: {name: bag_of_words, weighting: tf_idf, dense: [16]}
    """

    name: Literal["bag_of_words"] = "bag_of_words"
    builds = "hornbook.builder.tokens:bag_of_words"
    accepts: ClassVar[tuple[str, ...]] = ("tokens",)
    reads_vocabulary: ClassVar[bool] = True

    weighting: Literal["count", "binary", "tf_idf"] = "binary"
    """What counts: how often a token is there; whether it is; or how often, times its inverse document frequency in the
    training split, log(1 + N / (1 + n)), as Keras's `TextVectorization` has it."""
    dense: Sizes = (16,)
    """Units of dense layers that follow."""

    def hidden_units(self) -> tuple[int, ...]:
        """Return the dense layers' widths."""
        return self.dense


@register
class MeanEmbedding(ReadsTokens, ModelSpec):
    """The mean of the embeddings of a text's tokens, then dense layers: the baseline of networks that read texts.

    Iyyer et al. (2015), "Deep unordered composition rivals syntactic methods for text classification".

    Example:
        model: {name: mean_embedding, embedding: 64, dense: [64]}
    """

    name: Literal["mean_embedding"] = "mean_embedding"
    builds = "hornbook.builder.tokens:mean_embedding"
    accepts: ClassVar[tuple[str, ...]] = ("tokens",)

    dense: Sizes = (64,)
    """Units of dense layers that follow."""

    def hidden_units(self) -> tuple[int, ...]:
        """Return the dense layers' widths."""
        return self.dense


@register
class Transformer(ModelSpec):
    """Blocks of self-attention and two dense layers, over tokens (through an embedding) or the steps of sequences.

    Each block normalizes in front (`normalization`; layer normalization where the recipe names none), drops out behind and
    adds its input; activation and initializer go into the first dense layer of each block, the other weights are Glorot's.
    Padding is never looked at. Vaswani et al. (2017), arXiv:1706.03762; Xiong et al. (2020), arXiv:2002.04745.

    Example:
        model: {name: transformer, width: 64, heads: 4, blocks: 2}
    """

    name: Literal["transformer"] = "transformer"
    builds = "hornbook.builder.transformer:transformer"
    accepts: ClassVar[tuple[str, ...]] = ("tokens", "sequence")
    reads_vocabulary: ClassVar[bool] = True

    width: PositiveInt | None = None
    """Numbers of each step between blocks; omitted: as many as `data.text.embeddings` has, else 64."""
    heads: PositiveInt = 4
    """Attention heads, each of which looks at the other steps by itself; their number has to divide `width`."""
    blocks: Repeats = 2
    """How many blocks."""
    feed_forward: PositiveInt = 4
    """How many times wider the first dense layer of each block is."""
    positions: Literal["learned", "sine", "none"] = "learned"
    """What tells steps apart by their place: numbers that are learned, or sines and cosines of it."""
    pooling: Literal["mean", "class_token"] = "mean"
    """What of the last block is read: the mean over all steps, or a further token in front of each text."""
    frozen_embedding: bool = False
    """Keep the embeddings of `data.text.embeddings` as they are."""
    dense: Sizes = ()
    """Units of dense layers that follow."""

    def inner_width(self) -> int:
        """Return the width of the first dense layer of each block."""
        return self.feed_forward * (self.width or 64)

    def hidden_units(self) -> tuple[int, ...]:
        """Return the widths of the layers that the recipe's activation and initializer go into."""
        return (self.inner_width(),) * self.blocks + self.dense


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
    builds = "hornbook.builder.free_layers:free_layers"
    accepts: ClassVar[tuple[str, ...]] = ("image", "table", "sequence", "tokens")

    layers: Annotated[tuple[LayerItem, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]
    """The layers from input to head, each a name or a mapping. `hornbook list layers` shows all names."""

    def options(self) -> dict[str, Any]:
        """Return the layers."""
        return {"layers": self.layers}

    def hidden_units(self) -> tuple[int, ...] | None:
        """Return nothing where no layer takes the ingredients; otherwise only Keras knows the widths."""
        return None if any(layer.takes_ingredients() for layer in self.layers) else ()
