"""From a run's folder to its findings, the likeliest first."""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hornbook.data import Splits, load_data
from hornbook.doctor.case import Case
from hornbook.doctor.finding import Finding
from hornbook.doctor.heads import cases_of_heads, of_heads
from hornbook.doctor.rules import examples, fit, layers, outputs, rate
from hornbook.errors import HornbookError
from hornbook.recipes.faults import FAULTS
from hornbook.recipes.load import load_recipe
from hornbook.runs import find_run
from hornbook.runs.directory import Run, is_pretraining

__all__ = ["Diagnosis", "diagnose", "findings_of"]

MOST_SAID = 2
"""Issues that are named when a run ends, if their confidence is above `SURE`: a short run may be meant to be short."""
SURE = 0.86
RULES = tuple(rule for module in (examples, outputs, layers, rate, fit) for rule in module.RULES)

SLOW = ("lr_too_low", "too_few_epochs", "plateau", "underfitting_capacity")
STUCK = ("plateau", "underfitting_capacity", "dying_relu", "saturated", "vanishing_gradient")
CAUSES: dict[str, tuple[str, ...]] = {
    "wrong_labels": ("overfitting", "missing_regularization", *SLOW),
    "wrong_loss": ("lr_too_high", "target_scale", *SLOW, *STUCK),
    "wrong_head_activation": ("lr_too_high", "target_scale", *SLOW, *STUCK),
    "not_normalized_inputs": ("lr_too_high", "exploding_gradient", "diverged", "target_scale", *SLOW, *STUCK),
    "bad_initializer": ("lr_too_high", "exploding_gradient", "diverged", *SLOW, *STUCK),
    "exploding_gradient": ("lr_too_high", "diverged", *SLOW, *STUCK),
    "wrong_activation_hidden": ("lr_too_high", "underfitting_capacity", "plateau", "too_few_epochs"),
    "too_much_regularization": ("lr_too_high", *SLOW, *STUCK),
    "too_much_dropout": ("lr_too_high", *SLOW, *STUCK),
    "frozen_too_much": SLOW,
    "wrong_optimizer": ("lr_too_high", *SLOW),
    "schedule": SLOW,
    "clipping": SLOW,
    "batch_size": SLOW,
    "lr_too_high": (
        "diverged",
        "too_few_epochs",
        "clipping",
        "plateau",
        "underfitting_capacity",
        "dying_relu",
        "saturated",
    ),
    "vanishing_gradient": ("saturated", "lr_too_low", "plateau", "underfitting_capacity"),
    "batch_norm_mismatch": ("overfitting", "missing_regularization"),
    "target_scale": SLOW,
}
"""What may follow from a fault: as long as that is there, its consequences are not what to change first."""


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a run, as far as it can be known.

    Attributes:
        run: The run's folder.
        findings: The likeliest first, issues before tips.
        unknown: What could not be looked at, and why.
    """

    run: Path
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]


def findings_of(case: Case) -> list[Finding]:
    """Return what the rules find, the likeliest first, issues before tips; one finding for each fault."""
    best: dict[str, Finding] = {}
    for rule in RULES:
        for finding in rule(case):
            known = best.get(finding.fault)
            if known is None or known.confidence < finding.confidence:
                best[finding.fault] = finding
    for cause, effects in CAUSES.items():
        found = best.get(cause)
        if found is None or found.severity != "issue":
            continue
        for effect in effects:
            follows = best.get(effect)
            if follows is not None and follows.severity == "issue":
                confidence = min(follows.confidence, 0.8 * found.confidence)
                best[effect] = replace(follows, severity="tip", confidence=confidence, follows_from=found.code)
    return _likeliest_first(best.values())


def _likeliest_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (finding.severity != "issue", -finding.confidence))


def diagnose(name: str | Path, *, mute: Collection[str] = (), with_data: bool = True) -> Diagnosis:
    """Return what is wrong with a run.

    Args:
        name: The run.
        mute: Codes of findings to leave out.
        with_data: Whether to read the data again, which tells more.

    Raises:
        UsageError: If there is no such run.
        RunError: If its files are damaged.
    """
    run = find_run(name)
    case, splits, unknown = _read(run, with_data=with_data)
    if case.recipe.heads is None:
        findings = findings_of(_looked_at(case, splits))
    else:
        cases = cases_of_heads(case)
        parts = {head: None if splits is None else splits.of_head(head) for head in cases}
        found = {head: findings_of(_looked_at(own, parts[head])) for head, own in cases.items()}
        findings = _likeliest_first(of_heads(found))
    muted = {*mute, *case.recipe.mute}
    kept = [finding for finding in findings if finding.code not in muted]
    return Diagnosis(run.path, tuple(kept), (*unknown, *_gaps(case)))


def _read(run: Run, *, with_data: bool) -> tuple[Case, Splits | None, list[str]]:
    """Return what is known of a run, its examples where they are asked for, and a sentence where they cannot be read."""
    recipe = load_recipe(run.recipe_path, for_training=False, of_run=True)
    history = [row for row in run.history if not is_pretraining(row)]
    case = Case(recipe, run.data, history, run.health, run.result)
    if not with_data:
        return case, None, []
    try:
        return case, load_data(recipe, for_training=False).splits, []
    except HornbookError as error:
        return case, None, [f"the data cannot be read again: {error}"]


def _looked_at(case: Case, splits: Splits | None) -> Case:
    if splits is None:
        return case
    from hornbook.doctor.examples import look_at  # SciPy and scikit-learn: half a second

    return replace(case, examples=look_at(splits))


def _gaps(case: Case) -> Iterator[str]:
    if not case.health:
        yield "the layers were not recorded (health: off, or a run of an earlier version)"
    if case.is_tiny:
        yield f"{case.train_size} training examples say nothing about rates, inputs and batches"
    if not case.history:
        yield "no epoch has ended, so there are no curves"
    elif len(case.history) == 1:
        yield "one epoch says little about where the curves go"
    if case.history and not case.validation_losses:
        yield "without a validation split nobody can see whether it learns by heart"


def short_lines(name: str | Path) -> list[str]:
    """Return the issues of a run that has just ended as lines, without reading its data again; none where it is healthy."""
    try:
        found = diagnose(name, with_data=False).findings
        issues = [finding for finding in found if finding.severity == "issue" and finding.confidence > SURE]
    except HornbookError:
        return []
    lines = [f"{'':<8}{finding.code}: {FAULTS[finding.fault]}" for finding in issues[:MOST_SAID]]
    lines[:1] = [f"{'doctor':<8}{line[8:]}" for line in lines[:1]]
    return [*lines, f"{'':<8}hornbook doctor {os.path.relpath(name)}"] if lines else []


def record(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """Return the findings as JSON's types."""
    return [finding.record() for finding in diagnosis.findings]
