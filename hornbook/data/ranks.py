"""What the order of the numbers of a column says: median, interquartile range, quantiles."""

from collections.abc import Iterator

import numpy as np

from hornbook.data.facts import Feature
from hornbook.data.source import Array, Inputs
from hornbook.data.storage.rows import blocks, in_file_order

__all__ = ["bin_edges", "of_ranks"]

MOST_QUANTILES = 1000
MOST_VALUES = 1 << 26  # numbers of whole columns that are in memory at once, where the inputs stay on disk

Quantiles = tuple[tuple[float, ...], ...]


def bin_edges(x: Inputs, features: tuple[Feature, ...] | None, bins: int) -> Quantiles:
    """Return the edges of so many bins of each column of a training table (N, F), with as many rows in each; 0 of others."""
    edges = np.zeros((x.shape[1], bins + 1))
    for place, values in _sorted(x, _numbers(x, features)):
        if len(values):
            edges[place] = np.quantile(values, np.linspace(0, 1, bins + 1))
    return tuple(map(tuple, edges.tolist()))


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
    median, spread = np.zeros(width), np.ones(width)
    quantiles: list[tuple[float, ...]] = [()] * width
    for place, values in _sorted(x, _numbers(x, features)):
        if not len(values):
            continue
        low, median[place], high = np.quantile(values, (0.25, 0.5, 0.75))
        spread[place] = (high - low) or (values[-1] - values[0]) / 2 or 1.0
        if keeps:
            shares = np.linspace(0, 1, min(MOST_QUANTILES, len(x)))
            quantiles[place] = tuple(np.maximum.accumulate(np.quantile(values, shares)).tolist())
    return median, spread**2, tuple(quantiles) if keeps else None


def _numbers(x: Inputs, features: tuple[Feature, ...] | None) -> list[int]:
    return [place for place in range(x.shape[1]) if features is None or features[place].type == "number"]


def _sorted(x: Inputs, columns: list[int]) -> Iterator[tuple[int, Array]]:
    """Yield (place, values in float64, ascending, NaN left out) of each column; several are read at once."""
    size = max(1, MOST_VALUES // max(len(x), 1))
    for start in range(0, len(columns), size):
        group = columns[start : start + size]
        read = np.concatenate([np.asarray(block)[:, group].T for block in blocks(in_file_order(x))], axis=1)
        for place, column in zip(group, read, strict=True):
            yield place, np.sort(column[~np.isnan(column)]).astype(np.float64)
