"""Means of repeated runs with what is known about them: t intervals, plain and paired. No TensorFlow."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Interval", "mean_interval", "paired_interval"]


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
