"""What a range test prints and writes: plot, table of rules, band over seeds, and the command to train with it."""

import shlex
from collections.abc import Sequence
from typing import Any

from hornbook.display.text import indented
from hornbook.trainer.lr_find.plot import MARKS, text_plot
from hornbook.trainer.lr_find.suggest import RULES, Search

__all__ = ["as_json", "lines", "note"]


def as_json(search: Search) -> dict[str, Any]:
    """Return everything as JSON's types."""
    curves = [
        {
            "seed": curve.seed,
            "rates": curve.rates.tolist(),
            "losses": curve.losses.tolist(),
            "smoothed": curve.smoothed.tolist(),
            "diverged": bool(curve.diverged),
            "rules": dict(verdict.values),
            "suggestion": verdict.rate,
            "reasons": list(verdict.reasons),
        }
        for curve, verdict in zip(search.curves, search.verdicts, strict=True)
    ]
    band = list(search.band) if search.band is not None else None
    return {
        "suggestion": search.rate,
        "band": band,
        "reasons": list(search.reasons),
        "left_out": list(search.left_out),
        "curves": curves,
    }


def lines(search: Search, arguments: Sequence[str] = ()) -> list[str]:
    """Return what the command prints, in lines of at most 80 characters.

    Args:
        search: What was found.
        arguments: Those of `hornbook train` for the same recipe.
    """
    heads = [f"{MARKS[name]} {name}" for name in RULES]
    found = [*text_plot(search), "", f"{'seed':>10}" + "".join(f"{head:>16}" for head in heads) + f"{'suggestion':>16}"]
    for curve, verdict in zip(search.curves, search.verdicts, strict=True):
        cells = [f"{verdict.values[name]:.2g}" if name in verdict.values else "-" for name in RULES]
        cells.append(f"{verdict.rate:.2g}" if verdict.rate is not None else "-")
        found.append(f"{curve.seed:>10}" + "".join(f"{cell:>16}" for cell in cells))
    return [*found, "", *_verdict(search, arguments)]


def _verdict(search: Search, arguments: Sequence[str]) -> list[str]:
    if search.rate is None:
        reasons = [indented("" if index else "why", text) for index, text in enumerate(search.reasons)]
        return [f"{'found':<8}nothing: the range test is inconclusive", *(line for part in reasons for line in part)]
    found = [f"{'found':<8}{search.rate:g}{_band(search)}"]
    found += [line for text in search.left_out for line in indented("without", text)]
    if arguments:
        command = shlex.join(["hornbook", "train", *arguments, f"optimizer.learning_rate={search.rate:g}"])
        found.append(f"{'next':<8}{command}")
    return found


def _band(search: Search) -> str:
    if search.band is None or len(search.curves) == 1:
        return ""
    low, high = search.band
    seeds = f"{len(search.curves) - len(search.left_out)} of " if search.left_out else ""
    return f" (▲; {seeds}{len(search.curves)} seeds: {low:.2g} to {high:.2g})"


def note(search: Search) -> str:
    """Return the sentence that a run says about a rate that it had found."""
    rules = next(verdict for verdict in search.verdicts if verdict.rate is not None).values
    listed = ", ".join(f"{name} {rate:.2g}" for name, rate in rules.items())
    without = f"; without {', '.join(search.left_out)}" if search.left_out else ""
    return f"optimizer.learning_rate: {search.rate:g} found by a range test ({listed}{without})"
