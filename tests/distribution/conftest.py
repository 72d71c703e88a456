"""Scenarios on logical devices in one process, and workers as processes on this machine."""

import contextlib
import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


class Found(dict):
    """{scenario: what `scenarios.py` wrote of it}, each trained when it is first asked for."""

    def __init__(self, folders, python):
        super().__init__()
        self.folders, self.python = folders, python

    def __missing__(self, name):
        folder = self.folders.mktemp("mirrored")
        command = [self.python, HERE / "scenarios.py", folder, name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        self[name] = json.loads((folder / "found.json").read_text())
        return self[name]


@pytest.fixture(scope="session")
def found(tmp_path_factory, warm):
    return Found(tmp_path_factory, warm.python)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture
def workers(tmp_path, warm):
    """A function: arguments of `hornbook` → two processes that run it, each as one worker of a cluster on this machine."""
    started = []

    def start(*arguments):
        hosts = [f"127.0.0.1:{port}" for port in free_ports(2)]
        pair = []
        for index in range(2):
            task = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
            temporary = tmp_path / f"temporary-{index}"
            temporary.mkdir(exist_ok=True)
            environment = os.environ | {"TF_CONFIG": json.dumps(task), "TMPDIR": str(temporary), "COLUMNS": "80"}
            process = subprocess.Popen(
                [warm.hornbook, *arguments],
                cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            pair.append(process)
        started.extend(pair)
        return pair

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
