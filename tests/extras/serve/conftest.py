"""Runs that services and packages are made of: pictures, and a table with a number, a category and a boolean."""

import http.client
import json
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import hornbook

RECIPES = {
    "digits": "data: digits\nmodel: {name: mlp, units: [16]}\nactivation: relu\ntraining: {epochs: 6, batch_size: 100, engine: graph}\n",
    "people": "data: {name: table, path: %s, target: buys}\nmodel: {name: mlp, units: [8]}\nactivation: relu\n"
    "training: {epochs: 3, batch_size: 50, engine: graph}\n",
}


@pytest.fixture(scope="session")
def extra():
    """Skip where services cannot run, before anything is trained."""
    for package in ("fastapi_offline", "uvicorn", "orjson", "prometheus_client", "multipart"):
        pytest.importorskip(package, reason="not installed: hornbook[serve]")


@pytest.fixture(scope="module")
def folder(extra, tensorflow, tmp_path_factory):
    """A folder with a run of each recipe below `runs`."""
    folder = tmp_path_factory.mktemp("served")
    draw = random.Random(0)
    lines = ["age,city,member,buys"]
    for _ in range(300):
        age, city = draw.randint(18, 80), draw.choice(["Bern", "Chur", "Uri"])
        lines.append(
            f"{age},{city},{draw.choice(['true', 'false'])},{'yes' if age + 20 * (city == 'Uri') > 55 else 'no'}"
        )
    (folder / "people.csv").write_text("\n".join(lines) + "\n")
    for name in RECIPES:
        train(folder, name)
    return folder


def train(folder, name):
    """Train a recipe below a folder's runs; returns the run's folder."""
    (folder / f"{name}.yaml").write_text(RECIPES[name].replace("%s", str(folder / "people.csv")))
    return hornbook.train(folder / f"{name}.yaml", runs=str(folder / "runs"), progress=False).run


@pytest.fixture(scope="module")
def train_again(folder):
    """A function that trains a recipe once more; `latest` points to the new run."""
    return lambda name: train(folder, name)


class Service:
    """A service in a process, and ways to ask it."""

    def __init__(self, folder, *names, port=0, options=()):
        self.log = Path(folder) / f"serve-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "hornbook", "serve", *names, "--port", str(port), *options]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=folder, stderr=log, stdout=log)
        deadline = time.monotonic() + 180
        while not (found := re.search(r"answering at http://127\.0\.0\.1:(\d+)", self.log.read_text())):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)
        self.port = int(found[1])

    def ask(self, method, path, tree=None):
        """Return status and answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            body = None if tree is None else json.dumps(tree)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            with connection.getresponse() as response:
                return response.status, json.loads(response.read())

    def wait_for(self, text):
        """Wait until the log says something."""
        deadline = time.monotonic() + 180
        while text not in self.log.read_text():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def stop(self, number=signal.SIGTERM):
        """Send a signal; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture(scope="session")
def serve(extra):
    """`Service`, where services can run."""
    return Service
