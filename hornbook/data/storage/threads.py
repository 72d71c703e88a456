"""Work on columns and blocks on all processors: NumPy and polars hold no lock of Python's while they compute."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["side_by_side"]

MANY_VALUES = 1 << 20  # of fewer threads gain nothing

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
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None) as pool:
        return list(pool.map(work, items))
