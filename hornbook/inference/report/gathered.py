"""All that can be read of a run, for its page and its card; what cannot be read is said. TensorFlow has to be imported."""

import shlex
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hornbook.display.text import path_text
from hornbook.errors import HornbookError
from hornbook.inference.report.examination import Examination, examine
from hornbook.recipes.faults import FAULTS
from hornbook.runs.directory import Run, is_pretraining

__all__ = ["Finding", "Gathered", "class_means", "gather", "shown_finding"]

Finding = Mapping[str, Any]
"""What a check of a run has found: code, fault, severity, confidence, evidence, overrides, maybe advice."""


@dataclass(frozen=True)
class Gathered:
    """A run's files, and what its model does.

    Attributes:
        result, data, environment, reuse, shrink: As the run's files have them; empty, or None, where they cannot be read.
        history: Epochs of training.
        pretraining: How many epochs of pretraining came before.
        health: Measurements of the layers.
        importance: Which columns its predictions rest on; None where nobody has asked.
        recipe_text: The resolved recipe.
        seen: What the model does on a split; None where that cannot be computed.
        gaps: Sentences about what is not here.
    """

    result: dict[str, Any]
    data: dict[str, Any]
    environment: dict[str, Any]
    reuse: dict[str, Any] | None
    shrink: dict[str, Any] | None
    history: list[dict[str, Any]]
    pretraining: int
    health: list[dict[str, Any]]
    importance: dict[str, Any] | None
    recipe_text: str
    seen: Examination | None
    gaps: list[str]

    @property
    def best_epoch(self) -> int:
        """The best epoch, from 1; 0 where there is none."""
        return self.result.get("best_epoch") or 0


class _Reader:
    """Reads a run file by file; what cannot be read becomes a sentence instead of an error."""

    def __init__(self) -> None:
        self.gaps: list[str] = []

    def read(self, what: str, get: Callable[[], Any], instead: Any) -> Any:
        """Return what `get` returns, or `instead` with a sentence that `what` is not on the page."""
        try:
            return get()
        except (HornbookError, OSError) as error:
            self.gaps.append(f"{what}: {error}")
            return instead


def gather(run: Run, *, trust: bool = False) -> Gathered:
    """Return all that can be read of a run.

    Args:
        run: The run.
        trust: Whether code that the run's model holds may be run.
    """
    reader = _Reader()
    result = reader.read("Result", lambda: run.result, {"state": "unknown"})
    data = reader.read("Data", lambda: run.data, {})
    environment = reader.read("Environment", lambda: run.environment, {})
    history = reader.read("Learning curves", lambda: run.history, None)
    health = reader.read("Layers", lambda: run.health, None)
    seen = reader.read("Predictions", lambda: examine(run, trust=trust), None)
    importance = reader.read("Importance of columns", lambda: run.importance, None)
    recipe_text = reader.read("Recipe", lambda: run.recipe_text, "")
    reuse = reader.read("Reused layers", lambda: run.reuse, None)
    shrink = reader.read("Smaller model", lambda: run.shrink, None)
    gaps = [*_expected(history, health, result), *reader.gaps]
    trained = [row for row in history or [] if not is_pretraining(row)]
    return Gathered(
        result=result,
        data=data,
        environment=environment,
        reuse=reuse,
        shrink=shrink,
        history=trained,
        pretraining=len(history or []) - len(trained),
        health=health or [],
        importance=importance,
        recipe_text=recipe_text,
        seen=seen,
        gaps=gaps,
    )


def _expected(history: list[Any] | None, health: list[Any] | None, result: Mapping[str, Any]) -> list[str]:
    """Return sentences about what a whole run would have and this one has not; None is what cannot be read."""
    sentences = []
    state = result["state"]
    if state not in {"finished", "unknown"}:
        reason = (result.get("stop_reason") or "").removesuffix(".")
        sentences.append(f"This run is not finished: {state}{f' ({reason})' if reason else ''}.")
    if history == []:
        sentences.append("Learning curves: no epoch was completed.")
    if health == []:
        sentences.append("Layers: nothing was recorded (`health: off`, a trial of a sweep, or an earlier version).")
    return sentences


def shown_finding(run: Run, finding: Finding) -> dict[str, Any]:
    """Return a finding with what it says in words, and its overrides as a command."""
    command = ["hornbook", "train", "--config", path_text(run.recipe_path), *finding["overrides"]]
    words = {"what": FAULTS[finding["fault"]], "advice": finding.get("advice", "")}
    return {**finding, **words, "command": shlex.join(command) if finding["overrides"] else ""}


def class_means(examination: Examination | None) -> dict[str, float]:
    """Return the means over all classes of which the split holds examples."""
    known = [one for one in examination.classes if one.support] if examination is not None else []
    if len(known) < 2:
        return {}
    means = {key: statistics.fmean(getattr(one, key) for one in known) for key in ("precision", "recall", "f1")}
    for key in ("area", "average_precision"):
        values = [getattr(one, key) for one in known]
        means |= {key: statistics.fmean(values)} if None not in values else {}
    return means
