"""The loop for several devices or machines: each replica trains its part of every batch.

Keras's `fit` fails under MultiWorkerMirroredStrategy on this stack, a loop over `strategy.run` works. Every worker holds the
data and walks through the same order; a replica picks its part of a batch by its number, so no data set is distributed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from hornbook.builder.build import as_targets
from hornbook.builder.randomness import derive_seed
from hornbook.engine.clipping import clip
from hornbook.engine.engine import EpochPlan
from hornbook.errors import DivergedError
from hornbook.trainer.prepare import Prepared
from hornbook.upstream import averaging_updates, momentum_from, seed_states, set_step, unclipped

__all__ = ["DistributedLoop"]


class DistributedLoop:
    """Synchronous training on all replicas of a strategy; the batch size is that of all replicas together.

    Losses equal those of one device, up to the order of sums: gradients are summed over replicas, weighted by each one's
    share of the batch. Batch normalization is synchronized. Dropout draws the same mask in every replica's part.
    """

    can_pause = False  # reading half an epoch's metrics would need all workers at the same moment

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.strategy = prepared.strategy
        self.batch_size = prepared.recipe.training.batch_size
        train = prepared.splits.train
        self.num_examples = len(train)
        self._inputs, self._targets = tf.constant(train.x[:]), tf.constant(as_targets(train.y, prepared.built.model))
        weights_K = prepared.weights_K
        self._weights = None if weights_K is None else tf.constant(weights_K)
        with self.strategy.scope():
            self.loss_tracker = keras.metrics.Mean(name="loss")
        states = seed_states(prepared.built.logits_model)
        self._states = list(states.values())
        self._seeds = tf.constant([derive_seed(prepared.recipe.seed, name) for name in states], tf.int64)
        option = prepared.recipe.optimizer.momentum_option
        self._momentum_option = option if prepared.table.moves_momentum else None
        self._step = tf.function(self._run_step, autograph=False, reduce_retracing=True)

    def begin_phase(self, key: str) -> None:
        """Trace the step anew."""
        self._step = tf.function(self._run_step, autograph=False, reduce_retracing=True)

    @property
    def batches(self) -> int:
        """Batches per epoch, a smaller last one included."""
        return -(-self.num_examples // self.batch_size)

    def trackers(self) -> Sequence[keras.metrics.Metric]:
        """Return nothing: epochs are never cut for resuming."""
        return ()

    def logs(self) -> dict[str, float]:
        """Return loss and metrics over all replicas."""
        metrics = (self.loss_tracker, *self.prepared.built.metrics)
        return {metric.name: float(metric.result()) for metric in metrics}

    def train_epoch(
        self, plan: EpochPlan, chunk_sizes: Iterator[int], on_chunk: Callable[[int], bool], *, start: int = 0
    ) -> bool:
        """Train one epoch; returns whether `on_chunk` ended it early.

        Raises:
            DivergedError: If a loss is not finite.
        """
        if start:
            raise ValueError("a distributed run cannot start in the middle of an epoch")
        for metric in (self.loss_tracker, *self.prepared.built.metrics):
            metric.reset_state()
        optimizer = self.prepared.built.optimizer
        for batch in range(self.batches):
            index = plan.order[batch * self.batch_size : (batch + 1) * self.batch_size]
            optimizer.learning_rate.assign(plan.rates[batch])
            number = tf.constant(plan.first_batch + batch, tf.int64)
            loss = self._step(tf.constant(index), tf.constant(plan.momenta[batch]), number)
            if not tf.math.is_finite(loss):
                raise DivergedError(f"the loss of batch {batch + 1} is not a finite number")
            if on_chunk(batch + 1) and batch + 1 < self.batches:
                return True
        return False

    def _run_step(self, index: Any, momentum: Any, number: Any) -> Any:
        optimizer = self.prepared.built.optimizer
        set_step(self._states, self._seeds, number)
        moving = momentum_from(optimizer, self._momentum_option, momentum)
        with moving, averaging_updates(optimizer), unclipped(optimizer):
            losses = self.strategy.run(self._replica_step, args=(index,))
        return self.strategy.reduce("SUM", losses, axis=None)

    def _replica_step(self, index: Any) -> Any:
        """Train this replica's part of the batch; returns its share of the batch's loss."""
        built, context = self.prepared.built, tf.distribute.get_replica_context()
        size, parts, own = tf.shape(index)[0], self.strategy.num_replicas_in_sync, context.replica_id_in_sync_group
        begin, end = own * size // parts, (own + 1) * size // parts
        share = tf.cast(end - begin, tf.float32) / tf.cast(size, tf.float32)
        part = index[begin : tf.maximum(end, begin + 1)]  # an empty part trains one example with weight 0
        model = built.logits_model
        x, y = tf.cast(tf.gather(self._inputs, part), model.inputs[0].dtype), tf.gather(self._targets, part)
        weights = None
        if self._weights is not None:
            weights = tf.gather(self._weights, tf.cast(tf.reshape(y, [-1]), tf.int32))
        with tf.GradientTape() as tape:
            scores = model(x, training=True)
            penalties = tf.add_n(model.losses) / parts if model.losses else 0.0
            mean = built.loss(y, scores, sample_weight=weights) * parts  # Keras divides by the number of replicas
            loss = mean * share + penalties
            scaled = built.optimizer.scale_loss(loss)
        variables = model.trainable_variables
        gradients = context.all_reduce("SUM", tape.gradient(scaled, variables))
        # Keras clips each replica's gradients by themselves and sums them afterwards; one device clips the sum.
        gradients = [gradient / parts for gradient in clip(gradients, self.prepared.recipe.training.gradient_clipping)]
        built.optimizer.apply(gradients, variables)
        count = tf.cast(end - begin, tf.float32)
        self.loss_tracker.update_state(mean + penalties * parts, sample_weight=count)
        examples = tf.ones_like(part, tf.float32) * tf.cast(end > begin, tf.float32)
        outputs = built.activate(scores)
        for metric in built.metrics:
            metric.update_state(y, outputs, sample_weight=examples)
        return loss
