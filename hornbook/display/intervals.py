"""Means of repeated runs with what is known about them: t intervals, plain and paired. No TensorFlow."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FEW", "Interval", "few_examples", "mean_interval", "paired_interval", "share_interval"]

FEW = 30
"""Examples below which a figure is never shown without a word of how little it says."""


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % confidence interval over repeats.

    Attributes:
        mean: The mean.
        half: Half the width of the interval; infinite for a single value.
        count: Repeats.
    """

    mean: float
    half: float
    count: int

    @property
    def excludes_zero(self) -> bool:
        """Return whether 0 lies outside."""
        return abs(self.mean) > self.half

    def text(self, digits: int = 4) -> str:
        """Return ``0.9812 ± 0.0034``."""
        spread = f" ± {self.half:.{digits}f}" if math.isfinite(self.half) else ""
        return f"{self.mean:.{digits}f}{spread}"


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the mean with Student's t interval. Student (1908), "The probable error of a mean".

    Raises:
        ValueError: Without values.
    """
    if not values:
        raise ValueError("no values")
    count, mean = len(values), statistics.fmean(values)
    if count == 1:
        return Interval(mean, math.inf, 1)
    import numpy as np
    from scipy import stats  # half a second that most commands do not need

    return Interval(mean, float(stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1)) / math.sqrt(count), count)


def paired_interval(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Return the mean difference `ours` - `theirs` of pairs that share a seed, with its interval."""
    return mean_interval([one - other for one, other in zip(ours, theirs, strict=True)])


def share_interval(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of so many examples. Wilson (1927), "Probable inference", JASA 22, eq. 1."""
    share = round(share * count) / count
    z = statistics.NormalDist().inv_cdf(0.975)
    center, spread = share + z**2 / (2 * count), z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    low, high = ((center + sign * spread) / (1 + z**2 / count) for sign in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def few_examples(count: int, accuracy: float | None = None) -> str:
    """Return what the figures of a few examples say about others; empty text where there are enough of them.

    Args:
        count: Examples.
        accuracy: Their share that is right; None where there is none.
    """
    if not 0 < count < FEW:
        return ""
    noun, which = ("1 example", "it says") if count == 1 else (f"{count} examples", "so few say")
    if accuracy is None:
        return f"of {noun}: {which} little about others"
    low, high = share_interval(accuracy, count)
    return f"of {noun}, which fit{'s' if count == 1 else ''} any accuracy from {low:.2f} to {high:.2f} (95 %)"
