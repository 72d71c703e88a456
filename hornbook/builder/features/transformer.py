"""A small transformer: blocks of self-attention over embedded tokens or the steps of sequences."""

from typing import Any

import keras

from hornbook.builder.features.blocks import Ingredients, build_initializer, build_normalization
from hornbook.builder.features.tokens import Vocabulary, embedded
from hornbook.builder.randomness import derive_seed
from hornbook.layers.tokens import MaskedPooling, Positions, PrependToken, SelfAttention, TokenMask
from hornbook.recipes.sections.activation import Linear
from hornbook.recipes.sections.initializer import GlorotUniform
from hornbook.recipes.sections.model import Transformer
from hornbook.recipes.sections.normalization import NormalizationSpec

__all__ = ["transformer"]

Tensor = Any


def transformer(
    x: Tensor, model: Transformer, ingredients: Ingredients, *, vocabulary: Vocabulary | None = None
) -> Tensor:
    """Blocks of self-attention over embedded tokens or the steps of sequences, pooled, then dense layers."""
    width, precision = model.width or 64, ingredients.precision
    mask: list[Tensor] = []
    if vocabulary is not None:
        has_class = model.pooling == "class_token"
        if has_class:
            x = PrependToken(vocabulary.size, name="class_token")(x)
        mask = [TokenMask(name="mask", dtype=precision)(x)]
        x = embedded(x, width, vocabulary, ingredients, frozen=model.frozen_embedding, extra=int(has_class))
    else:
        x = keras.layers.Dense(width, **_linear(ingredients, "projection"))(x)
    if model.positions != "none":
        seed = derive_seed(ingredients.seed, "positions")
        x = Positions(model.positions, seed=seed, name="positions", dtype=precision)(x)
    x = ingredients.regularize(x, "positions")
    number = ingredients.blocks_before
    for block in range(number + 1, number + 1 + model.blocks):
        x = _attention(x, mask, model.heads, ingredients, f"attention_{block}")
        x = _feed_forward(x, model.inner_width(), ingredients, f"hidden_{block}")
    x = _normalized(x, ingredients, "transformed")
    if model.pooling == "class_token":
        x = x[:, 0]
    elif mask:
        x = MaskedPooling(None, "average", name="pooling", dtype=precision)([x, *mask])
    else:
        x = keras.layers.GlobalAveragePooling1D(name="pooling")(x)
    return ingredients.dense_stack(x, model.dense, number + model.blocks + 1)


def _attention(x: Tensor, mask: list[Tensor], heads: int, ingredients: Ingredients, name: str) -> Tensor:
    """Return x + what steps find in each other."""
    width, precision = x.shape[-1], ingredients.precision
    normal = _normalized(x, ingredients, name)
    parts = [
        keras.layers.Dense(width, **_linear(ingredients, f"{name}_{part}"))(normal)
        for part in ("query", "key", "value")
    ]
    mixed = SelfAttention(heads, name=name, dtype=precision)([*parts, *mask])
    mixed = keras.layers.Dense(width, **_linear(ingredients, f"{name}_output"))(mixed)
    return keras.layers.Add(name=f"{name}_add", dtype=precision)([x, ingredients.regularize(mixed, name)])


def _feed_forward(x: Tensor, units: int, ingredients: Ingredients, name: str) -> Tensor:
    """Return x + what two dense layers make of each step by itself; the recipe's activation is between them."""
    inner = keras.layers.Dense(units, **ingredients.weights(name))(_normalized(x, ingredients, name))
    inner = ingredients.activate(inner, name)
    made = keras.layers.Dense(x.shape[-1], **_linear(ingredients, f"{name}_output"))(inner)
    return keras.layers.Add(name=f"{name}_add", dtype=ingredients.precision)([x, ingredients.regularize(made, name)])


def _normalized(x: Tensor, ingredients: Ingredients, name: str) -> Tensor:
    if not isinstance(ingredients.normalization, NormalizationSpec):
        return x
    return build_normalization(ingredients.normalization, name=f"{name}_normalization", dtype=ingredients.precision)(x)


def _linear(ingredients: Ingredients, name: str) -> dict[str, Any]:
    """Return the arguments of a dense layer without activation: the recipe's penalties, Glorot's uniform weights."""
    arguments = ingredients.weights(name)
    initializer = build_initializer(GlorotUniform(), Linear(), seed=ingredients.seed, name=f"{name}/kernel")
    return {**arguments, "kernel_initializer": initializer}
