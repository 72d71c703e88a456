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
def run(tools, tmp_path, monkeypatch):
    """A function that runs a notebook, whose cells then hold what they have printed."""
    import nbclient

    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.delenv("HORNBOOK_DATA", raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "opened"
    folder.mkdir()
    settings = {"timeout": 180, "kernel_name": "python3", "record_timing": True, "coalesce_streams": True}

    def execute(notebook):
        nbclient.NotebookClient(notebook, **settings, resources={"metadata": {"path": folder}}).execute()

    return execute


@pytest.fixture
def execute(run):
    """A function that runs a lesson with its solutions, and returns its cells of code."""
    from lessons import as_notebook

    def execute(name):
        notebook = as_notebook(name)
        run(notebook)
        return [cell for cell in notebook.cells if cell.cell_type == "code"]

    return execute


@pytest.fixture
def cells(run):
    """A function that runs texts as cells, and returns these."""
    from nbformat import v4

    def execute(*texts):
        notebook = v4.new_notebook(cells=[v4.new_code_cell(text) for text in texts])
        run(notebook)
        return notebook.cells

    return execute
