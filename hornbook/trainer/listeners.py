"""Who hears what happens in a run: its log, its history file, progress, a user's callbacks, the saver.

Listening changes nothing of the training. What decides (best epoch, early stopping, performance scheduling, a stop
request, a callback that ends the run) is asked by the session, see `hornbook.trainer.session` and `endings`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook.runs.directory import PRETRAINING
from hornbook.runs.writing import RunDirectory
from hornbook.trainer.prepare import Prepared

if TYPE_CHECKING:
    from hornbook.trainer.result import TrainResult

__all__ = ["HistoryFile", "Listener", "Listeners", "Position", "Start"]


@dataclass(frozen=True)
class Start:
    """What is known when training begins.

    Attributes:
        prepared: The run before its first step.
        run: Its folder's path.
        notes: Sentences the user should read first.
        history: Rows of epochs that an earlier process has trained.
        start_up_s: Seconds from what the user began to here.
    """

    prepared: Prepared
    run: Path
    notes: Sequence[str] = ()
    history: Sequence[Mapping[str, Any]] = ()
    start_up_s: float = 0.0


@dataclass(frozen=True)
class Position:
    """Where a run stands.

    Attributes:
        phase: What the history calls the stretch of epochs: ``training``, ``frozen``, ``pretraining hidden_1`` …
        epoch: The running epoch of the phase, from 1.
        batch: Batches of it that are done.
        batches: Batches of that epoch.
    """

    phase: str
    epoch: int
    batch: int
    batches: int

    @property
    def is_pretraining(self) -> bool:
        """Whether this comes in front of the first epoch with labels."""
        return self.phase.startswith(PRETRAINING)


class Listener:
    """Hears what happens in a run; here every method does nothing."""

    def on_start(self, start: Start) -> None:
        """Called once in each process that trains the run, before anything is trained."""

    def on_epoch_begin(self, place: Position) -> None:
        """Called before an epoch, and before the rest of one that an earlier process has begun."""

    def pause_at(self, place: Position) -> int | None:
        """Return after which batch of the running epoch a chunk should end; where chunks end changes no result."""
        return None

    def on_chunk(self, place: Position) -> None:
        """Called after each chunk of steps."""

    def on_epoch(self, row: Mapping[str, Any], *, is_best: bool) -> None:
        """Called with the history's row of an epoch, when its figures are known."""

    def on_epoch_end(self) -> None:
        """Called when the run has moved on to the next epoch, and it is decided whether that is trained."""

    def on_note(self, text: str) -> None:
        """Called with a sentence the user should read."""

    def on_end(self, result: "TrainResult") -> None:
        """Called once, after the last metrics."""


class Listeners(Listener):
    """Several listeners, told in their order."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)

    def on_start(self, start: Start) -> None:
        """Tell all."""
        for listener in self._listeners:
            listener.on_start(start)

    def on_epoch_begin(self, place: Position) -> None:
        """Tell all."""
        for listener in self._listeners:
            listener.on_epoch_begin(place)

    def pause_at(self, place: Position) -> int | None:
        """Return the first batch that any of them asks for."""
        wanted = [listener.pause_at(place) for listener in self._listeners]
        return min((batch for batch in wanted if batch is not None), default=None)

    def on_chunk(self, place: Position) -> None:
        """Tell all."""
        for listener in self._listeners:
            listener.on_chunk(place)

    def on_epoch(self, row: Mapping[str, Any], *, is_best: bool) -> None:
        """Tell all."""
        for listener in self._listeners:
            listener.on_epoch(row, is_best=is_best)

    def on_epoch_end(self) -> None:
        """Tell all."""
        for listener in self._listeners:
            listener.on_epoch_end()

    def on_note(self, text: str) -> None:
        """Tell all."""
        for listener in self._listeners:
            listener.on_note(text)

    def on_end(self, result: "TrainResult") -> None:
        """Tell all."""
        for listener in self._listeners:
            listener.on_end(result)


class HistoryFile(Listener):
    """Writes history.jsonl, a line per epoch; lines that are not in the history are trained again and go."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run

    def on_start(self, start: Start) -> None:
        """Write what has been trained, as the restored state knows it."""
        self._run.write_history(start.history)

    def on_epoch(self, row: Mapping[str, Any], *, is_best: bool) -> None:
        """Add a line."""
        self._run.append_history(row)
