"""What a smaller model gained and cost, in words: for the log of its run, its page and its card."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["gains", "some"]

SHOWN = 3


def gains(record: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    """Yield (what, text) of a record of `shrink.json`: sizes, numbers, units, times of a call, what was lost.

    Args:
        record: As the run has it; nothing comes of None, and of a run that has not reached its end.
    """
    if record is None or not record["size"]:
        return
    before, after = record["size"]["before"], record["size"]["after"]
    zeros = f", {after['zeros'] / max(after['parameters'], 1):.1%} of them zero" if after["zeros"] else ""
    yield "file", _change(before["file"], after["file"], " bytes")
    yield "packed", _change(before["compressed"], after["compressed"], " bytes with gzip")
    yield "numbers", f"{_change(before['parameters'], after['parameters'])}{zeros}"
    if record["units"]:
        yield "units", some([f"{count} of {name}" for name, count in record["units"].items()]) + " removed"
    for row in record["latency"]:
        what = "alone" if row["batch"] == 1 else f"{row['batch']} rows"
        old, new = row["before"], row["after"]
        yield (
            what,
            f"p50 {old['p50_ms']:.3f} to {new['p50_ms']:.3f} ms, p95 {old['p95_ms']:.3f} to {new['p95_ms']:.3f} ms",
        )
    for split, row in record["metric"].items():
        half = f" ± {row['half']:.2f}" if row["half"] is not None else ""
        text = f"{row['metric']} {row['before']:.2f} to {row['after']:.2f}: lost {row['lost']:.2f}{half} points"
        yield split, f"{text}, n = {row['examples']:,}"


def some(items: list[str]) -> str:
    """Return the first of some items in a line, and how many more there are."""
    more = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _change(before: int, after: int, unit: str = "") -> str:
    """Return two numbers, and how many times smaller the second one is."""
    times = f", {before / after:.1f} × smaller" if 0 < after < 0.95 * before else ""
    return f"{before:,} to {after:,}{unit}{times}"
