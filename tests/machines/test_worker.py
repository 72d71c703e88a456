"""What a process on another machine answers, without Ray."""

import pickle
import sys
from functools import partial
from importlib.metadata import version
from types import ModuleType, SimpleNamespace

import pytest

from hornbook.errors import BusyError, DataError, RunError
from hornbook.machines import worker
from hornbook.machines.worker import Order, error_from, serve


class Board:
    """Takes what is told."""

    def __init__(self):
        self.told = []
        self.begin = SimpleNamespace(remote=lambda *what: self.told.append(what))
        self.tell = self.begin


@pytest.fixture
def order(tmp_path, monkeypatch, tensorflow):
    """An order from a command whose folder of runs is shared."""
    cloudpickle = ModuleType("ray.cloudpickle")
    cloudpickle.loads = lambda job: job
    ray = ModuleType("ray")
    ray.get_runtime_context = lambda: SimpleNamespace(get_node_id=lambda: "node 1")
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.cloudpickle", cloudpickle)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "proof").touch()
    return partial(
        Order, number=3, version=version("hornbook"), cwd=str(tmp_path), proof=str(tmp_path / "proof"), device=None,
        board=Board(),
    )  # fmt: skip


def test_a_result_travels_back_and_progress_is_told(order):
    given = order()
    answer = serve(lambda: worker.tell("trial-001", "epoch 2 50 %") or 7, given)
    assert (answer.value, answer.error) == (7, None)
    assert given.board.told == [(3, answer.machine, "node 1"), ("trial-001", f"epoch 2 50 %  {answer.machine}")]
    assert pickle.loads(pickle.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": "0.0.9"}, "Hornbook is .* here and 0.0.9 where the command runs. Install the same version"),
        ({"proof": "/elsewhere/sweep.yaml"}, "/elsewhere: what the command writes here is not to be seen"),
    ],
)
def test_another_version_or_folder_is_refused(order, changes, message):
    answer = serve(lambda: pytest.fail("it was called"), order(**changes))
    with pytest.raises(RunError, match=f"^far-1: {message}"):
        raise error_from(answer.error, "far-1: ")


def test_an_error_of_the_data_stays_one(order):
    def fail():
        raise DataError("data.csv: there is no such file.")

    assert error_from(serve(fail, order()).error, "far-1: ").args == ("far-1: data.csv: there is no such file.",)
    assert isinstance(error_from(serve(fail, order()).error), DataError)


def test_a_signal_s_exit_code_travels_back(order):
    from hornbook.trainer.signals import Interrupted

    def stop():
        raise Interrupted("stopped by SIGTERM", 143)

    assert serve(stop, order()).exit_code == 143


def test_a_run_that_another_process_still_trains_is_waited_for(order, monkeypatch):
    monkeypatch.setattr(worker, "BUSY_POLL_S", 0.01)
    calls = []

    def busy():
        calls.append(1)
        if len(calls) < 3:
            raise BusyError("another process is training this run.")
        return len(calls)

    assert serve(busy, order()).value == 3
    monkeypatch.setattr(worker, "BUSY_WAIT_S", 0.0)
    calls.clear()
    assert serve(busy, order()).error == {"error": "another process is training this run.", "kind": "BusyError"}


def test_other_data_is_refused(tensorflow):
    from hornbook import load_recipe

    recipe = load_recipe({"data": "iris", "model": {"name": "mlp", "units": [4]}})
    worker.check_data(recipe, None)
    with pytest.raises(
        DataError, match=r"the data is another than where the command runs \(fingerprint .*, there ff\)"
    ):
        worker.check_data(recipe, "ff")
