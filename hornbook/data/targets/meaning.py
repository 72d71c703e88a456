"""What a source's labels mean: the task, the classes by name and number, the heads; and what a split is stratified by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from hornbook.data.canonical import canonical_inputs
from hornbook.data.facts import Feature, HeadInfo, Task
from hornbook.data.source import Array, Source, Split
from hornbook.data.targets.classes import new_numbers
from hornbook.data.targets.copies import copies_of_target
from hornbook.data.targets.heads import encode_heads
from hornbook.data.targets.labels import Targets, encode_targets, final_task
from hornbook.errors import DataError
from hornbook.recipes.sections.heads import Heads
from hornbook.recipes.sources.common import DataSpec

__all__ = ["Labels", "check_class_keys", "copies", "encoded_labels"]


@dataclass(frozen=True)
class Labels:
    """What the labels mean."""

    task: Task
    class_names: tuple[str, ...] | None
    target_names: tuple[str, ...] | None
    heads: tuple[HeadInfo, ...] = ()
    stratifies_by: str | None = None


def encoded_labels(
    source: Source, spec: DataSpec, task: str | None, heads: Heads | None, memory_budget: int | None
) -> tuple[Targets, Array | None, Labels, Array | None]:
    """Return the encoded targets, new numbers of classes where some are chosen, what labels mean, and what stratifies."""
    if heads:
        hint = cast("Task | None", spec.task_hint)
        columns = getattr(spec, "types", None)
        several = encode_heads(source, heads, numbers=columns, hint=hint)
        encoded = canonical_inputs(several.source, memory_budget=memory_budget)
        if several.labels is None and spec.effective_split().method == "stratified":
            raise DataError(
                "data.split.method: stratified keeps the mix of the classes of one target, and of these heads none predicts "
                "classes, or several predict different ones. Use 'random'."
            )
        targets = Targets("several", encoded, None, several.warnings)
        check_class_keys(targets, spec)
        return targets, None, Labels("several", None, None, several.heads, several.stratifies_by), several.labels
    if isinstance(source.y, Mapping):
        listed = ", ".join(map(str, source.y))
        raise DataError(
            f"the targets have names ({listed}), and the recipe has one head. Name heads for them in 'heads'."
        )
    targets = encode_targets(
        canonical_inputs(source, memory_budget=memory_budget), cast("Task | None", task or spec.task_hint)
    )
    check_class_keys(targets, spec)
    mapping, class_names = None, targets.class_names
    if class_names is not None and targets.family == "classes":
        mapping, class_names = new_numbers(class_names, spec.classes, spec.relabel)
    final = final_task(targets.family, class_names, cast("Task | None", task))
    numbers = targets.source.y if targets.family == "classes" else None
    return targets, mapping, Labels(final, class_names, source.target_names), numbers


def check_class_keys(targets: Targets, spec: DataSpec) -> None:
    """Raise a DataError if the section chooses classes and the targets are none."""
    for key in ("classes", "relabel"):
        if targets.family != "classes" and getattr(spec, key) is not None:
            raise DataError(
                f"data.{key}: the task is {targets.family}, which has no classes. Remove it, or set 'task: multiclass'."
            )


def copies(train: Split, features: tuple[Feature, ...] | None, labels: Labels) -> tuple[str, ...]:
    """Return a warning for each column that is a target in other words."""
    if not labels.heads:
        return copies_of_target(train, features, has_classes=labels.task != "regression")
    said = [
        copies_of_target(train.of_head(head), features, has_classes=head.task != "regression") for head in labels.heads
    ]
    return tuple(dict.fromkeys(text for texts in said for text in texts))
