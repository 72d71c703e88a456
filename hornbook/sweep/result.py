"""How a sweep ended."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hornbook.display.intervals import Interval

__all__ = ["SweepResult"]


@dataclass(frozen=True)
class SweepResult:
    """How a sweep ended.

    Attributes:
        folder: The sweep's folder.
        state: ``finished`` or ``interrupted``.
        stop_reason: Why no more trials were begun.
        trials: Trials that ended.
        best: Values of the winner; empty without one.
        score: The winner's objective, by which it was selected.
        confirmed: {figure: mean and interval} of the winner with fresh seeds.
        exit_code: What the command ends with.
    """

    folder: Path
    state: str
    stop_reason: str
    trials: int
    best: dict[str, Any] = field(default_factory=dict)
    score: float | None = None
    confirmed: dict[str, Interval] = field(default_factory=dict)
    exit_code: int = 0
