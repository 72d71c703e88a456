"""A study on disk: an ablation or a learning curve. The only place that knows its file names.

runs/<recipe name>_ablation/<YYYYmmdd-HHMMSS>-<4 hex>/    (or _learning_curve)
  report.html  table.csv  result.json
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hornbook.atomic import write_json, write_text
from hornbook.errors import RunError
from hornbook.runs.reading import read_record
from hornbook.runs.records import StudyRecord

__all__ = ["STUDY_FILES", "study_page", "study_runs", "write_study"]

KINDS = ("_ablation", "_learning_curve")
"""How the names of studies' folders end."""
REPORT, TABLE, RESULT = STUDY_FILES = ("report.html", "table.csv", "result.json")


def study_page(name: str) -> Path | None:
    """Return the page in a study's folder, or in the newest of ``NAME_ablation`` or ``NAME_learning_curve``.

    None where the name is no study's.

    Raises:
        RunError: If the page is missing.
    """
    for folder in (Path(name), Path("runs") / name):
        newest = sorted(folder.glob(f"*/{TABLE}"), reverse=True) if folder.name.endswith(KINDS) else []
        for study in (folder, *(table.parent for table in newest)):
            if not all((study / file).is_file() for file in (TABLE, RESULT)):
                continue
            page = (study / REPORT).resolve()
            if not page.is_file():
                raise RunError(
                    f"{page}: missing. The command that made it, called as before, finds the runs and writes it anew."
                )
            return page
    return None


def study_runs(folder: Path) -> list[Path]:
    """Return the folders of a study's finished runs, in the order of its cells; they stand beside the study's own folder.

    Raises:
        RunError: If the record cannot be read.
    """
    record = read_record(folder / RESULT, StudyRecord)
    runs = [
        Path(run["run"])
        for cell in record["cells"]
        for run in cell["runs"]
        if run["run"] and run["state"] == "finished"
    ]
    return [folder.parent.parent / run.parent.name / run.name for run in runs]


def write_study(
    root: Path, name: str, *, page: str, table: str, record: Mapping[str, Any], kind: str = "ablation"
) -> Path:
    """Write a study of a recipe into a fresh folder below `root`; returns the folder.

    `kind` ends the name of the folder above it: ``ablation`` or ``learning_curve``.

    Raises:
        RunError: If it cannot be written.
    """
    folder = root / f"{name}_{kind}" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise RunError(f"{folder}: the study's folder cannot be made ({error.strerror}).") from error
    write_text(folder / TABLE, table)
    write_json(folder / RESULT, dict(record))
    write_text(folder / REPORT, page)
    return folder
