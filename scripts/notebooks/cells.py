"""Runs the cells of a lesson, and keeps what they print and draw in build/lessons until the lesson or Hornbook changes."""

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hornbook

CELL = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A cell, or the solution of an exercise; each runs after those above it."""
LONGEST_S = 180
KERNEL = ("nbclient", "ipykernel")
SCRIPTS = Path(__file__).parents[1]
CONFIG = """\
import sys
sys.path.append({scripts!r})
c.InteractiveShellApp.extensions = ["notebooks.figures"]
c.InlineBackend.figure_formats = {{"retina"}}
"""


class CellError(Exception):
    """A cell of a lesson has failed."""


@dataclass(frozen=True)
class Outputs:
    """What the cells of a lesson gave.

    Attributes:
        date: When they ran, as ``2026-11-27``.
        versions: Of Hornbook, TensorFlow and Keras.
        cells: {output as nbformat has it} of each cell, in their order.
    """

    date: str
    versions: dict[str, str]
    cells: list[list[dict[str, Any]]]


def can_run() -> bool:
    """Return whether there is what runs cells."""
    return all(find_spec(name) is not None for name in KERNEL)


def kept(path: Path, folder: Path) -> Outputs | None:
    """Return what a lesson gave when it ran last; None where it or Hornbook has changed since.

    Args:
        path: The lesson.
        folder: Where outputs are kept.
    """
    file = _file(path, folder)
    return Outputs(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def outputs_of(path: Path, folder: Path) -> Outputs:
    """Run a lesson with its solutions and keep what it gives.

    Args:
        path: The lesson.
        folder: Where outputs are kept.

    Raises:
        CellError: If a cell fails.
    """
    cells = CELL.findall(path.read_text(encoding="utf-8"))
    found = Outputs(date.today().isoformat(), _versions(), _run(cells, path.name))
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in folder.glob(f"{path.stem}-*.json"):
        earlier.unlink()
    _file(path, folder).write_text(json.dumps(asdict(found)), encoding="utf-8")
    return found


def _run(cells: Sequence[str], name: str) -> list[list[dict[str, Any]]]:
    """Run cells in a kernel of their own, in an empty folder, with nothing of the user's settings."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from nbformat import v4

    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    with tempfile.TemporaryDirectory() as folder:
        here, settings = Path(folder, "lesson"), Path(folder, "settings")
        profile = settings / "profile_default"
        profile.mkdir(parents=True)
        here.mkdir()
        (profile / "ipython_config.py").write_text(CONFIG.format(scripts=str(SCRIPTS)), encoding="utf-8")
        client = NotebookClient(
            notebook, timeout=LONGEST_S, kernel_name="python3", coalesce_streams=True,
            extra_arguments=["--IPKernelApp.log_level=ERROR"], resources={"metadata": {"path": str(here)}},
        )  # fmt: skip
        try:
            client.execute(env=_environment(settings))
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise CellError(f"{name}: {error}") from error
        text = json.dumps([cell.outputs for cell in notebook.cells]).replace(f"{here}/", "")
    return json.loads(text)


def _environment(settings: Path) -> dict[str, str]:
    programs = (str(Path(sys.executable).parent), os.environ["PATH"])
    return {
        **{key: value for key, value in os.environ.items() if key != "HORNBOOK_DATA"},
        "IPYTHONDIR": str(settings), "JUPYTER_RUNTIME_DIR": str(settings / "runtime"),
        "PATH": os.pathsep.join(programs),
    }  # fmt: skip


def _versions() -> dict[str, str]:
    return {"Hornbook": hornbook.__version__, "TensorFlow": version("tensorflow"), "Keras": version("keras")}


def _file(path: Path, folder: Path) -> Path:
    """Return where the outputs of a lesson as it is now are kept: its name holds what they depend on."""
    sources = sorted((SCRIPTS.parent / "hornbook").rglob("*.py"))
    parts = [path, Path(__file__).with_name("figures.py"), Path(__file__), *sources]
    mark = hashlib.sha256(json.dumps(_versions()).encode())
    for part in parts:
        mark.update(part.read_bytes())
    return folder / f"{path.stem}-{mark.hexdigest()[:12]}.json"
