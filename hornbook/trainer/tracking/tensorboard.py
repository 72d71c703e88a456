"""Event files for TensorBoard in the run's folder.

The folder is a pure function of the run: a process that goes on with one writes its history and its layers anew, in the
place of what the earlier one has left, which may hold epochs that are trained again.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hornbook.display.text import path_text
from hornbook.runs.writing import RunDirectory
from hornbook.trainer.tracking.events import EventFile, event_files
from hornbook.trainer.tracking.tracker import Begun, Ending, Figures, TrackedRun

__all__ = ["TensorBoardTracker"]


class TensorBoardTracker:
    """Curves by epoch, layers by batch, the recipe as text and as hyperparameters."""

    files: Sequence[str] = ()
    sees_layers = True

    def __init__(self) -> None:
        self._file: EventFile | None = None

    def begin(self, run: TrackedRun, record: Mapping[str, Any] | None) -> Begun:
        """Begin a file; those of an earlier process go, since all they hold is told again."""
        from tensorboard.plugins.hparams import api

        folder = RunDirectory(run.path).tensorboard
        earlier = event_files(folder)
        self._file = EventFile(folder)
        self._file.text("recipe", "".join(f"    {line}\n" for line in run.recipe_text.splitlines()))
        values = {key: _plain(value) for key, value in run.chosen.items()}
        self._file.summary(api.hparams_pb(values, trial_id=f"{run.name}/{run.id}"))
        self._file.flush()
        for path in earlier:
            path.unlink()
        return Begun({}, note=f"tensorboard --logdir {path_text(run.path.parent)}")

    def log(self, figures: Sequence[Figures], layers: Sequence[Mapping[str, Any]]) -> None:
        """Write the epochs, and the layers at the number of batches done."""
        file = self._open()
        for one in figures:
            for name, value in one.values.items():
                file.scalar(name, value, one.epoch, time_s=one.time_s)
        for row in layers:
            for layer, known in row["layers"].items():
                for name, value in known.items():
                    if isinstance(value, int | float):
                        file.scalar(f"layers/{layer}/{name}", value, row["step"])
                for name, picture in (known.get("histograms") or {}).items():
                    if picture["counts"]:
                        file.histogram(f"layers/{layer}/{name}", picture, row["step"])
        file.flush()

    def end(self, ending: Ending) -> None:
        """Write the final figures and how the run ended."""
        from tensorboard.plugins.hparams import api_pb2, summary

        with self._open() as file:
            for name, value in ending.figures.items():
                file.scalar(name, value, ending.epochs)
            is_well = ending.state in ("finished", "paused")
            file.summary(summary.session_end_pb(api_pb2.STATUS_SUCCESS if is_well else api_pb2.STATUS_FAILURE))

    def abandon(self) -> None:
        """Close the file."""
        self._open().close()

    def _open(self) -> EventFile:
        if self._file is None:
            raise RuntimeError("the run has not begun")
        return self._file


def _plain(value: Any) -> bool | int | float | str:
    """Return a value as TensorBoard takes it: a number, a truth value or a text."""
    return value if isinstance(value, bool | int | float | str) else json.dumps(value, ensure_ascii=False)
