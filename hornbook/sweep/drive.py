"""Loops that bring tasks to whoever trains them: this process, or worker processes beside it."""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from hornbook.data import Shelf
from hornbook.engine.turns import Team
from hornbook.errors import HornbookError
from hornbook.machines.worker import error_from
from hornbook.recipes.sections.sweep import Grid, RandomSearch, Sweep
from hornbook.runs.sweeps import Outcome
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.trial import Task, run_trial
from hornbook.sweep.tuners.advisor import Wait
from hornbook.sweep.view import View
from hornbook.sweep.wire import outcome_from, task_to
from hornbook.trainer.signals import Interrupted, StopRequest

__all__ = ["drive_here", "drive_side_by_side", "drive_workers", "learns_from_trials"]

POLL_S = 0.2


def learns_from_trials(sweep: Sweep) -> bool:
    """Return whether what a sweep's tuner proposes follows from how earlier trials ended."""
    return not isinstance(sweep.tuner, Grid | RandomSearch)


def drive_here(
    coordinator: Coordinator, view: View, stop: StopRequest, *, after: Callable[[], None], shelf: Shelf
) -> int:
    """Train one trial after the other in this process; return 0, or the exit code of the signal that ended it."""
    folder = coordinator.folder
    while not stop.signal:
        task = coordinator.next()
        if task is None or isinstance(task, Wait):
            return 0
        view.begin(task)
        outcome = run_trial(task, folder.path, view.listener(task.names()[0]), shelf)
        if outcome.state == "interrupted":
            return outcome.exit_code
        coordinator.finish(task.trial, outcome)
        view.ended(folder.rows[task.trial])
        after()
    return stop.exit_code


def drive_side_by_side(
    coordinator: Coordinator,
    view: View,
    stop: StopRequest,
    *,
    after: Callable[[], None],
    team: Team[Outcome],
    job: Callable[[Task], Callable[[], Outcome]],
    is_in_order: bool = True,
) -> int:
    """Train several trials at once; return 0, or the exit code of the signal that ended it.

    Outcomes are recorded, and told to the oracle, in the order in which trials began, whichever ends first. An oracle that
    learns from them is asked again only when the first trial that runs is over, so that what it proposes follows from
    the number of trials at once and from nothing else. Out of order, it knows whatever has ended.

    Args:
        coordinator: Asks the oracle and writes the record.
        view: Shows progress.
        stop: Tells whether to end.
        after: Called after each trial.
        team: Who trains.
        job: Makes of a task what the team is to call.
        is_in_order: Whether the order is kept.
    """
    trials = _SideBySide(coordinator, view, stop, team, job, is_in_order)
    with team:
        while True:
            trials.begin()
            if trials.record_next():
                after()
            elif team.busy:
                trials.wait()
            else:
                break
    if trials.failure is not None:
        raise trials.failure
    return stop.exit_code


@dataclass
class _SideBySide:
    """Trials that a team trains at once; arguments as of `drive_side_by_side`.

    Attributes:
        begun: Numbers of trials that are not recorded yet, in the order in which they began.
        outcomes: Those of them that have ended.
        failure: The first error that is none of a trial's own, which ends them all.
    """

    coordinator: Coordinator
    view: View
    stop: StopRequest
    team: Team[Outcome]
    job: Callable[[Task], Callable[[], Outcome]]
    is_in_order: bool
    begun: list[int] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    failure: BaseException | None = None

    def begin(self) -> None:
        """Begin as many trials as may run."""
        waits = self.is_in_order and learns_from_trials(self.coordinator.sweep)
        while self.stop.signal is None and self.failure is None:
            if not (len(self.begun) < self.team.size if waits else self.team.has_room):
                return
            task = self.coordinator.next()
            if task is None or isinstance(task, Wait):
                return
            self.view.begin(task)
            self.begun.append(task.trial)
            self.team.begin(task.trial, self.job(task))

    def record_next(self) -> bool:
        """Record the outcome whose turn it is; returns whether there was one."""
        candidates = self.begun[:1] if self.is_in_order else self.begun
        ready = next((number for number in candidates if number in self.outcomes), None)
        if ready is None:
            return False
        self.begun.remove(ready)
        self.coordinator.finish(ready, self.outcomes.pop(ready))
        self.view.ended(self.coordinator.folder.rows[ready])
        return True

    def wait(self) -> None:
        """Wait for what the team says next: an outcome to record, or a trial to give back."""
        ended = self.team.wait()
        if ended is None:
            return
        number, future = ended
        error = future.exception()
        if error is None and future.result().state != "interrupted":
            self.outcomes[number] = future.result()
        else:
            self.begun.remove(number)
            self.coordinator.give_back(number)
        if error is not None and not isinstance(error, Interrupted):
            self.failure = self.failure or error
            self.stop.signal = self.stop.signal or signal.SIGTERM  # the others end with their next chunk


def drive_workers(
    coordinator: Coordinator, view: View, stop: StopRequest, *, after: Callable[[], None], workers: int
) -> int:
    """Train trials in worker processes; this one alone asks the oracle and writes the record.

    A trial whose worker dies is gone on with by another.
    """
    pool = _Pool(coordinator, view, after, workers)
    try:
        return pool.run(stop)
    finally:
        pool.close()


class _Worker:
    """One process, and what it is busy with."""

    def __init__(self, coordinator: Coordinator, number: int, count: int) -> None:
        folder = coordinator.folder
        threads = str(max((os.cpu_count() or 1) // count, 1))
        environment = {"TF_NUM_INTRAOP_THREADS": threads, "TF_NUM_INTEROP_THREADS": threads, **os.environ}
        with (folder.path / "workers.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hornbook.sweep.worker", str(folder.path)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment,
                start_new_session=True,  # Ctrl-C reaches this process alone, which passes it on
                pass_fds=() if folder.lock_fd is None else (folder.lock_fd,),  # the sweep is locked while a worker lives
            )  # fmt: skip
        self.number = number
        self.task: Task | None = None
        self._rest = b""

    def send(self, task: Task) -> None:
        """Give it something to do."""
        self.task = task
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):  # its end is noticed where its answers are read
                self.process.stdin.write(json.dumps(task_to(task)).encode() + b"\n")
                self.process.stdin.flush()

    def messages(self) -> Iterator[dict[str, Any] | None]:
        """Yield what it has said; None where it has ended."""
        stdout = self.process.stdout
        data = os.read(stdout.fileno(), 65536) if stdout is not None else b""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield json.loads(line)
        if not data:
            yield None

    def end(self) -> None:
        """Let it finish: no more tasks."""
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()


class _Pool:
    """The workers of one sweep."""

    def __init__(self, coordinator: Coordinator, view: View, after: Callable[[], None], count: int) -> None:
        self.coordinator, self.view, self.after, self.count = coordinator, view, after, count
        self.selector = selectors.DefaultSelector()
        self.workers: list[_Worker] = []
        self.failure: HornbookError | None = None
        self.is_stopping = False

    def run(self, stop: StopRequest) -> int:
        """Hand out tasks until none is left; return 0 or a signal's exit code."""
        while True:
            if stop.signal is None and self.failure is None:
                self._hand_out()
            elif not self.is_stopping:
                self._stop_all()
            busy = [worker for worker in self.workers if worker.task is not None]
            if not busy:
                break
            for key, _ in self.selector.select(POLL_S):
                for message in key.data.messages():
                    self._hear(key.data, message)
        if self.failure is not None:
            raise self.failure
        return stop.exit_code

    def _hand_out(self) -> None:
        while True:
            idle = next((worker for worker in self.workers if worker.task is None), None)
            if idle is None and len(self.workers) >= self.count:
                return
            task = self.coordinator.next()
            if task is None or isinstance(task, Wait):
                return
            if idle is None:
                idle = _Worker(self.coordinator, len(self.workers) + 1, self.count)
                self.workers.append(idle)
                self.selector.register(idle.process.stdout, selectors.EVENT_READ, idle)  # type: ignore[arg-type]
            self.view.begin(task)
            idle.send(task)

    def _hear(self, worker: _Worker, message: dict[str, Any] | None) -> None:
        task = worker.task
        if message is None:
            self._bury(worker)
        elif "progress" in message:
            self.view.progress(message["progress"], message["text"])
        elif "error" in message:
            worker.task = None
            self.coordinator.give_back(message["trial"])
            self.failure = error_from(message)
        elif task is not None:
            worker.task = None
            outcome = outcome_from(message["outcome"])
            if outcome.state == "interrupted":
                self.coordinator.give_back(task.trial)
            else:
                self._finish(task, outcome)

    def _finish(self, task: Task, outcome: Outcome) -> None:
        self.coordinator.finish(task.trial, outcome)
        self._ended(task.trial)

    def _ended(self, number: int) -> None:
        self.view.ended(self.coordinator.folder.rows[number])
        self.after()

    def _bury(self, worker: _Worker) -> None:
        """Take note that a worker has ended; what it was busy with goes to another."""
        self.selector.unregister(worker.process.stdout)  # type: ignore[arg-type]
        code, task = worker.process.wait(), worker.task
        self.workers.remove(worker)
        worker.task = None
        if task is None:
            return
        if self.is_stopping:  # it had not begun to train, where SIGTERM would have been an outcome
            self.coordinator.give_back(task.trial)
            return
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        number = task.trial
        if self.coordinator.lose(number, f"{how}, see workers.log") is None:
            self.view.note(f"the worker on trial {number + 1} died ({how}); another goes on with it")
        else:
            self._ended(number)

    def _stop_all(self) -> None:
        self.is_stopping = True
        for worker in self.workers:
            if worker.task is not None:
                worker.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """End every worker; one that trains is stopped first."""
        self._stop_all()
        for worker in self.workers:
            worker.end()
        for worker in self.workers:
            try:
                worker.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            if worker.process.stdout is not None:
                worker.process.stdout.close()
        self.selector.close()
