"""What a study compares: a metric with its direction and unit, and a target to reach. No TensorFlow."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hornbook.display.condition import Condition
from hornbook.display.intervals import Interval
from hornbook.errors import UsageError
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.losses import keys_of_other_losses, other_figure
from hornbook.recipes.recipe import Recipe

__all__ = ["Measure", "Target", "measure_of", "parse_target"]

FRACTIONS = {"accuracy", "top_k_accuracy", "auc", "precision", "recall", "f1_score"}
"""Metrics between 0 and 1, which are shown in percent and compared in points."""


@dataclass(frozen=True)
class Measure:
    """A metric of the final weights.

    Attributes:
        name: ``val_accuracy``, ``test_loss`` …
        higher_is_better: Its direction.
    """

    name: str
    higher_is_better: bool

    @property
    def is_fraction(self) -> bool:
        """Whether it is shown in percent."""
        return self.name.partition("_")[2] in FRACTIONS

    @property
    def factor(self) -> int:
        """What values are multiplied with to be shown."""
        return 100 if self.is_fraction else 1

    def number(self, value: float, *, sign: bool = False) -> str:
        """Return a value or difference as text: two decimals of a percentage, four of anything else."""
        digits = 2 if self.is_fraction else 4
        text = f"{value * self.factor:{'+' if sign else ''}.{digits}f}"
        return text if len(text) < 10 else f"{value * self.factor:{'+' if sign else ''}.3g}"

    def interval(self, interval: Interval, *, sign: bool = False) -> str:
        """Return ``97.22 ± 0.41``; without its half where it has one value only."""
        half = f" ± {self.number(interval.half)}" if math.isfinite(interval.half) else ""
        return self.number(interval.mean, sign=sign) + half

    def amount(self, value: float) -> str:
        """Return a size as sentences have it: ``0.6 points``, or a plain number; two digits, rounded up."""
        size = abs(value) * self.factor
        if size > 0:
            step = 10.0 ** (math.floor(math.log10(size)) - 1)
            size = math.ceil(size / step - 1e-9) * step
        return f"{size:.3g} point{'' if size == 1 else 's'}" if self.is_fraction else f"{size:.3g}"


@dataclass(frozen=True)
class Target:
    """A value of the history that a run should reach.

    Attributes:
        name: A column of the history, ``val_accuracy``.
        bound: The value.
        higher_is_better: Whether to reach it from below.
    """

    name: str
    bound: float
    higher_is_better: bool

    def __str__(self) -> str:
        return f"{self.name}{'>=' if self.higher_is_better else '<='}{self.bound:.4g}"

    def reached(self, history: Sequence[Mapping[str, Any]]) -> tuple[int, float] | None:
        """Return (epochs, training seconds) until the target was reached; None where it never was."""
        seconds = 0.0
        for count, row in enumerate(history, start=1):
            seconds += float(row.get("train_seconds") or 0.0)
            value = row.get(self.name)
            if value is not None and (value >= self.bound if self.higher_is_better else value <= self.bound):
                return count, seconds
        return None


def measure_of(recipes: Sequence[Recipe], name: str | None, *, prefer: str = "val") -> Measure:
    """Return what to compare resolved recipes by.

    Args:
        recipes: One per cell, the baseline first.
        name: ``val_`` or ``test_`` with something every cell records; None takes the baseline's first metric on the
            preferred split.
        prefer: ``val`` or ``test``.

    Raises:
        UsageError: If a cell does not record it, or records something else under its name: a loss that is made differently.
    """
    recorded = [_recorded(recipe) for recipe in recipes]
    if name is None:
        metrics = recipes[0].training.metrics
        first = metrics[0].recorded if metrics else "loss"
        name = f"{prefer}_{first}" if f"{prefer}_{first}" in recorded[0] else f"test_{first}"
    known = sorted(set.intersection(*(set(names) for names in recorded)))
    if name not in known:
        raise UsageError(f"--metric {name}: not every cell records it. {did_you_mean(name, known, kind='metric')}")
    changed = keys_of_other_losses(name, recipes)
    if changed:
        other = other_figure(name, known, recipes)
        hint = f" Compare them by another figure: --metric {other}." if other is not None else ""
        raise UsageError(
            f"--metric {name}: cells differ in {', '.join(changed)}, and so in what {name} measures.{hint}"
        )
    return Measure(name, recorded[0][name] == "max")


def _recorded(recipe: Recipe) -> dict[str, str]:
    """Return {name: direction} of what is known about the final weights of a run."""
    names = recorded_names(recipe, Facts.of(recipe)) or {"loss": "min"}
    plain = {name: mode for name, mode in names.items() if not name.startswith("val_")}
    return {name: mode for name, mode in names.items() if name.startswith("val_")} | {
        f"test_{name}": mode for name, mode in plain.items()
    }


def parse_target(text: str, recipes: Sequence[Recipe]) -> Target:
    """Return the target that ``val_accuracy>=0.95`` names.

    Raises:
        UsageError: If it cannot be read, is not recorded every epoch, or points the wrong way.
    """
    condition = Condition.parse(text)
    if condition is None or condition.relation not in (">=", "<="):
        raise UsageError(f"--target '{text}': expected something like 'val_accuracy>=0.95'.")
    name = condition.name
    recorded = [recorded_names(recipe, Facts.of(recipe)) or {} for recipe in recipes]
    known = sorted(set.intersection(*(set(names) for names in recorded)))
    if name not in known:
        raise UsageError(
            f"--target: '{name}' is not recorded in every epoch. {did_you_mean(name, known, kind='metric')}"
        )
    higher = recorded[0][name] == "max"
    if higher != (condition.relation == ">="):
        raise UsageError(
            f"--target '{text}': {name} gets better {'up' if higher else 'down'}wards, so write "
            f"{name}{'>=' if higher else '<='}{condition.written}."
        )
    return Target(name, condition.bound, higher)
