"""What watches a monitored value between epochs: the best epoch, early stopping, performance scheduling.

Keras's own callbacks lose their state on resume and take a NaN in the first epoch for the best value forever; these do
neither. All count improvements in the same way, by their one small parent.
"""

import math
from collections.abc import Mapping
from typing import Any

from hornbook.recipes.language.durations import Length
from hornbook.recipes.sections.training import Checkpoint, EarlyStopping

__all__ = ["BestKeeper", "EarlyStopper", "PlateauReducer", "Watcher", "keeper_of", "stopper_of"]


class Watcher:
    """Remembers the best value of one monitor.

    Args:
        monitor: Name of a recorded value.
        mode: ``min`` or ``max``: which direction is better.
        min_delta: Smallest change that counts as better.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        self.monitor = monitor
        self.mode = mode
        self.min_delta = min_delta
        self.best: float | None = None
        self.wait = 0

    def improves(self, logs: Mapping[str, float]) -> bool:
        """Return whether the monitored value is the best so far, and remember it. NaN never is."""
        value = logs[self.monitor]
        if not math.isfinite(value) or not self.is_better(value, self.best):
            return False
        self.best = value
        return True

    def is_better(self, value: float, than: float | None) -> bool:
        """Return whether a value is better than another by more than `min_delta`; any is better than None."""
        return than is None or (than - value if self.mode == "min" else value - than) > self.min_delta

    def get_state(self) -> dict[str, Any]:
        """Return everything needed to go on later."""
        return {key: value for key, value in vars(self).items() if key not in {"monitor", "mode", "min_delta", "ties"}}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` returned."""
        vars(self).update(state)


class BestKeeper(Watcher):
    """Knows the best epoch so far, the first or the last of those that are equally good. Epochs count from 1."""

    def __init__(self, monitor: str, mode: str, *, start_from_epoch: int = 0, ties: str = "first") -> None:
        super().__init__(monitor, mode)
        self.start_from_epoch, self.ties = start_from_epoch, ties
        self.best_epoch = 0

    def is_better(self, value: float, than: float | None) -> bool:
        """Return whether a value is better than another, or as good where the last of them is wanted."""
        return super().is_better(value, than) or (self.ties == "last" and value == than)

    def is_best(self, epoch: int, logs: Mapping[str, float]) -> bool:
        """Return whether this epoch is the best so far."""
        if epoch <= self.start_from_epoch or not self.improves(logs):
            return False
        self.best_epoch = epoch
        return True


class EarlyStopper(Watcher):
    """Says when `patience` epochs have gone by without improvement; none counts short of `baseline`. Prechelt (1998)."""

    def __init__(
        self,
        monitor: str,
        mode: str,
        *,
        patience: int,
        min_delta: float = 0.0,
        baseline: float | None = None,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.baseline = baseline
        self.start_from_epoch = start_from_epoch

    def should_stop(self, epoch: int, logs: Mapping[str, float]) -> bool:
        """Return whether to stop after this epoch, counted from 1."""
        if epoch <= self.start_from_epoch:
            return False
        if self.improves(logs):
            self.wait = 0 if self.is_better(logs[self.monitor], self.baseline) else self.wait + 1
            return False
        self.wait += 1
        return self.wait >= max(self.patience, 1)

    @property
    def reason(self) -> str:
        """Why training stops, for people."""
        if self.best is None or self.is_better(self.best, self.baseline):
            return f"no better {self.monitor} for {self.wait} epochs"
        return f"no {self.monitor} better than the baseline {self.baseline:g} for {self.wait} epochs"


class PlateauReducer(Watcher):
    """Performance scheduling: lowers `factor` when the value stands still. Keras: `ReduceLROnPlateau`."""

    def __init__(
        self,
        monitor: str,
        mode: str,
        *,
        reduction: float,
        patience: int,
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_factor: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.reduction = reduction
        self.patience = patience
        self.cooldown = cooldown
        self.min_factor = min_factor
        self.factor = 1.0
        self.cooling = 0

    def update(self, logs: Mapping[str, float]) -> float:
        """Return the factor of the learning rate for the epochs that follow."""
        if self.cooling > 0:
            self.cooling -= 1
            self.wait = 0
        if self.improves(logs):
            self.wait = 0
        elif self.cooling == 0:
            self.wait += 1
            if self.wait >= self.patience and self.factor > self.min_factor:
                self.factor = max(self.factor * self.reduction, self.min_factor)
                self.cooling = self.cooldown
                self.wait = 0
        return self.factor


def keeper_of(section: Checkpoint | EarlyStopping, *, start_from_epoch: int = 0) -> BestKeeper:
    """Return what knows the best epoch.

    Args:
        section: Says what the best is of; its mode is filled in.
        start_from_epoch: Epochs at the start that are no candidates.
    """
    if section.mode is None:
        raise ValueError("resolve the recipe first: its mode is open")
    return BestKeeper(section.monitor, section.mode, start_from_epoch=start_from_epoch, ties=section.ties)


def stopper_of(stopping: EarlyStopping, length: Length, *, first_epoch: int = 0) -> EarlyStopper:
    """Return early stopping with its patience in epochs.

    Args:
        stopping: The section of a recipe; its mode is filled in.
        length: How long the run is.
        first_epoch: The epoch, counted from 0, with which it begins to watch.
    """
    return EarlyStopper(
        stopping.monitor,
        stopping.mode or "min",
        patience=length.in_epochs(stopping.patience),
        min_delta=stopping.min_delta,
        baseline=stopping.baseline,
        start_from_epoch=first_epoch + stopping.start_from_epoch,
    )
