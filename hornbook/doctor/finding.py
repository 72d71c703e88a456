"""A finding: what is wrong with a run, how that shows, and one change to try."""

from dataclasses import dataclass
from typing import Any, Literal

from hornbook.recipes.faults import code_of

__all__ = ["Finding"]


@dataclass(frozen=True)
class Finding:
    """Something to change in a run.

    Attributes:
        fault: One of `hornbook.recipes.faults.FAULTS`.
        severity: ``issue`` where results suffer; ``tip`` where nothing has to be done.
        confidence: From 0 to 1: how likely it is the first thing to change.
        evidence: What shows it, in numbers, with layer and epoch.
        overrides: One change to try, as overrides of the recipe; empty where the recipe is not what must change.
        follows_from: Code of another finding that this one is probably a consequence of; empty where it stands by itself.
        advice: The same in words, where overrides cannot say it.
        head: Which of several heads it is of; None where it is of all, or there is one.
    """

    fault: str
    severity: Literal["issue", "tip"]
    confidence: float
    evidence: str
    overrides: tuple[str, ...] = ()
    advice: str = ""
    follows_from: str = ""
    head: str | None = None

    @property
    def code(self) -> str:
        """The stable name by which a finding is muted."""
        return code_of(self.fault)

    def record(self) -> dict[str, Any]:
        """Return the finding as JSON's types."""
        record = {
            "code": self.code,
            "fault": self.fault,
            "severity": self.severity,
            "confidence": round(self.confidence, 3),
            "evidence": self.evidence,
            "overrides": list(self.overrides),
        }
        more = {"advice": self.advice, "follows_from": self.follows_from}
        return record | {key: text for key, text in more.items() if text}
