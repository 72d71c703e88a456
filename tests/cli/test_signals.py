"""Ctrl-C, SIGTERM, a closed terminal and a pipe without a reader end a run in good order: exit code, state, how to go on.

Ctrl-C in a process that started as it does for users is in test_startup.py.
"""

import contextlib
import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.whole

LONG = """\
data: iris
model: {name: mlp, units: [8]}
training: {epochs: 100000, batch_size: 8, engine: graph}
"""  # some minutes of training


@pytest.fixture(autouse=True)
def hangups():
    """Hangups end processes that are started here, also where pytest itself runs under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@contextlib.contextmanager
def started(command, **more):
    """A process with pipes, which does not outlive the test."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_run_resumable(number, code, warm):
    Path("long.yaml").write_text(LONG, encoding="utf-8")
    with started([warm.hornbook, "train", "-c", "long.yaml"]) as process:
        for line in process.stderr:
            if line.split()[0] == "2":
                break
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == code
    result = json.loads(Path("runs/long/latest/result.json").read_text(encoding="utf-8"))
    assert result["state"] == "interrupted"
    assert "Traceback" not in err
    assert [char for char in out + err if ord(char) < 32 and char != "\n"] == []
    assert next(line for line in out.splitlines() if line.startswith("next")).split()[1:3] == ["hornbook", "resume"]
    assert Path("runs/long/latest/checkpoints/last.keras").is_file()


SHORT = """\
data: iris
model: {name: mlp, units: [8]}
training: {epochs: 400, batch_size: 8, engine: graph}
"""
PROGRAM = "import sys; sys.argv[0] = 'hornbook'; from hornbook.cli import program; program()"


def in_terminal(*arguments, until, ignores_hangups=False, program=PROGRAM):
    """Start a command in a terminal of its own, close that once a text is shown; return the exit code."""
    child, terminal = pty.fork()
    if child == 0:
        if ignores_hangups:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execv(sys.executable, [sys.executable, "-c", program, *arguments])
    shown = b""
    while until not in shown:
        shown += os.read(terminal, 4096)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def weights_of(name):
    """Return all numbers of a run's last model, without Keras."""
    run = Path("runs", name, "latest").resolve()
    with zipfile.ZipFile(run / "checkpoints" / "last.keras") as archive, archive.open("model.weights.h5") as file:
        found = []
        h5py.File(io.BytesIO(file.read())).visititems(
            lambda _, item: found.append(item[()].ravel()) if isinstance(item, h5py.Dataset) else None
        )
    return np.concatenate([values for values in found if values.dtype == np.float32])


def state_of(name):
    return json.loads(Path("runs", name, "latest", "result.json").read_text(encoding="utf-8"))["state"]


def test_a_closed_terminal_stops_a_run_which_then_ends_with_the_same_bits(warm):
    for name in ("cut", "whole"):
        Path(f"{name}.yaml").write_text(SHORT, encoding="utf-8")
    assert in_terminal("train", "-c", "cut.yaml", until=b"    5  ") == 129
    assert state_of("cut") == "interrupted"
    for line in (["train", "-c", "whole.yaml", "-q"], ["resume", "cut"]):
        subprocess.run([warm.hornbook, *line], check=True, capture_output=True)
    assert (state_of("cut"), state_of("whole")) == ("finished", "finished")
    np.testing.assert_array_equal(weights_of("cut"), weights_of("whole"))


def test_under_nohup_a_run_outlives_its_terminal():
    Path("kept.yaml").write_text(SHORT, encoding="utf-8")
    assert in_terminal("train", "-c", "kept.yaml", until=b"    5  ", ignores_hangups=True) == 0
    assert state_of("kept") == "finished"
    assert "all 400 epochs done" in Path("runs/kept/latest/log.txt").read_text(encoding="utf-8")


def test_a_program_that_has_no_terminal_any_more_trains_on():
    program = f"import hornbook, yaml; hornbook.train(yaml.safe_load({SHORT!r}) | {{'name': 'own'}})"
    code = in_terminal(until=b"    5  ", ignores_hangups=True, program=program)
    assert code in {0, 120}  # Python itself ends with 120 where its stdout cannot be flushed
    assert state_of("own") == "finished"


def test_a_closed_terminal_stops_a_sweep_which_goes_on_later(warm):
    Path("tried.yaml").write_text(
        f"{SHORT}sweep: {{tuner: grid, space: {{optimizer.learning_rate: [0.1, 0.01, 0.001]}}, confirm: 0}}\n",
        encoding="utf-8",
    )
    assert in_terminal("sweep", "-c", "tried.yaml", until=b"trial-002") == 129
    done = subprocess.run([warm.hornbook, "sweep", "-c", "tried.yaml", "-q"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_run_whose_progress_nobody_reads_any_more_is_saved(warm):
    Path("long.yaml").write_text(LONG, encoding="utf-8")
    with started([warm.python, "-c", PROGRAM, "train", "-c", "long.yaml"]) as process:
        for line in process.stderr:
            if line.split()[0] == "2":
                break
        process.stderr.close()
        assert process.stdout.read().splitlines()[-1].startswith("next    hornbook resume")
        process.wait(timeout=60)
    assert process.returncode == 141
    assert state_of("long") == "interrupted"


@pytest.mark.parametrize(("module", "later_s"), [("hornbook.errors", 0), ("hornbook.cli", 0.7), ("hornbook.cli", 2.5)])
@pytest.mark.parametrize("line", ["train -c iris.yaml", "explain -c iris.yaml", "lr-find -c iris.yaml"])
def test_ctrl_c_is_one_line_whatever_the_command_is_about_to_do(line, module, later_s):
    """In processes that import TensorFlow themselves, most of this time; Python says what it has imported."""
    Path("iris.yaml").write_text(LONG, encoding="utf-8")
    command = [sys.executable, shutil.which("hornbook"), *line.split()]
    with started(command, env=os.environ | {"PYTHONPROFILEIMPORTTIME": "1"}) as process:
        while process.stderr.readline().split()[-1] != module:
            pass
        time.sleep(later_s)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err.splitlines()[-1]
    assert "Traceback" not in err
