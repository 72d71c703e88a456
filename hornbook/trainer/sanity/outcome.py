"""What a check says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Outcome", "failed", "passed", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """What one check has found.

    Attributes:
        verdict: Whether what was measured is what theory says; `skip` where there is nothing to compare.
        reason: Why, in a sentence or two.
        figures: What was measured and expected, as plain numbers and text.
    """

    verdict: Literal["pass", "fail", "skip"]
    reason: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def passed(reason: str, **figures: Any) -> Outcome:
    """Return that a check is passed."""
    return Outcome("pass", reason, figures)


def failed(reason: str, **figures: Any) -> Outcome:
    """Return that a check is failed."""
    return Outcome("fail", reason, figures)


def skipped(reason: str, **figures: Any) -> Outcome:
    """Return that there is nothing to check, and why."""
    return Outcome("skip", reason, figures)
