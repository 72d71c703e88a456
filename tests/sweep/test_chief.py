"""Sweeps over several processes by keras-tuner's protocol: real workers, one of them killed, and everything that goes wrong."""

import os
import signal
import subprocess
import threading
import time
from typing import ClassVar

import pytest

pytestmark = pytest.mark.whole

LONG = {
    "data": {"name": "digits", "limit": 384},
    "training": {"epochs": 20, "batch_size": 32, "engine": "graph"},
}


@pytest.fixture
def short_lease(monkeypatch):
    """A chief that soon takes silent workers for dead."""
    from hornbook.sweep.network import chief

    for name, seconds in (("LEASE_S", 1.0), ("RETURN_S", 1.0), ("LINGER_S", 0.5)):
        monkeypatch.setattr(chief, name, seconds)


class Hand:
    """A worker by hand: makes single calls to the chief."""

    def __init__(self, place, sweep, name="by-hand"):
        import grpc

        from hornbook.sweep.network.address import Caller
        from hornbook.sweep.network.remote import _Link
        from hornbook.trainer.signals import StopRequest

        self.channel = grpc.insecure_channel(place.address)
        self.link = _Link(
            self.channel, Caller(name, f"{name} 1", sweep), place.address, lambda line: None, 20, StopRequest()
        )

    def offer(self):
        """Return the trial's number, or the name of the answer's status."""
        from hornbook.sweep.network.address import STATUS

        answer = self.link.offer()
        return int(answer.trial_id) if answer.status == STATUS.RUNNING else STATUS.Name(answer.status)

    def trial(self, seconds=20):
        """Ask until there is a trial, and return its number."""
        end = time.monotonic() + seconds
        while isinstance(found := self.offer(), str):
            assert time.monotonic() < end, found
            time.sleep(0.1)
        return found

    def beat(self, number):
        """Give a sign of life as soon as there is a chief, and return whether to go on."""
        import grpc

        grpc.channel_ready_future(self.channel).result(timeout=20)
        return self.link.beat(number, 1, {})

    def end(self, number, score=0.5, **facts):
        from hornbook.runs.sweeps import Outcome
        from hornbook.sweep.wire import outcome_to

        outcome = Outcome(**{"state": "finished", "score": score, "scores": (score,), **facts})
        self.link.end(number, {"outcome": outcome_to(outcome)})


@pytest.fixture
def chief(tmp_path, tensorflow, recipe_of, place, short_lease):
    """A function: keys of `sweep`, and what workers do in a thread of their own → the sweep's result."""
    from hornbook.sweep.network.address import fingerprint
    from hornbook.sweep.sweep import source_text, sweep

    def run(act, keys=None, *, sections=None, **options):
        recipe = recipe_of(keys, **(sections or {}))
        failures = []

        def workers():
            try:
                act(lambda name="by-hand": Hand(place, fingerprint(source_text(recipe, None)), name))
            except BaseException as error:
                failures.append(error)
                os.kill(os.getpid(), signal.SIGINT)  # or the chief would wait for ever

        thread = threading.Thread(target=workers)
        thread.start()
        try:
            return sweep(recipe, runs=tmp_path / "runs", place=place, **options)
        finally:
            thread.join()
            if failures:
                raise failures[0]

    return run


def end_of(events, folder, number):
    return next(event for event in events(folder) if event["event"] == "end" and event["trial"] == number)


def drain(hand):
    """Train nothing, but end everything that is left."""
    while (found := hand.offer()) != "STOPPED":
        if not isinstance(found, str):
            hand.end(found, 0.1)
        time.sleep(0.05)


def test_two_workers_one_of_them_killed_do_what_one_process_does(
    tmp_path, recipe_of, run_sweep, events, place, monkeypatch, warm, slow_training
):
    from hornbook.recipes.language.text import to_yaml
    from hornbook.sweep.network import chief
    from hornbook.sweep.sweep import sweep
    from hornbook.sweep.view import View

    class Notes(View):
        texts: ClassVar[list[str]] = []

        def note(self, text):
            self.texts.append(text)

    monkeypatch.setattr(chief, "LEASE_S", 5.0)

    keys = {"max_trials": 3}
    alone = run_sweep(keys, sections=LONG, fresh=True)
    text = to_yaml(recipe_of(keys, **LONG).to_dict())
    (tmp_path / "few.yaml").write_text(text)
    ip, port = place.address.split(":")
    variables = {**os.environ, "KERASTUNER_ORACLE_IP": ip, "KERASTUNER_ORACLE_PORT": port}
    line = ["hornbook", "sweep", "-c", "few.yaml", "--runs", "shared"]
    command = [warm.python, "-c", f"import sys, hornbook.cli; sys.argv = {line}; {slow_training}; hornbook.cli.main()"]
    workers = [
        subprocess.Popen(
            command, cwd=tmp_path, env={**variables, "KERASTUNER_TUNER_ID": f"tuner{place}"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for place in range(2)
    ]  # fmt: skip

    def kill_one():
        end = time.monotonic() + 100
        while time.monotonic() < end:
            if len(list(tmp_path.glob("shared/few/latest-sweep/trials/*/latest/history.jsonl"))) >= 2:
                break
            time.sleep(0.02)
        workers[0].kill()

    killer = threading.Thread(target=kill_one)
    killer.start()
    result = sweep(recipe_of(keys, **LONG), runs=tmp_path / "shared", place=place, source=(text, ()), view=Notes())
    killer.join()
    outputs = [worker.communicate(timeout=60)[0] for worker in workers]
    assert result.state == "finished"
    assert any("tuner0 was silent for 5 s; another worker goes on with it" in text for text in Notes.texts)
    assert workers[0].returncode == -signal.SIGKILL
    assert workers[1].returncode == 0, outputs[1]
    assert "no more trials from the chief; " in outputs[1]

    def ends(folder):
        kept = ("trial", "state", "score", "scores", "epochs", "reason")
        found = [{key: event[key] for key in kept} for event in events(folder) if event["event"] == "end"]
        return sorted(found, key=lambda event: event["trial"])

    assert ends(result.folder) == ends(alone.folder)


def test_the_trial_of_a_silent_worker_goes_to_another_and_its_late_outcome_does_not_count(chief, events):
    def act(hand):
        silent, other = hand("silent"), hand("other")
        number = silent.trial()
        other.end(other.trial(), 0.1)
        assert other.trial() == number
        silent.end(number, 0.9)
        other.end(number, 0.4)
        drain(other)

    result = chief(act, {"max_trials": 2})
    assert result.state == "finished"
    assert end_of(events, result.folder, 0)["score"] == 0.4


def test_a_trial_that_two_workers_fell_silent_on_is_a_row_with_its_reason(chief, events):
    def act(hand):
        first, second = hand("first"), hand("second")
        number = first.trial()
        second.end(second.trial(), 0.1)
        assert second.trial() == number
        drain(hand("third"))

    result = chief(act, {"max_trials": 2})
    assert end_of(events, result.folder, 0)["reason"] == "its worker died 2 times (second was silent for 1 s)"


def test_a_worker_that_trained_under_an_earlier_chief_keeps_its_trial(chief, events):
    def leave(hand):
        assert hand("same").trial() == 0
        os.kill(os.getpid(), signal.SIGTERM)  # the chief's end; the worker does not hear of it

    cut = chief(leave, {"max_trials": 2})
    assert (cut.state, cut.exit_code) == ("interrupted", 143)

    def come_back(hand):
        same, other = hand("same"), hand("other")
        assert same.beat(0)
        assert other.trial() == 1
        same.end(0, 0.7)
        other.end(1, 0.6)
        drain(other)

    result = chief(come_back, {"max_trials": 2})
    assert result.folder == cut.folder
    assert [end_of(events, result.folder, number)["score"] for number in (0, 1)] == [0.7, 0.6]


def test_a_chief_that_is_stopped_stops_its_workers_and_can_go_on(chief, events):
    def act(hand):
        worker = hand()
        number = worker.trial()
        os.kill(os.getpid(), signal.SIGINT)
        while worker.beat(number):
            time.sleep(0.05)
        worker.end(number, None, state="interrupted", scores=())
        assert worker.offer() == "STOPPED"

    result = chief(act, {"max_trials": 2})
    assert (result.state, result.exit_code) == ("interrupted", 130)
    assert [event["event"] for event in events(result.folder)] == ["start"]


def test_what_a_worker_cannot_train_at_all_ends_the_sweep_with_the_worker_s_name(chief):
    from hornbook.errors import DataError

    def act(hand):
        worker = hand()
        worker.link.end(worker.trial(), {"error": "data.csv: there is no such file.", "kind": "DataError"})

    with pytest.raises(DataError, match=r"by-hand \(by-hand 1\): data.csv: there is no such file."):
        chief(act)


def test_workers_with_another_recipe_or_folder_are_refused_and_say_why(chief, place, recipe_of, tmp_path):
    from dataclasses import replace

    from hornbook.errors import RunError, UsageError
    from hornbook.sweep.network.address import fingerprint
    from hornbook.sweep.network.remote import work
    from hornbook.sweep.sweep import source_text

    recipe = recipe_of({"max_trials": 1})
    sweep, own = fingerprint(source_text(recipe, None)), replace(place, tuner_id="tuner0")

    def act(hand):
        with pytest.raises(UsageError, match="the chief has another recipe, other overrides or another version"):
            work(recipe, own, sweep="another", runs=tmp_path / "runs", say=print)
        with pytest.raises(RunError, match="not to be seen here.*--runs"):
            work(recipe, own, sweep=sweep, runs=tmp_path / "elsewhere", say=print)

    with pytest.raises(RunError, match=r"tuner0 \(.*not to be seen here"):
        chief(act, {"max_trials": 1})


def test_keras_tuner_s_own_workers_are_told_whom_they_reached(chief, place):
    import grpc
    from keras_tuner.src import protos

    def act(hand):
        request = protos.get_service().CreateTrialRequest(tuner_id="tuner0")
        with grpc.insecure_channel(place.address) as channel:
            stub = protos.get_service_grpc().OracleStub(channel)
            with pytest.raises(grpc.RpcError) as caught:
                stub.CreateTrial(request, wait_for_ready=True, timeout=20)
        assert caught.value.details() == "this chief is a hornbook sweep, its workers must be too"
        drain(hand())

    assert chief(act, {"max_trials": 1}).state == "finished"


def test_a_worker_whose_chief_never_comes_says_so(place, recipe_of, tensorflow, tmp_path):
    from hornbook.errors import RunError
    from hornbook.sweep.network.remote import work

    said = []
    with pytest.raises(RunError, match="no chief has answered for 1 s. Start one"):
        work(recipe_of(), place, sweep="", runs=tmp_path, say=said.append, wait_s=1)
    assert said[-1] == f"waiting for the chief at {place.address} …"
