"""What repeated runs can tell: paired tests, their correction for several comparisons, and what they could have missed.

No TensorFlow; SciPy is imported by the functions that need it, because it takes half a second.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hornbook.display.intervals import Interval, paired_interval

__all__ = [
    "LEVEL", "SEEDS", "Difference", "Repeats", "compare_pairs", "detectable", "holm", "inflated", "paired_p", "power_of"
]  # fmt: skip

LEVEL = 0.05
"""Probability of calling any of the differences real where none is, over all comparisons of a study."""
POWER = 0.8
"""Probability with which the smallest difference that is called detectable would have been found."""
NO_SPREAD = 1e-9  # deviation of the differences, relative to the values, below which there is none


@dataclass(frozen=True)
class Repeats:
    """What is repeated, and how much more a mean of the repeats varies than one of independent values.

    Attributes:
        word: ``seeds`` or ``folds``.
        inflation: What standard errors are multiplied with.
    """

    word: str = "seeds"
    inflation: float = 1.0

    @classmethod
    def folds(cls, count: int) -> "Repeats":
        """Return the folds of a cross-validation, whose training sets overlap.

        The variance of the mean is s² (1/K + n_test/n_train) in place of s²/K. Nadeau and Bengio (2003), "Inference for
        the generalization error", Machine Learning 52.
        """
        return cls("folds", math.sqrt(1 + count / (count - 1)))


SEEDS = Repeats()


@dataclass(frozen=True)
class Difference:
    """A cell against the baseline, over the seeds that both have.

    Attributes:
        interval: Mean difference with its 95 % t interval, of this comparison alone.
        p: Two-sided p-value of the paired t test; None where the differences do not vary or there is one only.
        adjusted_p: The same after Holm's correction over all comparisons.
        detectable: Smallest true difference that would have been found with probability 0.8; None as `p`.
        comparisons: How many comparisons the correction is for.
        is_identical: Whether the values are the same in every seed.
    """

    interval: Interval
    p: float | None
    adjusted_p: float | None
    detectable: float | None
    comparisons: int
    is_identical: bool = False


def compare_pairs(
    pairs: Sequence[tuple[Sequence[float], Sequence[float]]], repeats: Repeats = SEEDS
) -> list[Difference]:
    """Return the difference of each (cell's values, baseline's values); values at one place share a seed or fold.

    Raises:
        ValueError: If a pair has no values, or not equally many.
    """
    ps = [paired_p(ours, theirs, inflation=repeats.inflation) for ours, theirs in pairs]
    adjusted = iter(holm([p for p in ps if p is not None]))
    count = sum(p is not None for p in ps)
    found = []
    for (ours, theirs), p in zip(pairs, ps, strict=True):
        spread = repeats.inflation * _deviation([one - other for one, other in zip(ours, theirs, strict=True)])
        found.append(
            Difference(
                interval=inflated(paired_interval(ours, theirs), repeats),
                p=p,
                adjusted_p=None if p is None else next(adjusted),
                detectable=None if p is None else detectable(spread, len(ours), level=LEVEL / count),
                comparisons=count,
                is_identical=list(ours) == list(theirs),
            )
        )
    return found


def inflated(interval: Interval, repeats: Repeats) -> Interval:
    """Return the interval as wide as the repeats make it."""
    return replace(interval, half=interval.half * repeats.inflation)


def paired_p(ours: Sequence[float], theirs: Sequence[float], *, inflation: float = 1.0) -> float | None:
    """Return the two-sided p-value of the paired t test; None for a single pair, and for differences that do not vary.

    Student (1908), "The probable error of a mean". Where every seed shows the same difference there is no spread to
    measure it by: with few seeds that happens by chance, so it is no proof.
    """
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    largest = max((abs(value) for value in (*ours, *theirs)), default=0.0)
    if len(differences) < 2 or _deviation(differences) <= NO_SPREAD * largest:
        return None
    from scipy import stats

    test = stats.ttest_rel(ours, theirs)
    return float(2 * stats.t.sf(abs(test.statistic) / inflation, test.df))


def holm(ps: Sequence[float]) -> list[float]:
    """Return adjusted p-values: below 0.05 means significant with 5 % for all of them together.

    The smallest of m is multiplied by m, the next by m - 1 …, and none may be below the one before. Holm (1979),
    "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6.
    """
    order = sorted(range(len(ps)), key=lambda index: ps[index])
    adjusted, largest = [0.0] * len(ps), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = largest
    return adjusted


def power_of(difference: float, deviation: float, count: int, *, level: float = LEVEL) -> float:
    """Return the probability that the two-sided paired t test finds a true difference.

    With n pairs whose differences have standard deviation s, t follows the noncentral t distribution with n - 1 degrees
    of freedom and noncentrality difference·√n / s. Cohen (1988), "Statistical Power Analysis", ch. 2.

    Args:
        difference: The true mean difference.
        deviation: Standard deviation of the differences, above 0.
        count: Pairs, at least 2.
        level: Probability of finding a difference where there is none.
    """
    from scipy import stats

    critical = stats.t.ppf(1 - level / 2, count - 1)
    shift = abs(difference) * math.sqrt(count) / deviation
    other_side = stats.nct.cdf(-critical, count - 1, shift) if shift < 5 else 0.0  # below 1e-6, where SciPy is unsure
    return float(stats.nct.sf(critical, count - 1, shift) + other_side)


def detectable(deviation: float, count: int, *, level: float = LEVEL, power: float = POWER) -> float:
    """Return the smallest true difference that `count` pairs would have shown with the given power.

    Args:
        deviation: Standard deviation of the differences, above 0.
        count: Pairs, at least 2.
        level: Level of one test; for several comparisons theirs divided by their number, as Holm's first step does.
        power: Probability of finding it.

    Raises:
        ValueError: For fewer than two pairs, or without any spread.
    """
    if count < 2 or deviation <= 0:
        raise ValueError("two pairs at least, and a spread, are needed")
    from scipy import optimize

    high = 1.0
    while power_of(high, 1.0, count, level=level) < power:
        high *= 2
    return deviation * float(
        optimize.brentq(lambda size: power_of(size, 1.0, count, level=level) - power, high / 1e6, high, xtol=1e-6)
    )


def _deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    import numpy as np

    return float(np.std(values, ddof=1))
