"""The loop that a recipe's `training.engine` names: the fused engine, or Keras's own `fit`."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from hornbook.builder.build import as_targets, compile_plain
from hornbook.data.source import Array
from hornbook.engine.engine import Engine, EpochPlan
from hornbook.engine.steps import Setup, dropouts
from hornbook.errors import DivergedError
from hornbook.upstream import decay_from, rates_from

__all__ = ["FitLoop", "Loop", "make_loop"]


class Loop(Protocol):
    """What training needs of an engine."""

    @property
    def batches(self) -> int:
        """Batches per epoch, a smaller last one included."""

    can_pause: bool
    """Whether a run can be resumed in the middle of an epoch."""

    def make_ready(self, plan: EpochPlan) -> None:
        """Begin what compiling an epoch takes, beside what follows."""

    def train_epoch(
        self,
        plan: EpochPlan,
        chunk_sizes: Iterator[int],
        on_chunk: Callable[[int], bool],
        *,
        start: int = 0,
        before_chunk: Callable[[int], None] | None = None,
    ) -> bool:
        """Train one epoch from batch `start` to the plan's last; returns whether `on_chunk` ended it early.

        `before_chunk` is called with the batches done before each chunk, or each batch where there are no chunks.
        """

    def begin_phase(self, key: str) -> None:
        """Make ready for other layers learning, or other rates; `key` tells such phases apart."""

    def trackers(self) -> Sequence[keras.metrics.Metric]:
        """Return what counts loss and metrics, for saving."""

    def logs(self) -> dict[str, float]:
        """Return loss and metrics of the epoch so far."""


def make_loop(setup: Setup) -> Loop:
    """Return the loop that the resolved recipe names."""
    if setup.strategy is not None:
        from hornbook.engine.distributed import DistributedLoop

        return DistributedLoop(setup)
    return FitLoop(setup) if setup.recipe.training.engine == "fit" else Engine(setup)


class FitLoop:
    """Plain `model.fit`, one epoch at a time, with Hornbook's rates, in its order of examples or on a source of batches."""

    can_pause = False

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._is_weighted = setup.train.weights is not None
        self._model = self._compiled()
        self._logs: dict[str, float] = {}
        self.amounts = [tf.Variable(1.0, trainable=False) for _ in ("dropout", "weight decay")]

    def begin_phase(self, key: str) -> None:
        """Compile again, which is when Keras looks at what is frozen."""
        self._model = self._compiled()

    def make_ready(self, plan: EpochPlan) -> None:
        """Nothing: `fit` compiles when it is called."""

    def _compiled(self) -> keras.Model:
        return compile_plain(self._setup.built, self._setup.recipe, for_training=True, is_weighted=self._is_weighted)

    @property
    def batches(self) -> int:
        """Batches per epoch."""
        return self._setup.batches

    def trackers(self) -> Sequence[keras.metrics.Metric]:
        """Return nothing: `fit` starts its metrics afresh in each epoch, and epochs are never cut for resuming."""
        return ()

    def train_epoch(
        self,
        plan: EpochPlan,
        chunk_sizes: Iterator[int],
        on_chunk: Callable[[int], bool],
        *,
        start: int = 0,
        before_chunk: Callable[[int], None] | None = None,
    ) -> bool:
        """Train one epoch with `fit`."""
        if start:
            raise ValueError("fit cannot start in the middle of an epoch")
        fed = _Fed(self._setup, plan) if self._setup.stream is not None else None
        watcher = _BatchWatcher(self, plan, on_chunk, before_chunk)
        dropout, decay = (None, None) if plan.amounts is None else self.amounts
        layers = dropouts(self._setup.built.logits_model)
        with rates_from(layers, dropout), decay_from(self._model.optimizer, decay):
            try:
                examples = fed.examples() if fed is not None else self._examples(plan)
                self._model.fit(**examples, shuffle=False, verbose=0, callbacks=[watcher])
            finally:
                if fed is not None and fed.error is not None:
                    raise fed.error from None
        self._model.stop_training = watcher.user_stops
        if not np.isfinite(self._logs["loss"]):
            raise DivergedError("the loss is not a finite number")
        if not all(np.isfinite(variable.numpy()).all() for variable in self._model.trainable_variables):
            raise DivergedError("some weights are not finite numbers")
        return watcher.was_cut

    def _examples(self, plan: EpochPlan) -> dict[str, Any]:
        """Return the arguments of `fit` for an epoch over arrays."""
        train = self._setup.train
        order = plan.order[: plan.batches * self._setup.batch_size]
        y = self._setup.targets()[order]
        own = None if train.weights is None else train.weights[order]
        weights = _weights(y, own, self._setup.weights_K)
        return {"x": train.x[order], "y": y, "batch_size": self._setup.batch_size, "sample_weight": weights}

    def logs(self) -> dict[str, float]:
        """Return what `fit` last reported."""
        return dict(self._logs)

    def note_logs(self, logs: Mapping[str, Any]) -> None:
        """Keep what `fit` reports of the epoch so far."""
        names = ("loss", *(metric.name for metric in self._setup.built.metrics))
        self._logs = {name: float(logs[name]) for name in names}


def _weights(y: Array, own: Array | None, weights_K: Array | None) -> Array | None:
    """Return what each example counts: its own weight, times that of its class."""
    if weights_K is None:
        return own
    return np.asarray(weights_K[y.reshape(-1).astype(np.int64)] * (1.0 if own is None else own))


class _Fed:
    """Hands the batches of a source on to `fit`, and keeps what goes wrong there, which TensorFlow would wrap.

    Attributes:
        error: What ended the source, or None.
    """

    def __init__(self, setup: Setup, plan: EpochPlan) -> None:
        self._setup, self._plan = setup, plan
        self.error: Exception | None = None

    def examples(self) -> dict[str, Any]:
        """Return the arguments of `fit` for an epoch of the source."""
        return {"x": self._batches(), "steps_per_epoch": self._plan.batches}

    def _batches(self) -> Iterator[tuple[Array, ...]]:
        try:
            for x, y, own in itertools.islice(self._setup.stream.epoch(), self._plan.batches):
                targets = as_targets(y, self._setup.built.model)
                weights = _weights(targets, own, self._setup.weights_K)
                yield (x, targets) if weights is None else (x, targets, weights)
        except Exception as error:
            self.error = error
            raise


class _BatchWatcher(keras.callbacks.Callback):
    """Sets the rate of each batch and passes batch ends on."""

    def __init__(
        self,
        loop: FitLoop,
        plan: EpochPlan,
        on_chunk: Callable[[int], bool],
        before_batch: Callable[[int], None] | None,
    ) -> None:
        super().__init__()
        self.loop, self.plan, self.on_chunk, self.before_batch = loop, plan, on_chunk, before_batch
        self.was_cut = False
        self.user_stops = False

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self.user_stops = model.stop_training  # which `fit` forgets

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = self.user_stops

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate.assign(self.plan.rates[batch])
        if self.plan.amounts is not None:
            for variable, amount in zip(self.loop.amounts, self.plan.amounts[batch], strict=True):
                variable.assign(amount)
        if self.before_batch is not None:
            self.before_batch(batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.loop.note_logs(logs)
        stops = self.on_chunk(batch + 1)
        self.user_stops = self.model.stop_training  # only a user's callback sets it before the next line
        if stops and batch + 1 < self.plan.batches:
            self.was_cut = self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.loop.note_logs(logs)
