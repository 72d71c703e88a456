"""From a recipe to everything a run needs, without training: data, resolved recipe, model, rates."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.builder import Built, build_model, compile_plain
from hornbook.builder.engine_choice import choose_engine
from hornbook.data import Splits, from_arrays, load
from hornbook.data.source import Array
from hornbook.errors import DataError, Problem
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.resolve import resolve
from hornbook.trainer.rates import RateTable, rate_table

__all__ = ["Prepared", "build", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """A run before its first step.

    Attributes:
        recipe: The recipe with every default filled in, the engine included.
        splits: Training, validation and test examples.
        built: The model with optimizer, loss and metrics.
        table: Learning rate and momentum of every step.
        weights_K: Weight of each class in the loss, or None.
        problems: Warnings of recipe and data.
    """

    recipe: Recipe
    splits: Splits
    built: Built
    table: RateTable
    weights_K: Array | None
    problems: tuple[Problem, ...]


def prepare(recipe: Recipe, data: Any = None) -> Prepared:
    """Load the data, resolve the recipe, build the model.

    Args:
        recipe: A checked recipe.
        data: Arrays in place of the recipe's data source, see `hornbook.data.from_arrays`.

    Raises:
        RecipeError: If recipe and data do not fit together.
        DataError: If the data cannot be used.
    """
    if data is None:
        splits = load(recipe.data, seed=recipe.seed, task=recipe.task)
    else:
        splits = from_arrays(data, spec=recipe.data, seed=recipe.seed, task=recipe.task)
    resolved, problems = resolve(recipe, splits.info, is_standardized=splits.preprocessing.variance is not None)
    built = build_model(resolved, splits.info, splits.preprocessing)
    engine = choose_engine(resolved.training.engine, built)
    resolved = _with_engine(resolved, engine)
    batches = -(-len(splits.train) // resolved.training.batch_size)
    return Prepared(
        recipe=resolved,
        splits=splits,
        built=built,
        table=rate_table(resolved, batches=batches),
        weights_K=class_weights(resolved, splits),
        problems=tuple(problem for problem in problems if problem.severity == "warning"),
    )


def build(recipe: Recipe, data: Any = None) -> Any:
    """Return the recipe's model as a plain, compiled `keras.Model`, to do anything with.

    Args:
        recipe: A checked recipe, from `hornbook.load_recipe`.
        data: Arrays in place of the recipe's data source; shapes and statistics come from the data.

    Example:
        >>> model = hornbook.build(hornbook.load_recipe("he_elu_bn"))
        >>> model.count_params()
        51810
    """
    prepared = prepare(recipe, data)
    return compile_plain(prepared.built, prepared.recipe)


def _with_engine(recipe: Recipe, engine: str) -> Recipe:
    plain = recipe.to_dict()
    plain["training"]["engine"] = engine
    changed = Recipe.model_validate(plain)
    return changed.from_document(recipe.document) if recipe.document is not None else changed


def class_weights(recipe: Recipe, splits: Splits) -> Array | None:
    """Return the weight of each class (K,), or None; ``balanced`` is N/(K·count), as in scikit-learn.

    Raises:
        DataError: If a weight names a class that the data does not have.
    """
    given, info = recipe.training.class_weights, splits.info
    if given is None:
        return None
    if isinstance(given, str):
        counts = np.asarray(info.class_counts, np.float64)
        return np.asarray(counts.sum() / (len(counts) * np.maximum(counts, 1)), np.float32)
    names: Sequence[str] = info.class_names or [str(number) for number in range(info.num_classes)]
    weights = np.ones(info.num_classes, np.float32)
    for key, weight in given.items():
        if str(key) in names:
            weights[list(names).index(str(key))] = weight
        elif isinstance(key, int) and 0 <= key < info.num_classes:
            weights[key] = weight
        else:
            raise DataError(f"training.class_weights: there is no class {key!r}. Classes: {', '.join(names)}.")
    return weights


def quiet_upstream_warnings() -> None:
    """Silence warnings of Keras and NumPy that a user can do nothing about."""
    warnings.filterwarnings("ignore", message="__array__ implementation doesn't accept a copy keyword")
