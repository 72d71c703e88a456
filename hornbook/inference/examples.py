"""Examples of a file for a finished run: to predict on, or with targets to evaluate on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hornbook.builder.inputs import STANDARDIZE, scale_of
from hornbook.data import known_targets, memory_budget, read_examples
from hornbook.data.canonical import checked_weights
from hornbook.data.readings import Examples, Reading
from hornbook.data.source import Array, Source
from hornbook.data.targets.heads import targets_of
from hornbook.errors import DataError, UsageError
from hornbook.inference.trained import Trained
from hornbook.recipes.sources.arrays import Npz
from hornbook.recipes.sources.table import Table

__all__ = ["Missing", "examples_of"]

Missing = Literal["fill", "skip"]


def examples_of(
    trained: Trained,
    source: str | Path,
    *,
    array: str | None = None,
    keep: Sequence[str] = (),
    missing: Missing | None = None,
    with_targets: bool = False,
) -> Examples:
    """Return the examples of a file for a run's model, within the run's memory budget.

    Args:
        trained: The run.
        source: The file; ``-`` for rows of CSV from standard input.
        array: Name of the array of inputs in a .npz file; omitted: the recipe's name, or a usual one.
        keep: Columns to return as they are.
        missing: What to do with missing values where training had none: ``fill`` in the training mean, or ``skip`` the rows.
        with_targets: Whether to return the targets too: class numbers, or float32.

    Raises:
        UsageError: If something is asked that the run or the kind of file does not have.
        DataError: If the file cannot be read, or does not fit the model.
    """
    data, info = trained.recipe.data, trained.info
    if with_targets and info.heads:
        return _of_heads(trained, source, array=array, keep=keep, missing=missing)
    means = None
    if missing == "fill":
        if info.extra.get("has_missing"):
            missing = None  # the model has learned what to take for them
        else:
            means = _training_means(trained)
    preferred = (data.inputs,) if isinstance(data, Npz) and data.inputs is not None else ()
    is_table = Path(source).suffix.lower() not in {".npz", ".npy"}
    targets = _targets_named(trained, is_table=is_table) if with_targets else None
    reading = Reading(
        array,
        preferred,
        tuple(keep),
        targets,
        missing=missing,
        means=means,
        weight=_weight(trained) if with_targets else None,
        drops_unlabeled=isinstance(data, Table) and data.missing_targets == "drop",
        file_column=getattr(data, "file", "file"),
        scale=scale_of(trained.model) if info.kind == "image" else None,
    )
    examples = read_examples(source, info, reading, memory_budget=memory_budget(trained.recipe))
    if examples.y is None:
        return examples
    where = f"{source}: {', '.join(targets or ()) or 'targets'}"
    y = np.asarray(examples.y) if is_table else _own_columns(trained, np.asarray(examples.y))
    examples = replace(examples, y=known_targets(y, info, spec=data, where=where))
    if trained.recipe.head.target_transform == "log":
        _check_logarithms(np.asarray(examples.y), where)
    return _weighted(examples, reading.weight, str(source))


def _targets_named(trained: Trained, *, is_table: bool) -> tuple[str, ...]:
    """Return the names of the columns or arrays that hold targets; none where an archive's usual one is meant."""
    data = trained.recipe.data
    if is_table:
        return _target_columns(trained)
    return (data.targets,) if isinstance(data, Npz) and data.targets is not None else ()


def _check_logarithms(y: Array, where: str) -> None:
    """Raise a DataError where targets have no logarithm."""
    if (y <= 0).any():
        count = int((y <= 0).sum())
        verb = "is" if count == 1 else "are"
        raise DataError(f"{where}: targets above 0 are learned as logarithms, and {count:,} of {y.size:,} {verb} not.")


def _of_heads(trained: Trained, source: str | Path, **reading: Any) -> Examples:
    """Return the examples of a file with the targets of all heads, each read like those of a run that has no other."""
    if str(source) == "-":
        raise UsageError(
            "--input -: the targets of several heads are read one by one. Name a file, or one head: --head NAME."
        )
    read = [examples_of(view, source, with_targets=True, **reading) for view in trained.heads()]
    if len({len(examples.x) for examples in read}) > 1:
        raise DataError(
            f"{source}: not every row has a target of every head, and rows without one are left out. Evaluate the heads one "
            "by one: --head NAME."
        )
    columns = [np.asarray(examples.y, np.float32).reshape(len(examples.x), -1) for examples in read]
    return replace(read[0], y=np.concatenate(columns, axis=1))


def _own_columns(trained: Trained, y: Array) -> Array:
    """Return the columns of targets that are a head's, where the run has several; all of them otherwise."""
    if trained.head is None or trained.whole is None:
        return y
    source = Source(np.zeros((len(y), 1)), y, "table", target_names=getattr(trained.recipe.data, "target_names", None))
    named = (trained.whole.recipe.heads or {})[trained.head]
    return np.asarray(targets_of(source, trained.head, named)[0].y)


def _weight(trained: Trained) -> str | None:
    """Return what weighs the examples: the column or the array that the recipe names."""
    data = trained.recipe.data
    return data.weights if isinstance(data, Npz) else getattr(data, "weight", None)


def _weighted(examples: Examples, weight: str | None, source: str) -> Examples:
    """Return examples with the weights that stand in their file; a note says where there are none."""
    if weight is None:
        return examples
    if weight not in examples.kept:
        note = f"{source}: nothing is called '{weight}', which weighs the run's examples, so that all count alike."
        return replace(examples, notes=(*examples.notes, note))
    weights = checked_weights(examples.kept[weight], len(examples.x), f"{source}: {weight}")
    kept = {name: values for name, values in examples.kept.items() if name != weight}
    return replace(examples, kept=kept, weights=weights)


def _target_columns(trained: Trained) -> tuple[str, ...]:
    """Return the names of a table's target columns: the recipe's, or `y` where the targets were passed in Python."""
    data = trained.recipe.data
    if isinstance(data, Table):
        return data.target_columns
    return tuple(trained.info.extra.get("target_names") or ("y",))


def _training_means(trained: Trained) -> Array:
    """Return the mean of each input column over the training split, which the model holds where it standardizes.

    Raises:
        UsageError: If it does not.
    """
    layers = [layer for layer in trained.model.layers if layer.name == STANDARDIZE]
    if not layers or trained.info.kind not in {"table", "sequence"}:
        raise UsageError(
            "--missing fill: this run's model does not hold the training means, because it does not standardize columns of "
            "numbers. Fill in the values yourself, or leave out such rows: --missing skip."
        )
    means = np.asarray(layers[0].mean, np.float32).reshape(-1)
    return np.pad(means, (0, sum(block.size for block in trained.info.blocks)))  # of which nothing is ever missing
