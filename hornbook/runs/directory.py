"""One training run on disk: what is written where, and how it is read back. The only place that knows file names.

runs/<recipe name>/<YYYYmmdd-HHMMSS>-<4 hex>/
  recipe.yaml  source.yaml  environment.json  data.json  reuse.json  history.jsonl  health.jsonl  result.json
  log.txt  shrink.json
  lr_find.json  lr_find.svg  report.html  model_card.md  exports/
  tracking.json  tensorboard/  wandb/
  checkpoints/best.keras  checkpoints/last.keras  checkpoints/state/
"""

import contextlib
import fcntl
import itertools
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook.atomic import jsonable, replacing, write_json, write_text
from hornbook.errors import BusyError, RunError, UsageError
from hornbook.runs.records import (
    DataRecord,
    EnvironmentRecord,
    EpochRecord,
    ExportsRecord,
    HealthRecord,
    ResultRecord,
    ReuseRecord,
    ShrinkRecord,
    TrackingRecord,
    read_lines,
    read_record,
    read_text,
)

__all__ = [
    "Run", "RunDirectory", "check_writable", "find_run", "find_unfinished", "is_pretraining", "make_folder", "newest_run",
    "point_latest", "runs_of",
]  # fmt: skip

RECIPE, SOURCE, ENVIRONMENT, DATA, REUSE = "recipe.yaml", "source.yaml", "environment.json", "data.json", "reuse.json"
HISTORY, RESULT, LOG, CHECKPOINTS, STATES = "history.jsonl", "result.json", "log.txt", "checkpoints", "state"
HEALTH, SHRINK = "health.jsonl", "shrink.json"
RATE_SEARCH, RATE_PICTURE = "lr_find.json", "lr_find.svg"
REPORT, CARD, EXPORTS = "report.html", "model_card.md", "exports"
EXPORTED = "exports.json"
TRACKING, TENSORBOARD, WANDB = "tracking.json", "tensorboard", "wandb"  # the last name is W&B's own
LATEST = "latest"
OVERRIDE = "# override: "
BEFORE_RECIPE = frozenset({CHECKPOINTS, LOG, ENVIRONMENT, DATA, REUSE, SHRINK, RATE_SEARCH, RATE_PICTURE, RESULT})
"""What may be in a run's folder before the recipe makes it a run."""

BEGINS_S = 60.0
"""So young may a folder be that has no lock yet."""
PRETRAINING = "pretraining"
"""How the `phase` of a pretraining epoch begins in the history; the name of the layer or task follows."""


def is_pretraining(row: Mapping[str, Any]) -> bool:
    """Return whether a row of the history is an epoch of pretraining."""
    return str(row.get("phase", "")).startswith(PRETRAINING)


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
        write_text(self.path / SOURCE, _source_text(text, overrides))

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


@dataclass(frozen=True)
class Run:
    """A run read back from disk."""

    path: Path

    def __repr__(self) -> str:
        try:
            state = self.result["state"]
        except RunError:
            state = "unknown"
        return f"Run({str(self.path)!r}, {state})"

    @property
    def recipe_path(self) -> Path:
        """The resolved recipe's file."""
        return self.path / RECIPE

    @property
    def recipe_text(self) -> str:
        """The resolved recipe."""
        return read_text(self.path / RECIPE)

    @property
    def source(self) -> tuple[str, tuple[str, ...]]:
        """The recipe's text as given, and the overrides of the command line."""
        lines = read_text(self.path / SOURCE).splitlines(keepends=True)
        overrides = list(itertools.takewhile(lambda line: line.startswith(OVERRIDE), lines))
        given = tuple(line.removeprefix(OVERRIDE).rstrip("\n") for line in overrides)
        return "".join(lines[len(overrides) :]), given

    @property
    def page_path(self) -> Path:
        """Where the run's page is, once it is written."""
        return self.path / REPORT

    @property
    def card_path(self) -> Path:
        """Where the run's model card is, once it is written."""
        return self.path / CARD

    @property
    def exports_path(self) -> Path:
        """The folder of the run's model in other formats, once there is one."""
        return self.path / EXPORTS

    @property
    def exports(self) -> list[dict[str, Any]]:
        """What the files in that folder are; none where nothing was exported to it."""
        path = self.path / EXPORTS / EXPORTED
        return list(read_record(path, ExportsRecord)["exports"]) if path.exists() else []

    @property
    def rate_picture_path(self) -> Path | None:
        """The picture of the range test that found the run's rate; None where there was none."""
        path = self.path / RATE_PICTURE
        return path if path.is_file() else None

    @property
    def result(self) -> dict[str, Any]:
        """State, stop reason and metrics."""
        return read_record(self.path / RESULT, ResultRecord)

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, device, seed, command and data fingerprint."""
        return read_record(self.path / ENVIRONMENT, EnvironmentRecord)

    @property
    def data(self) -> dict[str, Any]:
        """What is known about the data."""
        return read_record(self.path / DATA, DataRecord)

    @property
    def reuse(self) -> dict[str, Any] | None:
        """Where reused layers came from; None where nothing was reused."""
        path = self.path / REUSE
        return read_record(path, ReuseRecord) if path.exists() else None

    @property
    def tracking(self) -> dict[str, Any]:
        """What trackers need to go on with this run, {name: facts}; empty where there are none."""
        path = self.path / TRACKING
        return read_record(path, TrackingRecord) if path.exists() else {}

    @property
    def shrink(self) -> dict[str, Any] | None:
        """What was gained by a smaller model and what it cost; None where the run made none."""
        path = self.path / SHRINK
        return read_record(path, ShrinkRecord) if path.exists() else None

    @property
    def history(self) -> list[dict[str, Any]]:
        """One mapping per epoch; a last line that a kill cut off is left out."""
        path = self.path / HISTORY
        return list(read_lines(path, EpochRecord)) if path.exists() else []

    @property
    def health(self) -> list[dict[str, Any]]:
        """One mapping per measurement of the layers; none where the recipe switched them off."""
        path = self.path / HEALTH
        return list(read_lines(path, HealthRecord)) if path.exists() else []

    def health_frame(self) -> Any:
        """Return the measurements as a polars DataFrame: a row per measurement and layer, a column per figure."""
        import polars

        rows = []
        for measured in self.health:
            for layer, figures in measured["layers"].items():
                numbers = {name: value for name, value in figures.items() if name != "histograms"}
                rows.append({"step": measured["step"], "epoch": measured["epoch"], "layer": layer, **numbers})
        return polars.DataFrame(rows, infer_schema_length=None)

    def model_path(self, which: str | None = None) -> Path:
        """Return the file of the ``best``, ``last`` or (None) final model.

        Raises:
            RunError: If the run has no such model.
        """
        chosen = which or self.result.get("final") or "last"
        path = self.path / CHECKPOINTS / f"{chosen}.keras"
        if not path.exists():
            raise RunError(f"{path}: missing. The run ended before a model was saved.")
        return path


def is_locked(path: Path) -> bool:
    """Return whether a process is training the run in a folder, or about to begin it."""
    try:
        with (path / LOG).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return time.time() - path.stat().st_mtime < BEGINS_S
    except OSError:
        return True
    return False


def _source_text(text: str, overrides: Sequence[str]) -> str:
    return "".join(f"{OVERRIDE}{override}\n" for override in overrides) + text


def find_unfinished(root: Path, name: str, source: tuple[str, Sequence[str]]) -> Path | None:
    """Return the newest run of a recipe if it came from the same text and overrides and is not finished.

    Raises:
        RunError: If its files are damaged, so that nobody can tell.
    """
    path = root / name / LATEST
    if not (path / RECIPE).exists() or read_text(path / SOURCE) != _source_text(*source):
        return None
    return path.resolve() if Run(path).result["state"] != "finished" else None


def newest_run(folder: Path) -> Path | None:
    """Return the newest run in a recipe's folder of runs, or None."""
    latest = folder / LATEST
    if not (latest / RECIPE).is_file():
        return None
    return folder / latest.readlink() if latest.is_symlink() else latest  # a copy of the folder may have no links


def runs_of(root: Path, name: str) -> list[Run]:
    """Return the runs of a recipe's name, the newest first."""
    folders = (file.parent for file in (root / name).glob(f"*/{RECIPE}"))
    return [Run(folder) for folder in sorted(folders, reverse=True) if not folder.is_symlink()]


def find_run(name: str | Path, *, root: Path = Path("runs")) -> Run:
    """Return a run by its folder, its recipe's name (the newest run), or ``name/latest``.

    Raises:
        UsageError: If there is no such run, or its folder may not be entered.
    """
    for candidate in (Path(name), root / name):
        try:
            if (candidate / RECIPE).is_file():
                return Run(candidate.resolve())
            if (candidate / LATEST / RECIPE).is_file():
                return Run((candidate / LATEST).resolve())
            folder = candidate.parent if candidate.name == LATEST else candidate
            if (folder / LATEST).is_symlink():  # to one that was killed before it was a run
                for run in runs_of(folder.parent, folder.name):
                    return Run(run.path.resolve())
        except OSError as error:
            raise UsageError(f"{candidate}: cannot be read ({error.strerror}).") from error
        except ValueError as error:
            raise UsageError(f"{name!r}: this is no path ({error}).") from error
    known = sorted(path.parent.name for path in root.glob(f"*/{LATEST}")) if root.is_dir() else []
    hint = (
        f"Runs of these recipes are in {root}: {', '.join(known)}." if known else f"There is no run below {root} yet."
    )
    raise UsageError(f"{name}: there is no run here. {hint}")
