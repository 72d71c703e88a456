"""Targets on another scale than their own: logarithms, or what is normally distributed over the training split."""

from dataclasses import replace

import numpy as np

from hornbook.data.facts import Preprocessing
from hornbook.data.preprocessing import with_target_moments
from hornbook.data.source import Array
from hornbook.errors import DataError

__all__ = ["with_transformed_targets"]

MOST_KNOTS = 200


def with_transformed_targets(preprocessing: Preprocessing, y: Array, transform: str) -> Preprocessing:
    """Return the preprocessing with mean and variance of the training targets on another scale, and what that is.

    Args:
        preprocessing: Of the training split.
        y: Its targets, (N,) or (N, K).
        transform: ``log`` or ``quantile``: by at most 200 quantiles; numbers that many rows share get the middle of their
            shares, the lowest and the highest that of half a row.

    Raises:
        DataError: If a number has no logarithm.
    """
    y_NK = np.asarray(y, np.float64).reshape(len(y), -1)
    if transform == "log":
        if (y_NK <= 0).any():
            raise DataError(
                f"head.target_transform: log needs targets above 0, and {int((y_NK <= 0).sum()):,} of them are not; the "
                f"lowest is {y_NK.min():g}. Use 'quantile', or remove it."
            )
        return _with_moments(preprocessing, np.log(y_NK))
    knots = [_knots(column) for column in y_NK.T]
    learned = np.stack([np.interp(column, *np.array(found).T) for column, found in zip(y_NK.T, knots, strict=True)], 1)
    return replace(_with_moments(preprocessing, learned), target_knots=tuple(knots))


def _with_moments(preprocessing: Preprocessing, learned: Array) -> Preprocessing:
    """Return the preprocessing with the moments of what is learned; the lowest and highest stay those of the targets."""
    low, high = preprocessing.target_low, preprocessing.target_high
    return replace(with_target_moments(preprocessing, learned), target_low=low, target_high=high)


def _knots(values: Array) -> tuple[tuple[float, float], ...]:
    """Return (value, point of the normal distribution) at evenly spaced such points, each value once."""
    from scipy.stats import norm

    half_a_row = 0.5 / len(values)
    end = max(float(norm.ppf(1 - half_a_row)), 1.0)
    shares = norm.cdf(np.linspace(-end, end, min(MOST_KNOTS, len(values))))
    shares[0], shares[-1] = 0.0, 1.0
    places, first, counts = np.unique(np.quantile(values, shares), return_index=True, return_counts=True)
    middle = (shares[first] + shares[first + counts - 1]) / 2
    normal = norm.ppf(np.clip(middle, half_a_row, 1 - half_a_row))
    return tuple(zip(places.tolist(), normal.tolist(), strict=True))
