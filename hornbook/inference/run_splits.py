"""The data of a run, loaded again: its splits, and whether they are what the run was trained on."""

from pathlib import Path
from typing import Any

from hornbook.data import Splits, load_data
from hornbook.data.facts import DataInfo
from hornbook.data.preprocessing import without_category
from hornbook.data.source import Split
from hornbook.errors import DataError, RunError
from hornbook.inference.trained import Trained, load_run

__all__ = ["load_splits", "of_split", "split_of"]


def split_of(name: str | Path, split: str, *, anyway: bool = False) -> Split:
    """Return the examples of a run's split, in the order in which an index counts them.

    Args:
        name: The run's folder, ``NAME/latest``, or its recipe's name.
        split: ``train``, ``validation`` or ``test``.
        anyway: Whether to go on where the data has changed since training.

    Raises:
        RunError: If the data has changed since training.
        DataError: If the run has no such split, or its data is gone.
    """
    trained = load_run(name)
    return of_split(trained, load_splits(trained, anyway=anyway)[0], split)[0]


def of_split(trained: Trained, splits: Splits, split: str) -> tuple[Split, tuple[str, ...]]:
    """Return the examples of a split, and notes about rows of which the model knows less."""
    examples: Split | None = getattr(splits, split)
    if examples is None or not len(examples):
        have = ", ".join(key for key, count in splits.info.counts.items() if count)
        raise DataError(f"the run has no {split} split. It has: {have}.")
    features, whole = splits.info.features or (), trained.info.extra.get("whole", ())
    notes = without_category(examples.x, features, whole, what=f"{split} rows")
    return examples, tuple(f"note: {text}" for text in notes)


def load_splits(trained: Trained, *, anyway: bool = False) -> tuple[Splits, tuple[str, ...]]:
    """Return a run's data, loaded again, and a note where it is not what the run was trained on and that is allowed.

    Raises:
        RunError: If the data has changed since training, unless `anyway`.
    """
    if trained.whole is not None and trained.head is not None:
        splits, notes = load_splits(trained.whole, anyway=anyway)
        return splits.of_head(trained.head), notes
    splits = load_data(trained.recipe, for_training=False).splits
    if splits.info.fingerprint == trained.info.fingerprint:
        return splits, ()
    found, then = splits.info.fingerprint, trained.info.fingerprint
    changed = f"the data has changed since training (fingerprint {found}, then {then})"
    then_meant, means = _meanings(trained.info), _meanings(splits.info)
    for what in means:
        if means[what] != then_meant[what]:
            raise RunError(
                f"{trained.run.path}: {changed}. {what}. Restore the data, or name a file with --input, which is read as "
                "the data was in training."
            )
    if anyway:
        return splits, (f"note: {changed}; examples that were trained on may be among those of every split.",)
    raise RunError(
        f"{trained.run.path}: {changed}. Its splits are drawn anew, so examples that were trained on may be among those of "
        "every split. Restore the data, or go on with --anyway (in Python anyway=True)."
    )


def _meanings(info: DataInfo) -> dict[str, Any]:
    """Return what the numbers mean that go into a model and come out of it, by what is to be said where it has changed."""
    return {
        "The vocabulary is another one now, so that numbers of tokens would mean other words": {
            name: tuple(facts["vocabulary"]) for name, facts in info.extra.get("texts", {}).items()
        },
        "Its series are others now, so that numbers of series would mean other scales": tuple(
            info.extra.get("windows", {}).get("names") or ()
        ),
        "Its columns or their categories are others now, so that numbers would mean other ones": [
            (feature.name, feature.type, tuple(feature.categories)) for feature in info.features or ()
        ],
        "Its classes are others now, so that the numbers of these would mean other ones": [
            tuple(head.class_names or ()) for head in (info.heads or (info,))
        ],
    }
