"""Real processes of a sweep are killed: a worker, the command that has workers."""

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from far import wait_for

pytestmark = pytest.mark.whole

FILE = """
data: {name: digits, limit: 384}
model: {name: mlp, units: [8]}
training: {epochs: 30, engine: graph}
sweep:
  objective: val_accuracy
  max_trials: 2
  confirm: 0
  space: {optimizer.learning_rate: {min: 1e-3, max: 0.1, sampling: log}}
"""


def workers_of(folder):
    """Return the processes that train for the sweep in a folder."""
    pids, name = [], folder.resolve().name.encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if b"hornbook.sweep.worker" in words and any(word.endswith(name) for word in words):
            pids.append(int(path.parent.name))
    return pids


def open_files(process):
    """Return the files that a process has open."""
    return [path.resolve() for path in Path(f"/proc/{process}/fd").iterdir()]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "runs" / "few" / "latest-sweep"


@pytest.fixture
def begin(tmp_path, warm):
    """A function: options, setup (Python code) and variables → the process of `hornbook sweep`."""
    begun = []

    def start(*options, setup="pass", **variables):
        (tmp_path / "few.yaml").write_text(FILE)
        line = ["hornbook", "sweep", "-c", "few.yaml", *options]
        code = f"import sys, hornbook.cli; sys.argv = {line!r}; {setup}; hornbook.cli.main()"
        process = subprocess.Popen(
            [warm.python, "-c", code], cwd=tmp_path, env={**os.environ, **variables},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def slow_workers(tmp_path, warm, slow_training):
    """Code for a sweep to run first: its workers train slowly."""
    code = f"import runpy, sys; {slow_training}; sys.argv = sys.argv[2:]; runpy.run_module(sys.argv[0], run_name='__main__')"
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\nexec {warm.python} -c {shlex.quote(code)} "$@"\n')
    path.chmod(0o755)
    return f"sys.executable = {str(path)!r}"


def trains(folder, count=1):
    return lambda: len(list(folder.glob("trials/*/latest/history.jsonl"))) >= count


def goes_on(process, folder, events):
    """Check that a sweep ends well, and that no trial was begun anew; return what it said."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    ended = [event for event in events(folder) if event["event"] == "end"]
    assert sorted(event["trial"] for event in ended) == [0, 1]
    assert {event["state"] for event in ended} == {"finished"}
    assert len(list(folder.glob("trials/*/2*/recipe.yaml"))) == 2
    return output


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_the_trial_of_a_killed_worker_is_finished_by_another(begin, folder, events, slow_workers):
    process = begin("--workers", "2", setup=slow_workers)
    wait_for(trains(folder, 2))
    os.kill(workers_of(folder)[0], signal.SIGKILL)
    assert "died (signal 9); another goes on with it" in goes_on(process, folder, events)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_workers_end_with_the_command_that_started_them_and_the_next_one_waits_for_them(
    begin, folder, events, slow_workers
):
    first = begin("--workers", "2", setup=slow_workers)
    wait_for(trains(folder, 2))
    workers = workers_of(folder)
    assert len(workers) == 2
    assert all((folder / ".lock").resolve() in open_files(worker) for worker in workers)
    first.kill()
    first.wait()
    assert "going on with the unfinished" in goes_on(begin(), folder, events)
    assert workers_of(folder) == []
