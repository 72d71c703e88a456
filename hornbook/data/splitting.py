"""Divides examples into training, validation and test, and draws some of them: index arrays, pure functions of the seed."""

import math
from dataclasses import dataclass

import numpy as np

from hornbook.data.source import Array
from hornbook.errors import DataError
from hornbook.recipes.sources.common import SplitSpec

__all__ = ["Division", "divide", "sample"]

SPLIT_STREAM, SAMPLE_STREAM = 1, 3  # second words of the random seed: what draws examples has another one


@dataclass(frozen=True)
class Division:
    """Positions of the examples of each split, and the method that chose them (`none` where nothing is cut)."""

    train: Array
    validation: Array
    test: Array
    method: str


def divide(
    num_examples: int,
    *,
    split: SplitSpec,
    labels: Array | None,
    split_by: Array | None,
    seed: int,
    own: frozenset[str] = frozenset(),
) -> Division:
    """Return which examples train, validate and test.

    Args:
        num_examples: Examples to divide.
        split: As in the recipe; None inside takes the defaults.
        labels: (N,) class numbers, or None where there are no classes.
        split_by: (N,) values that `time` orders and `group` groups by.
        seed: The same seed gives the same division.
        own: Splits that the source brings itself (`validation`, `test`): none is cut unless the recipe gives a number.

    Raises:
        DataError: If the counts leave nothing to train on, or the method does not fit the data.
    """
    if split.folds is not None:
        return _divide_folds(num_examples, split, labels, split_by, seed=seed, own=own)
    num_test, num_validation = _counts(num_examples, split, own)
    method: str = split.method or ("random" if labels is None else "stratified")
    if num_test + num_validation == 0 and split.method is None:
        everything = np.arange(num_examples)
        return Division(everything, everything[:0], everything[:0], "none")
    if method == "stratified" and labels is None:
        raise DataError(
            "data.split.method: stratified keeps the mix of classes, but the targets are no classes. Use 'random'."
        )
    if method in {"time", "group"} and split_by is None:
        raise DataError(f"data.split.method: '{method}' needs values to go by, and the data has none. Add 'column'.")
    if method == "group":
        return _divide_groups(np.asarray(split_by), num_validation, num_test, seed)
    if method == "stratified":
        order = _generator(seed).permutation(num_examples)
        test, rest = _take_stratified(order, np.asarray(labels), num_test)
        validation, train = _take_stratified(rest, np.asarray(labels), num_validation)
    elif method == "first":
        validation, test, train = np.split(np.arange(num_examples), [num_validation, num_validation + num_test])
    elif method == "random":
        order = _generator(seed).permutation(num_examples)
        test, validation, train = np.split(order, [num_test, num_test + num_validation])
    else:
        order = np.arange(num_examples) if method == "last" else np.argsort(_orderable(split_by), kind="stable")
        num_train = num_examples - num_test - num_validation
        train, validation, test = np.split(order, [num_train, num_train + num_validation])
    return Division(train, validation, test, method)


def sample(num_examples: int, count: int, *, labels: Array | None, seed: int) -> Array:
    """Return the positions of a sample, in ascending order: of each class its share, else any with equal chances.

    A class whose share is no whole number gets the next lower or the next higher one by chance. A smaller sample is part
    of a larger one of the same seed.

    Args:
        num_examples: Examples to draw from.
        count: Size of the sample, at most `num_examples`.
        labels: (N,) class numbers, or None where there are no classes.
        seed: The same seed gives the same sample.
    """
    generator = np.random.default_rng([seed, SAMPLE_STREAM])
    order = generator.permutation(num_examples)
    codes = np.zeros(num_examples, dtype=int) if labels is None else np.asarray(labels)[order]
    _, codes, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    share = (_rank_in_class(codes, sizes) + generator.random(len(sizes))[codes]) / sizes[codes]
    return np.sort(order[np.argsort(share, kind="stable")[:count]])


def _rank_in_class(codes: Array, sizes: Array) -> Array:
    """Return for each example how many earlier ones are of its class."""
    rank = np.empty(len(codes), dtype=int)
    rank[np.argsort(codes, kind="stable")] = np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return rank


def _divide_folds(
    num_examples: int, split: SplitSpec, labels: Array | None, split_by: Array | None, *, seed: int, own: frozenset[str]
) -> Division:
    """Return one fold of a cross-validation as the test set, and the rest divided into training and validation.

    Which fold an example is in depends on the seed alone, in the order of time on nothing. Dealing out the examples class by
    class gives each fold its share of every class.
    """
    folds, fold = split.folds or 0, split.fold or 0
    if num_examples < folds + (split.method == "time"):
        raise DataError(f"data.split.folds: {num_examples:,} examples cannot be cut into {folds} folds. Ask for fewer.")
    if split.method in {"group", "time"}:
        if split_by is None:
            raise DataError(
                f"data.split.method: '{split.method}' needs values to go by, and the data has none. Add 'column'."
            )
        divide_by = _divide_group_folds if split.method == "group" else _divide_time_folds
        return divide_by(np.asarray(split_by), split, seed=seed, own=own)
    is_stratified = split.method == "stratified" or (split.method is None and labels is not None)
    if is_stratified and labels is None:
        raise DataError(
            "data.split.method: stratified keeps the mix of classes, but the targets are no classes. Use 'random'."
        )
    order = _generator(seed).permutation(num_examples)
    dealt = order[np.argsort(np.asarray(labels)[order], kind="stable")] if is_stratified else order
    fold_of = np.empty(num_examples, dtype=int)
    fold_of[dealt] = np.arange(num_examples) % folds
    is_test = fold_of[order] == fold
    test, rest = order[is_test], order[~is_test]
    num_validation = _validation_of(len(rest), split, own)
    if is_stratified:
        validation, train = _take_stratified(rest, np.asarray(labels), num_validation)
    else:
        validation, train = rest[:num_validation], rest[num_validation:]
    return Division(train, validation, test, "stratified" if is_stratified else "random")


def _validation_of(count: int, split: SplitSpec, own: frozenset[str]) -> int:
    """Return how many of the examples that are not of the fold are validation."""
    num_validation = split.validation_of(count, own)
    if num_validation >= count:
        raise DataError(
            f"data.split: {num_validation:,} validation examples leave none of {count:,} to train on. Ask for fewer."
        )
    return num_validation


def _divide_group_folds(groups: Array, split: SplitSpec, *, seed: int, own: frozenset[str]) -> Division:
    """Return whole groups as a fold: the largest first, each into the smallest fold so far; groups of one size by chance.

    The sizes are those of scikit-learn's `GroupKFold`.
    """
    folds, fold = split.folds or 0, split.fold or 0
    _, codes = np.unique(_orderable(groups), return_inverse=True)
    sizes = np.bincount(codes)
    if len(sizes) < folds:
        raise DataError(f"data.split.folds: {len(sizes)} groups cannot be cut into {folds} folds. Ask for fewer.")
    queue = _generator(seed).permutation(len(sizes))
    fold_of_group, filled = np.empty(len(sizes), dtype=int), np.zeros(folds, dtype=int)
    for group in queue[np.argsort(-sizes[queue], kind="stable")].tolist():
        smallest = int(np.argmin(filled))
        fold_of_group[group] = smallest
        filled[smallest] += sizes[group]
    is_test = fold_of_group[codes] == fold
    test, rest = np.flatnonzero(is_test), np.flatnonzero(~is_test)
    inside = _divide_groups(codes[rest], _validation_of(len(rest), split, own), 0, seed)
    return Division(rest[inside.train], rest[inside.validation], test, "group")


def _divide_time_folds(times: Array, split: SplitSpec, *, seed: int, own: frozenset[str]) -> Division:
    """Return a fold in the order of time: all that is before it trains, the last of that validates, what is later is unused.

    Folds are as large as each other and the part before the first at least as large, as of scikit-learn's `TimeSeriesSplit`.
    """
    folds, fold = split.folds or 0, split.fold or 0
    order = np.argsort(_orderable(times), kind="stable")
    size = len(order) // (folds + 1)
    start = len(order) - (folds - fold) * size
    num_train = start - _validation_of(start, split, own)
    return Division(order[:num_train], order[num_train:start], order[start : start + size], "time")


def _counts(num_examples: int, split: SplitSpec, own: frozenset[str]) -> tuple[int, int]:
    """Return how many examples to cut for test and validation."""
    num_test, num_validation = split.counts(num_examples, own)
    if num_test + num_validation >= num_examples:
        raise DataError(
            f"data.split: {num_validation:,} validation and {num_test:,} test examples leave none of "
            f"{num_examples:,} to train on. Ask for fewer; 'split: {{validation: 0, test: 0}}' cuts none."
        )
    return num_test, num_validation


def _generator(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, SPLIT_STREAM])


def _take_stratified(order: Array, labels: Array, count: int) -> tuple[Array, Array]:
    """Return (taken, rest) of the positions `order`: every class gives its share, and keeps one example at least."""
    if count == 0:
        return order[:0], order
    _, codes, sizes = np.unique(labels[order], return_inverse=True, return_counts=True)
    share = count * sizes / len(order)
    take = np.minimum(np.floor(share).astype(int), sizes - 1)
    while take.sum() < count:
        lack = np.where(take < sizes - 1, share - take, -np.inf)
        largest = int(np.argmax(lack))
        if not np.isfinite(lack[largest]):
            raise DataError(
                f"data.split: {count:,} of {len(order):,} examples leave fewer than one per class to train on. "
                "Ask for fewer, or use 'method: random'."
            )
        take[largest] += 1
    taken = _rank_in_class(codes, sizes) < take[codes]
    return order[taken], order[~taken]


def _divide_groups(groups: Array, num_validation: int, num_test: int, seed: int) -> Division:
    """Fill test, then validation, with whole groups in random order until the counts are met as nearly as possible."""
    _, codes = np.unique(_orderable(groups), return_inverse=True)
    sizes = np.bincount(codes)
    wanted = {"test": num_test, "validation": num_validation}
    needed = 1 + sum(count > 0 for count in wanted.values())
    if len(sizes) < needed:
        raise DataError(f"data.split: {needed} splits need {needed} groups at least, found {len(sizes)}.")
    queue = _generator(seed).permutation(len(sizes)).tolist()
    split_of_group = np.zeros(len(sizes), dtype=int)
    for number, count in ((2, num_test), (1, num_validation)):
        filled = 0
        reserve = 1 if number == 1 or num_validation == 0 else 2  # groups that the remaining splits need
        while count and len(queue) > reserve and (filled == 0 or filled + sizes[queue[0]] / 2 <= count):
            group = queue.pop(0)
            split_of_group[group] = number
            filled += int(sizes[group])
    split_of_example = split_of_group[codes]
    train, validation, test = (np.flatnonzero(split_of_example == number) for number in range(3))
    return Division(train, validation, test, "group")


def _orderable(split_by: Array | None) -> Array:
    """Return values that can be sorted; refuse missing ones."""
    values = np.asarray(split_by)
    if values.dtype.kind == "O":
        missing = np.array([value is None or (isinstance(value, float) and math.isnan(value)) for value in values])
    elif values.dtype.kind in "fMm":
        missing = np.isnan(values) if values.dtype.kind == "f" else np.isnat(values)
    else:
        missing = np.zeros(len(values), dtype=bool)
    if missing.any():
        raise DataError(
            f"data.split.column: {int(missing.sum()):,} values are missing, the first at row {int(np.argmax(missing)) + 1}."
        )
    return values.astype(str) if values.dtype.kind == "O" else values
