"""The chief of a sweep over several machines: keras-tuner's service, answered by the loop that owns the record.

gRPC's threads only pass calls on to that loop and wait for its answer, so nothing here is touched by two threads. A worker
holds its trial by signs of life; without them the trial goes to another, so that no death keeps the sweep from its end.
"""

import queue
import time
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any

import grpc
from keras_tuner.src import protos

from hornbook.errors import HornbookError, RunError
from hornbook.sweep.advisor import Wait
from hornbook.sweep.coordinator import Coordinator
from hornbook.sweep.network.address import BEAT_S, LEASE_S, Caller, Place, content_of, trial_message
from hornbook.sweep.view import View
from hornbook.sweep.wire import error_from, outcome_from
from hornbook.trainer.signals import StopRequest

__all__ = ["drive_chief"]

POLL_S = 0.2
LINGER_S = 2 * BEAT_S  # at the end, so that every worker hears of it
CALLS = 64  # that may wait for an answer at the same time
RETURN_S = 3 * BEAT_S  # in which workers of an earlier chief can say that they still train


def drive_chief(
    coordinator: Coordinator, view: View, stop: StopRequest, *, after: Callable[[], None], place: Place, sweep: str
) -> int:
    """Hand trials out to workers on other machines until none is left; return 0 or a signal's exit code.

    Args:
        coordinator: Asks the oracle and writes the record.
        view: Shows progress.
        stop: Tells whether to end.
        after: Called after each trial.
        place: Where to listen.
        sweep: Fingerprint that workers must have too.

    Raises:
        RunError: If the address cannot be listened at.
        HornbookError: What a worker met that concerns all trials.
    """
    board = _Board(coordinator, view, after, sweep)
    server = _serve(board, place)
    view.note(f"chief at {place.address}; workers run the same command with an id of their own")
    try:
        return board.run(stop)
    finally:
        board.is_open = False
        server.stop(grace=1.0).wait()


@dataclass
class _Call:
    """A call that waits for the loop."""

    handle: Callable[[Caller, Any], Any]
    caller: Caller
    request: Any
    answer: "futures.Future[Any]" = field(default_factory=futures.Future)


@dataclass
class _Holder:
    """The worker that trains a trial, and when it was last heard of."""

    caller: Caller
    heard_s: float


class _Board:
    """What is handed out to whom."""

    def __init__(self, coordinator: Coordinator, view: View, after: Callable[[], None], sweep: str) -> None:
        self.coordinator, self.view, self.after, self.sweep = coordinator, view, after, sweep
        self.calls: queue.Queue[_Call] = queue.Queue()
        self.holders: dict[int, _Holder] = {}
        self.workers: dict[Caller, float] = {}  # when last heard of; without those that were told to end
        self.failure: HornbookError | None = None
        self.is_open, self.is_ending = True, False
        self.free_from_s = time.monotonic() + (RETURN_S if coordinator.waiting else 0.0)

    # ---- the loop

    def run(self, stop: StopRequest) -> int:
        """Answer calls until nothing is left to train, or a signal; return 0 or the signal's exit code."""
        while True:
            self._answer()
            self._find_lost()
            self.is_ending = self.is_ending or bool(stop.signal) or self.failure is not None
            if not self.holders and (self.is_ending or self.coordinator.is_over):
                break
        self.is_ending = True
        while any(time.monotonic() - heard_s < LINGER_S for heard_s in self.workers.values()):
            self._answer()
        if self.failure is not None:
            raise self.failure
        return stop.exit_code

    def _answer(self) -> None:
        try:
            call = self.calls.get(timeout=POLL_S)
        except queue.Empty:
            return
        if call.caller not in self.workers:
            self.view.note(f"worker {call.caller.tuner_id} is here ({call.caller.process})")
        self.workers[call.caller] = time.monotonic()
        answer = trial_message(None, "STOPPED")
        try:
            answer = call.handle(call.caller, call.request)
        except HornbookError as error:
            self.failure = self.failure or error
        call.answer.set_result(answer)

    def _find_lost(self) -> None:
        """Take trials from workers that have been silent for too long."""
        now = time.monotonic()
        for number, holder in list(self.holders.items()):
            if now - holder.heard_s > LEASE_S:
                del self.holders[number]
                self.workers.pop(holder.caller, None)
                how = f"{holder.caller.tuner_id} was silent for {LEASE_S:.0f} s"
                outcome = self.coordinator.lose(number, how)
                if outcome is None:
                    self.view.note(f"trial {number + 1}: {how}; another worker goes on with it")
                else:
                    self._ended(number)

    def _ended(self, number: int) -> None:
        self.view.ended(self.coordinator.folder.rows[number])
        self.after()

    # ---- what workers ask

    def create_trial(self, caller: Caller, request: Any) -> Any:
        """Answer a worker that has nothing to do."""
        if self.is_ending:
            self.workers.pop(caller, None)
            return trial_message(None, "STOPPED")
        if time.monotonic() < self.free_from_s:
            return trial_message(None, "IDLE")
        task = self.coordinator.next()
        if isinstance(task, Wait):
            return trial_message(None, "IDLE")
        if task is None:
            self.is_ending = True
            self.workers.pop(caller, None)
            return trial_message(None, "STOPPED")
        self._hold(task.trial, caller)
        self.view.begin(task)
        where = self.coordinator.folder.path
        content = {"values": dict(self.coordinator.folder.rows[task.trial].proposal.values), "root": task.root}
        content |= {"until": task.until, "since": task.since, "folder": f"{where.parent.name}/{where.name}"}
        return trial_message(task.trial, "RUNNING", content)

    def update_trial(self, caller: Caller, request: Any) -> Any:
        """Answer a sign of life; the answer says whether to go on."""
        number = int(request.trial_id)
        if not self._is_held(number, caller):
            return trial_message(number, "STOPPED")
        for epoch in request.metrics:
            self.view.progress(epoch, f"epoch {request.step} {request.metrics[epoch]:.0f} %  {caller.tuner_id}")
        return trial_message(number, "STOPPED" if self.is_ending else "RUNNING")

    def end_trial(self, caller: Caller, request: Any) -> Any:
        """Take the outcome of a trial; that of one which another worker has by now does not count."""
        number, content = int(request.trial.trial_id), content_of(request.trial)
        if not self._is_held(number, caller):
            return None
        del self.holders[number]
        if "error" in content:
            self.coordinator.give_back(number)
            self.workers.pop(caller, None)
            raise error_from(content, f"{caller.tuner_id} ({caller.process}): ")
        outcome = outcome_from(content["outcome"])
        if outcome.state == "interrupted":
            self.coordinator.give_back(number)
            self.view.note(f"trial {number + 1}: {caller.tuner_id} was stopped")
        else:
            self.coordinator.finish(number, outcome)
            self._ended(number)
        return None

    def _hold(self, number: int, caller: Caller) -> None:
        self.holders[number] = _Holder(caller, time.monotonic())

    def _is_held(self, number: int, caller: Caller) -> bool:
        """Return whether a trial is this worker's; one that it began under an earlier chief is again."""
        if number not in self.holders and self.coordinator.take(number):
            self._hold(number, caller)
        holder = self.holders.get(number)
        if holder is None or holder.caller != caller:
            return False
        holder.heard_s = time.monotonic()
        return True


def _serve(board: _Board, place: Place) -> Any:
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=CALLS),
        options=[("grpc.so_reuseport", 0)],  # or two chiefs could share a port unnoticed
    )
    protos.get_service_grpc().add_OracleServicer_to_server(_servicer(board), server)
    try:
        server.add_insecure_port(place.address)
    except RuntimeError as error:  # taken since it was checked
        raise RunError(f"{place.address}: the port is taken, perhaps by another chief.") from error
    server.start()
    return server


def _servicer(board: _Board) -> Any:
    service = protos.get_service()

    base: Any = protos.get_service_grpc().OracleServicer

    class Servicer(base):
        """Checks who calls, passes the call on to the loop, and returns its answer."""

        def _ask(self, handle: Callable[[Caller, Any], Any], request: Any, context: Any) -> Any:
            caller = Caller.of(context.invocation_metadata())
            if caller is None:
                text = "this chief is a hornbook sweep, its workers must be too"
                return context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
            if caller.sweep != board.sweep:
                text = "the chief has another recipe, other overrides or another version of Hornbook"
                return context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)
            call = _Call(handle, caller, request)
            board.calls.put(call)
            while board.is_open:
                try:
                    return call.answer.result(timeout=POLL_S)
                except futures.TimeoutError:
                    continue
            return context.abort(grpc.StatusCode.UNAVAILABLE, "the chief has ended")

        def CreateTrial(self, request: Any, context: Any) -> Any:
            return service.CreateTrialResponse(trial=self._ask(board.create_trial, request, context))

        def UpdateTrial(self, request: Any, context: Any) -> Any:
            return service.UpdateTrialResponse(trial=self._ask(board.update_trial, request, context))

        def EndTrial(self, request: Any, context: Any) -> Any:
            self._ask(board.end_trial, request, context)
            return service.EndTrialResponse()

    return Servicer()
