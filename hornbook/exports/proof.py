"""Whether a written file predicts what the run's model predicts: the same rows through both, in the file's own runtime."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.data.source import Array

__all__ = ["TOLERANCES", "Proof", "compare"]

TOLERANCES = {"float32": 1e-5, "float16": 1e-2, "int8": 0.1}
"""How far outputs may lie apart, as a share of the largest one or of 1, whichever is more."""
AGREEMENT = {"float32": 0.999, "float16": 0.99, "int8": 0.98}
"""Share of rows that have to get the same label; a row whose outputs are nearly equal may fall to either side."""


@dataclass(frozen=True)
class Proof:
    """How a file compares with the run's model.

    Attributes:
        rows: How many were compared.
        difference: The largest one, as a share of the largest output or of 1.
        tolerance: What it may be.
        agreement: Share of rows with the same label; None for numbers.
        reason: Why the file is refused; empty where it is good.
    """

    rows: int
    difference: float
    tolerance: float
    agreement: float | None
    reason: str

    @property
    def is_exact(self) -> bool:
        """Whether not a bit differs."""
        return not self.reason and self.difference == 0

    def text(self) -> str:
        """Return what was found, as a short phrase."""
        if self.reason:
            return f"refused: {self.reason}"
        if self.is_exact:
            return f"exact on {self.rows:,} rows"
        same = "" if self.agreement is None else f", {self.agreement:.1%} of the labels the same"
        return f"off by {self.difference:.0e} at most on {self.rows:,} rows ({self.tolerance:.0e} allowed){same}"


def compare(
    expected: Array,
    inputs: Array,
    run: Callable[[Array], Array],
    *,
    precision: str,
    labels: Callable[[Array], Array] | None,
    computes: str = "float32",
) -> Proof:
    """Return how a file's outputs compare with those of the run's model.

    Batches of all rows and of one are run, and the first twice, so that a batch size that is fixed or a layer that still
    draws numbers shows.

    Args:
        expected: The outputs of the run's model, (N, K).
        inputs: Raw rows, (N, …).
        run: The file in its runtime.
        precision: What the file is in.
        labels: Outputs → labels; None for numbers.
        computes: What the run's model computes in; of half precision the file need not share the rounding.
    """
    loosest = precision if precision != "float32" or computes == "float32" else "float16"
    tolerance, least = TOLERANCES[loosest], AGREEMENT[loosest]
    found = run(inputs)
    if found.shape != expected.shape:
        return Proof(len(inputs), np.inf, tolerance, None, f"outputs have shape {found.shape}, not {expected.shape}")
    if not np.array_equal(np.isfinite(found), np.isfinite(expected)):
        return Proof(len(inputs), np.inf, tolerance, None, "outputs are not numbers where the run's are")
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    difference = float(np.abs(found - expected).max(initial=0)) / scale
    agreement = None if labels is None else float(_same(labels(found), labels(expected)).mean())
    again, alone = run(inputs), run(inputs[:1])
    spread = max(
        float(np.abs(again - found).max(initial=0)) / scale, float(np.abs(alone - found[:1]).max(initial=0)) / scale
    )
    reason = ""
    if difference > tolerance:
        reason = f"outputs differ by {difference:.1e}, at most {tolerance:.0e} is allowed for {precision}"
    elif agreement is not None and agreement < least:
        reason = f"{agreement:.1%} of the rows get the same label, at least {least:.1%} have to"
    elif spread > tolerance:
        reason = f"the same rows give other outputs at the second time or alone ({spread:.1e})"
    return Proof(len(inputs), difference, tolerance, agreement, reason)


def _same(found: Any, expected: Any) -> Array:
    equal = np.asarray(found == expected)
    return np.asarray(equal.all(axis=tuple(range(1, equal.ndim)))) if equal.ndim > 1 else equal
