"""What a run that makes a model smaller says: what was folded when it begins, and what it gained and cost at its end."""

from collections.abc import Iterator, Mapping
from typing import Any

from hornbook.display.text import hanging
from hornbook.shrinking.stages import Shrinking

__all__ = ["end_lines", "start_lines"]

LABEL = 8
INNER = 12
SHOWN = 3


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
        yield "folded", f"{_some(parts)}; off by {record['difference']:.0e} at most"
    for name, why in record["kept"].items():
        yield "stays", f"{name}: {why}"
    if record["removed"]:
        yield "removed", _some(record["removed"]) + (", after fine-tuning" if is_tuned else "")


def _some(items: list[str]) -> str:
    more = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def end_lines(record: Mapping[str, Any] | None) -> list[str]:
    """Return what was gained and what it cost."""
    if record is None:
        return []
    before, after = record["size"]["before"], record["size"]["after"]
    lines = _labelled("shrink", "file", _change(before["file"], after["file"], " bytes"))
    lines += _labelled("", "packed", _change(before["compressed"], after["compressed"], " bytes with gzip"))
    zeros = f", {after['zeros'] / max(after['parameters'], 1):.1%} of them zero" if after["zeros"] else ""
    lines += _labelled("", "numbers", f"{_change(before['parameters'], after['parameters'])}{zeros}")
    if record["units"]:
        lines += _labelled(
            "", "units", _some([f"{count} of {name}" for name, count in record["units"].items()]) + " removed"
        )
    for row in record["latency"]:
        what = "alone" if row["batch"] == 1 else f"{row['batch']} rows"
        old, new = row["before"], row["after"]
        text = f"p50 {old['p50_ms']:.3f} to {new['p50_ms']:.3f} ms, p95 {old['p95_ms']:.3f} to {new['p95_ms']:.3f} ms"
        lines += _labelled("", what, text)
    for split, row in record["metric"].items():
        half = f" ± {row['half']:.2f}" if row["half"] is not None else ""
        text = f"{row['metric']} {row['before']:.2f} to {row['after']:.2f}: lost {row['lost']:.2f}{half} points"
        lines += _labelled("", split, f"{text}, n = {row['examples']:,}")
    return lines


def _change(before: int, after: int, unit: str = "") -> str:
    """Return two numbers, and how many times smaller the second one is."""
    times = f", {before / after:.1f} × smaller" if 0 < after < 0.95 * before else ""
    return f"{before:,} to {after:,}{unit}{times}"
