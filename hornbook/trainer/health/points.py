"""When health is measured: a pure function of a run's length, so that a resumed run measures where it would have."""

import bisect
import math
from collections.abc import Iterator

from hornbook.recipes.language.durations import Length

__all__ = ["Points"]

EVERY_EPOCH = 6
"""Epochs after each of which something is measured; later ones lie further and further apart."""
APART = 1.25
"""How much further, as a factor."""
PICTURES = 4
"""Histograms are taken at every such measurement."""


class Points:
    """The steps before which health is measured, counted in batches from 0.

    In the first epoch they double and double again (0, 1, 4, 16, …), then they are ends of epochs: each of the first six,
    later ones a quarter further apart each time, so that a run of 1,000 epochs has about 40. `dense`: twice as many in the
    first epoch, and the end of each epoch.

    Args:
        length: The whole run's.
        is_dense: Whether the recipe asks for more of them.
    """

    def __init__(self, length: Length, *, is_dense: bool = False) -> None:
        total, first = length.total, min(length.batches, length.total)
        steps = {0, total}
        step = 1
        while step < first:
            steps.add(step)
            step *= 2 if is_dense else 4
        epoch, gap = 1.0, 1.0
        while epoch < length.epochs:
            steps.add(min(math.floor(epoch) * length.batches, total))
            gap = gap if is_dense or epoch < EVERY_EPOCH else gap * APART
            epoch += math.floor(gap)
        self._steps = sorted(steps)

    def __iter__(self) -> Iterator[int]:
        return iter(self._steps)

    def __contains__(self, step: int) -> bool:
        return self.after(step - 1) == step

    def after(self, step: int) -> int | None:
        """Return the first point behind a step."""
        place = bisect.bisect_right(self._steps, step)
        return self._steps[place] if place < len(self._steps) else None

    def has_histograms(self, step: int) -> bool:
        """Return whether the distributions of numbers are kept at a point: the first, each fourth and the last."""
        return self._steps.index(step) % PICTURES == 0 or step == self._steps[-1]
