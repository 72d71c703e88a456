"""What the order of the numbers of a column says: median, interquartile range, quantiles."""

import numpy as np

from hornbook.data.source import Array, Feature, Inputs
from hornbook.data.storage.rows import blocks, in_file_order

__all__ = ["MOST_QUANTILES", "of_ranks"]

MOST_QUANTILES = 1000
MOST_VALUES = 1 << 26  # numbers of whole columns that are in memory at once, where the inputs stay on disk

Quantiles = tuple[tuple[float, ...], ...]


def of_ranks(x: Inputs, features: tuple[Feature, ...] | None, *, keeps: bool) -> tuple[Array, Array, Quantiles | None]:
    """Return (median, squared range, quantiles) of each column of a training table (N, F), NaN left out, in float64.

    The range is between the quartiles, or half of the whole where those are the same; 1 of a constant column. So does
    Holzmüller et al. (2024), arXiv:2407.04491. Categories have median 0, range 1 and no quantiles.

    Args:
        x: The table; columns are read in groups where it stays on disk.
        features: The columns; None where all are numbers.
        keeps: Whether quantiles are wanted: at most 1,000, and no more than there are rows.
    """
    width = x.shape[1]
    median, spread, quantiles = np.zeros(width), np.ones(width), [()] * width
    numbers = [place for place in range(width) if features is None or features[place].type == "number"]
    size = max(1, MOST_VALUES // max(len(x), 1))
    for start in range(0, len(numbers), size):
        group = numbers[start : start + size]
        for place, column in zip(group, _columns(x, group), strict=True):
            values = np.sort(column[~np.isnan(column)]).astype(np.float64)
            if not len(values):
                continue
            low, median[place], high = np.quantile(values, (0.25, 0.5, 0.75))
            spread[place] = (high - low) or (values[-1] - values[0]) / 2 or 1.0
            if keeps:
                shares = np.linspace(0, 1, min(MOST_QUANTILES, len(x)))
                quantiles[place] = tuple(np.maximum.accumulate(np.quantile(values, shares)).tolist())
    return median, spread**2, tuple(quantiles) if keeps else None


def _columns(x: Inputs, group: list[int]) -> Array:
    """Return (len(group), N) columns of a table."""
    return np.concatenate([np.asarray(block)[:, group].T for block in blocks(in_file_order(x))], axis=1)
