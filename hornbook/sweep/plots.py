"""A sweep's trials as its pictures need them: axes from the space, values as numbers and texts."""

import math
from collections.abc import Sequence
from typing import Any

from hornbook.display.trials import Axis, Trial, TrialChart
from hornbook.recipes.sections.sweep import Range, Sweep
from hornbook.runs.sweeps import TrialRow
from hornbook.sweep.table import value_text

__all__ = ["chart_of"]


def chart_of(sweep: Sweep, rows: Sequence[TrialRow], *, direction: str, best: TrialRow | None) -> TrialChart:
    """Return the chart of the trials that have a finite score.

    Args:
        sweep: The space and the objective.
        rows: Trials.
        direction: ``min`` or ``max`` of the objective.
        best: The winner.
    """
    axes = {key: _axis(key, entry) for key, entry in sweep.space.items()}
    trials = []
    for row in rows:
        score = row.outcome.score if row.outcome is not None else None
        if score is not None and math.isfinite(score):
            values = {key: _value(axes[key], value) for key, value in row.proposal.values.items() if key in axes}
            trials.append(Trial(row.proposal.trial + 1, values, score))
    number = best.proposal.trial + 1 if best is not None else None
    return TrialChart(tuple(axes.values()), sweep.objective, tuple(trials), number, direction == "max")


def _axis(key: str, entry: Any) -> Axis:
    if not isinstance(entry, Range):
        return Axis(key, choices=tuple(value_text(choice) for choice in entry.choices))
    is_whole = isinstance(entry.min, int) and isinstance(entry.max, int)
    return Axis(key, float(entry.min), float(entry.max), is_log=entry.sampling == "log", is_whole=is_whole)


def _value(axis: Axis, value: Any) -> float | str:
    return value_text(value) if axis.choices else value
