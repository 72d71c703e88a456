"""Requests that wait are computed together: whenever the model is free it takes all that there is, and waits for no more."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from hornbook.data.source import Array

__all__ = ["Batcher", "BusyError", "LateError"]

QUICK_S = 0.0003
"""A batch that takes no longer is computed where requests are read: handing it to a thread would take longer."""
FEW_ROWS = 256
"""No larger batch is."""


class BusyError(Exception):
    """So many rows wait that more would only wait in vain."""


class LateError(Exception):
    """A request has waited longer than it may."""


@dataclass(eq=False, slots=True)
class _Waiting:
    rows: Array
    answer: "asyncio.Future[Array]"


class Batcher:
    """Computes the rows of many requests in batches, one batch after the other: in a thread, or at once where that is quick.

    Args:
        run: (N, …) → (N, K).
        most_rows: Of a batch; a request that has more is computed in parts.
        most_waiting: Rows that may wait.
        deadline_s: Seconds that a request may take.
        on_batch: Called with the number of rows of each batch.
    """

    def __init__(
        self,
        run: Callable[[Array], Array],
        *,
        most_rows: int,
        most_waiting: int,
        deadline_s: float,
        on_batch: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._run, self._most_rows, self._most_waiting = run, most_rows, most_waiting
        self._deadline_s, self._on_batch = deadline_s, on_batch
        self._queue: deque[_Waiting] = deque()
        self._is_busy = False
        self._batch_s = 1.0  # what a batch took of late
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self.waiting = 0

    async def submit(self, rows: Array) -> Array:
        """Return the outputs of rows, as soon as the model has computed them.

        Raises:
            BusyError: If too many rows wait.
            LateError: If the deadline passes before.
        """
        if self._queue and self.waiting + len(rows) > self._most_waiting:
            raise BusyError
        loop = asyncio.get_running_loop()
        request = _Waiting(rows, loop.create_future())
        self._queue.append(request)
        self.waiting += len(rows)
        if not self._is_busy:
            self._is_busy = True
            loop.call_soon(self._next, loop)  # behind all requests that have come by now
        late = loop.call_later(self._deadline_s, self._give_up, request)
        try:
            return await request.answer
        finally:
            late.cancel()

    async def close(self) -> None:
        """Wait until nothing waits any more, and let go of the thread."""
        while self._is_busy or self._queue:
            await asyncio.sleep(0.01)
        self._thread.shutdown(wait=False)

    def _give_up(self, request: _Waiting) -> None:
        if not request.answer.done():
            request.answer.set_exception(LateError())

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin the next batch: all that waits and has one shape, up to the largest number of rows."""
        taken: list[_Waiting] = []
        count = 0
        while self._queue:
            request = self._queue[0]
            is_whole = taken and (
                count + len(request.rows) > self._most_rows or request.rows.shape[1:] != taken[0].rows.shape[1:]
            )
            if is_whole:
                break
            self._queue.popleft()
            self.waiting -= len(request.rows)
            if not request.answer.done():  # who waited too long is gone
                taken.append(request)
                count += len(request.rows)
        self._is_busy = bool(taken)
        if not taken:
            return
        self._on_batch(count)
        parts = [request.rows for request in taken]
        if self._batch_s < QUICK_S and count <= FEW_ROWS:
            done: asyncio.Future[Array] = loop.create_future()
            try:
                done.set_result(self._compute(parts))
            except Exception as error:
                done.set_exception(error)
            self._hand_out(taken, done, loop)
        else:
            task = loop.run_in_executor(self._thread, self._compute, parts)
            task.add_done_callback(lambda outputs: self._hand_out(taken, outputs, loop))

    def _compute(self, parts: list[Array]) -> Array:
        started = time.perf_counter()
        rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if len(rows) <= self._most_rows:
            outputs = self._run(rows)
        else:
            starts = range(0, len(rows), self._most_rows)
            outputs = np.concatenate([self._run(rows[start : start + self._most_rows]) for start in starts])
        took_s = time.perf_counter() - started
        self._batch_s = min(self._batch_s, 2 * took_s) * 0.8 + took_s * 0.2
        return outputs

    def _hand_out(
        self, taken: list[_Waiting], outputs: "asyncio.Future[Array]", loop: asyncio.AbstractEventLoop
    ) -> None:
        error, start = outputs.exception(), 0
        for request in taken:
            end = start + len(request.rows)
            if request.answer.done():
                pass
            elif error is not None:
                request.answer.set_exception(error)
            else:
                request.answer.set_result(outputs.result()[start:end])
            start = end
        if self._queue:
            loop.call_soon(self._next, loop)
        else:
            self._is_busy = False
