"""Backbones that read tokens alone or step by step: a bag of words, a mean of embeddings, a transformer."""

from typing import ClassVar, Literal

from hornbook.recipes.language.spec import PositiveInt
from hornbook.recipes.sections.backbone import ModelSpec, ReadsTokens, Repeats, Sizes

__all__ = ["BagOfWords", "MeanEmbedding", "Transformer"]


class BagOfWords(ModelSpec):
    """The tokens of a text without their order: which are there, or how often, then dense layers.

    With `dense: []` a linear model. Fast, and hard to beat where single words tell; `ngrams: 2` in `data.text` adds pairs of
    words. Salton and Buckley (1988), "Term-weighting approaches in automatic text retrieval".

    Example:
        model: {name: bag_of_words, weighting: tf_idf, dense: [16]}
    """

    name: Literal["bag_of_words"] = "bag_of_words"
    builds = "hornbook.builder.features.tokens:bag_of_words"
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


class MeanEmbedding(ReadsTokens, ModelSpec):
    """The mean of the embeddings of a text's tokens, then dense layers: the baseline of networks that read texts.

    Iyyer et al. (2015), "Deep unordered composition rivals syntactic methods for text classification".

    Example:
        model: {name: mean_embedding, embedding: 64, dense: [64]}
    """

    name: Literal["mean_embedding"] = "mean_embedding"
    builds = "hornbook.builder.features.tokens:mean_embedding"
    accepts: ClassVar[tuple[str, ...]] = ("tokens",)

    dense: Sizes = (64,)
    """Units of dense layers that follow."""

    def hidden_units(self) -> tuple[int, ...]:
        """Return the dense layers' widths."""
        return self.dense


class Transformer(ModelSpec):
    """Blocks of self-attention and two dense layers, over tokens (through an embedding) or the steps of sequences.

    Attention and dense layers each read normalized inputs (`normalization`; layer normalization where the recipe names
    none), and their outputs, with dropout, are added to what they read. Activation and initializer go into the first dense
    layer of each block, the other weights are Glorot's. Padding is never looked at. Vaswani et al. (2017),
    arXiv:1706.03762; Xiong et al. (2020), arXiv:2002.04745.

    Example:
        model: {name: transformer, width: 64, heads: 4, blocks: 2}
    """

    name: Literal["transformer"] = "transformer"
    builds = "hornbook.builder.features.transformer:transformer"
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
