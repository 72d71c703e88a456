"""One training run on disk: what is where, and how it is read back and found. `writing` writes it.

runs/<recipe name>/<YYYYmmdd-HHMMSS>-<4 hex>/
  recipe.yaml  source.yaml  environment.json  data.json  reuse.json  history.jsonl  health.jsonl  result.json
  log.txt  shrink.json  importance.json
  lr_find.json  lr_find.svg  report.html  model_card.md  exports/
  tracking.json  tensorboard/  wandb/
  checkpoints/best.keras  checkpoints/last.keras  checkpoints/state/
"""

import fcntl
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook.errors import RunError, UsageError
from hornbook.runs.reading import read_lines, read_record, read_text
from hornbook.runs.records import (
    DataRecord,
    EnvironmentRecord,
    EpochRecord,
    ExportsRecord,
    HealthRecord,
    ImportanceRecord,
    ResultRecord,
    ReuseRecord,
    ShrinkRecord,
    TrackingRecord,
)

__all__ = ["Run", "find_run", "find_unfinished", "is_locked", "is_pretraining", "newest_run", "runs_of", "source_text"]

RECIPE, SOURCE, ENVIRONMENT, DATA, REUSE = "recipe.yaml", "source.yaml", "environment.json", "data.json", "reuse.json"
HISTORY, RESULT, LOG, CHECKPOINTS, STATES = "history.jsonl", "result.json", "log.txt", "checkpoints", "state"
HEALTH, SHRINK, IMPORTANCE = "health.jsonl", "shrink.json", "importance.json"
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
    def importance(self) -> dict[str, Any] | None:
        """Which columns the run's predictions rest on; None where nobody has asked."""
        path = self.path / IMPORTANCE
        return read_record(path, ImportanceRecord) if path.exists() else None

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


def source_text(text: str, overrides: Sequence[str]) -> str:
    """Return a recipe as it was given, with the overrides as comments above it."""
    return "".join(f"{OVERRIDE}{override}\n" for override in overrides) + text


def find_unfinished(root: Path, name: str, source: tuple[str, Sequence[str]]) -> Path | None:
    """Return the newest run of a recipe if it came from the same text and overrides and is not finished.

    Raises:
        RunError: If its files are damaged, so that nobody can tell.
    """
    path = root / name / LATEST
    if not (path / RECIPE).exists() or read_text(path / SOURCE) != source_text(*source):
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
