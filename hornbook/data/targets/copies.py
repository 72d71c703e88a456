"""Columns of a table that are the target in other words: a value of their own for each class, or the same number."""

import numpy as np

from hornbook.data.facts import Feature
from hornbook.data.source import Array, Split
from hornbook.data.storage.rows import blocks

__all__ = ["copies_of_target"]

FEWEST = 20
"""Of fewer rows a column may say the target by chance."""
MOST_CLASSES = 100


def copies_of_target(train: Split, features: tuple[Feature, ...] | None, *, has_classes: bool) -> tuple[str, ...]:
    """Return a warning for each column from which the target follows exactly in all training rows.

    Args:
        train: The training rows (N, F), and their targets (N,) or (N, K).
        features: What the columns are; nothing is said of columns without names.
        has_classes: Whether targets are class numbers or labels.
    """
    y_NK = np.asarray(train.y).reshape(len(train), -1)
    if features is None or len(train) < FEWEST or y_NK.shape[1] > MOST_CLASSES:
        return ()
    found = [
        features[column].name
        for target in y_NK.T
        for column in (_of_classes(train, target) if has_classes else _of_numbers(train, target))
    ]
    return tuple(
        f"column '{name}' tells the target exactly, in all {len(train):,} training rows. If it is known only together with "
        f"the target, drop it (drop: [{name}])."
        for name in dict.fromkeys(found)
    )


def _of_numbers(train: Split, target: Array) -> list[int]:
    """Return the columns that hold the same numbers as a target, which is no constant."""
    same, start = np.ones(train.x.shape[1], bool), 0
    if np.ptp(target) == 0:
        return []
    for block in blocks(train.x):
        same &= (block == target[start : start + len(block), None]).all(axis=0)
        start += len(block)
        if not same.any():
            break
    return np.flatnonzero(same).tolist()


def _of_classes(train: Split, target: Array) -> list[int]:
    """Return the columns that have one value in each class, another in each."""
    classes, numbers = np.unique(target, return_inverse=True)
    if not 1 < len(classes) <= MOST_CLASSES:
        return []
    low = np.full((len(classes), train.x.shape[1]), np.inf)
    high, start = -low, 0
    for block in blocks(train.x):
        part = numbers[start : start + len(block)]
        for number in np.unique(part):
            rows = block[part == number]
            low[number] = np.minimum(low[number], rows.min(axis=0))
            high[number] = np.maximum(high[number], rows.max(axis=0))
        start += len(block)
        if not (low >= high).all(axis=0).any():  # NaN is in no order
            return []
    constant = np.flatnonzero((low == high).all(axis=0))
    return [column for column in constant.tolist() if len(np.unique(low[:, column])) == len(classes)]
