"""What runs cost on disk, and how to free it: states first, then models. No TensorFlow."""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook.errors import RunError
from hornbook.runs.directory import (
    BEFORE_RECIPE,
    CHECKPOINTS,
    HISTORY,
    RECIPE,
    RESULT,
    STATES,
    Run,
    is_locked,
)
from hornbook.runs.sweeps import sweep_above

__all__ = [
    "Usage", "find_runs", "find_unbegun", "free_models", "free_states", "models_size", "remove_unbegun",
    "states_size", "usage_of",
]  # fmt: skip

STAMP = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


@dataclass(frozen=True)
class Usage:
    """One run and what it costs.

    Attributes:
        path: Its folder.
        name: Its folder relative to the folder of all runs.
        state: ``finished``, ``running``, ``interrupted`` …
        epochs: Epochs trained; None where none is recorded.
        score: The first metric of the test split, else of the validation split, as text; empty without one.
        size: Bytes.
        date: When it was last written, seconds since 1970.
        is_trial: Whether it is part of a sweep.
        problem: What is wrong with its files; empty where nothing is.
    """

    path: Path
    name: str
    state: str
    epochs: int | None
    score: str
    size: int
    date: float
    is_trial: bool
    problem: str = ""


def find_runs(root: Path) -> Iterator[Path]:
    """Yield the folders of all runs below `root`, those inside of sweeps too, by name."""
    if (root / RECIPE).is_file():
        yield root
        return
    for path in sorted(root.iterdir()):
        if path.is_dir() and not path.is_symlink():
            try:
                yield from find_runs(path)
            except OSError:  # a folder that may not be entered hides no other one
                yield path


def find_unbegun(root: Path) -> Iterator[Path]:
    """Yield folders of runs that were killed before there was a recipe in them, and that no process is beginning now."""
    for path in sorted(root.rglob("*")):
        if not STAMP.fullmatch(path.name) or path.is_symlink() or not path.is_dir() or (path / RECIPE).exists():
            continue
        names = {item.name for item in path.iterdir() if not item.name.startswith(".")}
        is_empty = not (path / CHECKPOINTS).is_dir() or not any((path / CHECKPOINTS).iterdir())
        if CHECKPOINTS in names and names <= BEFORE_RECIPE and is_empty and not is_locked(path):
            yield path


def usage_of(path: Path, root: Path) -> Usage:
    """Return what there is to say about a run without importing anything heavy."""
    run, problem, epochs = Run(path), "", None
    result: dict[str, Any] = {"state": "unknown"}
    try:
        result = run.result
        epochs = result.get("epochs")
        epochs = len(run.history) if epochs is None and (path / HISTORY).exists() else epochs
    except RunError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{path}: cannot be read ({error.strerror})."
    try:
        date = (path / RESULT).stat().st_mtime
    except OSError:
        date = path.stat().st_mtime
    name, is_trial = "/".join(path.relative_to(root).parts), sweep_above(path.relative_to(root)) is not None
    return Usage(path, name, result["state"], epochs, _score(result), size_of(path), date, is_trial, problem)


def _score(result: dict[str, Any]) -> str:
    for split in ("test", "validation"):
        values = result.get(split) or {}
        names = [name for name in values if name != "loss"] or list(values)
        if names and values[names[0]] is not None:
            return f"{'val_' if split == 'validation' else ''}{names[0]} {values[names[0]]:.4g}"
    return ""


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of a folder's files."""
    try:
        if path.is_file():
            return path.stat().st_size
        return sum(item.stat().st_size for item in path.rglob("*") if item.is_file() and not item.is_symlink())
    except PermissionError:
        return 0


def states_size(path: Path) -> int:
    """Return the bytes of the states that a run could be resumed from."""
    return size_of(path / CHECKPOINTS / STATES)


def models_size(path: Path) -> int:
    """Return the bytes of a run's models and states."""
    return size_of(path / CHECKPOINTS)


def free_states(path: Path) -> None:
    """Delete the states of a run; it can be evaluated and used, but not trained longer."""
    _delete(path / CHECKPOINTS / STATES)


def free_models(path: Path) -> None:
    """Delete models and states of a run; recipe, history and results stay, so it can be reproduced."""
    _delete(path / CHECKPOINTS)


def remove_unbegun(path: Path) -> None:
    """Delete what was left of a run that never began.

    Raises:
        RunError: If it cannot be deleted.
    """
    _delete(path)


def _delete(path: Path) -> None:
    try:
        if path.exists():
            shutil.rmtree(path)
    except OSError as error:
        raise RunError(f"{error.filename or path}: cannot be deleted ({error.strerror}).") from error


def size_text(size: float) -> str:
    """Return ``512 B``, ``3.4 MB`` …"""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 99.5 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def date_text(date: float) -> str:
    """Return ``2026-11-21 10:15``."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(date))
