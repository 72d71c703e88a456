"""Inputs beside the columns of a table: cut out of each row, and brought to a few numbers by a backbone of their own.

An encoder is built by itself, as any backbone is, and its layers are then made anew under names that begin with the input's:
`photo_hidden_1`. So each layer has one name and one place in the network.
"""

import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from hornbook.builder.features.backbones import backbone_features
from hornbook.builder.features.blocks import Ingredients
from hornbook.builder.features.groups import cut
from hornbook.builder.features.tokens import Vocabulary
from hornbook.builder.randomness import derive_seed
from hornbook.data.facts import Block, DataInfo, Preprocessing
from hornbook.errors import Problem, RecipeError
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.activation import Tanh
from hornbook.recipes.sections.model import ModelSpec, ReadsColumns
from hornbook.recipes.sections.normalization import LayerNormalization
from hornbook.upstream import REFUSALS, named, reason, run_through

__all__ = ["encoded_blocks"]

Tensor = Any


def place_of(info: DataInfo, name: str) -> slice:
    """Return where in a row the numbers of an input stand."""
    start = info.width
    for block in info.blocks:
        if block.name == name:
            return slice(start, start + block.size)
        start += block.size
    raise KeyError(name)


def encoded_blocks(rows: Tensor, recipe: Recipe, info: DataInfo, preprocessing: Preprocessing) -> list[Tensor]:
    """Return what the encoders make of the inputs beside the columns: (B, F') each.

    Args:
        rows: The model's input, (B, F).
        recipe: A resolved recipe.
        info: Which inputs stand where in a row.
        preprocessing: What happens to them first.

    Raises:
        RecipeError: If Keras refuses an encoder.
    """
    encoders = recipe.model.encoders if isinstance(recipe.model, ReadsColumns) else None
    parts = []
    for block in info.blocks:
        place = place_of(info, block.name)
        prefix = layer_prefix(block.name, info.blocks)
        x = cut(rows, place.start, place.stop, prefix, block.shape)
        x = _prepared(x, block, preprocessing, prefix)
        vocabulary = None
        if block.kind == "text":
            vocabulary = Vocabulary(block.vocabulary_size or 0, preprocessing.texts.get(block.name))
        parts.append(_encoded(x, block, (encoders or {})[block.name], recipe, prefix, vocabulary))
    return parts


def layer_prefix(name: str, blocks: Sequence[Block]) -> str:
    """Return what the names of an input's layers begin with: its own name where Keras takes it as it is."""
    names = [re.sub("[^A-Za-z0-9]+", "_", block.name).strip("_") for block in blocks]
    place = [block.name for block in blocks].index(name)
    plain = names[place]
    is_free = plain[:1].isalpha() and names.count(plain) == 1 and plain.split("_")[0] not in RESERVED
    return plain if is_free else f"input_{place + 1}"


RESERVED = frozenset(
    {"augmentation", "category", "columns", "deep", "encode", "head", "hidden", "input", "inputs", "members", "network",
     "numbers", "paths", "wide"}
)  # fmt: skip
"""The first words of names by which other layers are known."""


def _prepared(x: Tensor, block: Block, preprocessing: Preprocessing, prefix: str) -> Tensor:
    """Return pictures from 0 to 1, sequences with mean 0 and variance 1, tokens as whole numbers."""
    if block.kind == "text":
        tokens = keras.ops.cast(x, "int32")
        named(tokens, f"{prefix}_numbers")
        return tokens
    if block.scale is not None:
        x = keras.layers.Rescaling(1.0 / block.scale, name=f"{prefix}_scale", dtype="float32")(x)
    if block.name in preprocessing.blocks:
        mean, variance = (np.asarray(values, np.float32) for values in preprocessing.blocks[block.name])
        name = f"{prefix}_standardize"
        x = keras.layers.Normalization(-1, mean=mean, variance=variance, name=name, dtype="float32")(x)
    return x


def _encoded(
    x: Tensor, block: Block, encoder: ModelSpec, recipe: Recipe, prefix: str, vocabulary: Vocabulary | None
) -> Tensor:
    """Return what an encoder makes of an input, (B, F')."""
    seed = derive_seed(recipe.seed, f"encoders/{block.name}")
    ingredients = Ingredients.of(recipe).replaced(seed=seed)
    if encoder.name == "rnn":
        ingredients = ingredients.replaced(activation=Tanh())
    if encoder.name == "transformer" and ingredients.normalization.name == "none":
        ingredients = ingredients.replaced(normalization=LayerNormalization())
    inputs = keras.Input(x.shape[1:], dtype=x.dtype, name=f"{prefix}_input")
    try:
        outputs = backbone_features(inputs, encoder, ingredients, vocabulary=vocabulary)
        outputs = keras.layers.Flatten(name="flatten_last")(outputs) if len(outputs.shape) > 2 else outputs
    except REFUSALS as error:
        message = f"Keras refuses this network on an input of shape {block.shape}: {reason(error)}."
        raise RecipeError([Problem(("model", "encoders", block.name), message, code="layer")]) from error
    model, copies = keras.Model(inputs, outputs), dict[int, Any]()

    def renamed(operation: Any) -> Any:
        if id(operation) not in copies:
            config = operation.get_config()
            if isinstance(operation, keras.layers.Layer):
                config["name"] = f"{prefix}_{operation.name}"
            copies[id(operation)] = type(operation).from_config(config)
        return copies[id(operation)]

    encoded = run_through(model, x, renamed)
    for layer in model.layers:
        copy = copies.get(id(layer))
        if copy is not None:
            copy.set_weights(layer.get_weights())
            copy.trainable = layer.trainable
    return encoded
