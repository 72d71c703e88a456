"""Calls that end in time, whatever the client of a tracker waits for."""

import queue
import threading
from collections.abc import Callable
from typing import NoReturn, TypeVar

__all__ = ["within"]

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns. It runs in a thread of its own, which is left behind where it takes longer.

    Raises:
        TimeoutError: If it takes longer.
        Exception: What it raises.
    """
    answers: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()

    def run() -> None:
        try:
            value = work()
        except BaseException as error:
            failed = error  # `error` is gone when its block ends
            answers.put(lambda: _raised(failed))
        else:
            answers.put(lambda: value)

    threading.Thread(target=run, daemon=True, name="hornbook-tracker").start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:.3g} s") from None
    return answer()


def _raised(error: BaseException) -> NoReturn:
    raise error
