"""A worker of a sweep over several machines: trains what the chief hands out, in the folder that both can reach."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
from keras_tuner.src import protos

from hornbook.data import Shelf
from hornbook.errors import BusyError, HornbookError, RunError, UsageError
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.trial import trial_recipe
from hornbook.runs.sweeps import SOURCE, Outcome
from hornbook.sweep.network.address import BEAT_S, SILENCE_S, STATUS, Caller, Place, content_of, trial_message
from hornbook.sweep.trial import Task, run_trial
from hornbook.sweep.wire import error_to, outcome_to
from hornbook.trainer.listeners import Listener, Position
from hornbook.trainer.signals import StopRequest

__all__ = ["work"]

WAIT_S = 300.0  # for a chief that does not answer: not begun yet, or begun again
IDLE_S = 1.0
OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1000),
)
GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


def work(
    recipe: Recipe, place: Place, *, sweep: str, runs: Path, say: Callable[[str], None], wait_s: float = WAIT_S
) -> int:
    """Train what the chief hands out until it has no more; return 0 or a signal's exit code.

    Args:
        recipe: The recipe with its sweep, the same as the chief's.
        place: Where the chief is, and this worker's name.
        sweep: Fingerprint that the chief must have too.
        runs: The folder of runs, on a file system that the chief writes to as well.
        say: Called with lines for the user.
        wait_s: Seconds to wait for a chief that does not answer.

    Raises:
        UsageError: If the chief has another recipe.
        RunError: If no chief answers, or its folder cannot be seen here.
        HornbookError: What concerns all trials; the chief ends with it too.
    """
    caller = Caller(place.tuner_id, f"{socket.gethostname()} {os.getpid()}", sweep)
    say(f"worker  {place.tuner_id}, for the chief at {place.address}")
    done, shelf = 0, Shelf()
    with grpc.insecure_channel(place.address, OPTIONS) as channel, StopRequest() as stop:
        link = _Link(channel, caller, place.address, say, wait_s, stop)
        while not stop.signal:
            offer = link.offer()
            if offer is None or offer.status == STATUS.STOPPED:
                break
            if offer.status != STATUS.RUNNING:
                time.sleep(IDLE_S)
                continue
            done += _train(recipe, offer, link, runs, say, stop, shelf)
    if not stop.signal:
        say(f"ended   no more trials from the chief; {done} trained here")
    return stop.exit_code


def _train(
    recipe: Recipe, offer: Any, link: "_Link", runs: Path, say: Callable[[str], None], stop: StopRequest, shelf: Shelf
) -> int:
    """Train one trial and say how it ended; return whether it did."""
    content = content_of(offer)
    if not content:
        raise RunError(f"{link.address}: this chief is keras-tuner's own. It has to be a hornbook sweep.")
    number = int(offer.trial_id)
    heart = _Heart(link, number)
    try:
        task, folder = _task(recipe, number, content), _folder(runs, content["folder"])
        with heart:
            outcome = run_trial(task, folder, heart.listener(task.names()[0]), shelf)
    except BusyError:  # by a worker that was taken for dead; the trial goes back until it is free
        time.sleep(BEAT_S)
        outcome = Outcome("interrupted")
    except HornbookError as error:
        link.end(number, error_to(error))
        raise
    if heart.was_told and stop.signal == signal.SIGTERM:
        stop.signal = None  # it was the chief who ended the trial
    link.end(number, {"outcome": outcome_to(outcome)})
    if outcome.state == "interrupted":
        say(f"trial {number + 1:>3}  given back")
        return 0
    score = f"{outcome.score:.4f}" if outcome.score is not None else f"{outcome.state}: {outcome.reason}"
    say(f"trial {number + 1:>3}  {score}  {outcome.epochs} epochs  {outcome.seconds:.1f} s")
    return 1


def _task(recipe: Recipe, number: int, content: Mapping[str, Any]) -> Task:
    own = trial_recipe(recipe, content["values"])
    if own is None or recipe.sweep is None:
        raise HornbookError(
            f"trial {number + 1}: the rules reject it here. Chief and workers need the same installation."
        )
    common = (recipe.sweep.objectives, recipe.sweep.executions)
    return Task(number, content["root"], own, *common, until=content["until"], since=content["since"])


def _folder(runs: Path, name: str) -> Path:
    folder = runs / name
    if not (folder / SOURCE).is_file():
        raise RunError(
            f"{folder}: the chief's sweep is not to be seen here. Chief and workers have to write to the same folder of "
            "runs: give each of them its path with --runs."
        )
    return folder


class _Link:
    """Calls to the chief."""

    def __init__(
        self, channel: Any, caller: Caller, address: str, say: Callable[[str], None], wait_s: float, stop: StopRequest
    ) -> None:
        self.stub, self.messages = protos.get_service_grpc().OracleStub(channel), protos.get_service()
        self.caller, self.address, self.say, self.wait_s, self.stop = caller, address, say, wait_s, stop

    def offer(self) -> Any:
        """Return the chief's answer to a worker without a trial; None after a signal."""
        request = self.messages.CreateTrialRequest(tuner_id=self.caller.tuner_id)
        answer = self._patiently(self.stub.CreateTrial, request)
        return answer.trial if answer is not None else None

    def beat(self, number: int, step: int, metrics: Mapping[str, float]) -> bool:
        """Give a sign of life; return whether to go on. Raises what gRPC does."""
        request = self.messages.UpdateTrialRequest(trial_id=f"{number:04d}", metrics=metrics, step=step)
        answer = self.stub.UpdateTrial(request, metadata=self.caller.metadata(), timeout=2 * BEAT_S)
        return bool(answer.trial.status == STATUS.RUNNING)

    def end(self, number: int, content: Mapping[str, Any]) -> None:
        """Say how a trial ended."""
        trial = trial_message(number, "COMPLETED", content)
        self._patiently(self.stub.EndTrial, self.messages.EndTrialRequest(trial=trial))

    def _patiently(self, call: Any, request: Any) -> Any:
        """Call until the chief answers; None after a signal that came while nobody did."""
        began, was_said = time.monotonic(), False
        while True:
            try:
                return call(request, metadata=self.caller.metadata(), timeout=4 * BEAT_S)
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.FAILED_PRECONDITION:
                    raise UsageError(f"{self.address}: {error.details()}.") from error
                if error.code() not in GONE:
                    raise RunError(f"{self.address}: is not a chief of hornbook ({error.details()}).") from error
            if self.stop.signal:
                return None
            if time.monotonic() - began > self.wait_s:
                raise RunError(
                    f"{self.address}: no chief has answered for {self.wait_s:.0f} s. Start one with the same variables but "
                    "an id with 'chief' in it; finished trials are kept."
                )
            if not was_said:
                was_said = True
                self.say(f"waiting for the chief at {self.address} …")
            time.sleep(IDLE_S)


class _Heart:
    """While open, tells the chief that a trial is being trained, and stops that when the chief says so or is silent."""

    def __init__(self, link: _Link, number: int) -> None:
        self.link, self.number = link, number
        self.was_told = False
        self._step = 0
        self._metrics: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "_Heart":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def listener(self, name: str) -> Listener:
        """Return what notes how far the training is."""
        heart = self

        class Report(Listener):
            def on_chunk(self, place: Position) -> None:
                heart._step, heart._metrics = place.epoch, {name: 100 * place.batch / place.batches}

        return Report()

    def _run(self) -> None:
        heard = time.monotonic()
        while not self._over.wait(BEAT_S):
            try:
                is_wanted = self.link.beat(self.number, self._step, self._metrics)
                heard = time.monotonic()
            except grpc.RpcError:
                is_wanted = time.monotonic() - heard < SILENCE_S
            if not is_wanted:
                self.was_told = True
                os.kill(os.getpid(), signal.SIGTERM)
                return
