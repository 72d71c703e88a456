"""Notebooks run in a kernel of their own, in an empty folder, with nothing of the user's and no way to a network."""

import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tools():
    """Skip where notebooks cannot run."""
    for package in ("jupytext", "nbclient", "ipykernel"):
        pytest.importorskip(package, reason=f"{package} missing: `make test-notebooks` has it")


@pytest.fixture
def execute(tools, tmp_path, monkeypatch):
    """A function that runs a lesson with its solutions, and returns the notebook with what its cells have printed."""
    import nbclient
    from lessons import as_notebook

    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.delenv("HORNBOOK_DATA", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "lesson"
    folder.mkdir()

    def run(name):
        notebook = as_notebook(name)
        nbclient.NotebookClient(
            notebook, timeout=180, kernel_name="python3", record_timing=True, resources={"metadata": {"path": folder}}
        ).execute()
        return notebook

    return run
