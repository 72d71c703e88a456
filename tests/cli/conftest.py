"""The command line in this process: arguments in, exit code, stdout and stderr out."""

import contextlib
import io
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass

import pytest

import hornbook.cli


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code, result, messages."""

    code: int
    out: str
    err: str


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """Every test has an empty folder to itself and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("PATH", os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))


@pytest.fixture
def hornbook_command(monkeypatch):
    """A function that runs `hornbook …` in this process, the way the installed script does."""

    def run(line: str, *, stdin: str = "", on_terminal: bool = False) -> Outcome:
        out, err = (Terminal(), Terminal()) if on_terminal else (io.StringIO(), io.StringIO())
        monkeypatch.setattr(sys, "argv", shlex.split(line))
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                hornbook.cli.main()
            except SystemExit as end:
                code = end.code or 0
        return Outcome(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def process():
    """A function that runs a command in a process of its own."""

    def run(line: str, **options) -> Outcome:
        done = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=120, check=False, **options)
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run
