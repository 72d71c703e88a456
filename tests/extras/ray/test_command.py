"""`--on ray` on the command line: a cluster that the command starts, signals, a kill, and addresses at which there is none."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from far import ends, left_by, trains, wait_for

pytest.importorskip("ray")


FILE = """
name: few
data: {name: digits, limit: 384}
model: {name: mlp, units: [8]}
training: {epochs: 300, engine: graph}
sweep:
  objective: val_accuracy
  max_trials: 2
  confirm: 0
  space: {optimizer.learning_rate: {min: 1e-3, max: 0.1, sampling: log}}
"""


@pytest.fixture
def folder_of_ray():
    """Where Ray knows of no cluster; its name has to be short, because sockets are made there."""
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield folder


@pytest.fixture
def begin(tmp_path, folder_of_ray):
    """A function: command, options → the process of `hornbook …`."""
    begun = []

    def start(command, *options, **variables):
        variables["RAY_TMPDIR"] = folder_of_ray
        (tmp_path / "few.yaml").write_text(FILE)
        process = subprocess.Popen(
            [Path(sys.executable).parent / "hornbook", command, "-c", "few.yaml", *options], cwd=tmp_path,
            env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def test_interrupted_then_killed_the_same_command_goes_on_and_leaves_the_same_bits(tmp_path, begin, tensorflow):
    from hornbook import load_recipe
    from hornbook.sweep.sweep import sweep

    here, far = tmp_path / "here", tmp_path / "far"
    options = ("--runs", "far", "--on", "ray", "--each", "cpus=1")
    first = begin("sweep", *options)
    wait_for(lambda: trains(far, "trial-001") + trains(far, "trial-002"))
    first.send_signal(signal.SIGINT)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 130, err
    assert "the same command goes on here" in out
    assert err.splitlines()[-1] == "interrupted: stopped by Ctrl-C"

    second = begin("sweep", *options)
    wait_for(lambda: trains(far, "trial-001") + trains(far, "trial-002"))
    time.sleep(0.3)
    second.kill()
    second.wait()
    wait_for(lambda: not trains(far, "trial-001") + trains(far, "trial-002"))

    third = begin("sweep", *options)
    out, err = third.communicate(timeout=120)
    assert third.returncode == 0, err
    assert "going on with the unfinished" in err
    assert all(line.startswith(("few", "  ", "trial", "note ", "    ", "best")) for line in err.splitlines()), err
    assert out.splitlines()[0].startswith("best    learning_rate")

    alone = sweep(load_recipe(FILE), runs=here, source=(FILE, ()), parallel=1)
    assert alone.state == "finished"
    (far,), (here,) = far.glob("few/sweep-*"), here.glob("few/sweep-*")
    scores = [{trial: end["score"] for trial, end in ends(folder).items()} for folder in (far, here)]
    assert scores[0] == scores[1]
    assert left_by(far) == left_by(here)


def test_addresses_without_a_cluster_are_named_within_seconds(begin):
    import grpc

    began = time.monotonic()
    with grpc_server(grpc) as port:
        processes = {
            "127.0.0.1:9: no Ray cluster answers.": begin("sweep", "--on", "ray://127.0.0.1:9"),
            f"127.0.0.1:{port}: this is not a Ray": begin("sweep", "--on", f"ray://127.0.0.1:{port}"),
            "127.0.0.1:8: no Ray cluster answers.": begin(
                "ablate", "--vary", "activation=tanh", "--on", "ray", RAY_ADDRESS="127.0.0.1:8"
            ),
        }
        for message, process in processes.items():
            _, err = process.communicate(timeout=60)
            assert process.returncode == 1
            assert err.splitlines()[-1].startswith(message)
            assert "Traceback" not in err
    assert time.monotonic() - began < 40


class grpc_server:
    """A server that answers no method."""

    def __init__(self, grpc):
        self.server = grpc.server(ThreadPoolExecutor(2))

    def __enter__(self):
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        return port

    def __exit__(self, *_):
        self.server.stop(0)
