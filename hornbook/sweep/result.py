"""How a sweep ended."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hornbook.display.intervals import Interval

__all__ = ["Member", "SweepResult"]


@dataclass(frozen=True)
class Member:
    """A trial of the front of several objectives.

    Attributes:
        trial: Its number, from 1.
        values: Value of each key that is active.
        figures: What it reached in each objective.
        recipe: Its recipe, relative to the sweep's folder.
        confirmed: {figure: mean and interval} with fresh seeds; empty where it was not trained again.
        is_beaten: Whether by the confirmed means another member is nowhere worse and somewhere better.
    """

    trial: int
    values: dict[str, Any]
    figures: dict[str, float]
    recipe: str
    confirmed: dict[str, Interval] = field(default_factory=dict)
    is_beaten: bool = False


@dataclass(frozen=True)
class SweepResult:
    """How a sweep ended.

    Attributes:
        folder: The sweep's folder.
        state: ``finished`` or ``interrupted``.
        stop_reason: Why no more trials were begun.
        trials: Trials that ended.
        best: Values of the winner; empty without one.
        score: The winner's first objective, by which it was selected; None without a winner.
        confirmed: {figure: mean and interval} of the winner with fresh seeds.
        exit_code: What the command ends with.
        front: With several objectives the trials that no other beats, the best by the first objective first.
    """

    folder: Path
    state: str
    stop_reason: str
    trials: int
    best: dict[str, Any] = field(default_factory=dict)
    score: float | None = None
    confirmed: dict[str, Interval] = field(default_factory=dict)
    exit_code: int = 0
    front: tuple[Member, ...] = ()
