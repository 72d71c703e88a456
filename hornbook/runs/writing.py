"""One training run on disk, being written: its folder, its files, its lock. What is where stands in `directory`."""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook.atomic import jsonable, replacing, write_json, write_text
from hornbook.errors import BusyError, RunError
from hornbook.runs.directory import (
    CHECKPOINTS,
    DATA,
    ENVIRONMENT,
    EXPORTED,
    EXPORTS,
    HEALTH,
    HISTORY,
    IMPORTANCE,
    LATEST,
    LOG,
    RATE_PICTURE,
    RATE_SEARCH,
    RECIPE,
    RESULT,
    REUSE,
    SHRINK,
    SOURCE,
    STATES,
    TENSORBOARD,
    TRACKING,
    WANDB,
    runs_of,
    source_text,
)
from hornbook.runs.reading import read_lines
from hornbook.runs.records import HealthRecord

__all__ = ["RunDirectory", "check_writable", "make_folder", "point_latest", "write_failed_search"]


def check_writable(root: Path, name: str | None = None, *, latest: str = LATEST) -> None:
    """Raise early, before any work, if runs (of a recipe of that name) could not be written below `root`.

    Raises:
        RunError: If the folder, or the nearest existing one above it, cannot be written, or something else has the name of
            the link to the newest run.
    """
    existing = root.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise RunError(
            f"{root}: runs cannot be written here, because {existing} is a file. Choose a folder with --runs."
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise RunError(f"{root}: runs cannot be written here, {existing} is read-only. Choose a folder with --runs.")
    link = root / name / latest if name is not None else None
    if link is not None and link.exists() and not link.is_symlink():
        raise RunError(
            f"{link}: here Hornbook keeps a link to the newest run, and there is something else of that name. Rename it, or "
            "choose another folder with --runs."
        )


def write_failed_search(root: Path, name: str, picture: str) -> Path:
    """Write the picture of range tests that found no rate beside the runs of a recipe; returns the file.

    Raises:
        RunError: If it cannot be written.
    """
    path = root / name / RATE_PICTURE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, picture)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror}).") from error
    return path


def make_folder(
    root: Path, name: str, *, inner: str, what: str, prefix: str = "", latest: str = LATEST, is_latest: bool = True
) -> Path:
    """Make a fresh folder `root`/`name`/<prefix><time>-<4 hex> with a folder `inner` in it; if `is_latest`, `latest` points
    to it from now on.

    Raises:
        RunError: If it cannot be made; `what` says what it is for.
    """
    check_writable(root, name, latest=latest)
    try:
        while True:
            stamp = f"{prefix}{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}"
            path = root / name / stamp
            try:
                path.mkdir(parents=True)
                break
            except FileExistsError:
                if not (root / name).is_dir():
                    raise
        (path / inner).mkdir()
    except OSError as error:
        raise RunError(f"{root / name}: the {what}'s folder cannot be made ({error.strerror}).") from error
    if is_latest:
        point_latest(path, latest=latest)
    return path


def point_latest(path: Path, *, latest: str = LATEST) -> None:
    """Let the link beside a folder point to it.

    Raises:
        RunError: If it cannot be written.
    """
    link = path.parent / f".{latest}-{path.name}"
    try:
        link.symlink_to(path.name, target_is_directory=True)
        link.replace(path.parent / latest)
    except OSError as error:
        raise RunError(f"{path.parent / latest}: this link cannot be made ({error.strerror}).") from error


@dataclass(frozen=True)
class RunDirectory:
    """The folder of one run, being written."""

    path: Path

    @classmethod
    def create(cls, root: Path, name: str, *, is_latest: bool = True) -> "RunDirectory":
        """Make a fresh folder below `root`/`name` and, if `is_latest`, point `latest` to it.

        Raises:
            RunError: If it cannot be made.
        """
        path = make_folder(root, name, inner=CHECKPOINTS, what="run", is_latest=is_latest)
        return cls(path)

    @property
    def best(self) -> Path:
        """The model of the best epoch."""
        return self.path / CHECKPOINTS / "best.keras"

    @property
    def last(self) -> Path:
        """The model of the last epoch."""
        return self.path / CHECKPOINTS / "last.keras"

    @property
    def states(self) -> Path:
        """The folder of the states for exact resume."""
        return self.path / CHECKPOINTS / STATES

    @property
    def tensorboard(self) -> Path:
        """The folder of the event files for TensorBoard."""
        return self.path / TENSORBOARD

    @property
    def wandb(self) -> Path:
        """The folder that the client of Weights & Biases writes to."""
        return self.path / WANDB

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training this run while this is open; a killed process leaves no lock behind.

        Raises:
            BusyError: If another process is training it.
        """
        try:
            file = (self.path / LOG).open("a", encoding="utf-8")  # never replaced, so everyone locks the same file
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written ({error.strerror}).") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                message = "another process is training this run. Wait until it has ended, or stop it."
                raise BusyError(f"{self.path}: {message}") from error
            except OSError:
                pass  # a file system without locks
            yield

    def write_history(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write all epochs anew, as a resumed run must: lines after the state are trained again."""
        if not rows and not (self.path / HISTORY).exists():
            return
        write_text(
            self.path / HISTORY, "".join(json.dumps(jsonable(dict(row)), ensure_ascii=False) + "\n" for row in rows)
        )

    def remove_leftovers(self) -> None:
        """Remove what a process that was killed while writing has left."""
        for folder in (self.path, self.path / CHECKPOINTS):
            for path in folder.glob(".*-*"):
                path.unlink(missing_ok=True)

    def remove_unbegun(self) -> None:
        """Remove the folder, where no recipe in it makes it a run."""
        if not (self.path / RECIPE).exists():
            shutil.rmtree(self.path, ignore_errors=True)

    def remove(self) -> None:
        """Remove the run as a whole; `latest` points to the newest that is left."""
        latest, folder = self.path.parent / LATEST, self.path.parent
        was_latest = latest.is_symlink() and latest.readlink().name == self.path.name
        shutil.rmtree(self.path, ignore_errors=True)
        left = runs_of(folder.parent, folder.name) if was_latest else []
        if left:
            point_latest(left[0].path)
        elif was_latest:
            latest.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                folder.rmdir()  # where it was made for this run

    def write_recipe(self, text: str) -> None:
        """Write the resolved recipe."""
        write_text(self.path / RECIPE, text)

    def write_source(self, text: str, overrides: tuple[str, ...]) -> None:
        """Write the recipe as given, with the overrides as comments above it."""
        write_text(self.path / SOURCE, source_text(text, overrides))

    def write_environment(self, facts: Mapping[str, Any]) -> None:
        """Write versions, device, seed, command and data fingerprint."""
        write_json(self.path / ENVIRONMENT, dict(facts))

    def write_data(self, facts: Mapping[str, Any]) -> None:
        """Write what is known about the data."""
        write_json(self.path / DATA, dict(facts))

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write state, stop reason and metrics."""
        write_json(self.path / RESULT, dict(result))

    def write_failure(self, result: Mapping[str, Any]) -> None:
        """Write state and reason of a run that failed; on a full disk into the place of what was there."""
        try:
            self.write_result(result)
        except RunError:
            with contextlib.suppress(OSError), (self.path / RESULT).open("r+", encoding="utf-8") as file:
                json.dump(jsonable(dict(result)), file, ensure_ascii=False)
                file.truncate()

    def write_reuse(self, facts: Mapping[str, Any]) -> None:
        """Write where reused layers came from, and after training how far they moved."""
        write_json(self.path / REUSE, dict(facts))

    def write_shrink(self, facts: Mapping[str, Any]) -> None:
        """Write what a smaller model was made of, what was gained and what it cost."""
        write_json(self.path / SHRINK, dict(facts))

    def write_importance(self, facts: Mapping[str, Any]) -> None:
        """Write which columns the run's predictions rest on."""
        write_json(self.path / IMPORTANCE, dict(facts))

    def write_exports(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write what the files in the folder of exports are."""
        write_json(self.path / EXPORTS / EXPORTED, {"exports": [dict(record) for record in records]})

    def write_rate_search(self, facts: Mapping[str, Any], picture: str) -> None:
        """Write how the learning rate was found, in numbers and as a picture (SVG)."""
        write_json(self.path / RATE_SEARCH, dict(facts))
        write_text(self.path / RATE_PICTURE, picture)

    def write_tracking(self, records: Mapping[str, Any]) -> None:
        """Write what trackers need to go on with this run: {name: facts}."""
        write_json(self.path / TRACKING, dict(records))

    def append_history(self, row: Mapping[str, Any]) -> None:
        """Add one epoch's line; readable after a kill."""
        self._append(HISTORY, json.dumps(jsonable(dict(row)), ensure_ascii=False))

    def append_health(self, row: Mapping[str, Any]) -> None:
        """Add one measurement's line."""
        self._append(HEALTH, json.dumps(jsonable(dict(row)), separators=(",", ":")))

    def keep_health(self, *, before: int) -> None:
        """Drop what was measured from a step on, as a run that goes on from there must: it is measured again.

        Raises:
            RunError: If the file is damaged or cannot be written.
        """
        path = self.path / HEALTH
        if path.exists():
            rows = [row for row in read_lines(path, HealthRecord) if row["step"] < before]
            write_text(path, "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))

    def append_log(self, line: str) -> None:
        """Add one line to the log."""
        self._append(LOG, line)

    def _append(self, name: str, line: str) -> None:
        try:
            with (self.path / name).open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
        except OSError as error:
            raise RunError(f"{self.path / name}: cannot be written ({error.strerror}).") from error

    def copy_last_to_best(self) -> None:
        """Let the model of the last epoch be that of the best one too."""
        with replacing(self.best) as temporary:
            shutil.copyfile(self.last, temporary)

    def replacing(self, path: Path) -> Any:
        """Return a context manager that gives a temporary path for an atomic write."""
        return replacing(path)
