"""The loop that a recipe's `training.engine` names: the fused engine, or Keras's own `fit`."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import keras
import numpy as np

from hornbook.builder.build import as_targets, compile_plain
from hornbook.trainer.engine import Engine, EpochPlan
from hornbook.trainer.prepare import Prepared

__all__ = ["FitLoop", "Loop", "make_loop"]


class Loop(Protocol):
    """What training needs of an engine."""

    @property
    def batches(self) -> int:
        """Batches per epoch, a smaller last one included."""

    def train_epoch(self, plan: EpochPlan, chunk_sizes: Iterator[int], on_chunk: Callable[[int], bool]) -> bool:
        """Train one epoch; returns whether `on_chunk` ended it early."""

    def logs(self) -> dict[str, float]:
        """Return loss and metrics of the epoch so far."""

    def is_finite(self) -> bool:
        """Return whether every weight is finite."""


def make_loop(prepared: Prepared) -> Loop:
    """Return the loop that the resolved recipe names."""
    training, splits = prepared.recipe.training, prepared.splits
    if training.engine == "fit":
        return FitLoop(prepared)
    return Engine(
        prepared.built,
        splits.train,
        batch_size=training.batch_size,
        seed=prepared.recipe.seed,
        jit=training.engine == "xla",
        weights_K=prepared.weights_K,
        momentum_option=prepared.recipe.optimizer.momentum_option if prepared.table.moves_momentum else None,
    )


class FitLoop:
    """Plain `model.fit`, one epoch at a time, in Hornbook's order of examples and with its rates."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._model = compile_plain(prepared.built, prepared.recipe)
        self._logs: dict[str, float] = {}
        self.batch_size = prepared.recipe.training.batch_size

    @property
    def batches(self) -> int:
        """Batches per epoch."""
        return -(-len(self._prepared.splits.train) // self.batch_size)

    def train_epoch(self, plan: EpochPlan, chunk_sizes: Iterator[int], on_chunk: Callable[[int], bool]) -> bool:
        """Train one epoch with `fit`."""
        train, weights_K = self._prepared.splits.train, self._prepared.weights_K
        y = as_targets(train.y, self._model)[plan.order]
        weights = None if weights_K is None else weights_K[y.reshape(-1).astype(np.int64)]
        watcher = _BatchWatcher(plan, on_chunk, self.batches)
        history = self._model.fit(
            train.x[plan.order],
            y,
            batch_size=self.batch_size,
            sample_weight=weights,
            shuffle=False,
            verbose=0,
            callbacks=[watcher],
        )
        self._model.stop_training = False
        own = ("loss", *(metric.name for metric in self._prepared.built.metrics))
        self._logs = {name: float(history.history[name][-1]) for name in own}
        return watcher.was_cut

    def logs(self) -> dict[str, float]:
        """Return what `fit` recorded."""
        return dict(self._logs)

    def is_finite(self) -> bool:
        """Return whether every weight is finite."""
        return all(bool(np.isfinite(variable.numpy()).all()) for variable in self._model.trainable_variables)


class _BatchWatcher(keras.callbacks.Callback):
    """Sets the rate of each batch and passes batch ends on."""

    def __init__(self, plan: EpochPlan, on_chunk: Callable[[int], bool], batches: int) -> None:
        super().__init__()
        self.plan, self.on_chunk, self.batches = plan, on_chunk, batches
        self.was_cut = False

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate.assign(self.plan.rates[batch])

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.on_chunk(batch + 1) and batch + 1 < self.batches:
            self.was_cut = self.model.stop_training = True
