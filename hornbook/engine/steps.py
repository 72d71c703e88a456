"""What an engine trains, one training step of it, and many of them as one call: what gets traced and compiled."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from hornbook.builder.build import Built, as_targets
from hornbook.builder.randomness import derive_seed
from hornbook.data.source import Array, Split
from hornbook.layers.augmentation import Mixture, mixing
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.training import GradientClipping
from hornbook.upstream import (
    Statistics,
    averaging_updates,
    decay_from,
    fused_normalization,
    momentum_from,
    rates_from,
    seed_states,
    set_step,
    threefry,
    unclipped,
)

__all__ = ["Setup", "Steps", "batch_weights", "clip", "count", "dropouts", "forward"]

OTHER_DROPOUTS = ("input_dropout", "reused_dropout")


@dataclass(frozen=True)
class Setup:
    """What an engine trains, and how.

    Attributes:
        built: The model's two views, optimizer, loss, metrics.
        train: The training split; uint8 images are scaled inside the model.
        recipe: The resolved recipe; it names the engine and how the loss is made.
        batch_size: Examples per batch; the last batch of an epoch may be smaller.
        seed: What order and draws derive from.
        weights_K: Weight of each class in the loss, or None.
        momentum_option: The optimizer's attribute that the schedule moves, or None.
        clipping: Limit of the gradients of a whole batch, or None.
        structure: What makes compiled programs interchangeable between runs, or None to share none.
        strategy: The `tf.distribute` strategy that the model was built for, or None.
        stream: The source of batches that is trained on in the place of `train`, or None.
    """

    built: Built
    train: Split
    recipe: Recipe
    batch_size: int
    seed: int
    weights_K: Array | None = None
    momentum_option: str | None = None
    clipping: GradientClipping | None = None
    structure: str | None = None
    strategy: Any = None
    stream: Any = None

    @property
    def batches(self) -> int:
        """Batches per epoch, a smaller last one included unless the recipe leaves it out."""
        if self.stream is not None:
            return int(self.stream.batches)
        return self.recipe.training.batches(len(self.train), self.batch_size)

    def targets(self) -> Array:
        """Return the targets in the shape that loss and metrics expect."""
        return as_targets(self.train.y, self.built.model)

    def seeds(self) -> tuple[list[Any], Any]:
        """Return the states of the model's random generators, and (len(states),) int64, a seed for each."""
        states = seed_states(self.built.logits_model)
        return list(states.values()), tf.constant([derive_seed(self.seed, name) for name in states], tf.int64)


def forward(
    built: Built, inputs: Any, y: Any, *, training: bool, weights_B: Any = None, mixture: Mixture | None = None
) -> tuple[Any, Any, Any]:
    """Return (scores in front of the last activation, mean loss, penalties or None) of a batch.

    Args:
        built: The model and its loss.
        inputs: (B, …) of any type.
        y: (B, …) targets.
        training: Whether layers are in training mode.
        weights_B: Weight of each example in the loss, or None.
        mixture: What becomes of the batch, or None where examples are not mixed.
    """
    model = built.logits_model
    with mixing(mixture):
        scores = model(tf.cast(inputs, model.inputs[0].dtype), training=training)

    def loss_of(targets: Any, weights_B: Any) -> Any:
        loss = built.training_loss if training else built.loss
        return loss(built.in_loss(targets), scores, sample_weight=weights_B)

    loss = loss_of(y, weights_B) if mixture is None else mixture.loss(y, weights_B, loss_of)
    return scores, loss, tf.add_n(model.losses) if model.losses else None


def count(
    built: Built,
    loss_tracker: keras.metrics.Metric,
    y: Any,
    scores: Any,
    loss: Any,
    *,
    size: Any,
    weights_B: Any = None,
) -> None:
    """Count a batch of `size` examples in loss and metrics; an example of weight 0 does not count."""
    loss_tracker.update_state(loss, sample_weight=tf.cast(size, tf.float32))
    outputs = built.activate(scores)
    for metric in built.metrics:
        metric.update_state(y, outputs) if weights_B is None else metric.update_state(y, outputs, weights_B)


def dropouts(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers that `regularization.dropout` has made, which its schedule moves."""
    return [layer for layer in model.layers if type(layer) is keras.layers.Dropout and layer.name not in OTHER_DROPOUTS]


def batch_weights(weights_K: Any, y: Any, weights_B: Any = None) -> Any:
    """Return the weight of each example in the loss (B,): its class's times its own; None where neither has any.

    Args:
        weights_K: Weight of each class, or None.
        y: Class numbers (B,) or (B, 1), where classes have weights.
        weights_B: The examples' own weights, or None.
    """
    if weights_K is None:
        return weights_B
    of_class_B = tf.gather(weights_K, tf.cast(tf.reshape(y, [-1]), tf.int32))
    return of_class_B if weights_B is None else of_class_B * weights_B


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
        fuses: Whether batch normalization of images is one kernel.
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
    fuses: bool
    statistics: Statistics
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
        weights: Any = None,
    ) -> Any:
        """Train batches [start, end); returns the first one not trained, and whether losses and weights are finite.

        Weights too, because a fused ReLU on CPU turns NaN into 0; here, because a call of its own takes a millisecond.

        Args:
            inputs: (R, …) examples on the device.
            targets: (R, …) their targets.
            order: (≥ S·B,) int32 rows of batch 0 and those after it.
            rates: (S,) float32 learning rate of each batch.
            momenta: (S,) float32 momentum of each batch, or (S, 3) with the factors of dropout and weight decay.
            first: int64, batches trained before batch 0.
            start: int32, first batch to train.
            end: int32, the batch after the last.
            weights: (R,) float32, what each example counts, or None.
        """

        def body(batch: Any, is_finite: Any) -> Any:
            index_B = tf.slice(order, [batch * self.batch_size], [self.batch_size])
            number = first + tf.cast(batch, tf.int64)
            rate, momentum = rates[batch], momenta[batch]
            loss = self.step(inputs, targets, index_B, rate, momentum, number, weights, jit=self.jit)
            return batch + 1, tf.math.is_finite(loss)

        def goes_on(batch: Any, is_finite: Any) -> Any:
            return tf.logical_and(batch < end, is_finite)

        reached, is_finite = tf.while_loop(goes_on, body, [start, tf.constant(True)], parallel_iterations=1)
        return reached, is_finite, self._has_finite_weights()

    def rest(
        self, inputs: Any, targets: Any, index: Any, rates: Any, momenta: Any, number: Any, weights: Any = None
    ) -> Any:
        """Train the epoch's smaller last batch; returns whether its loss, and all weights, are finite.

        Always a TensorFlow graph: one batch an epoch is not worth a second or 90 MB of XLA's compiler.
        """
        loss = self.step(inputs, targets, index, rates[-1], momenta[-1], number, weights, jit=False)
        return tf.math.is_finite(loss), self._has_finite_weights()

    def _has_finite_weights(self) -> Any:
        variables = self.built.model.trainable_variables
        return tf.reduce_all([tf.reduce_all(tf.math.is_finite(variable.value)) for variable in variables])

    def step(
        self,
        inputs: Any,
        targets: Any,
        index_B: Any,
        rate: Any,
        momentum: Any,
        number: Any,
        weights: Any = None,
        *,
        jit: bool,
    ) -> Any:
        """Train one batch and return its loss: gather, forward, loss, gradients, update, metrics."""
        built, model = self.built, self.built.logits_model
        x, y = tf.gather(inputs, index_B), tf.gather(targets, index_B)
        own_B = None if weights is None else tf.gather(weights, index_B)
        weights_B = batch_weights(self.weights_K, y, own_B)
        set_step(self.states, self.seeds, number)
        fused = fused_normalization(active=self.fuses)
        momentum, dropout, decay = (
            tf.unstack(momentum) if tuple(getattr(momentum, "shape", ())) else (momentum, None, None)
        )
        dropping = rates_from(dropouts(model), dropout)
        with threefry(active=jit), fused, dropping, self.statistics.as_variables(), tf.GradientTape() as tape:
            mixture = built.mixture(index_B.shape[0])
            scores, loss, penalties = forward(built, x, y, training=True, weights_B=weights_B, mixture=mixture)
            loss = loss if penalties is None else loss + penalties
            scaled = built.optimizer.scale_loss(loss)
        variables = model.trainable_variables
        gradients = tape.gradient(scaled, variables)
        built.optimizer.learning_rate.assign(rate)
        moving = momentum_from(built.optimizer, self.momentum_option, momentum)
        with (
            moving,
            decay_from(built.optimizer, decay),
            averaging_updates(built.optimizer),
            self._clipped_before() as is_clipped,
        ):
            gradients = clip(gradients, self.clipping) if is_clipped else gradients
            built.optimizer.apply(gradients, variables)
        with self.statistics.as_variables():
            if mixture is not None:
                y, own_B = mixture.targets(y), None if own_B is None else mixture.targets(own_B)
            count(built, self.loss_tracker, y, scores, loss, size=tf.shape(y)[0], weights_B=own_B)
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


def clip(gradients: list[Any], clipping: GradientClipping | None) -> list[Any]:
    """Return gradients limited as the recipe says, by the same rules as Keras's optimizers.

    Args:
        gradients: Of a whole batch.
        given: What is limited, and to what; None leaves them as they are.
    """
    if clipping is None:
        return gradients
    if clipping.by == "value":
        return [tf.clip_by_value(gradient, -clipping.threshold, clipping.threshold) for gradient in gradients]
    squares = [_square_sum(gradient) for gradient in gradients]
    if clipping.by == "norm":
        return [gradient * _factor(square, clipping) for gradient, square in zip(gradients, squares, strict=True)]
    factor = _factor(tf.add_n(squares), clipping)
    return [gradient * factor for gradient in gradients]


def _factor(square: Any, clipping: GradientClipping) -> Any:
    norm = tf.sqrt(square)
    return clipping.threshold / tf.maximum(norm, clipping.threshold)


def _square_sum(gradient: Any) -> Any:
    """Return Σg², by a matrix product with ones: XLA on CPU computes that seven times faster than a sum."""
    square = tf.square(gradient)
    if len(square.shape) > 1:
        square = tf.linalg.matvec(tf.reshape(square, [-1, square.shape[-1]]), tf.ones(square.shape[-1], square.dtype))
    return tf.reduce_sum(square)
