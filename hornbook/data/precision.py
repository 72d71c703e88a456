"""What float32, in which networks compute, cannot tell apart: numbers that differ by little, far from 0 or near it.

Float32 keeps 24 binary digits: near 1e9 it only has the multiples of 64. Numbers of 1e9 ± 1 all become one.
"""

import math
from collections.abc import Sequence

import numpy as np

from hornbook.data.source import Array, Inputs
from hornbook.data.storage.rows import in_file_order, of_blocks
from hornbook.errors import DataError
from hornbook.recipes.thresholds import FAINT

__all__ = ["MOST_BLUR", "blur_of", "check_blur", "coarse_columns", "faint_columns"]

BLUR, MOST_BLUR = 0.01, 0.1
"""Rounding as a share of the deviation: where it can be seen in figures, and where it bounds R² to 0.99."""
STEPS = 32
"""Steps of float32 between a column's ends, below which rounding took much of what it may have said."""
COARSE = 2.0**-4
"""Steps from which on a constant column may have been another: numbers of half a million and more."""


def check_blur(exact: Sequence[Array]) -> tuple[str, ...]:
    """Return a sentence for each column of targets that rounding to float32 blurs; refuse those that it takes away.

    Args:
        exact: Of each split, (N,) or (N, K) numbers as they were given.

    Raises:
        DataError: If the rounding is more than a tenth of a column's deviation.
    """
    columns = np.concatenate([values.reshape(len(values), -1) for values in exact])
    said = []
    for place, values in enumerate(columns.T):
        share, text = blur_of(values)
        told = f"the targets{'' if columns.shape[1] == 1 else f' of column {place}'} {text}"
        if share > MOST_BLUR:
            raise DataError(told)
        said += [told] if text else []
    return tuple(said)


def blur_of(values: Array) -> tuple[float, str]:
    """Return how large the rounding of numbers (N,) to float32 is beside their deviation; if it is not small, what to do.

    Numbers that are float32 already, or too large for it, have nothing to say here.
    """
    if values.dtype in (np.float16, np.float32) or not len(values):
        return 0.0, ""
    exact = values.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = exact.astype(np.float32)
        rounding, deviation = float(np.sqrt(np.square(exact - rounded).mean())), float(exact.std())
    if not (math.isfinite(rounding) and math.isfinite(deviation) and deviation > 0 and rounding > BLUR * deviation):
        return 0.0, ""
    share, center, largest = rounding / deviation, float(exact.mean()), float(np.abs(exact).max())
    if largest < np.finfo(np.float32).tiny:
        advice = f"Multiply them by {_factor(largest):.0e}."
        return share, f"reach {largest:.4g}, where float32, in which networks compute, ends. {advice}"
    step = float(np.spacing(np.abs(rounded).max()))
    return share, (
        f"have a deviation of {deviation:.4g} around {center:.10g}, where float32, in which networks compute, only has "
        f"numbers that are {step:.4g} apart: of {len(np.unique(exact)):,} different ones it leaves "
        f"{len(np.unique(rounded)):,}. Subtract {_round(center, deviation)} from them, and add it to what is predicted."
    )


def coarse_columns(x: Inputs, names: Sequence[str], low: Array, high: Array) -> list[str]:
    """Return a sentence for each column of a training table of which float32 leaves only a few different numbers.

    Columns of whole numbers that float32 holds are not meant: nothing of them was lost.

    Args:
        x: (N, F) float32.
        names: Of the columns.
        low: (F,) the smallest number of each.
        high: (F,) the largest.
    """
    largest = np.maximum(np.abs(low), np.abs(high)).astype(np.float32)
    step = np.spacing(largest).astype(np.float64)
    is_constant = low == high
    suspects = np.flatnonzero(np.where(is_constant, step >= COARSE, high.astype(np.float64) - low < STEPS * step))
    if not len(suspects):
        return []
    wholes = of_blocks(lambda block: _are_whole(block[:, suspects]), in_file_order(x))
    is_exact = np.all(wholes, axis=0) & (step[suspects] <= 1) & ~is_constant[suspects]
    return [
        f"column '{names[place]}': float32, in which networks compute, only has numbers that are {step[place]:.4g} apart "
        f"near {largest[place]:.4g}, and the column has "
        f"{'one of them' if is_constant[place] else 'few of them'}. If it says more than that, subtract "
        f"{_round(float(low[place]), float(step[place]))} from it."
        for place in suspects[~is_exact]
    ]


def faint_columns(deviation: Array, names: Sequence[str]) -> list[str]:
    """Return a sentence for each column with a deviation too small to be standardized.

    Args:
        deviation: (F,) of the training split.
        names: Of the columns.
    """
    return [
        f"{names[place]} has a deviation of {deviation[place]:.4g}, and Keras's Normalization divides by none below "
        f"{FAINT:g}: it hardly counts. Multiply it by {_factor(float(deviation[place])):.0e}."
        for place in np.flatnonzero((deviation > 0) & (deviation < FAINT)).tolist()
    ]


def _factor(deviation: float) -> float:
    """Return the power of ten that brings a deviation near 1."""
    return float(10.0 ** -math.floor(math.log10(deviation)))


def _are_whole(block: Array) -> Array:
    known = np.nan_to_num(block)
    return np.asarray((np.floor(known) == known).all(axis=0))


def _round(center: float, deviation: float) -> str:
    """Return a number that is easily written, and from which another is no more than some deviations away."""
    if not center:
        return "0"
    digits = math.ceil(math.log10(abs(center) / deviation)) - 2
    return f"{float(f'{center:.{min(max(digits, 3), 15)}e}'):.15g}"
