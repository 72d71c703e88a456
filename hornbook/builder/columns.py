"""The columns of a table as what dense layers read: gaps filled, numbers embedded, categories one-hot or embedded."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from hornbook.builder.randomness import derive_seed
from hornbook.data.source import Feature, Preprocessing
from hornbook.errors import Problem, RecipeError
from hornbook.layers.numbers import Periodic, PiecewiseLinear
from hornbook.layers.scale import Scale
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.embedding import EmbeddingSpec
from hornbook.recipes.sections.model import ReadsColumns

__all__ = ["FRONT_SCALE", "embeds_columns", "encode"]

FRONT_SCALE = "front_scale"
"""Name of the layer that multiplies each column by a learned number."""

Tensor = Any


def embeds_columns(recipe: Recipe) -> bool:
    """Return whether the recipe's backbone does something of its own with columns."""
    model = recipe.model
    return isinstance(model, ReadsColumns) and (
        model.numbers is not None or model.categories is not None or bool(model.front_scale)
    )


def encode(x: Tensor, recipe: Recipe, preprocessing: Preprocessing, *, at_zero: bool) -> Tensor:
    """Return numbers with missing ones at the training mean, and categories one-hot, or embeddings: (B, F) → (B, F').

    Args:
        x: The columns.
        recipe: A resolved recipe.
        preprocessing: Which columns are categories, and what missing numbers become.
        at_zero: Whether the numbers are standardized already, so that their mean is 0.

    Raises:
        RecipeError: If there is nothing of what the recipe embeds.
    """
    if preprocessing.has_missing:
        means = np.zeros(x.shape[-1], np.float32) if at_zero else np.asarray(preprocessing.mean, np.float32)
        x = ops.where(ops.isnan(x), means, x)
    if len(x.shape) != 2:
        keys = [key for key in ReadsColumns.model_fields if getattr(recipe.model, key, None)]
        problems = [
            Problem(("model", key), "is for the columns of a table.", "Remove it.", code="columns") for key in keys
        ]
        if problems:
            raise RecipeError(problems)
        return x
    features = preprocessing.features or tuple(Feature(str(place), "number") for place in range(x.shape[-1]))
    numbers = [place for place, feature in enumerate(features) if feature.type == "number"]
    categories = [place for place, feature in enumerate(features) if feature.type == "category"]
    model = recipe.model if isinstance(recipe.model, ReadsColumns) else ReadsColumns()
    _refuse_nothing(model, numbers, categories)
    parts = []
    if numbers:
        some = ops.take(x, numbers, axis=1) if categories else x
        parts.append(some if model.numbers is None else _embedded(some, model.numbers, recipe, preprocessing))
    parts += [_category(x, place, features[place], recipe, preprocessing) for place in categories]
    x = parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="encode", dtype="float32")(parts)
    if model.front_scale:
        x = Scale(name=FRONT_SCALE, dtype="float32")(x)
    return x


def _refuse_nothing(model: ReadsColumns, numbers: Sequence[int], categories: Sequence[int]) -> None:
    wanted = {"numbers": (model.numbers, numbers), "categories": (model.categories, categories)}
    problems = [
        Problem(("model", key), f"the table has no column of {key}.", "Remove it.", code="columns")
        for key, (given, places) in wanted.items()
        if given is not None and not places
    ]
    if problems:
        raise RecipeError(problems)


def _category(x: Tensor, place: int, feature: Feature, recipe: Recipe, preprocessing: Preprocessing) -> Tensor:
    """Return one column of categories as zeros and a one, (B, K + 1), or embedded, (B, units)."""
    size = len(feature.categories) + 1  # code 0: missing or unknown
    column, name = ops.take(x, [place], axis=1), f"category_{place + 1}"
    says_nothing = feature.name in preprocessing.whole  # code 0, about which nothing would be learned
    chosen = recipe.model.categories if isinstance(recipe.model, ReadsColumns) else None
    if chosen is None or len(feature.categories) <= chosen.one_hot_up_to:
        encoded = keras.layers.CategoryEncoding(size, output_mode="one_hot", name=name, dtype="float32")(column)
        return encoded * np.array([0] + [1] * (size - 1), np.float32) if says_nothing else encoded
    draws = keras.initializers.RandomNormal(stddev=1.0, seed=derive_seed(recipe.seed, name))
    rows = keras.layers.Embedding(size, chosen.embedding, embeddings_initializer=draws, name=name, dtype="float32")
    embedded = keras.layers.Reshape((chosen.embedding,), name=f"{name}_row", dtype="float32")(rows(column))
    return embedded * ops.cast(column > 0, "float32") if says_nothing else embedded


def _embedded(x: Tensor, spec: EmbeddingSpec, recipe: Recipe, preprocessing: Preprocessing) -> Tensor:
    """Return what becomes of numbers, (B, F) → (B, F·units)."""
    options = spec.options()
    seed, units = derive_seed(recipe.seed, "numbers"), options.get("units")
    if spec.name == "piecewise_linear":
        layer = PiecewiseLinear(options["bins"], name="numbers", dtype="float32")
        parts = layer(x)
        layer.learn(_edges(x, preprocessing, options["bins"]))
    else:
        layer = Periodic(
            options["frequencies"], options["deviation"], spec.name == "pbld", seed, name="numbers", dtype="float32"
        )
        parts = layer(x)
    if units is not None:
        parts = _linear(parts, units - (spec.name == "pbld"), recipe.seed)
    if spec.name == "plr":
        parts = keras.layers.ReLU(name="numbers_activation", dtype="float32")(parts)
    flat = keras.layers.Flatten(name="numbers_flat", dtype="float32")(parts)
    if spec.name == "pbld":
        flat = keras.layers.Concatenate(name="numbers_with_themselves", dtype="float32")([flat, x])
    return flat


def _linear(parts: Tensor, units: int, seed: int) -> Tensor:
    """Return (B, F, k) through a linear layer for each of the F, (B, F, units); it starts as PyTorch's linear layers do."""
    bound = parts.shape[-1] ** -0.5
    kernel, bias = (
        keras.initializers.RandomUniform(-bound, bound, seed=derive_seed(seed, f"numbers_linear/{name}"))
        for name in ("kernel", "bias")
    )
    layer = keras.layers.EinsumDense(
        "bfk,fku->bfu", output_shape=(parts.shape[1], units), bias_axes="fu", kernel_initializer=kernel,
        bias_initializer=bias, name="numbers_linear", dtype="float32",
    )  # fmt: skip
    return layer(parts)


def _edges(x: Tensor, preprocessing: Preprocessing, bins: int) -> list[Any]:
    """Return the edges of the bins of each number column, as the layers in front of the bins leave them."""
    if preprocessing.bins is None:  # layers that get their weights from an earlier model
        return [np.linspace(-1, 1, bins + 1)] * x.shape[-1]
    raw = np.asarray(preprocessing.bins, np.float32)  # (columns of the table, bins + 1)
    model = keras.Model(_input_of(x), x)
    return list(np.asarray(model(raw.T)).T)


def _input_of(x: Tensor) -> Any:
    """Return the input that a symbolic tensor comes from."""
    found = keras.utils.get_source_inputs(x)
    return found[0]
