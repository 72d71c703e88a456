"""A sweep's trials as its pictures need them: axes from the space, values as numbers and texts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from hornbook.display.front import FrontChart, FrontPoint
from hornbook.display.trials import Axis, Trial, TrialChart
from hornbook.recipes.sections.sweep import PARAMETERS, Range, Sweep
from hornbook.runs.sweeps import TrialRow
from hornbook.sweep.report.table import figures_text, value_text

__all__ = ["chart_of", "front_charts"]


LEAST_RATIO = 10  # of the highest value to the lowest, from which on an objective's axis is logarithmic


def chart_of(
    sweep: Sweep, rows: Sequence[TrialRow], *, objective: str, direction: str, best: TrialRow | None
) -> TrialChart:
    """Return the chart of the trials that have a finite score.

    Args:
        sweep: The space.
        rows: Trials.
        objective: The only one, or the one of several that is shown.
        direction: ``min`` or ``max`` of the objective.
        best: The winner.
    """
    axes = {key: _axis(key, entry) for key, entry in sweep.space.items()}
    trials = []
    for row in rows:
        figures = row.outcome.of([objective]) if row.outcome is not None else None
        score = figures[objective] if figures is not None else math.nan
        if math.isfinite(score):
            values = {key: _value(axes[key], value) for key, value in row.proposal.values.items() if key in axes}
            trials.append(Trial(row.proposal.trial + 1, values, score))
    number = best.proposal.trial + 1 if best is not None else None
    prefix = "" if len(sweep.objectives) == 1 else f"{objective}-"
    return TrialChart(tuple(axes.values()), objective, tuple(trials), number, direction == "max", prefix)


def front_charts(
    rows: Sequence[TrialRow], front: Sequence[TrialRow], directions: Mapping[str, str], best: TrialRow | None
) -> Iterator[FrontChart]:
    """Yield a picture for each pair of objectives, the earlier one upwards; steps only where there are no others."""
    reached = [(row, figures) for row in rows if row.outcome is not None and (figures := row.outcome.of(directions))]
    reached = [(row, figures) for row, figures in reached if all(map(math.isfinite, figures.values()))]
    axes = {}
    for name in directions:
        values = [figures[name] for _, figures in reached]
        low, high = min(values), max(values)
        axes[name] = Axis(name, low, high, is_log=low > 0 and high / low >= LEAST_RATIO, is_whole=name == PARAMETERS)
    for up, along in combinations(directions, 2):
        points = [
            FrontPoint(
                row.proposal.trial + 1,
                figures[along],
                figures[up],
                f"trial {row.proposal.trial + 1}: {figures_text(figures)}",
                is_front=any(row is one for one in front),
                is_best=row is best,
            )
            for row, figures in reached
        ]
        higher = directions[along] == "max", directions[up] == "max"
        yield FrontChart(axes[along], axes[up], points, steps=len(directions) == 2, higher=higher)


def _axis(key: str, entry: Any) -> Axis:
    if not isinstance(entry, Range):
        return Axis(key, choices=tuple(value_text(choice) for choice in entry.choices))
    is_whole = isinstance(entry.min, int) and isinstance(entry.max, int)
    return Axis(key, float(entry.min), float(entry.max), is_log=entry.sampling == "log", is_whole=is_whole)


def _value(axis: Axis, value: Any) -> float | str:
    return value_text(value) if axis.choices else value
