"""What happens to inputs inside the model: scaling, standardizing, encoding of categories, augmentation, input dropout.

All of it is saved with the model, so that a saved model takes raw pixels and raw table rows.
"""

from typing import Any, cast

import keras
import numpy as np
from keras import ops

from hornbook.builder.augmentation import augmentation_layers
from hornbook.builder.columns import embeds_columns, encode
from hornbook.builder.features.blocks import build_normalization
from hornbook.builder.features.encoders import encoded_blocks
from hornbook.builder.features.groups import cut
from hornbook.builder.randomness import derive_seed
from hornbook.data.facts import DataInfo, Preprocessing, SeriesScale
from hornbook.errors import Problem, RecipeError
from hornbook.layers.quantiles import Quantiles
from hornbook.layers.series import ToSeriesScale
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.model import WideAndDeep
from hornbook.recipes.sections.normalization import NormalizationSpec

__all__ = ["SCALE", "STANDARDIZE", "build_inputs", "scale_of"]

SCALE = "scale"
STANDARDIZE = "standardize"
"""Names of the layers that bring inputs to 0-1, and to mean 0 and variance 1."""

LIMIT = 3.0  # of what is standardized robustly

Tensor = Any


def build_inputs(
    recipe: Recipe, info: DataInfo, preprocessing: Preprocessing, *, white: float
) -> tuple[Tensor, Tensor, int | None]:
    """Return the model's input, the preprocessed tensor that the backbone reads, and how much of it a wide path has.

    Of two paths the last is how many numbers at the front are the wide one's; None where both read all, or there is one.

    Args:
        recipe: A resolved recipe.
        info: Facts about the data.
        preprocessing: What is to be done.
        white: The number of white in images as they are stored.

    Raises:
        RecipeError: If something that is for numbers would be applied to tokens.
    """
    is_tokens = info.kind == "tokens"
    if is_tokens:
        _refuse_for_tokens(recipe)
    inputs = keras.Input(info.input_shape, dtype="int32" if is_tokens else "float32", name="input")
    x = cut(inputs, 0, info.width, "columns") if info.blocks and info.width else inputs
    if info.blocks and not info.width:
        return inputs, _joined(encoded_blocks(inputs, recipe, info, preprocessing)), None
    if preprocessing.scale is not None:
        x = keras.layers.Rescaling(1.0 / preprocessing.scale, name=SCALE, dtype="float32")(x)
    first, last = augmentation_layers(recipe, info, white=white if preprocessing.scale is None else 1.0)
    for layer in first:
        x = layer(x)
    by_rank = preprocessing.clips or preprocessing.quantiles is not None
    is_standardized = preprocessing.variance is not None and (by_rank or not _normalizes_inputs(recipe))
    if preprocessing.series is not None:
        x = _by_series(x, preprocessing.series)
    elif is_standardized:
        x = _standardize(x, preprocessing)
    wide = None
    has_gaps = preprocessing.features is not None or preprocessing.has_missing
    if has_gaps or embeds_columns(recipe) or isinstance(recipe.model, WideAndDeep):
        x, wide = encode(x, recipe, info, preprocessing, at_zero=is_standardized)
    for layer in last:
        x = layer(x)
    if isinstance(recipe.normalization, NormalizationSpec) and recipe.normalization.input:
        x = build_normalization(recipe.normalization, name="input_normalization", dtype="float32")(x)
    rate = recipe.regularization.input_dropout
    if rate:
        x = keras.layers.Dropout(rate, seed=derive_seed(recipe.seed, "input_dropout"), name="input_dropout")(x)
    if info.blocks:
        x = _joined([x, *encoded_blocks(inputs, recipe, info, preprocessing)])
    return inputs, x, wide


def _joined(parts: list[Tensor]) -> Tensor:
    """Return the columns of a table and what encoders made of the inputs beside them as one row, (B, F)."""
    return parts[0] if len(parts) == 1 else keras.layers.Concatenate(name="inputs", dtype="float32")(parts)


def scale_of(model: keras.Model) -> float | None:
    """Return what a model divides its inputs by, where they are pictures; None where it does not."""
    layers = [layer for layer in model.layers if layer.name == SCALE]
    return float(round(1 / float(layers[0].scale), 6)) if layers else None


def _refuse_for_tokens(recipe: Recipe) -> None:
    """Raise a RecipeError where numbers of tokens would be treated as quantities."""
    found = {
        ("normalization", "input"): _normalizes_inputs(recipe),
        ("regularization", "input_dropout"): bool(recipe.regularization.input_dropout),
    }
    message = "applies to numbers, and the inputs are tokens."
    problems = [Problem(path, message, "Remove it.", code="model-data") for path, is_there in found.items() if is_there]
    if problems:
        raise RecipeError(problems)


def _normalizes_inputs(recipe: Recipe) -> bool:
    return isinstance(recipe.normalization, NormalizationSpec) and recipe.normalization.input


def _standardize(x: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Return the inputs minus their mean, over their deviation: per channel or column, or per place in an example."""
    if preprocessing.quantiles is not None:
        return _by_quantiles(x, preprocessing.quantiles)
    axis: Any = -1
    mean, variance = cast(Any, preprocessing.mean), cast(Any, preprocessing.variance)
    if preprocessing.per_feature:
        axis = tuple(range(1, len(x.shape)))
        mean, variance = (np.reshape(np.asarray(values, np.float32), x.shape[1:]) for values in (mean, variance))
    x = keras.layers.Normalization(axis, mean=mean, variance=variance, name=STANDARDIZE, dtype="float32")(x)
    return _clipped(x, preprocessing) if preprocessing.clips else x


def _by_series(x: Tensor, scales: SeriesScale) -> Tensor:
    layer = ToSeriesScale(len(scales.mean), len(scales.mean[0]), name=STANDARDIZE, dtype="float32")
    outputs = layer(x)
    layer.learn(scales.mean, scales.deviation)
    return outputs


def _clipped(x: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Return numbers that stay below 3 in size, x/√(1 + (x/3)²), and categories as they are."""
    features = preprocessing.features
    is_number = [feature.type == "number" for feature in features] if features else [True] * x.shape[-1]
    return x / ops.sqrt(1.0 + ops.square(x * (np.array(is_number, np.float32) / np.float32(LIMIT))))


def _by_quantiles(x: Tensor, quantiles: tuple[tuple[float, ...], ...]) -> Tensor:
    layer = Quantiles([len(column) for column in quantiles], name=STANDARDIZE, dtype="float32")
    outputs = layer(x)
    layer.learn(quantiles)
    return outputs
