"""A run with several heads, as the doctor sees it: each head as the run of a recipe that has no other.

What is of a head alone (its targets, its loss, what it has learned by heart) is found for each. What heads share (layers,
rates, dropout) has to show in all of them: what one head does not learn while others do is rather that head's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hornbook.data.records import from_json, to_json
from hornbook.doctor.case import Case
from hornbook.doctor.finding import Finding

__all__ = ["cases_of_heads", "of_heads"]

OF_A_HEAD = frozenset(
    {
        "class_imbalance",
        "label_leak",
        "overfitting",
        "plateau",
        "target_scale",
        "wrong_head_activation",
        "wrong_labels",
        "wrong_loss",
        "wrong_metric",
    }
)
"""Faults that one head may have while the others have not."""
PLACES = {"head": "", "task": "task", "training.class_weights": "class_weights", "training.metrics": "metrics"}
"""Keys of a recipe with one head, and where they stand below that of one of several."""


def cases_of_heads(whole: Case) -> dict[str, Case]:
    """Return the case of each head by its name; not of those that learn nothing, since their loss has a weight of 0."""
    info, heads = from_json(whole.data), whole.recipe.heads or {}
    return {
        name: replace(
            whole,
            recipe=whole.recipe.of_head(name),
            data=to_json(info.of_head(name)),
            history=[_of_head(row, name, [*heads]) for row in whole.history],
            health=[{**row, "layers": _layers(row["layers"], name, [*heads])} for row in whole.health],
            has_own_loss=True,
        )
        for name, head in heads.items()
        if head.weight
    }


def _of_head(row: Mapping[str, Any], name: str, heads: Sequence[str]) -> dict[str, Any]:
    """Return an epoch's figures as those of a run with this head alone: `loss` for `price_loss`."""
    found = {}
    for key, value in row.items():
        split = "val_" if key.startswith("val_") else ""
        figure = key.removeprefix(split)
        owner = _owner(figure, heads)
        if owner == name:
            found[f"{split}{figure.removeprefix(f'{name}_')}"] = value
        elif owner is None and figure != "loss":
            found[key] = value
    return found


def _owner(figure: str, heads: Sequence[str]) -> str | None:
    """Return the head whose name a figure or a layer begins with, the longest where several do."""
    return max((head for head in heads if figure == head or figure.startswith(f"{head}_")), key=len, default=None)


def _layers(layers: Mapping[str, Any], name: str, heads: Sequence[str]) -> dict[str, Any]:
    """Return the figures of layers with those of this head at the end, by the names that the only head's have."""
    shared = {layer: figures for layer, figures in layers.items() if not layer.startswith("head_")}
    behind = {
        f"head{layer.removeprefix(f'head_{name}')}": figures
        for layer, figures in layers.items()
        if layer.startswith("head_") and _owner(layer.removeprefix("head_"), heads) == name
    }
    return {**shared, **behind}


def of_heads(found: Mapping[str, Sequence[Finding]]) -> Iterator[Finding]:
    """Yield the findings of a run, from those of each of its heads."""
    for name, findings in found.items():
        yield from (_placed(finding, name) for finding in findings if finding.fault in OF_A_HEAD)
    by_fault: dict[str, list[Finding]] = {}
    for findings in found.values():
        for finding in findings:
            by_fault.setdefault(finding.fault, []).append(finding)
    for fault, alike in by_fault.items():
        if fault not in OF_A_HEAD and len(alike) == len(found):
            yield min(alike, key=lambda finding: (finding.severity == "issue", finding.confidence))


def _placed(finding: Finding, name: str) -> Finding:
    """Return a finding as one of several heads has it."""
    overrides = tuple(_override(override, name) for override in finding.overrides)
    return replace(finding, evidence=f"head '{name}': {finding.evidence}", overrides=overrides, head=name)


def _override(override: str, name: str) -> str:
    key, sign, value = override.partition("=")
    for place, own in PLACES.items():
        if key == place or key.startswith(f"{place}."):
            parts = ("heads", name, own, key.removeprefix(place).lstrip("."))
            return f"{'.'.join(filter(None, parts))}{sign}{value}"
    return override
