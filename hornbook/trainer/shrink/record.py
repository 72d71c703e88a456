"""What a run that makes a model smaller says: what was folded when it begins, and what it gained and cost at its end."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from hornbook.display.shrunk import gains, some
from hornbook.display.text import hanging
from hornbook.shrinking.stages import Shrinking

__all__ = ["end_lines", "start_lines"]

LABEL = 8
INNER = 12


def start_lines(shrinking: Shrinking | None) -> list[str]:
    """Return what was done before fine-tuning, in lines of at most 80 columns; nothing where nothing is made smaller."""
    if shrinking is None:
        return []
    record = shrinking.record()
    lines = _labelled("shrink", "of", record["source"])
    for inner, text in _structure(record, is_tuned=shrinking.is_tuned):
        lines += _labelled("", inner, text)
    for note in shrinking.notes:
        lines += _labelled("", "note", note)
    return lines


def _labelled(label: str, inner: str, text: str) -> list[str]:
    return hanging(f"{label:<{LABEL}}{inner:<{INNER}}", text)


def _structure(record: Mapping[str, Any], *, is_tuned: bool) -> Iterator[tuple[str, str]]:
    """Yield (label, text) of what became of layers."""
    if record["folded"]:
        parts = [f"{name} into {', '.join(into)}" for name, into in record["folded"].items()]
        yield "folded", f"{some(parts)}; off by {record['difference']:.0e} at most"
    for name, why in record["kept"].items():
        yield "stays", f"{name}: {why}"
    if record["removed"]:
        yield "removed", some(record["removed"]) + (", after fine-tuning" if is_tuned else "")


def end_lines(record: Mapping[str, Any] | None) -> list[str]:
    """Return what was gained and what it cost."""
    labels = itertools.chain(["shrink"], itertools.repeat(""))
    return [
        line
        for label, (what, text) in zip(labels, gains(record), strict=False)
        for line in _labelled(label, what, text)
    ]
