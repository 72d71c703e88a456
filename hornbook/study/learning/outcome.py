"""What a learning curve found: figures with intervals at each point, and what they say in words. No TensorFlow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hornbook.display.intervals import Interval, mean_interval, paired_interval
from hornbook.display.text import p_relation
from hornbook.study.measure import FRACTIONS, Measure
from hornbook.study.significance import LEVEL, Difference, compare_pairs

__all__ = ["Point", "verdicts_of"]

IDEAL_ONE = FRACTIONS | {"r2_score"}
"""Metrics of which 1 is perfect; what is better down is perfect at 0."""
HALF = 0.5
"""The part of the validation error from which on it is called variance, below it bias."""


@dataclass(frozen=True)
class Point:
    """Repeated runs on so many examples.

    Attributes:
        label: The value that is varied; empty where none is.
        size: Training examples.
        train, validation, test: {seed: the measure on that split}, of runs that finished.
        failures: {seed: why it has no value}.
        runs: One mapping per run: ``seed``, ``run``, ``state``, ``reason``, ``epochs``, ``seconds``, ``was_there``.
        overrides: What makes its recipe.
    """

    label: str
    size: int
    train: Mapping[int, float]
    validation: Mapping[int, float]
    test: Mapping[int, float]
    failures: Mapping[int, str]
    runs: tuple[Mapping[str, Any], ...]
    overrides: tuple[str, ...]

    def interval(self, split: str) -> Interval | None:
        """Return the mean of ``train``, ``validation`` or ``test`` with its 95 % t interval; None without a value."""
        values = list(getattr(self, split).values())
        return mean_interval(values) if values else None

    def gap(self, measure: Measure) -> Interval | None:
        """Return by how much training is ahead of validation, above 0 where it is, paired by seed."""
        shared = sorted(set(self.train) & set(self.validation))
        ahead, behind = [self.train[seed] for seed in shared], [self.validation[seed] for seed in shared]
        if not shared:
            return None
        return paired_interval(ahead, behind) if measure.higher_is_better else paired_interval(behind, ahead)


def verdicts_of(points: Sequence[Point], measure: Measure) -> list[str]:
    """Return what a learning curve says, the conclusion first, claiming no more than was seen."""
    sentences: list[str] = []
    labels = list(dict.fromkeys(point.label for point in points))
    for label in labels:
        own = [point for point in points if point.label == label]
        said = _of_curve(own, measure)
        sentences += [f"{label}: {sentence}" for sentence in said] if label else said
    if len(labels) > 1:
        largest = max(point.size for point in points)
        sentences = [*_of_capacity([point for point in points if point.size == largest], measure), *sentences]
    return sentences


def _of_curve(points: Sequence[Point], measure: Measure) -> list[str]:
    last = points[-1]
    failed = sum(len(point.failures) for point in points)
    if failed:
        reason = next(reason for point in points for reason in point.failures.values())
        return [f"no verdict, because {failed} run{'s' * (failed != 1)} did not finish: {reason}"]
    gap, train, validation = last.gap(measure), last.interval("train"), last.interval("validation")
    if gap is None or train is None or validation is None:
        return ["no verdict: training or validation was not measured"]
    seen = (
        f"with {last.size:,} examples, training reaches {measure.interval(train)} and validation "
        f"{measure.interval(validation)}{' %' if measure.is_fraction else ''}; training is ahead by "
        f"{measure.interval(gap, sign=True)}{' points' if measure.is_fraction else ''}"
    )
    kind, split = _share(gap, validation, measure)
    if len(points) < 2:
        return [f"{_CONCLUSIONS[kind, None]}: {split}"]
    before = points[-2]
    difference = _difference(last, before)
    gained, more = _gain(difference, before.size, last.size, measure)
    return [_CONCLUSIONS[kind, gained], more, split, seen]


def _share(gap: Interval, validation: Interval, measure: Measure) -> tuple[str, str]:
    """Return whether the validation error is ``variance``, ``bias``, ``either`` or ``none``, and why."""
    name = measure.name.partition("_")[2]
    if name not in IDEAL_ONE and measure.higher_is_better:
        return "either", f"nothing is known of the best possible {name}, so the error is not divided"
    error = 1 - validation.mean if measure.higher_is_better else validation.mean
    if error <= 0:
        return "none", "validation makes no error that could be divided"
    share, half = gap.mean / error, gap.half / error
    figures = f"{100 * max(share, 0):.0f} ± {100 * half:.0f} % of the validation error is the distance to training"
    if share - half > HALF:
        return "variance", f"{figures} (variance): the network fits its examples better than new ones"
    if share + half < HALF:
        return "bias", f"{figures}; the rest is there on the training examples too (bias, or noise in the targets)"
    return "either", f"{figures}: these seeds do not settle whether bias or variance is the larger part"


_CONCLUSIONS = {
    ("variance", True): "more examples would help: validation still rises with them, and training is ahead of it",
    (
        "variance",
        False,
    ): "more examples or regularization may help, since training is ahead; no gain by examples was detected",
    ("variance", None): "the examples are too few for this network, or it is too free: variance is the larger part",
    ("bias", True): "more examples would still help, but most of the error is there on the training examples too",
    (
        "bias",
        False,
    ): "most of the error is there on the training examples too: unless it is noise, a larger network or more "
    "training can help more than examples",
    (
        "bias",
        None,
    ): "most of the error is there on the training examples too: the network is too small, or trained too little",
    ("either", True): "more examples would help: validation still rises with them",
    ("either", False): "no gain by more examples was detected",
    ("either", None): "bias and variance cannot be told apart here",
    ("none", True): "nothing is left to gain on this validation split",
    ("none", False): "nothing is left to gain on this validation split",
    ("none", None): "nothing is left to gain on this validation split",
}
"""By what the error is, and whether the last step gained; None where there is one size."""


def _difference(point: Point, other: Point) -> Difference:
    seeds = sorted(set(point.validation) & set(other.validation))
    pairs = [([point.validation[seed] for seed in seeds], [other.validation[seed] for seed in seeds])]
    return compare_pairs(pairs)[0]


def _gain(difference: Difference, few: int, many: int, measure: Measure) -> tuple[bool, str]:
    """Return whether the last step gained, and the sentence that says how much."""
    step = f"from {few:,} to {many:,} examples"
    interval, count = difference.interval, difference.interval.count
    unit = " points" if measure.is_fraction else ""
    change = f"{measure.interval(interval, sign=True)}{unit}"
    if difference.adjusted_p is None or difference.detectable is None:
        return False, f"{step} validation changed by {change} in every seed: no spread to judge it by"
    is_better = (interval.mean > 0) == measure.higher_is_better
    if difference.adjusted_p < LEVEL:
        verb = "gained" if is_better else "lost"
        return is_better, f"{step} validation {verb} {change} ({p_relation(difference.adjusted_p)})"
    missed = f"{count} seeds would have shown one above {measure.amount(difference.detectable)}"
    return False, f"{step} validation changed by {change}: no gain detected; {missed}"


def _of_capacity(points: Sequence[Point], measure: Measure) -> list[str]:
    """Return what each next value gains over the one before, on all examples, and which one is large enough."""
    if any(point.failures for point in points):
        return ["the values are not compared, because runs did not finish"]
    pairs = []
    for point, before in zip(points[1:], points, strict=False):
        seeds = sorted(set(point.validation) & set(before.validation))
        pairs.append(([point.validation[seed] for seed in seeds], [before.validation[seed] for seed in seeds]))
    sentences, enough = [], points[0].label
    for point, before, difference in zip(points[1:], points, compare_pairs(pairs), strict=False):
        interval, p = difference.interval, difference.adjusted_p
        change = f"{measure.interval(interval, sign=True)}{' points' if measure.is_fraction else ''}"
        step = f"{before.label} → {point.label.partition('=')[2]}: validation {change}"
        is_better = (interval.mean > 0) == measure.higher_is_better
        if p is not None and p < LEVEL:
            sentences.append(f"{step}, {'better' if is_better else 'worse'} ({p_relation(p)})")
            enough = point.label if is_better else enough
        elif difference.detectable is None:
            sentences.append(f"{step} in every seed: no spread to judge it by")
        else:
            count = interval.count
            missed = f"{count} seeds would have shown one above {measure.amount(difference.detectable)}"
            sentences.append(f"{step}, no difference detected; {missed}")
    if enough == points[-1].label:
        return [f"the largest value, {enough}, is still better than the one before: try larger ones", *sentences]
    first = f"beyond {enough} no step to a larger value is detectably better, as far as these seeds can tell"
    return [first, *sentences]
