"""One training step, and many of them as one call: what gets traced and compiled."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from hornbook.builder.build import Built
from hornbook.engine.clipping import clip
from hornbook.recipes.sections.training import GradientClipping
from hornbook.upstream import InputStatistics, averaging_updates, momentum_from, set_step, threefry, unclipped

__all__ = ["Steps"]


@dataclass(frozen=True)
class Steps:
    """The steps of one model.

    Attributes:
        built: The model's two views, optimizer, loss, metrics.
        batch_size: Examples per batch.
        states: State variables of the model's random generators.
        seeds: (len(states),) int64 tensor, a seed for each.
        loss_tracker: Counts the loss.
        weights_K: Weight of each class in the loss, as a tensor, or None.
        momentum_option: The optimizer's attribute that the schedule moves, or None.
        jit: Whether XLA compiles chunks.
        statistics: Of the model's inputs.
        clipping: Limit of the gradients, applied in front of the optimizer; None leaves it to the optimizer.
    """

    built: Built
    batch_size: int
    states: list[Any]
    seeds: Any
    loss_tracker: keras.metrics.Metric
    weights_K: Any
    momentum_option: str | None
    jit: bool
    statistics: InputStatistics
    clipping: GradientClipping | None = None

    def chunk(
        self,
        inputs: Any,
        targets: Any,
        order: Any,
        rates: Any,
        momenta: Any,
        first: Any,
        start: Any,
        end: Any,
    ) -> Any:
        """Train batches [start, end); returns the first one not trained and whether all losses were finite.

        Args:
            inputs: (R, …) examples on the device.
            targets: (R, …) their targets.
            order: (≥ S·B,) int32 rows of batch 0 and those after it.
            rates: (S,) float32 learning rate of each batch.
            momenta: (S,) float32 momentum of each batch.
            first: int64, batches trained before batch 0.
            start: int32, first batch to train.
            end: int32, the batch after the last.
        """

        def body(batch: Any, is_finite: Any) -> Any:
            index_B = tf.slice(order, [batch * self.batch_size], [self.batch_size])
            number = first + tf.cast(batch, tf.int64)
            loss = self.step(inputs, targets, index_B, rates[batch], momenta[batch], number, jit=self.jit)
            return batch + 1, tf.math.is_finite(loss)

        def goes_on(batch: Any, is_finite: Any) -> Any:
            return tf.logical_and(batch < end, is_finite)

        return tf.while_loop(goes_on, body, [start, tf.constant(True)], parallel_iterations=1)

    def rest(self, inputs: Any, targets: Any, index: Any, rates: Any, momenta: Any, number: Any) -> Any:
        """Train the epoch's smaller last batch; returns whether its loss was finite.

        Always a TensorFlow graph: one batch an epoch is not worth a second or 90 MB of XLA's compiler.
        """
        return tf.math.is_finite(self.step(inputs, targets, index, rates[-1], momenta[-1], number, jit=False))

    def step(self, inputs: Any, targets: Any, index_B: Any, rate: Any, momentum: Any, number: Any, *, jit: bool) -> Any:
        """Train one batch and return its loss: gather, forward, loss, gradients, update, metrics."""
        built, model = self.built, self.built.logits_model
        x = tf.cast(tf.gather(inputs, index_B), model.inputs[0].dtype)
        y = tf.gather(targets, index_B)
        weights_B = None
        if self.weights_K is not None:
            weights_B = tf.gather(self.weights_K, tf.cast(tf.reshape(y, [-1]), tf.int32))
        set_step(self.states, self.seeds, number)
        with threefry(active=jit), self.statistics.as_variables(), tf.GradientTape() as tape:
            scores = model(x, training=True)
            loss = built.loss(y, scores, sample_weight=weights_B)
            if model.losses:
                loss = loss + tf.add_n(model.losses)
            scaled = built.optimizer.scale_loss(loss)
        variables = model.trainable_variables
        gradients = tape.gradient(scaled, variables)
        built.optimizer.learning_rate.assign(rate)
        moving = momentum_from(built.optimizer, self.momentum_option, momentum)
        with moving, averaging_updates(built.optimizer), self._clipped_before() as is_clipped:
            gradients = clip(gradients, self.clipping) if is_clipped else gradients
            built.optimizer.apply(gradients, variables)
        self.loss_tracker.update_state(loss, sample_weight=tf.cast(tf.shape(y)[0], tf.float32))
        outputs = built.activate(scores)
        for metric in built.metrics:
            metric.update_state(y, outputs)
        return loss

    @contextlib.contextmanager
    def _clipped_before(self) -> Iterator[bool]:
        """Keep the optimizer from clipping while this is open, where it is done faster in front of it."""
        if self.clipping is None:
            yield False
            return
        with unclipped(self.built.optimizer):
            yield True

    def externals(self) -> list[Any]:
        """Return the handle of every variable, and every tensor, that differs between runs of one structure."""
        built = self.built
        variables = [*built.training_model.variables, *built.optimizer.variables, *self.loss_tracker.variables]
        variables += [variable for metric in built.metrics for variable in metric.variables]
        handles = {id(variable): variable.value.handle for variable in variables}
        return [*handles.values(), *(variable.handle for variable in self.statistics.variables), self.seeds]
