"""Runs on a cluster's machines, with the face of `engine.turns.Crew`: begin a job, wait for one to end.

Ray places jobs where their share is free, and tells which have lost their process. Such a job is done again, by another
process and from what the first one has left in the folder of runs; twice, and it is given up.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

from hornbook.errors import HornbookError, RunError
from hornbook.machines.cluster import Cluster
from hornbook.machines.worker import Answer, Board, Order, error_from, serve
from hornbook.trainer.signals import Interrupted, StopRequest

__all__ = ["FarCrew"]

Done = TypeVar("Done")
POLL_S = 0.2
NEWS_S = 0.5  # between two looks at how far runs are
ROOM_S = 2.0  # between two counts of machines
PATIENCE_S = 10.0  # without a run that has begun, after which the user is told
MOST_DEATHS = 2  # processes that a job may outlive before it is given up


class FarCrew(Generic[Done]):
    """Jobs on a cluster's machines.

    Args:
        cluster: The connection.
        stop: A signal for the command, which ends all jobs in good order.
        proof: A file in the folder of runs, which all machines have to see.
        label: What a job is called in messages.
        say: Called with a sentence for the user.
        again: Returns what to do once a job's process has died; omitted: the same.
        lost: Returns what stands for the result of a job that was given up, from its number and the reason; omitted: that
            is an error.
        hear: Called with a run's name and how far it is.
        most: Jobs at once at most; omitted: as many as there is room for, which may change.
        is_eager: Whether a job may wait for room, so that a cluster that grows with what is asked of it grows.
    """

    def __init__(
        self,
        cluster: Cluster,
        stop: StopRequest,
        *,
        proof: Path,
        label: Callable[[int], str],
        say: Callable[[str], None],
        again: Callable[[int], Callable[[], Done]] | None = None,
        lost: Callable[[int, str], Done] | None = None,
        hear: Callable[[str, str], None] = lambda name, text: None,
        most: int | None = None,
        is_eager: bool = True,
    ) -> None:
        self.cluster, self.stop, self.label, self.say, self.hear = cluster, stop, label, say, hear
        self.most, self.is_eager, self.again, self.lost, self.ray = most, is_eager, again, lost, cluster.ray
        share = cluster.share
        self._board = cluster.beside(Board)
        self._serve = self.ray.remote(serve).options(num_cpus=share.cpus, num_gpus=share.gpus, max_retries=0)
        device = None if share.gpus else "cpu"
        self._order = Order(0, version("hornbook"), os.getcwd(), str(proof.absolute()), device, self._board)
        self._jobs: dict[int, Callable[[], Done]] = {}
        self._refs: dict[Any, int] = {}
        self._deaths: dict[int, list[str]] = {}
        self._machines: dict[int, tuple[str, str]] = {}
        self._news: Any = None
        self._asked_s = self._counted_s = -ROOM_S
        self._room = 0
        self._waits_since_s: float | None = time.monotonic()
        self._is_stopping = False

    def __enter__(self) -> "FarCrew[Done]":
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(self.ray.exceptions.RayError):  # the cluster may be gone
            for ref in self._refs:
                self.ray.cancel(ref)
            self.ray.kill(self._board)

    @property
    def busy(self) -> set[int]:
        """The jobs that are on their way."""
        return {*self._refs.values()}

    @property
    def size(self) -> int:
        """How many jobs may be on their way at once."""
        if self.most is not None:
            return self.most
        if time.monotonic() - self._counted_s > ROOM_S:
            self._room, self._counted_s = self.cluster.room(), time.monotonic()
        return 2 * self._room or 1 if self.is_eager else self._room or 1

    @property
    def has_room(self) -> bool:
        """Whether another job may begin."""
        return len(self._refs) < self.size

    def begin(self, number: int, job: Callable[[], Done]) -> None:
        """Send a job to a machine: a call without arguments, of a function that the machines have too."""
        self._jobs[number] = job
        pickled = self.ray.cloudpickle.dumps(job)
        self._refs[self._serve.remote(pickled, replace(self._order, number=number))] = number

    def wait(self) -> "tuple[int, Future[Done]] | None":
        """Return a job that has ended, and what it returned or raised; None after a moment, so that a signal is heard."""
        if self.stop.signal is not None and not self._is_stopping:
            self._is_stopping = True
            for ref in self._refs:
                self.ray.cancel(ref)
        ended, _ = self.ray.wait([*self._refs], num_returns=1, timeout=POLL_S)
        self._hear_news()
        return self._ended(ended[0]) if ended else None

    def _ended(self, ref: Any) -> "tuple[int, Future[Done]] | None":
        number, errors = self._refs.pop(ref), self.ray.exceptions
        future: Future[Done] = Future()
        try:
            answer: Answer = self.ray.get(ref)
        except errors.TaskCancelledError:
            future.set_exception(self._interrupted())
        except errors.RayTaskError as error:
            future.set_exception(_not_there(error))
        except errors.RayError as error:
            if self._is_sent_again(number, error, future):
                return None
        else:
            if answer.error is not None:
                future.set_exception(error_from(answer.error, f"{answer.machine}: "))
            elif answer.exit_code and self.stop.signal is None:  # its machine is asked to end, and the command is not
                self._begin_again(number)
                return None
            elif answer.exit_code:
                future.set_exception(self._interrupted())
            else:
                future.set_result(answer.value)
        return number, future

    def _interrupted(self) -> Interrupted:
        return Interrupted(f"stopped by {self.stop.name}", self.stop.exit_code or 143)

    def _begin_again(self, number: int) -> None:
        self.begin(number, self.again(number) if self.again is not None else self._jobs[number])

    def _is_sent_again(self, number: int, error: Exception, future: "Future[Done]") -> bool:
        """Send a job again whose process has died, and return whether that was done; else `future` tells why not."""
        if self.stop.signal is not None:
            future.set_exception(self._interrupted())
            return False
        machine, node = self._machines.pop(number, ("", ""))
        self._deaths.setdefault(number, []).append(node)
        stopped = self.cluster.stopped()  # of an earlier death it is known by now, of this one perhaps
        how = f"{'its machine was stopped' if node in stopped else _how(error)}{machine and f' on {machine}'}"
        if sum(node not in stopped for node in self._deaths[number]) < MOST_DEATHS:
            self.say(f"{self.label(number)}: its process died ({how}); another goes on with it")
            self._begin_again(number)
            return True
        reason = f"its process died {MOST_DEATHS} times ({how})"
        if self.lost is not None:
            future.set_result(self.lost(number, reason))
        else:
            future.set_exception(RunError(f"{self.label(number)}: {reason}."))
        return False

    def _hear_news(self) -> None:
        """Show how far runs are, and say once that none finds room."""
        now = time.monotonic()
        if self._news is None and now - self._asked_s > NEWS_S:
            self._news, self._asked_s = self._board.take.remote(), now
        elif self._news is not None and self.ray.wait([self._news], timeout=0)[0]:
            news, self._news = self._news, None
            try:
                machines, states = self.ray.get(news)
            except self.ray.exceptions.RayError:  # its machine is gone; runs go on
                return
            self._machines |= machines
            for name, text in states.items():
                self.hear(name, text)
        if self._machines:
            self._waits_since_s = None
        elif self._waits_since_s is not None and now - self._waits_since_s > PATIENCE_S:
            self._waits_since_s = None
            self.say(
                f"no machine has room yet for a run, which takes {self.cluster.share.text()}; here are {self.cluster.text()}"
            )


def _how(error: Exception) -> str:
    known = {
        "WorkerCrashedError": "killed or crashed",
        "NodeDiedError": "its machine is gone",
        "LocalRayletDiedError": "its machine is gone",
        "OutOfMemoryError": "out of memory",
    }
    return known.get(type(error).__name__, type(error).__name__)


def _not_there(error: Exception) -> HornbookError:
    """Return what is wrong where a job could not even begin."""
    cause = getattr(error, "cause", None)
    reason = f"{type(cause).__name__}: {cause}" if cause is not None else str(error).strip().splitlines()[-1]
    where = f"{getattr(error, 'ip', '') or 'a machine'}"
    return RunError(
        f"{where}: a run could not begin ({reason}). All machines need hornbook[ray] {version('hornbook')}, and the same "
        "versions of Python and Ray."
    )
