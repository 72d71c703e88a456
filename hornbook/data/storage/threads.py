"""Work on columns and blocks on all processors: NumPy and polars hold no lock of Python's while they compute."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["side_by_side"]

MANY_VALUES = 1 << 20  # of fewer threads gain nothing
PIECES = 8  # that each thread gets: to hand over a column costs as much as to read a short one

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item], *, size: int) -> list[Result]:
    """Return what `work` makes of each item, in order; of many values on all processors.

    Args:
        work: A pure function. What it raises of an item is raised here, of the first such one.
        items: Its arguments.
        size: How many values there are in all.
    """
    if size <= MANY_VALUES:
        return [work(item) for item in items]
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    listed = list(items)
    length = max(len(listed) // (threads * PIECES), 1)
    pieces = [listed[start : start + length] for start in range(0, len(listed), length)]
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda piece: [work(item) for item in piece], pieces)
        return [result for piece in found for result in piece]
