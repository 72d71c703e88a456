"""What a tracker is, and what it is told of a run. One file per tracker stands beside this one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Begun", "Ending", "Figures", "TrackedRun", "Tracker"]


@dataclass(frozen=True)
class TrackedRun:
    """What is known of a run when training begins or goes on.

    Attributes:
        path: The run's folder.
        name: The recipe's name.
        group: What the run belongs to: the recipe's name, or that of the sweep that it is a trial of.
        recipe_text: The resolved recipe.
        parameters: {key with dots: value} of the resolved recipe, without what names trackers.
        chosen: Those of them that are no defaults.
        tags: The recipe's.
        notes: The recipe's.
    """

    path: Path
    name: str
    group: str
    recipe_text: str
    parameters: Mapping[str, Any]
    chosen: Mapping[str, Any]
    tags: Sequence[str] = ()
    notes: str | None = None

    @property
    def id(self) -> str:
        """The name of the run's folder, which no other run of the recipe has."""
        return self.path.name


@dataclass(frozen=True)
class Figures:
    """The numbers of one epoch.

    Attributes:
        place: Of its row in the history, from 1; epochs of pretraining come first.
        epoch: Its number, from 1 in each part of pretraining and in training.
        values: {name: number}; of pretraining with its part in front: ``pretraining hidden_1/loss``.
        time_s: When it ended, in seconds since 1970; of an epoch of an earlier process, roughly.
    """

    place: int
    epoch: int
    values: Mapping[str, float]
    time_s: float


@dataclass(frozen=True)
class Begun:
    """What a tracker has of a run after `begin`.

    Attributes:
        record: What it needs to go on with the same run in another process; kept in the run's folder.
        places: How many rows of the history it has already: what it says itself, because a kill may have lost some that
            it was told.
        note: A sentence about where to look.
    """

    record: Mapping[str, Any]
    places: int = 0
    note: str = ""


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        state: ``finished``, ``interrupted``, ``paused``, ``diverged`` or ``failed``.
        epochs: Epochs done.
        figures: {name: number} of the final weights: ``test_accuracy``, ``final_val_loss``.
        files: {what: file} of what is to be stored.
    """

    state: str
    epochs: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


class Tracker(Protocol):
    """A client of something that shows runs. Every method may block or fail: `Tracking` sees to that.

    The client is imported in `begin`, not with the module.

    Attributes:
        files: What it stores at the end of a run: ``model``, ``recipe``, ``page``.
        sees_layers: Whether it is told what layers do.
    """

    files: Sequence[str]
    sees_layers: bool

    def begin(self, run: TrackedRun, record: Mapping[str, Any] | None) -> Begun:
        """Begin a run, or go on with the one of a record that an earlier process has left."""

    def log(self, figures: Sequence[Figures], layers: Sequence[Mapping[str, Any]]) -> None:
        """Take the numbers of epochs, and measurements of layers as `health.jsonl` has them; each is told once."""

    def end(self, ending: Ending) -> None:
        """Close the run, which may go on in another process."""

    def abandon(self) -> None:
        """Let go of the client after a failure of it; what fails here, too, is not heard of."""
