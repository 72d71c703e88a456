"""An empty folder and a terminal of 80 columns, and the command line in a process of its own."""

import os
import shlex
import subprocess
import sys

import pytest


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """Every test has an empty folder to itself and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PATH", os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))


@pytest.fixture
def process(outcome):
    """A function that runs a command in a process of its own."""

    def run(line, **options):
        done = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=120, check=False, **options)
        return outcome(done.returncode, done.stdout, done.stderr)

    return run
