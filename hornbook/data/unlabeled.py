"""Which inputs pretraining sees, and which labels training keeps."""

from dataclasses import replace

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.inputs.files import fit_inputs, read_inputs
from hornbook.data.pipeline import load, sampled
from hornbook.data.preprocessing import with_target_moments
from hornbook.data.source import Split, Splits
from hornbook.data.storage.rows import Inputs
from hornbook.errors import DataError, Path, Problem, RecipeError
from hornbook.recipes.load import locate
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.pretraining import PretrainingSpec

__all__ = ["labeled_only", "refuse", "unlabeled_inputs"]


def unlabeled_inputs(recipe: Recipe, splits: Splits, *, memory_budget: int) -> tuple[Splits, Inputs]:
    """Return the splits with the labeled examples alone, and the inputs that pretraining sees.

    Args:
        recipe: A checked recipe with pretraining.
        splits: Of its data.
        memory_budget: Bytes that inputs of another source may take in memory.

    Raises:
        RecipeError: If the training split has fewer examples than shall be labeled, or other inputs do not fit.
        DataError: If another source cannot be read.
    """
    pretraining = _pretraining(recipe)
    if pretraining.name == "rotation" and len(set(splits.info.input_shape[:2])) > 1:
        shape = "×".join(map(str, splits.info.input_shape))
        refuse(recipe, ("pretraining",), f"only square images can be rotated, these are {shape}.", "Use 'corruption'.")
    inputs, notes = _inputs(recipe, pretraining, splits, memory_budget)
    labeled = labeled_only(recipe, splits)
    info = labeled.info
    extra = {**info.extra, "unlabeled": len(inputs)}
    return replace(labeled, info=replace(info, extra=extra, warnings=(*info.warnings, *notes))), inputs


def refuse(recipe: Recipe, path: Path, message: str, hint: str = "") -> None:
    """Raise a RecipeError with one problem, placed in the recipe's text where there is one."""
    problems, document = [Problem(path, message, hint, code="pretraining-data")], recipe.document
    if document is None:
        raise RecipeError(problems)
    raise RecipeError(locate(problems, document), origin=document.origin)


def _pretraining(recipe: Recipe) -> PretrainingSpec:
    if recipe.pretraining is None:
        raise ValueError("the recipe has no pretraining")
    return recipe.pretraining


def labeled_only(recipe: Recipe, splits: Splits) -> Splits:
    """Return the splits with a sample of the training split, whose labels alone are kept.

    Raises:
        RecipeError: If the training split has fewer examples than shall be labeled.
    """
    pretraining = _pretraining(recipe)
    train, info = splits.train, splits.info
    if pretraining.labeled is None:
        return splits
    if pretraining.labeled > len(train):
        message = (
            f"the training split has {len(train):,} examples, and {pretraining.labeled:,} shall keep their labels."
        )
        refuse(recipe, ("pretraining", "labeled"), message, f"Use at most {len(train)}.")
    has_classes, seed = bool(info.class_counts), _split_seed(recipe)
    short = sampled(train, pretraining.labeled, recipe.data, has_classes=has_classes, seed=seed)
    preprocessing = splits.preprocessing
    if preprocessing.target_mean is not None:
        preprocessing = with_target_moments(preprocessing, short.y)
    return replace(splits, train=short, info=_counted(info, short), preprocessing=preprocessing)


def _split_seed(recipe: Recipe) -> int:
    """Return the seed by which the recipe's examples are divided."""
    seed = recipe.data.effective_split().seed
    return recipe.seed if seed is None else seed


def _counted(info: DataInfo, train: Split) -> DataInfo:
    """Return the facts with the training examples counted anew, and a warning about classes that lost all labels."""
    warnings = list(info.warnings)
    class_counts = info.class_counts
    if class_counts:
        class_counts = tuple(np.bincount(train.y, minlength=len(class_counts)).tolist())
        names = info.class_names or tuple(map(str, range(len(class_counts))))
        pairs = zip(names, info.class_counts, class_counts, strict=True)
        absent = [name for name, before, now in pairs if before and not now]
        if absent:
            warnings.append(f"pretraining.labeled leaves no labeled example of class {', '.join(absent)}.")
    counts = {**info.counts, "train": len(train)}
    return replace(info, counts=counts, class_counts=class_counts, warnings=tuple(warnings))


def _inputs(
    recipe: Recipe, pretraining: PretrainingSpec, splits: Splits, memory_budget: int
) -> tuple[Inputs, tuple[str, ...]]:
    """Return the inputs without labels, in the form of the training split's, and notes for the user."""
    if pretraining.inputs is None and pretraining.data is None:
        return splits.train.x, ()
    path: Path = ("pretraining", "data" if pretraining.data is not None else "inputs")
    try:
        if pretraining.inputs is not None:
            return read_inputs(pretraining.inputs, splits.info, memory_budget=memory_budget)
        if pretraining.data is None:
            raise TypeError("neither 'data' nor 'inputs' is given")
        return _of_source(load(pretraining.data, seed=recipe.seed, memory_budget=memory_budget), splits.info), ()
    except DataError as error:
        refuse(recipe, path, str(error), "The inputs need the shape and type of the recipe's own data.")
        raise


def _of_source(other: Splits, info: DataInfo) -> Inputs:
    """Return the training inputs of another source.

    Raises:
        DataError: If they are not like those that the network reads.
    """
    if other.info.kind != info.kind:
        raise DataError(f"the inputs are of kind {other.info.kind}, the network reads {info.kind} data.")
    return fit_inputs(other.train.x, info, where=other.info.name)[0]
