"""What the training split says about preprocessing: divisor, mean and variance, categories, missing numbers.

Everything here looks at the training split only; the saved model carries the result (see `Preprocessing`).
"""

from dataclasses import replace

import numpy as np

from hornbook.data.source import Array, DataKind, Feature, Preprocessing, Split
from hornbook.errors import DataError

__all__ = ["check_columns", "compute_preprocessing", "keep_training_categories"]

Parts = dict[str, Split]
VALUES_PER_CHUNK = 1 << 24  # float64 copies of larger pieces of images would not fit into memory


def keep_training_categories(
    parts: Parts, features: tuple[Feature, ...]
) -> tuple[Parts, tuple[Feature, ...], tuple[str, ...]]:
    """Return splits and features in which only the training split's categories are known, and warnings.

    A category that only validation or test has becomes code 0, as it will at prediction.
    """
    tables: dict[str, Array] = {}
    warnings: list[str] = []
    known = list(features)
    for column, feature in enumerate(features):
        if feature.type != "category":
            continue
        present = np.unique(parts["train"].x[:, column]).astype(int)
        present = present[present > 0]
        if len(present) == len(feature.categories):
            continue
        lookup = np.zeros(len(feature.categories) + 1, dtype=np.float32)
        lookup[present] = np.arange(1, len(present) + 1)
        if not tables:
            tables = {name: part.x.copy() for name, part in parts.items()}
        for table in tables.values():
            table[:, column] = lookup[table[:, column].astype(int)]
        known[column] = replace(feature, categories=tuple(feature.categories[code - 1] for code in present))
        unseen = [name for code, name in enumerate(feature.categories, 1) if code not in present]
        noun = "category" if len(unseen) == 1 else "categories"
        listed = ", ".join(unseen[:5]) + (" …" if len(unseen) > 5 else "")
        warnings.append(f"column '{feature.name}': {noun} {listed} not in the training split count as unknown.")
    parts = {name: Split(tables[name], part.y) if tables else part for name, part in parts.items()}
    return parts, tuple(known), tuple(warnings)


def check_columns(x: Array, features: tuple[Feature, ...] | None) -> tuple[str, ...]:
    """Return a warning that names constant columns of a training table (N, F); refuse empty ones.

    Raises:
        DataError: If a column holds no value at all.
    """
    empty, constant = [], []
    for column in range(x.shape[1]):
        values = x[:, column]
        name = features[column].name if features else str(column)
        if features and features[column].type == "category":
            present = values[values > 0]
        else:
            present = values[~np.isnan(values)]
        if len(present) == 0:
            empty.append(name)
        elif len(present) == len(values) > 1 and present.min() == present.max():
            constant.append(name)
    if empty:
        raise DataError(
            f"the training split has no value in {_columns(empty)}. Drop {_it(empty)} (drop: [{', '.join(empty)}])."
        )
    if constant:
        verb = "is" if len(constant) == 1 else "are"
        return (f"{_columns(constant)} {verb} constant in the training split and will teach nothing.",)
    return ()


def _columns(names: list[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names[:5]) + (f" … ({len(names)} in all)" if len(names) > 5 else "")
    return f"column{'s' if len(names) > 1 else ''} {listed}"


def _it(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def compute_preprocessing(
    parts: Parts, *, kind: DataKind, scale: float | None, standardize: bool, features: tuple[Feature, ...] | None
) -> Preprocessing:
    """Return what happens to inputs inside the model.

    Mean and variance have one entry per column or channel, 0 and 1 for categories. Missing numbers are left out of both.
    A table with missing numbers that is not standardized has a mean (to fill them) and no variance.

    Args:
        parts: The splits; statistics come from `train`.
        kind: What the inputs are.
        scale: Divisor of images.
        standardize: Whether mean and variance are wanted.
        features: Columns of a table.
    """
    x = parts["train"].x
    has_missing = x.dtype.kind == "f" and any(bool(np.isnan(part.x).any()) for part in parts.values())
    has_categories = features is not None and any(feature.type == "category" for feature in features)
    mean = variance = None
    if kind != "tokens" and (standardize or has_missing):
        mean, variance = _moments_of_bytes(x) if x.dtype == np.uint8 else _moments(x)
        if scale is not None:
            mean, variance = mean / scale, variance / scale**2
        for column, feature in enumerate(features or ()):
            if feature.type == "category":
                mean[column], variance[column] = 0.0, 1.0
        variance[variance == 0] = 1.0
    return Preprocessing(
        scale=scale,
        mean=None if mean is None else tuple(mean.tolist()),
        variance=None if variance is None or not standardize else tuple(variance.tolist()),
        features=features if has_categories else None,
        has_missing=has_missing,
    )


def _moments(x: Array) -> tuple[Array, Array]:
    """Return mean and population variance over all axes but the last, NaN left out, in float64."""
    rows = x.reshape(-1, x.shape[-1])
    chunk = max(1, VALUES_PER_CHUNK // x.shape[-1])
    count = np.zeros(x.shape[-1])
    total = np.zeros(x.shape[-1])
    for start in range(0, len(rows), chunk):
        piece = rows[start : start + chunk].astype(np.float64)
        count += (~np.isnan(piece)).sum(axis=0)
        total += np.nansum(piece, axis=0)
    mean = total / np.maximum(count, 1)
    squares = np.zeros(x.shape[-1])
    for start in range(0, len(rows), chunk):
        squares += np.nansum((rows[start : start + chunk].astype(np.float64) - mean) ** 2, axis=0)
    constant = np.nanmin(rows, axis=0) == np.nanmax(rows, axis=0)  # rounding would leave a tiny variance
    return mean, np.where(constant, 0.0, squares / np.maximum(count, 1))


def _moments_of_bytes(x: Array) -> tuple[Array, Array]:
    """Return mean and population variance of each channel of uint8 images, exactly, from their histograms."""
    means, variances = [], []
    values = np.arange(256, dtype=np.float64)
    for channel in range(x.shape[-1]):
        share = np.bincount(x[..., channel].ravel(), minlength=256) / (x.size // x.shape[-1])
        means.append(float(values @ share))
        variances.append(float((values - means[-1]) ** 2 @ share))
    return np.array(means), np.array(variances)
