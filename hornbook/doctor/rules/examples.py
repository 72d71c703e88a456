"""What the examples are to blame for."""

import math
from collections.abc import Iterator
from typing import Literal

from hornbook.data.targets.leaks import is_leak
from hornbook.doctor.case import Case
from hornbook.doctor.finding import Finding
from hornbook.recipes.language.text import to_flow
from hornbook.recipes.sources.table import Table
from hornbook.recipes.thresholds import UNBALANCED

__all__ = ["RULES"]

SHARED = 0.05
NEAR = 0.2
"""Rows that lie as good as on a training row, from which on they are no chance."""
CONTRADICTING = 0.05


def contradicting_labels(case: Case) -> Iterator[Finding]:
    """The same inputs with different targets, or targets that no neighbour shares."""
    examples = case.examples
    if examples is None:
        return
    if examples.contradicting > CONTRADICTING and not case.is_regression:
        evidence = f"{examples.contradicting:.0%} of the training rows stand there again with another target"
        yield Finding(
            "wrong_labels", "issue", 0.93, evidence, advice="Look at these rows: which of the targets is right?"
        )
        return
    skill, validated = examples.nearest, case.explained("val_")
    if skill is None or validated is None or case.train_size < 200:
        return
    if skill < 0.05 and validated < 0.05:
        evidence = (
            f"neither the nearest other example (skill {skill:.2f}, 0 is chance) nor the network on the "
            "validation split "
            f"({max(validated, -9.99):.2f}) tells the target"
        )
        yield Finding(
            "wrong_labels",
            "issue",
            0.8,
            evidence,
            advice="Check that targets belong to their rows: a shuffled or shifted column?",
        )


def shared_examples(case: Case) -> Iterator[Finding]:
    """Validation or test examples that were trained on."""
    examples = case.examples
    if examples is None or examples.distinct < 50 or examples.bits < 2 * math.log2(examples.distinct):
        return  # so few different values that rows are equal by chance
    worst = max(examples.shared.items(), key=lambda item: item[1], default=("", 0.0))
    if worst[1] > SHARED:
        evidence = (
            f"{worst[1]:.0%} of the {worst[0]} split's rows stand in the training split too, so its figures flatter"
        )
        yield Finding(
            "duplicates_between_splits", "issue", 0.92, evidence, advice="Remove repeated rows before the split."
        )
        return
    split, share = max(examples.near.items(), key=lambda item: item[1], default=("", 0.0))
    if share > NEAR:
        evidence = (
            f"{share:.0%} of the {split} split's rows are nearly those of the training split, with the same target"
        )
        yield Finding(
            "duplicates_between_splits", "issue", 0.85, evidence,
            advice="Are they copies of one another? Then keep them in one split: 'method: group'.",
        )  # fmt: skip


def leaking_column(case: Case) -> Iterator[Finding]:
    """One column that tells the target almost by itself, far better than any other."""
    examples = case.examples
    if examples is None or examples.leak is None or len(examples.column_deviations) < 2:
        return
    name, best, following = examples.leak
    if is_leak(best, following):
        evidence = (
            f"column '{name}' alone tells the target (skill {best:.3f} of 1, the next best column {following:.3f})"
        )
        data = case.recipe.data
        can_drop = isinstance(data, Table) and data.columns is None
        change = (f"data.drop={to_flow([*(getattr(data, 'drop', None) or ()), name])}",) if can_drop else ()
        yield Finding(
            "label_leak", "issue", 0.9, evidence, change,
            "Is it known before the target is? If not, leave it out.",
        )  # fmt: skip


def rare_classes(case: Case) -> Iterator[Finding]:
    """A rare class without weights, judged by accuracy."""
    shares = [share for share in case.class_shares if share > 0]
    if len(shares) < 2:
        return
    if max(shares) / min(shares) < UNBALANCED:
        return
    names = {metric.name for metric in case.recipe.training.metrics or ()}
    only_accuracy = names <= {"accuracy", "top_k_accuracy"}
    weighted = case.recipe.training.class_weights is not None
    accuracy = [row.get("val_accuracy", row.get("accuracy")) for row in case.history[-1:]]
    near = bool(accuracy) and accuracy[0] is not None and accuracy[0] < case.majority + 0.5 * (1 - case.majority)
    said = f"the rarest class has {min(shares):.1%} of the training examples"
    if accuracy and accuracy[0] is not None:
        said += f"; accuracy {accuracy[0]:.3f}, always naming the largest class gives {case.majority:.3f}"
    if not weighted:
        severity: Literal["issue", "tip"] = "issue" if near or only_accuracy else "tip"
        yield Finding("class_imbalance", severity, 0.88 if near else 0.7, said, ("training.class_weights=balanced",))
    if only_accuracy:
        metrics = "training.metrics=[accuracy, auc]"
        yield Finding(
            "wrong_metric",
            "issue",
            0.72 if weighted else 0.6,
            f"{said}, and accuracy is all that is recorded",
            (metrics,),
        )


RULES = (contradicting_labels, shared_examples, leaking_column, rare_classes)
