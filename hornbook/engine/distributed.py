"""The loop for several devices or machines: each replica trains its part of every batch.

Keras's `fit` fails under MultiWorkerMirroredStrategy on this stack, a loop over `strategy.run` works. Every worker holds the
data and walks through the same order; a replica picks its part of a batch by its number, so no data set is distributed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from hornbook.engine.engine import EpochPlan
from hornbook.engine.steps import Setup, batch_weights, clip, count, forward
from hornbook.errors import DivergedError, Problem, RecipeError
from hornbook.upstream import averaging_updates, momentum_from, set_step, unclipped

__all__ = ["DistributedLoop"]


def _check_mixing(setup: Setup) -> None:
    """Refuse to mix where a device's part of a batch has one example, and so no partner for it."""
    devices = setup.strategy.num_replicas_in_sync
    given = setup.recipe.data.augmentation
    if given is not None and given.mixes and setup.batch_size < 2 * devices:
        message = (
            f"each of {devices} devices mixes its part of a batch, and of {setup.batch_size} some get one example."
        )
        hint = f"Use a 'training.batch_size' of {2 * devices} or more."
        raise RecipeError([Problem(("data", "augmentation"), message, hint, code="mixing")])


class DistributedLoop:
    """Synchronous training on all replicas of a strategy; the batch size is that of all replicas together.

    Losses equal those of one device, up to the order of sums: gradients are summed over replicas, weighted by each one's
    share of the batch. Batch normalization is synchronized. Dropout draws the same mask in every replica's part; examples
    are mixed with others of the same part.
    """

    can_pause = False  # reading half an epoch's metrics would need all workers at the same moment

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        _check_mixing(setup)
        self._inputs, self._targets = tf.constant(setup.train.x[:]), tf.constant(setup.targets())
        self._weights = None if setup.weights_K is None else tf.constant(setup.weights_K)
        self._own = None if setup.train.weights is None else tf.constant(setup.train.weights)
        with setup.strategy.scope():
            self.loss_tracker = keras.metrics.Mean(name="loss")
        self._states, self._seeds = setup.seeds()
        self._trace()

    def begin_phase(self, key: str) -> None:
        """Trace the step anew."""
        self._trace()

    def make_ready(self, plan: EpochPlan) -> None:
        """Nothing: replicas compile when they are called."""

    def _trace(self) -> None:
        """Make the step, one program for all sizes of batches: an epoch's last one may be smaller."""
        signature = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.int64)]
        self._step = tf.function(self._run_step, input_signature=signature, autograph=False)

    @property
    def batches(self) -> int:
        """Batches per epoch, a smaller last one included."""
        return self.setup.batches

    def trackers(self) -> Sequence[keras.metrics.Metric]:
        """Return nothing: epochs are never cut for resuming."""
        return ()

    def logs(self) -> dict[str, float]:
        """Return loss and metrics over all replicas."""
        metrics = (self.loss_tracker, *self.setup.built.metrics)
        return {metric.name: float(metric.result()) for metric in metrics}

    def train_epoch(
        self,
        plan: EpochPlan,
        chunk_sizes: Iterator[int],
        on_chunk: Callable[[int], bool],
        *,
        start: int = 0,
        before_chunk: Callable[[int], None] | None = None,
    ) -> bool:
        """Train one epoch; returns whether `on_chunk` ended it early.

        Raises:
            DivergedError: If a loss is not finite.
        """
        if start:
            raise ValueError("a distributed run cannot start in the middle of an epoch")
        for metric in (self.loss_tracker, *self.setup.built.metrics):
            metric.reset_state()
        optimizer = self.setup.built.optimizer
        for batch in range(plan.batches):
            index = plan.order[batch * self.setup.batch_size :][: self.setup.batch_size]
            optimizer.learning_rate.assign(plan.rates[batch])
            if before_chunk is not None:
                before_chunk(batch)
            number = tf.constant(plan.first_batch + batch, tf.int64)
            loss = self._step(tf.constant(index), tf.constant(plan.momenta[batch]), number)
            if not tf.math.is_finite(loss):
                raise DivergedError(f"the loss of batch {batch + 1} is not a finite number")
            if on_chunk(batch + 1) and batch + 1 < plan.batches:
                return True
        return False

    def _run_step(self, index: Any, momentum: Any, number: Any) -> Any:
        optimizer = self.setup.built.optimizer
        set_step(self._states, self._seeds, number)
        moving = momentum_from(optimizer, self.setup.momentum_option, momentum)
        with moving, averaging_updates(optimizer), unclipped(optimizer):
            losses = self.setup.strategy.run(self._replica_step, args=(index,))
        return self.setup.strategy.reduce("SUM", losses, axis=None)

    def _replica_step(self, index: Any) -> Any:
        """Train this replica's part of the batch; returns its share of the batch's loss."""
        built, context = self.setup.built, tf.distribute.get_replica_context()
        parts, number = self.setup.strategy.num_replicas_in_sync, context.replica_id_in_sync_group
        size = tf.shape(index)[0]
        begin, end = number * size // parts, (number + 1) * size // parts
        share = tf.cast(end - begin, tf.float32) / tf.cast(size, tf.float32)
        part = index[begin : tf.maximum(end, begin + 1)]  # an empty part trains one example with weight 0
        x, y = tf.gather(self._inputs, part), tf.gather(self._targets, part)
        with tf.GradientTape() as tape:
            own_B = None if self._own is None else tf.gather(self._own, part)
            weights_B = batch_weights(self._weights, y, own_B)
            mixture = built.mixture(size)
            mixture = mixture if mixture is None else mixture.part(begin, tf.maximum(end, begin + 1))
            scores, loss, penalties = forward(built, x, y, training=True, weights_B=weights_B, mixture=mixture)
            penalties = penalties / parts if penalties is not None else 0.0
            mean = loss * parts  # Keras divides by the number of replicas
            loss = mean * share + penalties
            scaled = built.optimizer.scale_loss(loss)
        variables = built.logits_model.trainable_variables
        gradients = context.all_reduce("SUM", tape.gradient(scaled, variables))
        # Keras clips each replica's gradients by themselves and sums them afterwards; one device clips the sum.
        gradients = [gradient / parts for gradient in clip(gradients, self.setup.clipping)]
        built.optimizer.apply(gradients, variables)
        examples = tf.ones_like(part, tf.float32) * tf.cast(end > begin, tf.float32)
        whole = mean + penalties * parts
        if mixture is not None:
            y, own_B = mixture.targets(y), None if own_B is None else mixture.targets(own_B)
        examples = examples if own_B is None else examples * own_B
        count(built, self.loss_tracker, y, scores, whole, size=end - begin, weights_B=examples)
        return loss
