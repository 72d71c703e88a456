"""What the training split says about preprocessing: divisor, mean and variance, categories, missing numbers.

Everything here looks at the training split only; the saved model carries the result (see `Preprocessing`).
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np

from hornbook.data.facts import Block, DataKind, Feature, Preprocessing
from hornbook.data.precision import coarse_columns, faint_columns
from hornbook.data.ranks import of_ranks
from hornbook.data.source import Array, Inputs, Split
from hornbook.data.storage.rows import blocks, in_file_order, mapped, of_blocks
from hornbook.errors import DataError

__all__ = [
    "Standardizing",
    "check_columns",
    "compute_preprocessing",
    "faint_inputs",
    "input_facts",
    "keep_training_categories",
    "with_block_moments",
    "with_target_moments",
    "without_category",
]

Parts = dict[str, Split]
Standardizing = Literal["per_feature", "robust", "quantile"]
"""How inputs may be standardized, where not by the mean and variance of columns or channels."""
SAMPLE = 1000  # examples that show how large inputs are
MOST_VALUES = 1 << 22  # fewer of those with very many values, which are looked at as float64


def keep_training_categories(
    parts: Parts, features: tuple[Feature, ...]
) -> tuple[Parts, tuple[Feature, ...], tuple[str, ...]]:
    """Return splits and features in which only the training split's categories are known, and warnings.

    A category that only validation or test has becomes code 0, as it will at prediction.
    """
    lookups: dict[int, Array] = {}
    warnings: list[str] = []
    known = list(features)
    for column, is_present in _present(parts["train"].x, features).items():
        feature, present = features[column], np.flatnonzero(is_present)
        if len(present) == len(feature.categories):
            continue
        lookup = np.zeros(len(feature.categories) + 1, dtype=np.float32)
        lookup[present] = np.arange(1, len(present) + 1)
        lookups[column] = lookup
        known[column] = replace(feature, categories=tuple(feature.categories[code - 1] for code in present))
        unseen = [name for code, name in enumerate(feature.categories, 1) if code not in present]
        noun = "category" if len(unseen) == 1 else "categories"
        listed = ", ".join(unseen[:5]) + (" …" if len(unseen) > 5 else "")
        warnings.append(f"column '{feature.name}': {noun} {listed} not in the training split count as unknown.")
    if lookups:
        convert = partial(_renumbered, lookups=lookups)
        parts = {name: replace(part, x=mapped(part.x, convert)) for name, part in parts.items()}
    return parts, tuple(known), tuple(warnings)


def _present(x: Inputs, features: tuple[Feature, ...]) -> dict[int, Array]:
    """Return for each column of categories which codes above 0 occur: (categories + 1,) booleans."""
    categories = {column: feature for column, feature in enumerate(features) if feature.type == "category"}
    found = {column: np.zeros(len(feature.categories) + 1, bool) for column, feature in categories.items()}
    for block in blocks(in_file_order(x)) if found else ():
        for column, is_present in found.items():
            is_present[block[:, column].astype(int)] = True
    for is_present in found.values():
        is_present[0] = False
    return found


def _renumbered(block: Array, *, lookups: Mapping[int, Array]) -> Array:
    """Return rows in which the codes of some columns are others."""
    rows = block.copy()
    for column, lookup in lookups.items():
        rows[:, column] = lookup[rows[:, column].astype(int)]
    return rows


def check_columns(x: Inputs, features: tuple[Feature, ...] | None) -> tuple[str, ...]:
    """Return warnings that name constant columns of a training table (N, F), and coarse ones; refuse empty ones.

    Raises:
        DataError: If a column holds no value at all.
    """
    names = [feature.name for feature in features] if features else [str(column) for column in range(x.shape[1])]
    is_category = np.array([feature.type == "category" for feature in features] if features else [False] * len(names))

    def facts(block: Array) -> tuple[Array, Array, Array]:
        if is_category.any():
            block = block.copy()
            block[:, is_category] = np.where(block[:, is_category] > 0, block[:, is_category], np.nan)
        missing = np.isnan(block).sum(axis=0)
        return len(block) - missing, np.fmin.reduce(block), np.fmax.reduce(block)

    counts, lows, highs = zip(*of_blocks(facts, in_file_order(x)), strict=True)
    count, low, high = np.sum(counts, axis=0), np.fmin.reduce(lows), np.fmax.reduce(highs)
    empty = [name for name, number in zip(names, count, strict=True) if number == 0]
    is_constant = (count == len(x)) & (low == high) & (len(x) > 1)
    constant = [name for name, same in zip(names, is_constant, strict=True) if same]
    coarse = coarse_columns(x, names, low, high) if len(x) > 1 and not empty else []
    if empty:
        raise DataError(
            f"the training split has no value in {_columns(empty)}. Drop {_it(empty)} (drop: [{', '.join(empty)}])."
        )
    if constant:
        verb = "is" if len(constant) == 1 else "are"
        return f"{_columns(constant)} {verb} constant in the training split and will teach nothing.", *coarse
    return tuple(coarse)


def _columns(names: list[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names[:5]) + (f" … ({len(names)} in all)" if len(names) > 5 else "")
    return f"column{'s' if len(names) > 1 else ''} {listed}"


def _it(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def compute_preprocessing(
    parts: Parts,
    *,
    kind: DataKind,
    scale: float | None,
    standardize: bool | Standardizing,
    features: tuple[Feature, ...] | None,
) -> Preprocessing:
    """Return what happens to inputs inside the model.

    Mean and variance have one entry per column or channel (per pixel and channel where asked), 0 and 1 for categories.
    Missing numbers are left out of both.
    A table with missing numbers that is not standardized has a mean (to fill them) and no variance.

    Args:
        parts: The splits; statistics come from `train`.
        kind: What the inputs are.
        scale: Divisor of images.
        standardize: Whether mean and variance are wanted; `per_feature`: of each place in an example; `robust`: median and
            interquartile range in their place; `quantile`: quantiles.
        features: Columns of a table.
    """
    x = parts["train"].x
    by_rank = standardize if standardize in ("robust", "quantile") else None
    quantiles = None
    has_missing = features is not None and any(_has_nan(part.x) for part in parts.values())  # else NaN was refused
    has_categories = features is not None and any(feature.type == "category" for feature in features)
    mean = variance = None
    if kind != "tokens" and (standardize or has_missing):
        each = standardize == "per_feature"
        if by_rank is not None:
            mean, variance, quantiles = of_ranks(x, features, keeps=by_rank == "quantile")
        elif x.dtype == np.uint8:
            mean, variance = _moments_of_byte_features(x) if each else _moments_of_bytes(x)
        else:
            mean, variance = _moments(x, math.prod(x.shape[1:]) if each else x.shape[-1])
        if scale is not None:
            mean, variance = mean / scale, variance / scale**2
        for column, feature in enumerate(features or ()):
            if feature.type == "category":
                mean[column], variance[column] = 0.0, 1.0
        if standardize:
            _check_range(mean, variance, features)
        variance[variance == 0] = 1.0
    return Preprocessing(
        scale=scale,
        mean=None if mean is None else tuple(mean.tolist()),
        variance=None if variance is None or not standardize else tuple(variance.tolist()),
        per_feature=variance is not None and standardize == "per_feature",
        features=features if has_categories else None,
        has_missing=has_missing,
        whole=_whole(x, features) if has_categories and features else (),
        clips=by_rank == "robust",
        quantiles=quantiles,
    )


def _check_range(mean: Array, variance: Array, features: tuple[Feature, ...] | None) -> None:
    """Refuse columns whose squares float32, in which networks compute, does not hold."""
    beyond = np.flatnonzero(variance > float(np.finfo(np.float32).max))
    if not len(beyond):
        return
    place = int(beyond[0])
    column = f"'{features[place].name}'" if features else f"{place}"
    deviation = math.sqrt(variance[place])
    factor = 10.0 ** math.floor(math.log10(max(abs(mean[place]), deviation)))
    raise DataError(
        f"column {column} has a deviation of {deviation:.4g}, and float32, in which networks compute, does not hold its "
        f"square. Divide the column by {factor:.0e}."
    )


def input_facts(x: Inputs, scale: float, features: tuple[Feature, ...] | None = None) -> dict[str, float]:
    """Return how large inputs are that are not standardized: the ``largest`` value, the ``size`` of the largest column.

    Of a sample of the examples; sizes are root mean squares, of images over all pixels. Categories do not count: they
    become zeros and ones.
    """
    count = min(len(x), SAMPLE, max(1, MOST_VALUES // max(1, math.prod(x.shape[1:]))))
    places = np.unique(np.linspace(0, len(x) - 1, count).astype(np.int64))
    values = np.asarray(x[places], np.float64) / scale
    if features is not None:
        values = values[:, [feature.type == "number" for feature in features]]
    known = np.abs(np.nan_to_num(values))
    if not known.size:
        return {"largest": 0.0, "size": 0.0}
    axes = tuple(range(known.ndim - 1)) if known.ndim < 4 else None  # the last axis are columns
    return {"largest": float(known.max()), "size": float(np.sqrt((known**2).mean(axis=axes)).max())}


def with_block_moments(preprocessing: Preprocessing, x: Inputs, row_blocks: Sequence[Block]) -> Preprocessing:
    """Return the preprocessing with mean and variance of each number of the sequences that rows hold.

    Args:
        preprocessing: Of the columns.
        x: The training rows, (N, F).
        row_blocks: What stands at their end.
    """
    moments, end = {}, x.shape[1]
    for block in reversed(row_blocks):
        start = end - block.size
        if block.kind == "sequence":
            mean, variance = _moments(mapped(x, partial(_numbers_at, start=start, end=end)), block.shape[-1])
            variance[variance == 0] = 1.0
            moments[block.name] = tuple(mean.tolist()), tuple(variance.tolist())
        end = start
    return replace(preprocessing, blocks=moments)


def _numbers_at(block: Array, *, start: int, end: int) -> Array:
    return block[:, start:end]


def faint_inputs(preprocessing: Preprocessing, features: tuple[Feature, ...] | None) -> list[str]:
    """Return a sentence for each column, channel or pixel of which a model's standardization makes next to nothing."""
    if preprocessing.variance is None or preprocessing.quantiles is not None:
        return []
    deviation = np.sqrt(preprocessing.variance)
    names = (
        [f"'{feature.name}'" for feature in features] if features else [str(place) for place in range(len(deviation))]
    )
    return faint_columns(deviation, [f"column {name}" for name in names])


def with_target_moments(preprocessing: Preprocessing, y: Array) -> Preprocessing:
    """Return the preprocessing with mean, variance and range of a regression's training targets, (N,) or (N, K)."""
    values = np.asarray(y, np.float64).reshape(len(y), -1)
    variance = values.var(axis=0)
    low, high = values.min(axis=0), values.max(axis=0)
    variance[low == high] = 1.0
    mean, variance, low, high = (tuple(each.tolist()) for each in (values.mean(axis=0), variance, low, high))
    return replace(preprocessing, target_mean=mean, target_variance=variance, target_low=low, target_high=high)


def _whole(x: Inputs, features: tuple[Feature, ...]) -> tuple[str, ...]:
    """Return the columns of categories that have one in each row."""
    count = _unknown(x, features)
    return tuple(feature.name for feature in features if count.get(feature.name) == 0)


def _unknown(x: Inputs, features: tuple[Feature, ...]) -> dict[str, int]:
    """Return for each column of categories in how many rows it has none."""
    names = {place: feature.name for place, feature in enumerate(features) if feature.type == "category"}
    counts = of_blocks(lambda block: (block[:, list(names)] == 0).sum(axis=0), in_file_order(x)) if names else []
    return {name: int(sum(count[place] for count in counts)) for place, name in enumerate(names.values())}


def without_category(x: Inputs, features: tuple[Feature, ...], whole: Collection[str], *, what: str) -> list[str]:
    """Return a sentence for each column of `whole` in which rows have no category that training had.

    Args:
        x: (N, F) encoded rows.
        features: The columns.
        whole: Names of the columns of which each training example has a category.
        what: What the rows are called: ``test rows``.
    """
    notes = []
    for name, count in (_unknown(x, features) if whole else {}).items():
        if count and name in whole:
            verb = "has" if count == 1 else "have"
            notes.append(
                f"column '{name}': {count:,} of {len(x):,} {what} {verb} no category, or one that training did not "
                "have; it adds nothing to the prediction."
            )
    return notes


def _has_nan(x: Inputs) -> bool:
    return any(of_blocks(lambda block: bool(np.isnan(block).any()), in_file_order(x)))


def _moments(x: Inputs, size: int) -> tuple[Array, Array]:
    """Return mean and population variance of each of the last `size` numbers of an example, NaN left out, in float64.

    One pass: each block's own mean and squared deviations are merged. Chan, Golub and LeVeque (1983), "Algorithms for
    computing the sample variance".
    """

    def of_block(block: Array) -> tuple[Array, ...]:
        block = block.reshape(-1, size)
        low, high = np.fmin.reduce(block), np.fmax.reduce(block)
        values, missing = block.astype(np.float64), np.isnan(block)
        has_missing = missing.any()
        if has_missing:
            values[missing] = 0.0
        count = len(block) - missing.sum(axis=0)
        mean = values.sum(axis=0) / np.maximum(count, 1)
        values -= mean
        if has_missing:
            values[missing] = 0.0
        return count, mean, np.square(values, out=values).sum(axis=0), low, high

    count, mean, squares = (np.zeros(size) for _ in range(3))
    low, high = np.full(size, np.nan), np.full(size, np.nan)
    for more, block_mean, block_squares, block_low, block_high in of_blocks(of_block, x):
        low, high = np.fmin(low, block_low), np.fmax(high, block_high)
        both = np.maximum(count + more, 1)
        difference = block_mean - mean
        squares += block_squares + difference**2 * count * more / both
        mean = np.where(count == 0, block_mean, mean + difference * more / both)
        count += more
    return mean, np.where(low == high, 0.0, squares / np.maximum(count, 1))  # rounding would leave a tiny variance


def _moments_of_byte_features(x: Inputs) -> tuple[Array, Array]:
    """Return mean and population variance of each number of uint8 examples, exactly, from sums of whole numbers."""
    size = math.prod(x.shape[1:])
    sums, squares = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for block in blocks(in_file_order(x)):
        values = block.reshape(-1, size)
        sums += values.sum(axis=0, dtype=np.int64)
        squares += np.square(values, dtype=np.int64).sum(axis=0)
    count = len(x)
    spread = count * squares.astype(object) - sums.astype(object) ** 2  # Python's numbers, which have no largest one
    return sums / count, (spread / count**2).astype(np.float64)


def _moments_of_bytes(x: Inputs) -> tuple[Array, Array]:
    """Return mean and population variance of each channel of uint8 images, exactly, from their histograms."""
    counts = np.zeros((x.shape[-1], 256), dtype=np.int64)
    for block in blocks(in_file_order(x)):
        for channel in range(x.shape[-1]):
            counts[channel] += np.bincount(block[..., channel].ravel(), minlength=256)
    values = np.arange(256, dtype=np.float64)
    shares = counts / counts[0].sum()
    means = [float(values @ share) for share in shares]
    variances = [float((values - mean) ** 2 @ share) for mean, share in zip(means, shares, strict=True)]
    return np.array(means), np.array(variances)
