"""How well each column of a table tells the target by itself: a column that does it alone was hardly known before."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hornbook.data.facts import Feature, Task
from hornbook.data.source import Array, Splits

__all__ = ["COLUMNS", "best_column", "is_leak", "leaking_column"]

COLUMNS = 2_000
"""Columns up to which each is tried by itself."""
FEWEST = 20
"""Known values from which on a column is tried."""
MOST_EXAMPLES = 20_000
"""Training examples that are looked at."""
LEAK = 0.97


def leaking_column(splits: Splits) -> tuple[str, float, float] | None:
    """Return the column of a table that tells the target almost by itself, how well, and how well the next one does."""
    features, train = splits.info.features, splits.train
    if features is None or len(features) < 2:
        return None
    rows: Any = np.arange(min(len(train), MOST_EXAMPLES))  # lazy rows are read by their numbers
    found = best_column(np.asarray(train.x[rows])[:, : len(features)], train.y[rows], splits.info.task, features)
    if found is None or not is_leak(found[1], found[2]):
        return None
    return features[found[0]].source, found[1], found[2]


def best_column(
    x_NF: Array, y: Array, task: Task, features: Sequence[Feature] | None = None
) -> tuple[int, float, float] | None:
    """Return the column that alone tells the target best, how well, and how well the next one does; from 0 to 1.

    Numbers are judged by rank correlation with a number, and by the area under the curve of telling each class. So are the
    codes of categories, and besides by the mean target, or the most frequent class, of each category.

    Args:
        x_NF: Numbers with NaN for missing, codes of categories with 0 for missing.
        y: (N,) or (N, 1) targets.
        task: What they are.
        features: What the columns are; omitted: numbers.
    """
    if (y.ndim > 1 and y.shape[1] > 1) or not 0 < x_NF.shape[1] <= COLUMNS:
        return None
    y = y.reshape(-1)
    is_category = [False] * x_NF.shape[1]
    if features is not None and len(features) == x_NF.shape[1]:
        is_category = [feature.type == "category" for feature in features]
    scores = [_skill(column, y, task, is_category=known) for column, known in zip(x_NF.T, is_category, strict=True)]
    order = np.argsort(scores)[::-1]
    return int(order[0]), scores[int(order[0])], scores[int(order[1])] if len(order) > 1 else 0.0


def is_leak(best: float, following: float) -> bool:
    """Return whether a column tells the target almost by itself, far better than any other."""
    return best > LEAK and (1 - best) < (1 - following) / 3


def _skill(column: Array, y: Array, task: Task, *, is_category: bool) -> float:
    from scipy import stats

    known = np.isfinite(column)
    column, y = column[known], y[known]
    if len(column) < FEWEST or np.ptp(column) == 0 or np.ptp(y) == 0:
        return 0.0
    if task == "regression":
        skill = abs(float(stats.spearmanr(column, y).statistic))
    else:
        skill = float(np.mean([_separation(column, y == value) for value in np.unique(y)]))
    return max(skill, _by_category(column, y, task)) if is_category else skill


def _separation(column: Array, is_class: Array) -> float:
    """Return the area under the curve of telling a class by one column, from 0 (chance) to 1."""
    from scipy import stats

    count = int(is_class.sum())
    if count in (0, len(column)):
        return 0.0
    ranks = stats.rankdata(column)
    area = (ranks[is_class].sum() - count * (count + 1) / 2) / (count * (len(column) - count))
    return float(abs(2 * area - 1))


def _by_category(codes: Array, y: Array, task: Task) -> float:
    """Return how well the categories tell the target: the share of variance, or of what the largest class leaves.

    A category of few rows tells them by heart, so where there are many categories it says nothing.
    """
    _, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if len(counts) * 10 > len(codes):
        return 0.0
    if task == "regression":
        means = np.bincount(places, weights=y) / counts
        return float(np.sqrt(np.var(means[places]) / np.var(y)))
    classes, labels = np.unique(y, return_inverse=True)
    table = np.zeros((len(counts), len(classes)), np.int64)
    np.add.at(table, (places, labels), 1)
    chance = table.sum(axis=0).max()
    return float((table.max(axis=1).sum() - chance) / (len(codes) - chance))
