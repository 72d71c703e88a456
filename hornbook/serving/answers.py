"""Outputs → answers: labels and probabilities by the names of classes, values by the names of targets."""

from typing import Any

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array
from hornbook.data.targets.labels import decided
from hornbook.serving.facts import Facts

__all__ = ["answers"]


def answers(scores: Array, facts: Facts, info: DataInfo) -> list[dict[str, Any]]:
    """Return an answer for each row of outputs (N, K); numbers are float32, which is written in few digits.

    A class: ``{"label": …, "probabilities": {class: …}}``; labels: ``{"labels": [those that apply], "probabilities":
    {label: …}}``; numbers: ``{"values": {target: …}}``. Outputs that are no probabilities are called scores, of two classes
    that of the second.
    """
    if info.task == "regression":
        return [{"values": dict(zip(facts.targets, row, strict=True))} for row in scores]
    names = info.class_names or tuple(map(str, range(info.num_classes)))
    found = decided(scores, info.task, facts.threshold if facts.threshold is not None else 0.5)
    what = "probabilities" if facts.has_probabilities else "scores"
    if info.task == "multilabel":
        return [
            {
                "labels": [name for name, is_it in zip(names, row, strict=True) if is_it],
                what: dict(zip(names, numbers, strict=True)),
            }
            for row, numbers in zip(found, scores, strict=True)
        ]
    shown = names
    if info.task == "binary":
        shown = (names[1],)
        if facts.has_probabilities:
            return [
                {"label": names[label], what: {names[0]: 1 - number, names[1]: number}}
                for label, number in zip(found, scores[:, 0], strict=True)
            ]
    return [
        {"label": names[label], what: dict(zip(shown, numbers, strict=True))}
        for label, numbers in zip(found, scores, strict=True)
    ]
