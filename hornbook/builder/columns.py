"""The columns of a table as what dense layers read: gaps filled, numbers embedded, categories one-hot or embedded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import ops

from hornbook.builder.features.groups import paths_of
from hornbook.builder.randomness import derive_seed
from hornbook.data.facts import DataInfo, Feature, Preprocessing
from hornbook.errors import Problem, RecipeError
from hornbook.layers.numbers import Periodic, PiecewiseLinear
from hornbook.layers.scale import Scale
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.embedding import EmbeddingSpec
from hornbook.recipes.sections.model import ReadsColumns, WideAndDeep
from hornbook.upstream import named

__all__ = ["embeds_columns", "encode"]

FRONT_SCALE = "front_scale"
"""Name of the layer that multiplies each column by a learned number."""

Tensor = Any


def embeds_columns(recipe: Recipe) -> bool:
    """Return whether the recipe's backbone does something of its own with columns."""
    model = recipe.model
    return isinstance(model, ReadsColumns) and (
        model.numbers is not None or model.categories is not None or bool(model.front_scale)
    )


@dataclass(frozen=True)
class _Table:
    """The columns of a table, (B, F), and what is to be known of them."""

    x: Tensor
    features: tuple[Feature, ...]
    recipe: Recipe
    preprocessing: Preprocessing

    @property
    def model(self) -> ReadsColumns:
        """What the backbone does with columns."""
        return self.recipe.model if isinstance(self.recipe.model, ReadsColumns) else ReadsColumns()

    def of_type(self, type_: str, places: Sequence[int]) -> list[int]:
        """Return which of these places are columns of a type."""
        return [place for place in places if self.features[place].type == type_]


def encode(
    x: Tensor, recipe: Recipe, info: DataInfo, preprocessing: Preprocessing, *, at_zero: bool
) -> tuple[Tensor, int | None]:
    """Return numbers with missing ones at the training mean, and categories one-hot, or embeddings: (B, F) → (B, F').

    Beside them: of two paths, how many numbers at the front are the wide one's; None where both read all, or there is one.

    Args:
        x: The columns.
        recipe: A resolved recipe.
        info: What the columns are called.
        preprocessing: Which columns are categories, and what missing numbers become.
        at_zero: Whether the numbers are standardized already, so that their mean is 0.

    Raises:
        RecipeError: If there is nothing of what the recipe embeds, or no column that it names.
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
        return x, None
    features = preprocessing.features or _all_numbers(info, x.shape[-1])
    table, deep, wide = _Table(x, features, recipe, preprocessing), list(range(len(features))), list[int]()
    if isinstance(recipe.model, WideAndDeep):
        wide, deep = paths_of(recipe.model, features, info)
    _refuse_nothing(table.model, table.of_type("number", deep), table.of_type("category", deep))
    if not wide:
        return _path(table, deep), None
    if wide == deep and not embeds_columns(recipe) and not info.blocks:
        return _path(table, wide), None
    direct = _path(table, wide, is_wide=True)
    if not deep:  # its inputs have encoders of their own
        return direct, direct.shape[-1]
    both = [direct, _path(table, deep)]
    return keras.layers.Concatenate(name="paths", dtype="float32")(both), direct.shape[-1]


def _all_numbers(info: DataInfo, count: int) -> tuple[Feature, ...]:
    """Return columns as they are called, or by their numbers from 0 on, where all are numbers."""
    if info.features is None:
        return tuple(Feature(str(place), "number") for place in range(count))
    return tuple(replace(feature, type="number", categories=()) for feature in info.features)


def _path(table: _Table, places: Sequence[int], *, is_wide: bool = False) -> Tensor:
    """Return the columns at these places as a path reads them; the wide one nothing that is embedded."""
    model = ReadsColumns() if is_wide else table.model
    numbers, categories = table.of_type("number", places), table.of_type("category", places)
    parts = []
    if numbers:
        some = table.x if len(numbers) == table.x.shape[-1] else ops.take(table.x, numbers, axis=1)
        if some is not table.x and isinstance(table.recipe.model, WideAndDeep):
            named(some, "numbers_wide" if is_wide else "numbers_deep")
        parts.append(some if model.numbers is None else _embedded(some, model.numbers, table))
    parts += [_category(table, place, is_wide=is_wide) for place in categories]
    name = "encode_wide" if is_wide else "encode"
    x = parts[0] if len(parts) == 1 else keras.layers.Concatenate(name=name, dtype="float32")(parts)
    return Scale(name=FRONT_SCALE, dtype="float32")(x) if model.front_scale else x


def _refuse_nothing(model: ReadsColumns, numbers: Sequence[int], categories: Sequence[int]) -> None:
    wanted = {"numbers": (model.numbers, numbers), "categories": (model.categories, categories)}
    problems = [
        Problem(("model", key), f"the table has no column of {key}.", "Remove it.", code="columns")
        for key, (given, places) in wanted.items()
        if given is not None and not places
    ]
    if problems:
        raise RecipeError(problems)


def _category(table: _Table, place: int, *, is_wide: bool) -> Tensor:
    """Return one column of categories as zeros and a one, (B, K + 1), or embedded, (B, units)."""
    feature = table.features[place]
    size = len(feature.categories) + 1  # code 0: missing or unknown
    column, name = ops.take(table.x, [place], axis=1), f"category_{place + 1}"
    if isinstance(table.recipe.model, WideAndDeep):
        named(column, f"{name}_{'wide' if is_wide else 'deep'}_column")
    says_nothing = feature.name in table.preprocessing.whole  # code 0, about which nothing would be learned
    chosen = None if is_wide else table.model.categories
    if chosen is None or len(feature.categories) <= chosen.one_hot_up_to:
        name += "_wide" if is_wide else ""
        encoded = keras.layers.CategoryEncoding(size, output_mode="one_hot", name=name, dtype="float32")(column)
        return encoded * np.array([0] + [1] * (size - 1), np.float32) if says_nothing else encoded
    draws = keras.initializers.RandomNormal(stddev=1.0, seed=derive_seed(table.recipe.seed, name))
    rows = keras.layers.Embedding(size, chosen.embedding, embeddings_initializer=draws, name=name, dtype="float32")
    embedded = keras.layers.Reshape((chosen.embedding,), name=f"{name}_row", dtype="float32")(rows(column))
    return embedded * ops.cast(column > 0, "float32") if says_nothing else embedded


def _embedded(x: Tensor, spec: EmbeddingSpec, table: _Table) -> Tensor:
    """Return what becomes of numbers, (B, F) → (B, F·units)."""
    options = spec.options()
    seed, units = derive_seed(table.recipe.seed, "numbers"), options.get("units")
    if spec.name == "piecewise_linear":
        layer = PiecewiseLinear(options["bins"], name="numbers", dtype="float32")
        parts = layer(x)
        layer.learn(_edges(x, table.preprocessing, options["bins"]))
    else:
        layer = Periodic(
            options["frequencies"], options["deviation"], spec.name == "pbld", seed, name="numbers", dtype="float32"
        )
        parts = layer(x)
    if units is not None:
        parts = _linear(parts, units - (spec.name == "pbld"), table.recipe.seed)
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
    raw = np.asarray(preprocessing.bins, np.float32).T  # (bins + 1, columns of the table)
    source = _input_of(x)
    model = keras.Model(source, x)
    return list(np.asarray(model(np.pad(raw, ((0, 0), (0, source.shape[1] - raw.shape[1]))))).T)


def _input_of(x: Tensor) -> Any:
    """Return the input that a symbolic tensor comes from."""
    found = keras.utils.get_source_inputs(x)
    return found[0]
