"""Several objectives: which trials no other beats in all of them, and which of those a rule names."""

import math
from collections.abc import Mapping, Sequence

from hornbook.display.condition import Condition
from hornbook.recipes.sections.sweep import KNEE, Sweep
from hornbook.runs.sweeps import TrialRow

__all__ = ["front", "is_beaten", "selected"]


def losses(row: TrialRow, directions: Mapping[str, str]) -> tuple[float, ...] | None:
    """Return what a trial reached in each objective, less being better; None where one of them is no finite number."""
    figures = row.outcome.of(directions) if row.outcome is not None else None
    if figures is None or not all(math.isfinite(value) for value in figures.values()):
        return None
    return tuple(-value if directions[name] == "max" else value for name, value in figures.items())


def is_beaten(one: Sequence[float], others: Sequence[Sequence[float]]) -> bool:
    """Return whether one of the others is nowhere worse and somewhere better; less is better."""
    return any(all(b <= a for a, b in zip(one, other, strict=True)) and tuple(other) != tuple(one) for other in others)


def front(rows: Sequence[TrialRow], directions: Mapping[str, str]) -> list[TrialRow]:
    """Return the trials that no other beats, the best by the first objective first; equal ones are all part of it."""
    known = [(row, one) for row in rows if (one := losses(row, directions)) is not None]
    everything = [one for _, one in known]
    found = [(one, row) for row, one in known if not is_beaten(one, everything)]
    return [row for _, row in sorted(found, key=lambda pair: (pair[0], pair[1].proposal.trial))]


def selected(rows: Sequence[TrialRow], sweep: Sweep, directions: Mapping[str, str]) -> TrialRow | None:
    """Return the trial of a front that `sweep.select` names; None where it names none.

    The knee is nearest to the point that has the best of each objective, every objective in shares of its range over the
    front. Of the trials that meet conditions it is the best by the first objective, which comes first in a front.
    """
    if sweep.select is None or not rows:
        return None
    if sweep.select == KNEE:
        points = [one for row in rows if (one := losses(row, directions)) is not None]
        ends = [(min(column), max(column)) for column in zip(*points, strict=True)]

        def distance(place: int) -> float:
            parts = [(value - low) / (high - low or 1) for value, (low, high) in zip(points[place], ends, strict=True)]
            return math.hypot(*parts)

        return rows[min(range(len(rows)), key=distance)]
    wanted = [condition for text in sweep.conditions if (condition := Condition.parse(text)) is not None]
    for row in rows:
        figures = row.outcome.of(directions) if row.outcome is not None else None
        if figures is not None and all(condition.holds(figures[condition.name]) for condition in wanted):
            return row
    return None
