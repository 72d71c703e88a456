"""What a study found: a row per cell with its figures, its difference to the baseline, and a verdict in words."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hornbook.display.intervals import Interval, mean_interval
from hornbook.study.measure import Measure
from hornbook.study.significance import LEVEL, SEEDS, Difference, Repeats, compare_pairs, inflated

__all__ = ["Group", "Row", "compare_groups"]


@dataclass(frozen=True)
class Group:
    """Repeated runs of one recipe, as the statistics need them.

    Attributes:
        label: What tables call it.
        values: {seed: value of the metric}, of runs that finished.
        failures: {seed: why it has no value}.
        test: {seed: the same metric on the test split}, where there is one.
        reached: {seed: (epochs, training seconds) to the target, None where it was not reached}.
        factor: The key it belongs to, for charts.
        overrides: What makes its recipe.
        tuned: What tuning chose, ``optimizer.learning_rate=0.05``, with a remark; None without tuning.
        runs: One mapping per run: ``seed``, ``run``, ``state``, ``reason``, ``validation``, ``test``, ``seconds``.
        curves: {seed: values of the target's column, epoch by epoch}.
    """

    label: str
    values: Mapping[int, float]
    failures: Mapping[int, str] = field(default_factory=dict)
    test: Mapping[int, float] = field(default_factory=dict)
    reached: Mapping[int, tuple[int, float] | None] = field(default_factory=dict)
    factor: str = ""
    overrides: tuple[str, ...] = ()
    tuned: Mapping[str, Any] | None = None
    runs: tuple[Mapping[str, Any], ...] = ()
    curves: Mapping[int, Sequence[float]] = field(default_factory=dict)

    @property
    def num_runs(self) -> int:
        """Runs tried."""
        return len(self.values) + len(self.failures)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        group: The runs.
        mean: Mean of the metric with its 95 % t interval; None where no run finished.
        test: The same on the test split.
        difference: Against the baseline; None for the baseline itself, and where runs failed.
        verdict: What the difference means, in words.
    """

    group: Group
    mean: Interval | None
    test: Interval | None
    difference: Difference | None
    verdict: str

    @property
    def epochs(self) -> float | None:
        """Median over the runs of the epochs to the target; None where half of them or more never reach it."""
        return _median([None if found is None else float(found[0]) for found in self.group.reached.values()])

    @property
    def seconds(self) -> float | None:
        """Median over the runs of the training seconds to the target; None as `epochs`."""
        return _median([None if found is None else found[1] for found in self.group.reached.values()])

    @property
    def num_reached(self) -> int:
        """Runs that reach the target."""
        return sum(found is not None for found in self.group.reached.values())


def _median(values: Sequence[float | None]) -> float | None:
    if not values:
        return None
    middle = statistics.median(math.inf if value is None else value for value in values)
    return middle if math.isfinite(middle) else None


def compare_groups(groups: Sequence[Group], measure: Measure, repeats: Repeats = SEEDS) -> list[Row]:
    """Return a row per group; the first is the baseline that the others are compared with, paired by seed.

    A group with a run that failed is not compared: those that survive are no fair sample.
    """
    baseline, others = groups[0], groups[1:]
    shared = [sorted(set(group.values) & set(baseline.values)) for group in others]
    can = [
        not group.failures and not baseline.failures and len(seeds) > 1
        for group, seeds in zip(others, shared, strict=True)
    ]
    pairs = [
        ([group.values[seed] for seed in seeds], [baseline.values[seed] for seed in seeds])
        for group, seeds, is_fair in zip(others, shared, can, strict=True)
        if is_fair
    ]
    differences = iter(compare_pairs(pairs, repeats))
    rows = [_row(baseline, None, _failed(baseline), repeats)]
    for group, is_fair in zip(others, can, strict=True):
        difference = next(differences) if is_fair else None
        sentence = (
            verdict(difference, measure, repeats.word) if difference is not None else _uncompared(group, baseline)
        )
        rows.append(_row(group, difference, sentence, repeats))
    return rows


def _row(group: Group, difference: Difference | None, sentence: str, repeats: Repeats) -> Row:
    mean = inflated(mean_interval(list(group.values.values())), repeats) if group.values else None
    test = inflated(mean_interval(list(group.test.values())), repeats) if group.test else None
    return Row(group, mean, test, difference, sentence)


def _failed(group: Group) -> str:
    if not group.failures:
        return ""
    reason = next(iter(group.failures.values()))
    return f"{len(group.failures)} of {group.num_runs} runs did not finish: {reason}"


def _uncompared(group: Group, baseline: Group) -> str:
    if group.failures:
        return _failed(group)
    if baseline.failures:
        return "not compared: runs of the baseline did not finish"
    return "not compared: fewer than two seeds are the baseline's too"


def verdict(difference: Difference, measure: Measure, word: str = "seeds") -> str:
    """Return what a difference to the baseline means, claiming no more than was seen."""
    interval, count = difference.interval, difference.interval.count
    if difference.is_identical:
        return f"the same in all {count} {word}"
    if difference.p is None or difference.adjusted_p is None or difference.detectable is None:
        return f"{measure.number(interval.mean, sign=True)} in every one of {count} {word}: no spread to judge it by"
    if difference.adjusted_p < LEVEL:
        is_gain = (interval.mean > 0) == measure.higher_is_better
        return f"{'better' if is_gain else 'worse'} by {_size(interval.mean, measure)}"
    corrected = f" after correcting for {difference.comparisons} comparisons" if difference.p < LEVEL else ""
    missed = f"{count} {word} would have shown one above {measure.amount(difference.detectable)}"
    return f"no difference detected{corrected}; {missed}"


def _size(value: float, measure: Measure) -> str:
    return measure.number(abs(value)) + (" points" if measure.is_fraction else "")
