"""Token numbers as what layers read: embeddings and counts; bags of words, means, and the front of a saved model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from hornbook.builder.features.blocks import Ingredients
from hornbook.builder.randomness import derive_seed
from hornbook.data.facts import DataInfo, Preprocessing
from hornbook.data.text.encoder import TextEncoder
from hornbook.data.text.subwords import LONGEST_WORD, START
from hornbook.data.text.tables import TextTables
from hornbook.layers.subwords import Subwords
from hornbook.layers.tokens import MaskedPooling, TokenCounts, TokenMask
from hornbook.recipes.sections.initializer import GlorotUniform
from hornbook.recipes.sections.model import BagOfWords, MeanEmbedding, ReadsTokens

__all__ = [
    "Vocabulary",
    "bag_of_words",
    "embedded",
    "layer_name",
    "mean_embedding",
    "text_front",
    "vocabulary_of",
    "with_mask",
]

Tensor = Any


@dataclass(frozen=True)
class Vocabulary:
    """What a backbone knows of the tokens that it reads.

    Attributes:
        size: How many different numbers there are, padding included.
        tables: Frequencies and embeddings of those of a text; None where the numbers are all that is known.
    """

    size: int
    tables: TextTables | None = None


def vocabulary_of(info: DataInfo, preprocessing: Preprocessing) -> Vocabulary | None:
    """Return the vocabulary of token data; None for anything else."""
    if info.kind != "tokens" or info.vocabulary_size is None:
        return None
    return Vocabulary(info.vocabulary_size, next(iter(preprocessing.texts.values()), None))


def embedded(
    tokens: Tensor, width: int, vocabulary: Vocabulary, ingredients: Ingredients, *, frozen: bool = False,
    extra: int = 0, masks: bool = False,
) -> Tensor:  # fmt: skip
    """Return the embeddings of tokens, (B, L) → (B, L, W): those of a file where there is one, else drawn.

    Args:
        tokens: Their numbers.
        width: W.
        vocabulary: What is known of them.
        ingredients: Whose seed counts.
        frozen: Whether they stay as they are.
        extra: Further numbers behind the vocabulary.
        masks: Whether layers behind are told by Keras which steps are padding.
    """
    draws = GlorotUniform().build(seed=derive_seed(ingredients.seed, "embedding"))
    layer = keras.layers.Embedding(
        vocabulary.size + extra, width, mask_zero=masks, embeddings_initializer=draws, name="embedding"
    )
    outputs = layer(tokens)
    if vocabulary.tables is not None and vocabulary.tables.embeddings is not None:
        table, known = np.array(layer.embeddings), vocabulary.tables.embeddings
        is_there = ~np.isnan(known[:, 0])
        table[: vocabulary.size][is_there] = known[is_there]
        layer.embeddings.assign(table)
    layer.trainable = not frozen
    return outputs


def with_mask(
    tokens: Tensor, model: ReadsTokens, vocabulary: Vocabulary, ingredients: Ingredients
) -> tuple[Tensor, Tensor]:
    """Return the embeddings (B, L, W) of a backbone's tokens and their mask (B, L)."""
    width = model.embedding or 64
    x = embedded(tokens, width, vocabulary, ingredients, frozen=model.frozen_embedding)
    return x, TokenMask(name="mask", dtype=ingredients.precision)(tokens)


def bag_of_words(x: Tensor, model: BagOfWords, ingredients: Ingredients, *, vocabulary: Vocabulary) -> Tensor:
    """The tokens of a text without their order: counts, then dense layers."""
    layer = TokenCounts(vocabulary.size, model.weighting, name="counts", dtype=ingredients.precision)
    counts = layer(x)
    if layer.idf is not None and vocabulary.tables is not None:
        layer.idf.assign(vocabulary.tables.idf)
    return ingredients.dense_stack(counts, model.dense, ingredients.blocks_before + 1)


def mean_embedding(x: Tensor, model: MeanEmbedding, ingredients: Ingredients, *, vocabulary: Vocabulary) -> Tensor:
    """The mean of a text's embeddings, then dense layers."""
    x, mask = with_mask(x, model, vocabulary, ingredients)
    x = MaskedPooling(None, "average", name="pooling", dtype=ingredients.precision)([x, mask])
    return ingredients.dense_stack(x, model.dense, ingredients.blocks_before + 1)


def text_front(name: str, facts: Mapping[str, Any], prefix: str) -> tuple[Tensor, Tensor]:
    """Return (a text, its token numbers (B, L)) as Keras's `TextVectorization` gives them, for the front of a saved model.

    Args:
        name: What the input is called.
        facts: What stayed of it with the run.
        prefix: With which the names of layers begin.
    """
    encoder = TextEncoder.of_facts(facts)
    inputs = texts = keras.Input((), dtype="string", name=name)
    standardize = None if encoder.standardize == "none" else encoder.standardize
    if encoder.tokens == "subwords":
        texts = Subwords(encoder.tokenizer.pieces, START, LONGEST_WORD, standardize, name=f"{prefix}_subwords")(texts)
        standardize = None
    layer = keras.layers.TextVectorization(
        standardize=standardize,
        split="character" if encoder.tokens == "characters" else "whitespace",
        ngrams=None if encoder.ngrams == 1 else encoder.ngrams,
        output_mode="int",
        output_sequence_length=encoder.length,
        vocabulary=list(encoder.vocabulary),
        name=f"{prefix}_tokens",
    )
    return inputs, layer(texts)


def layer_name(name: str) -> str:
    """Return a column's name as one that layers may have."""
    return "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in name).strip("_") or "text"
