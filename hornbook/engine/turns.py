"""Runs side by side in threads of one process: one at a time does Python's work, and compiled programs run at once.

Keras builds and TensorFlow traces for one thread alone, so whatever a run does, it does in its turn. It gives the turn away
while a compiled program runs, which is most of the time and holds no lock of Python's: another run goes on meanwhile. A run
computes what it would compute alone, to the bit: programs, their threads and the order of everything in them are the same.
"""

import math
import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from types import TracebackType
from typing import Generic, Protocol, TypeVar

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.storage.files import memory_bytes
from hornbook.recipes.recipe import Recipe

__all__ = ["Crew", "Team", "aside", "in_turns", "runs_at_once", "side_by_side"]

Done = TypeVar("Done")
POLL_S = 0.1
MOST = 8
PROCESS_BYTES = 2**30  # TensorFlow, a network and what is compiled for it
CONVOLUTIONS = frozenset({"cnn", "residual_cnn"})
_TURN: ContextVar["threading.Lock | None"] = ContextVar("turn", default=None)


def in_turns() -> bool:
    """Return whether other runs go on beside this one."""
    return _TURN.get() is not None


@contextmanager
def aside() -> Iterator[None]:
    """Give the turn away while something runs that needs none; does nothing where no runs are side by side."""
    turn = _TURN.get()
    if turn is None:
        yield
        return
    turn.release()
    try:
        yield
    finally:
        turn.acquire()


def runs_at_once(recipe: Recipe, info: DataInfo, *, memory_budget: int, are_processes: bool = False) -> int:
    """Return how many runs of a recipe, or of others like it, are best trained at once on this machine.

    One for each core where the network is of dense or recurrent layers, whose products are too small to fill several
    cores; as far as the data fits the memory budget once for each: runs whose seeds divide it otherwise share none of it.
    One alone of convolutions and ensembles, which fill all cores; of what Keras's `fit` trains, which gives no turn away;
    on several devices or a GPU; and within a run that is itself one of several.

    In one process they are eight at most, because Python's work takes turns. Processes of their own are as many as there are
    cores, as far as half of the memory holds TensorFlow once for each.

    Args:
        recipe: The recipe.
        info: Facts about its data.
        memory_budget: Bytes that inputs may take.
        are_processes: Whether each run gets a process of its own.
    """
    if in_turns():
        return 1
    training, reuse = recipe.training, recipe.reuse
    if training.strategy is not None or training.engine in {"fit", "graph", "fused_graph"}:
        return 1
    if recipe.model.name in CONVOLUTIONS or recipe.model.name == "layers" or reuse is not None:
        return 1
    if getattr(recipe.model, "ensemble", None) is not None:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    row_bytes = math.prod(size or 1 for size in info.input_shape) * np.dtype(info.input_dtype).itemsize
    most = memory_bytes() // 2 // PROCESS_BYTES if are_processes else MOST
    return max(min(cores, most, memory_budget // max(info.counts["train"] * row_bytes, 1)), 1)


class Team(Protocol[Done]):
    """Who does jobs: the threads of a `Crew`, or other machines."""

    @property
    def busy(self) -> set[int]:
        """The jobs that have begun and not ended."""

    @property
    def size(self) -> int:
        """How many jobs may be busy at once."""

    @property
    def has_room(self) -> bool:
        """Whether another job may begin."""

    def begin(self, number: int, job: Callable[[], Done]) -> None:
        """Begin a job; `number` tells it from others."""

    def wait(self) -> "tuple[int, Future[Done]] | None":
        """Return a job that has ended, and what it returned or raised; None after a moment."""

    def __enter__(self) -> "Team[Done]": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> object: ...


class Crew(Generic[Done]):
    """Threads that each do a job in turns. Who opens it has the turn, except in `wait`.

    Args:
        size: How many jobs may run at once.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.busy: set[int] = set()
        self._turn = threading.Lock()
        self._ended: queue.SimpleQueue[tuple[int, Future[Done]]] = queue.SimpleQueue()

    def __enter__(self) -> "Crew[Done]":
        self._turn.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self._turn.release()

    @property
    def has_room(self) -> bool:
        """Whether another job may begin."""
        return len(self.busy) < self.size

    def begin(self, number: int, job: Callable[[], Done]) -> None:
        """Do a job in a thread of its own, which has its first turn when this one waits; `number` tells it from others."""

        future: Future[Done] = Future()

        def work() -> None:
            _TURN.set(self._turn)
            with self._turn:
                try:
                    future.set_result(job())
                except BaseException as error:
                    future.set_exception(error)
            self._ended.put((number, future))

        self.busy.add(number)
        threading.Thread(target=copy_context().run, args=(work,), daemon=True, name=f"hornbook {number}").start()

    def wait(self) -> "tuple[int, Future[Done]] | None":
        """Give the turn away until a job has ended; return its number, and what it returned or raised.

        None after a moment, so that a signal is heard.
        """
        self._turn.release()
        try:
            number, future = self._ended.get(timeout=POLL_S)
        except queue.Empty:
            return None
        finally:
            self._turn.acquire()
        self.busy.remove(number)
        return number, future


def side_by_side(
    jobs: Sequence[Callable[[], Done]], team: "int | Team[Done]", *, goes_on: Callable[[], bool]
) -> Iterator[Done]:
    """Do jobs, so many at once, and yield what they return in their order.

    Args:
        jobs: What to do.
        team: Who does them; a number stands for so many threads, and one does them here, one after another.
        goes_on: Whether another one may begin.

    Raises:
        Exception: What a job has raised, once those that had begun have ended.
    """
    if team == 1 or (isinstance(team, int) and len(jobs) == 1):
        for job in jobs:
            if not goes_on():
                return
            yield job()
        return
    done: dict[int, Future[Done]] = {}
    begun = told = 0
    with Crew[Done](team) if isinstance(team, int) else team as crew:
        while told < len(jobs):
            has_failed = any(future.exception() is not None for future in done.values())
            while begun < len(jobs) and crew.has_room and goes_on() and not has_failed:
                crew.begin(begun, jobs[begun])
                begun += 1
            if told in done and not (has_failed and crew.busy):
                result = done[told].result()
                told += 1
                yield result
            elif crew.busy:
                ended = crew.wait()
                if ended is not None:
                    done[ended[0]] = ended[1]
            else:
                return
