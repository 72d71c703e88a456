"""The data of a recipe: the one way in for training, evaluation, sweeps and studies, and the one memory budget."""

from dataclasses import dataclass, replace
from typing import Any

from hornbook.data.beside import differing_paths, refuse_missing
from hornbook.data.pipeline import load
from hornbook.data.shelf import Shelf
from hornbook.data.source import Splits
from hornbook.data.sources.arrays import from_arrays
from hornbook.data.storage.files import memory_bytes
from hornbook.data.storage.rows import Inputs
from hornbook.data.unlabeled import labeled_only, unlabeled_inputs
from hornbook.recipes.language.durations import to_bytes
from hornbook.recipes.recipe import Recipe

__all__ = ["RecipeData", "load_data", "memory_budget", "memory_bytes"]


@dataclass(frozen=True)
class RecipeData:
    """What a recipe trains on.

    Attributes:
        splits: Training, validation and test examples; where pretraining says so, only the labeled ones are training.
        unlabeled: Inputs that pretraining sees; None without pretraining, in its control, and where nothing is trained.
    """

    splits: Splits
    unlabeled: Inputs | None = None


def load_data(
    recipe: Recipe, arrays: Any = None, *, shelf: Shelf | None = None, for_training: bool = True
) -> RecipeData:
    """Return a recipe's data, in memory as far as the recipe's budget allows.

    Args:
        recipe: A checked recipe.
        arrays: Arrays or a source of batches in place of the recipe's data source, see `from_arrays`.
        shelf: Where runs that share their data find it.
        for_training: Whether to read what pretraining sees too.

    Raises:
        RecipeError: If keys of the recipe contradict each other or the data.
        DataError: If the data is missing, malformed or does not fit.
    """
    keys: dict[str, Any] = {"seed": recipe.seed, "task": recipe.task, "heads": recipe.heads}
    keys["memory_budget"] = memory_budget(recipe)
    if arrays is not None:
        batching = recipe.training.batch_size, recipe.training.drop_remainder
        splits = from_arrays(arrays, spec=recipe.data, batching=batching, **keys)
    else:
        refuse_missing(recipe)
        splits = (shelf.load if shelf is not None else load)(recipe.data, **keys)
        notes = [f"{'.'.join(map(str, key))}: {text}" for key, text in differing_paths(recipe).items()]
        if notes:
            splits = replace(splits, info=replace(splits.info, warnings=(*splits.info.warnings, *notes)))
    if recipe.pretraining is None:
        return RecipeData(splits)
    if not for_training or recipe.pretraining.control:
        return RecipeData(labeled_only(recipe, splits))
    return RecipeData(*unlabeled_inputs(recipe, splits, memory_budget=keys["memory_budget"]))


def memory_budget(recipe: Recipe) -> int:
    """Return how many bytes of inputs may be in memory: the recipe's number, or half of what this machine has."""
    if recipe.training.memory_budget is not None:
        return to_bytes(recipe.training.memory_budget)
    return memory_bytes() // 2
