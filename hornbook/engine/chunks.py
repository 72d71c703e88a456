"""How many batches one compiled call takes: short enough to react to signals, long enough to cost nothing."""

import time
from collections.abc import Iterator

__all__ = ["ChunkSizes"]

TARGET_S = 0.25


class ChunkSizes:
    """Sizes chunks by how long the previous ones took. Sizes change no result.

    Args:
        every_s: How often the recipe wants its state saved; chunks get no longer than that.
    """

    def __init__(self, every_s: float | None = None) -> None:
        self.target_s = min(TARGET_S, every_s) if every_s is not None else TARGET_S
        self.seconds_per_batch: float | None = None
        self._chunks = 0
        self._done = 0
        self._started = 0.0

    def sizes(self, start: int) -> Iterator[int]:
        """Yield the size of each next chunk of an epoch that goes on from batch `start`.

        The first call of all compiles and is not timed.
        """
        self._done = start
        while True:
            self._started = time.perf_counter()
            if self.seconds_per_batch is None:
                yield 1 if not self._chunks else 16
            else:
                yield max(int(self.target_s / self.seconds_per_batch), 1)

    def finished(self, done: int) -> None:
        """Note that the chunk that was sized last has brought the epoch to `done` batches."""
        count, self._done = done - self._done, done
        self._chunks += 1
        if self._chunks > 1 and count > 0:
            self.seconds_per_batch = max((time.perf_counter() - self._started) / count, 1e-7)
