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

__all__ = ["STUDY_FILES", "study_page", "write_study"]

REPORT, TABLE, RESULT = STUDY_FILES = ("report.html", "table.csv", "result.json")


def study_page(name: str) -> Path | None:
    """Return the page in a study's folder; None where the folder is no study's."""
    folder = Path(name)
    return (folder / REPORT).resolve() if all((folder / file).is_file() for file in STUDY_FILES) else None


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
