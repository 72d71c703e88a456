"""The fused engine: many steps in one compiled call over arrays that live on the device.

An epoch is a pure function of (seed, epoch): the order of examples and every random draw derive from them. A chunk of
steps is one call whose bounds are arguments, so cutting an epoch anywhere changes no bit.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hornbook.builder.build import Built, as_targets
from hornbook.builder.seeds import derive_seed
from hornbook.builder.views import momentum_from, seed_states, set_step, threefry
from hornbook.data.source import Array, Split
from hornbook.errors import DivergedError

__all__ = ["Engine", "EpochPlan", "permutation"]


def permutation(seed: int, epoch: int, size: int) -> Array:
    """Return the order of examples (size,) int32 of one epoch: a pure function of its arguments."""
    order = np.random.default_rng((seed, epoch)).permutation(size)
    return order.astype(np.int32)


@dataclass(frozen=True)
class EpochPlan:
    """What one epoch needs besides the data.

    Attributes:
        order: (N,) int32, the order of examples.
        rates: (S,) float32, the learning rate of each batch.
        momenta: (S,) float32, the momentum of each batch; unused where the schedule leaves it alone.
        first_batch: Batches trained before this epoch.
    """

    order: Array
    rates: Array
    momenta: Array
    first_batch: int


class Engine:
    """Trains and evaluates one built model on one training split.

    Args:
        built: The model's two views, optimizer, loss, metrics.
        train: The training split; it stays on the device as it is (uint8 images are scaled inside the model).
        batch_size: Examples per batch; the last batch of an epoch may be smaller and is trained too.
        seed: The recipe's seed.
        jit: Whether chunks are compiled by XLA.
        weights_K: Weight of each class in the loss, or None.
        momentum_option: The optimizer's attribute that the schedule moves, or None.
    """

    can_pause = True

    def __init__(
        self,
        built: Built,
        train: Split,
        *,
        batch_size: int,
        seed: int,
        jit: bool,
        weights_K: Array | None = None,
        momentum_option: str | None = None,
    ) -> None:
        self.built = built
        self.batch_size = batch_size
        self.num_examples = len(train)
        self.full_batches, self.rest = divmod(len(train), batch_size)
        self.momentum_option = momentum_option
        self.jit = jit
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self._inputs = tf.constant(train.x)
        self._targets = tf.constant(as_targets(train.y, built.model))
        self._weights = None if weights_K is None else tf.constant(weights_K, tf.float32)
        self._states = seed_states(built.logits_model)
        self._seeds = [derive_seed(seed, name) for name in self._states]
        self._chunk = tf.function(self._run_chunk, jit_compile=jit, autograph=False)
        self._tail = tf.function(self._run_tail, jit_compile=jit, autograph=False)

    @property
    def batches(self) -> int:
        """Batches per epoch, the smaller last one included."""
        return self.full_batches + bool(self.rest)

    def train_epoch(
        self, plan: EpochPlan, chunk_sizes: Iterator[int], on_chunk: Callable[[int], bool], *, start: int = 0
    ) -> bool:
        """Train one epoch; its loss and metrics are in `logs()` afterwards.

        Args:
            plan: Order, rates and momenta.
            chunk_sizes: How many batches the next chunk takes.
            on_chunk: Called with the batches done after each chunk; True ends the epoch there.
            start: Batches of this epoch that are done already; its metrics go on from what they hold then.

        Returns:
            Whether the epoch was ended early.

        Raises:
            DivergedError: If the loss of a batch, or a weight after a chunk, is not finite.
        """
        if start == 0:
            self.reset()
        order, rates, momenta = tf.constant(plan.order), tf.constant(plan.rates), tf.constant(plan.momenta)
        first = tf.constant(plan.first_batch, tf.int64)
        done = start
        while done < self.batches:
            if done < self.full_batches:
                end = min(done + max(next(chunk_sizes), 1), self.full_batches)
                reached, is_finite = self._chunk(order, rates, momenta, first, tf.constant(done), tf.constant(end))
                done = int(reached)
            else:
                is_finite = self._tail(order, rates, momenta, first)
                done = self.batches
            self._check_finite(bool(is_finite), done)
            if on_chunk(done) and done < self.batches:
                return True
        return False

    def _check_finite(self, loss_is_finite: bool, done: int) -> None:
        """Stop where numbers are lost; weights are checked too, because a fused ReLU on CPU turns NaN into 0."""
        if not loss_is_finite:
            raise DivergedError(f"the loss of batch {done} is not a finite number")
        if not _all_finite([variable.value for variable in self.built.model.trainable_variables]):
            raise DivergedError(f"after batch {done} some weights are not finite numbers")

    def reset(self) -> None:
        """Start counting loss and metrics afresh."""
        for metric in self.trackers():
            metric.reset_state()

    def trackers(self) -> tuple[keras.metrics.Metric, ...]:
        """Return what counts loss and metrics."""
        return (self.loss_tracker, *self.built.metrics)

    def logs(self) -> dict[str, float]:
        """Return loss and metrics over all batches since `reset`."""
        return {metric.name: float(metric.result()) for metric in self.trackers()}

    def _run_chunk(self, order: Any, rates: Any, momenta: Any, first: Any, start: Any, end: Any) -> Any:
        """Train batches [start, end); returns the first one not trained and whether all losses were finite."""

        def body(batch: Any, is_finite: Any) -> Any:
            index_B = tf.slice(order, [batch * self.batch_size], [self.batch_size])
            loss = self._step(index_B, rates[batch], momenta[batch], first + tf.cast(batch, tf.int64))
            return batch + 1, tf.math.is_finite(loss)

        def goes_on(batch: Any, is_finite: Any) -> Any:
            return tf.logical_and(batch < end, is_finite)

        return tf.while_loop(goes_on, body, [start, tf.constant(True)], parallel_iterations=1)

    def _run_tail(self, order: Any, rates: Any, momenta: Any, first: Any) -> Any:
        index_B = order[self.full_batches * self.batch_size :]
        return tf.math.is_finite(self._step(index_B, rates[-1], momenta[-1], first + self.full_batches))

    def _step(self, index_B: Any, rate: Any, momentum: Any, batch: Any) -> Any:
        """Train one batch and return its loss: gather, forward, loss, gradients, update, metrics."""
        built, model = self.built, self.built.logits_model
        x = tf.cast(tf.gather(self._inputs, index_B), model.inputs[0].dtype)
        y = tf.gather(self._targets, index_B)
        weights_B = None if self._weights is None else tf.gather(self._weights, tf.cast(tf.reshape(y, [-1]), tf.int32))
        set_step(self._states.values(), self._seeds, batch)
        with threefry() if self.jit else _nothing(), tf.GradientTape() as tape:
            scores = model(x, training=True)
            loss = built.loss(y, scores, sample_weight=weights_B)
            if model.losses:
                loss = loss + tf.add_n(model.losses)
            scaled = built.optimizer.scale_loss(loss)
        variables = model.trainable_variables
        gradients = tape.gradient(scaled, variables)
        built.optimizer.learning_rate.assign(rate)
        with momentum_from(built.optimizer, self.momentum_option, momentum):
            built.optimizer.apply(gradients, variables)
        self._count(y, scores, loss)
        return loss

    def _count(self, y: Any, scores: Any, loss: Any) -> None:
        size = tf.cast(tf.shape(y)[0], tf.float32)
        self.loss_tracker.update_state(loss, sample_weight=size)
        outputs = self.built.activate(scores)
        for metric in self.built.metrics:
            metric.update_state(y, outputs)


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@tf.function(autograph=False)
def _all_finite(variables: list[Any]) -> Any:
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(variable)) for variable in variables])
