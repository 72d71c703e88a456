"""What a range test says: smoothing, three rules that each read the descent, and whether they agree. NumPy alone."""

import bisect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hornbook.data.source import Array

__all__ = ["ANNEALED", "HELD", "RULES", "Curve", "Search", "Verdict", "conclude", "judge", "smooth", "stops_here"]

SMOOTHING = 0.9  # share of the average that each step keeps: about ten steps long
STOP_FACTOR = 4.0  # times the lowest loss: where a curve has seen enough
SAME_DESCENT = 100.0  # the largest rule's rate over the smallest's, where they read one descent and not a plateau
AGREEMENT = 10.0  # the highest seed's rate over the lowest's, where they agree
FLAT_SHARE = 0.15  # of the steps, at rates so small that nothing is learned: the level and noise of the start
LEAST_FLAT = 5
ONSET_SHARE, ONSET_NOISE = 0.05, 2.0  # of the descent, times the noise: below the start by so much, it has begun
NOISE_FACTOR = 8.0  # times the noise of a smoothed loss: pure noise of 300 steps falls by about four
LEAST_DESCENT = 0.02  # of the loss at the start
HELD, ANNEALED = (
    0.5,
    1.0,
)  # of the rate with the lowest loss: what suits a rate that is held, or falls to almost nothing
RISE_SHARE = 0.5  # of the descent, that the loss has to climb again behind its minimum


@dataclass(frozen=True)
class Curve:
    """One range test: the loss of each batch at its rate.

    Attributes:
        seed: The seed of weights, order and random layers.
        rates: (S,) learning rates, rising.
        losses: (S,) the loss of each step before its update; as many as were trained.
        diverged: Whether loss or weights stopped being finite in the step after the last one.
    """

    seed: int
    rates: Array
    losses: Array
    diverged: bool

    @property
    def smoothed(self) -> Array:
        """(S,) the losses, smoothed without lag."""
        return smooth(self.losses)


@dataclass(frozen=True)
class Verdict:
    """What one curve suggests.

    Attributes:
        values: The rate of each rule; empty where the curve has no descent to read.
        rate: The suggestion, or None where there is none.
        reasons: Why there is none.
    """

    values: Mapping[str, float]
    rate: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Search:
    """Range tests over several seeds and what they say together.

    Attributes:
        curves: One for each seed, the recipe's own first.
        verdicts: One for each curve.
        rate: The suggestion, or None where the search is inconclusive.
        reasons: Why it is.
    """

    curves: tuple[Curve, ...]
    verdicts: tuple[Verdict, ...]
    rate: float | None
    reasons: tuple[str, ...]

    @property
    def band(self) -> tuple[float, float] | None:
        """The lowest and highest suggestion of a seed; None where no seed has one."""
        found = [verdict.rate for verdict in self.verdicts if verdict.rate is not None]
        return (min(found), max(found)) if found else None

    @property
    def left_out(self) -> tuple[str, ...]:
        """Which seeds have no part in the suggestion, and why."""
        pairs = zip(self.curves, self.verdicts, strict=True)
        return tuple(f"seed {c.seed}: {'; '.join(v.reasons)}" for c, v in pairs if v.rate is None)


def judge(curve: Curve, share: float = HELD) -> Verdict:
    """Return what one curve suggests, if its rules lie near each other, or why there is nothing.

    Args:
        curve: One range test.
        share: Of the rate with the lowest loss, that is suggested. `HELD` and `ANNEALED` are what fitted the best of many
            rates on some of the recipes of docs/lr_find.md, and was confirmed on others.
    """
    losses = curve.losses
    if len(losses) <= 2 * LEAST_FLAT:
        return Verdict({}, None, (f"the loss is not finite after {len(losses)} steps, at the lowest rates",))
    smoothed, (level, noise) = smooth(losses), start_of(losses)
    descent = level - float(smoothed.min())
    if descent < LEAST_DESCENT * abs(level) or not (descent > NOISE_FACTOR * noise or _falls_in_proportion(losses)):
        return Verdict({}, None, (f"the loss does not fall: {level:.3g} at the start, {smoothed.min():.3g} at best",))
    here = descent_of(losses)
    values = {name: rule(curve.rates[here], smoothed[here]) for name, rule in RULES.items()}
    reasons = []
    if not curve.diverged and average(losses)[-1] < smoothed.min() + RISE_SHARE * descent:
        reasons.append(f"the loss still is low at {curve.rates[len(losses) - 1]:.3g}: there was no divergence to see")
    if max(values.values()) > SAME_DESCENT * min(values.values()):
        listed = ", ".join(f"{name} {rate:.2g}" for name, rate in values.items())
        reasons.append(f"the rules disagree by more than {SAME_DESCENT:g} times: {listed}")
    return Verdict(values, None if reasons else 10 * share * values[MINIMUM], tuple(reasons))


def _falls_in_proportion(losses: Array) -> bool:
    """Return whether losses above 0 fall by more than their noise on a logarithmic axis.

    Squared errors spread by as much as they are large: their noise at the start says nothing about that at the minimum.
    """
    if losses.min() <= 0:
        return False
    level, noise = start_of(np.log(losses))
    return level - math.log(float(smooth(losses).min())) > NOISE_FACTOR * noise


def conclude(curves: Sequence[Curve], share: float = HELD) -> Search:
    """Return what curves of several seeds say together: the median suggestion, if most of them have one and they agree."""
    verdicts = tuple(judge(curve, share) for curve in curves)
    found = sorted(verdict.rate for verdict in verdicts if verdict.rate is not None)
    reasons = []
    if 2 * len(found) <= len(curves):
        pairs = zip(curves, verdicts, strict=True)
        reasons = [f"seed {curve.seed}: {reason}" for curve, verdict in pairs for reason in verdict.reasons]
    elif found[-1] > AGREEMENT * found[0]:
        reasons = [f"the seeds disagree by more than {AGREEMENT:g} times: {found[0]:.2g} to {found[-1]:.2g}"]
    rate = None if reasons else float(f"{geometric_mean(found[(len(found) - 1) // 2 : len(found) // 2 + 1]):.2g}")
    return Search(tuple(curves), verdicts, rate, tuple(reasons))


def geometric_mean(values: Iterable[float]) -> float:
    """Return the mean on the logarithmic axis that rates live on."""
    return math.exp(float(np.mean([math.log(value) for value in values])))


def average(losses: Array) -> Array:
    """Return (S,) the exponential moving average of (S,) losses, each divided by the weight it has seen so far.

    The bias correction is that of Kingma and Ba (2014), arXiv:1412.6980, section 3.
    """
    mean, averages = 0.0, np.empty(len(losses))
    for step, loss in enumerate(losses):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * float(loss)
        averages[step] = mean / (1 - SMOOTHING ** (step + 1))
    return averages


def smooth(losses: Array) -> Array:
    """Return (S,) losses averaged over the steps before and after each: an average of the past alone lags behind.

    What exceeds the start is cut off first: a last loss of 10¹² would hide the rest.
    """
    if not len(losses):
        return np.empty(0)
    level, _ = start_of(losses)
    ceiling = max(level, float(losses[: _num_flat(losses)].max()))
    clipped = np.minimum(losses, ceiling)
    places = np.arange(len(losses))
    weights = SMOOTHING ** np.abs(places[:, None] - places[None, :])  # (S, S)
    return np.asarray(weights @ clipped / weights.sum(axis=1))


def stops_here(losses: Array) -> bool:
    """Return whether a range test has seen enough: no finite loss, or above the start and 4 times the minimum."""
    if not len(losses) or not math.isfinite(losses[-1]):
        return bool(len(losses))
    ahead = average(losses)
    level, noise = start_of(losses)
    lowest = float(ahead.min())
    enough = max(level + NOISE_FACTOR * noise, STOP_FACTOR * lowest)
    return len(losses) > 2 * LEAST_FLAT and float(ahead[-1]) > enough


def _num_flat(losses: Array) -> int:
    return min(max(round(FLAT_SHARE * len(losses)), LEAST_FLAT), len(losses))


def start_of(losses: Array) -> tuple[float, float]:
    """Return the level of (S,) losses at the lowest rates, and the noise of their moving average there."""
    flat = losses[: _num_flat(losses)]
    noise = float(np.std(flat)) * math.sqrt((1 - SMOOTHING) / (1 + SMOOTHING))
    return float(np.median(flat)), noise


def descent_of(losses: Array) -> slice:
    """Return the steps of the descent: from the last one in front of the minimum that still is at the start, to it."""
    smoothed, (level, noise) = smooth(losses), start_of(losses)
    lowest = int(np.argmin(smoothed))
    edge = level - max(ONSET_SHARE * (level - float(smoothed[lowest])), ONSET_NOISE * noise)
    before = np.flatnonzero(smoothed[: lowest + 1] >= edge)
    return slice(int(before[-1]) if len(before) else 0, lowest + 1)


def steepest(rates: Array, smoothed: Array) -> float:
    """Return the rate at which the loss falls fastest per decade. Smith (2015), arXiv:1506.01186, section 3.3.

    The slope is that of a straight line through a quarter of the steps given.
    """
    half = max(len(smoothed) // 8, 1)
    if len(smoothed) <= 2 * half:
        return float(np.sqrt(rates[0] * rates[-1]))
    slope = np.correlate(smoothed, np.arange(-half, half + 1.0), mode="valid")
    return float(rates[half + int(np.argmin(slope))])


def valley(rates: Array, smoothed: Array) -> float:
    """Return the rate in the middle of the longest valley: the longest run of ever lower losses, others left out.

    The idea is that of fastai's `valley` (Howard and Gugger 2020, arXiv:2002.04688). A longest decreasing subsequence is
    found by patience sorting: Fredman (1975), "On computing the length of longest increasing subsequences".
    """
    tops: list[float] = []  # minus the loss at the end of the best run of each length
    ends: list[int] = []
    before = [-1] * len(smoothed)
    for step, loss in enumerate(-smoothed):
        length = bisect.bisect_left(tops, float(loss))
        before[step] = ends[length - 1] if length else -1
        tops[length : length + 1], ends[length : length + 1] = [float(loss)], [step]
    first = ends[-1]
    while before[first] >= 0:
        first = before[first]
    return float(np.sqrt(rates[first] * rates[ends[-1]]))


def tenth_of_minimum(rates: Array, smoothed: Array) -> float:
    """Return a tenth of the rate with the lowest loss. Howard and Gugger (2020), "Deep learning for coders", ch. 5."""
    return float(rates[int(np.argmin(smoothed))]) / 10


RULES: Mapping[str, Callable[[Array, Array], float]] = {
    "steepest": steepest,
    "valley": valley,
    "minimum/10": tenth_of_minimum,
}
MINIMUM = "minimum/10"
