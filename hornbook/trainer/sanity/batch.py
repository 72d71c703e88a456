"""Whether the network can learn a few examples by heart, needs their inputs for it, and is the same when loaded again."""

import math
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hornbook.builder.build import Built, as_targets
from hornbook.builder.randomness import derive_seed
from hornbook.data.source import Array
from hornbook.data.storage.rows import in_memory, select
from hornbook.display.text import number_text
from hornbook.recipes.language.spec import component_class
from hornbook.recipes.recipe import Recipe
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.sanity.outcome import Outcome, failed, passed, skipped
from hornbook.upstream import REFUSALS, reason, trusted

__all__ = ["SmallBatch", "check_fit", "check_saving", "check_zeroed", "loss_of", "without_draws"]

EXAMPLES = 8
CANDIDATES = 512
FITTED = 0.05
"""Part of the loss above its least that may be left; under cross-entropy over C classes every answer is then right."""
MOVED = 0.98
"""Part of the loss that is left where a recipe's own rate moves nothing."""
STEPS = 1000
ROUND = 250
FIRST_STEPS = 100
LIMIT_S = 12.0
FALLBACK_RATE = 0.003
RANDOM = ("Dropout", "Noise", "Random")
"""What is in the names of layers that draw numbers while training."""


class SmallBatch:
    """A few training examples that can be told apart, and the network without what draws numbers while training.

    The examples' inputs are affinely independent where the inputs have few numbers: then even a network without hidden
    layers can give each of them any output.

    Args:
        prepared: A run before its first step; its weights change.
    """

    def __init__(self, prepared: Prepared) -> None:
        self.prepared, self.built = prepared, prepared.built
        split, seed = prepared.splits.train, derive_seed(prepared.recipe.seed, "sanity")
        rows = np.random.default_rng(seed).permutation(len(split))[:CANDIDATES]
        inputs = np.asarray(in_memory(select(split.x, np.sort(rows))))
        targets = np.asarray(split.y)[np.sort(rows)]
        chosen = _independent(inputs, targets)
        self.inputs = tf.constant(inputs[chosen])
        self.targets = tf.constant(as_targets(targets[chosen], self.built.model))
        self.model = without_draws(self.built.logits_model)
        self.crowd = tf.constant(inputs), tf.constant(as_targets(targets, self.built.model))
        self._weights = [variable.numpy() for variable in self._variables()]
        self.start = self.loss()
        self.least = self._least()

    def loss(self, inputs: Any = None) -> float:
        """Return the loss of the examples, or of other inputs with their targets."""
        return float(self._loss(self.inputs if inputs is None else inputs))

    def _loss(self, inputs: Any) -> Any:
        return loss_of(self.built, self.model, inputs, self.targets)

    def _least(self) -> float:
        """Return the least that the loss can be: that of the targets themselves where they are predicted, else 0."""
        recipe, built = self.prepared.recipe, self.built
        if built.heads:
            return sum(part.weight * _smoothed(part.recipe) for part in built.heads)
        if _smoothed(recipe):
            return _smoothed(recipe)
        if recipe.task != "regression" or (built.from_logits and not recipe.head.standardize_targets):
            return 0.0
        wanted = tf.cast(built.in_loss(self.targets), tf.float32)
        least = float(built.loss(wanted, wanted))
        return least if math.isfinite(least) else 0.0

    @property
    def goal(self) -> float:
        """The loss at which the examples are fitted."""
        return self.least + FITTED * max(self.start - self.least, 0.0)

    def is_right(self) -> bool:
        """Return whether every answer is right, where answers are classes; otherwise that the loss is near its least."""
        task = self.prepared.recipe.task
        if task not in ("binary", "multiclass"):
            return self.loss() <= self.goal
        outputs = np.asarray(
            self.built.activate(self.model(tf.cast(self.inputs, self.model.inputs[0].dtype), training=True))
        )
        y = np.ravel(self.targets.numpy())
        if task == "multiclass":
            return bool((outputs.argmax(axis=-1) == y).all())
        loss = self.prepared.recipe.head.loss
        return bool(((np.ravel(outputs) > (0.0 if loss is not None and loss.gives_scores else 0.5)) == y).all())

    def train(self, optimizer: keras.optimizers.Optimizer, deadline: float) -> tuple[float, int, bool]:
        """Take steps until the examples are fitted; returns (loss, steps, whether time was left)."""
        variables = self.built.training_model.trainable_variables

        def step() -> Any:
            with tf.GradientTape() as tape:
                loss = self._loss(self.inputs)
                scaled = optimizer.scale_loss(loss)
            optimizer.apply(tape.gradient(scaled, variables, unconnected_gradients="zero"), variables)
            return loss

        @tf.function(jit_compile=False, autograph=False)
        def some(count: Any) -> Any:
            return tf.while_loop(
                lambda number, loss: tf.logical_and(number < count, tf.math.is_finite(loss)),
                lambda number, loss: (number + 1, step()),
                [tf.constant(0), tf.constant(0.0, self.built.loss.dtype)],
                parallel_iterations=1,
            )

        taken, loss, size = 0, self.start, 25
        while taken < STEPS:
            _, last = some(tf.constant(size))
            taken, size = taken + size, min(ROUND, 2 * size)
            loss = self.loss() if math.isfinite(float(last)) else math.nan
            if not math.isfinite(loss) or (loss <= self.goal and self.is_right()):
                return loss, taken, True
            if time.perf_counter() > deadline:
                return loss, taken, taken >= STEPS
        return loss, taken, True

    def _variables(self) -> list[Any]:
        return [*self.built.training_model.variables, *self.built.optimizer.variables]

    def rewind(self) -> None:
        """Go back to the untrained network and optimizer."""
        for variable, value in zip(self._variables(), self._weights, strict=True):
            variable.assign(value)

    def first_steps(self) -> float:
        """Return the loss at the end of the run's own first steps, with its own rates and sizes of batches."""
        recipe, optimizer = self.prepared.recipe, self.built.optimizer
        variables = self.built.training_model.trainable_variables
        inputs, targets = self.crowd
        rates = self.prepared.table.rates[:FIRST_STEPS]
        orders = np.random.default_rng(0).integers(0, len(inputs), (len(rates), recipe.training.batch_size))

        @tf.function(jit_compile=False, autograph=False)
        def step(rows: Any, rate: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = loss_of(self.built, self.model, tf.gather(inputs, rows), tf.gather(targets, rows))
                scaled = optimizer.scale_loss(loss)
            optimizer.learning_rate.assign(rate)
            optimizer.apply(tape.gradient(scaled, variables, unconnected_gradients="zero"), variables)
            return loss

        self.rewind()
        losses = [float(step(tf.constant(rows), tf.constant(rate))) for rows, rate in zip(orders, rates, strict=True)]
        self.rewind()
        return float(np.mean(losses[-10:]))


def _independent(inputs: Array, targets: Array) -> Array:
    """Return the rows of a few examples with distinct targets if possible, affinely independent where inputs are short."""
    flat = inputs.reshape(len(inputs), -1).astype(np.float64)
    flat = np.where(np.isfinite(flat), flat, 0.0)
    scale = flat.std(axis=0)
    flat = (flat - flat.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
    basis = np.zeros((0, flat.shape[1] + 1))
    chosen: list[int] = []
    for row in _by_turns(targets):
        vector = np.append(flat[row], 1.0)
        rest = vector - basis.T @ (basis @ vector)
        if np.linalg.norm(rest) > 0.1 * np.linalg.norm(vector):
            chosen.append(row)
            basis = np.vstack([basis, rest / np.linalg.norm(rest)])
        if len(chosen) == EXAMPLES:
            break
    return np.asarray(chosen)


def _by_turns(targets: Array) -> list[int]:
    """Return all rows, one of each class or number after the other."""
    _, place = np.unique(targets.reshape(len(targets), -1), axis=0, return_inverse=True)
    place = np.ravel(place)
    turn = np.zeros(len(place), int)
    for value in np.unique(place):
        turn[place == value] = np.arange((place == value).sum())
    return [int(row) for row in np.lexsort((np.arange(len(place)), turn))]


def without_draws(model: keras.Model) -> keras.Model:
    """Return a model of the same layers, with nothing in the places of those that draw numbers while training."""

    def keep(layer: keras.layers.Layer) -> keras.layers.Layer:
        name = type(layer).__name__
        draws = any(word in name for word in RANDOM) and not name.startswith("Randomized")
        return keras.layers.Identity(name=layer.name) if draws else layer

    return keras.models.clone_model(model, clone_function=keep)


def _smoothed(recipe: Recipe) -> float:
    """Return the least that a loss of smoothed labels can be; 0 without smoothing."""
    smoothing = getattr(recipe.head.loss, "label_smoothing", 0.0)
    if not smoothing:
        return 0.0
    shares = np.full(max(recipe.head.units or 1, 2), smoothing / max(recipe.head.units or 1, 2))
    shares[0] += 1 - smoothing
    return float(-np.sum(shares * np.log(shares)))


def loss_of(built: Built, model: keras.Model, inputs: Any, targets: Any) -> Any:
    """Return the mean loss of some examples, without penalties, as a training step has it.

    Args:
        built: The model's loss and targets' unit.
        model: Its logits view, or what `without_draws` made of it.
        inputs: (B, …).
        targets: In the shape that the loss expects.
    """
    scores = model(tf.cast(inputs, model.inputs[0].dtype), training=True)
    return built.loss(built.in_loss(targets), scores)


def check_fit(batch: SmallBatch, *, started: float) -> Outcome:
    """Fit the examples with the recipe's optimizer at its highest rate, and if that is too slow with Adam."""
    prepared = batch.prepared
    recipe, optimizer = prepared.recipe, prepared.built.optimizer
    figures: dict[str, Any] = {"examples": len(batch.inputs), "start": batch.start, "goal": batch.goal}
    if not prepared.built.training_model.trainable_variables:
        return failed("nothing learns.", **figures)
    said = f"{len(batch.inputs)} examples: loss {number_text(batch.start)}"
    own = ""
    if batch.start - batch.least <= 1e-7 and batch.is_right():
        return skipped("the few examples are right before the first step.", **figures)
    if not recipe.optimizer.is_auto:
        rate = float(prepared.table.rates.max())
        optimizer.learning_rate.assign(rate)
        loss, steps, _ = batch.train(optimizer, started + LIMIT_S / 2)
        figures |= {"loss": loss, "steps": steps, "rate": rate}
        own = f"{recipe.optimizer.name} at rate {rate:.3g}"
        if not math.isfinite(loss):  # on examples that come again and again; what of the run itself?
            later = batch.first_steps()
            if not later < batch.start:
                return failed(
                    f"{said} is {loss} after at most {steps} steps of {own}, and in the run's own first steps it goes to "
                    f"{number_text(later)}. Lower the rate, or clip.",
                    **figures,
                )
            own = f"{own}, which diverges on so few examples,"
        elif loss <= batch.goal and batch.is_right():
            return passed(f"{said} → {number_text(loss)} in {steps} steps of {own}", **figures)
        elif loss - batch.least > MOVED * (batch.start - batch.least) and not batch.is_right():
            return failed(
                f"{said} is {number_text(loss)} after {steps} steps of {own}: it does not learn at this rate. Use "
                "'hornbook lr-find'.",
                **figures,
            )
    adam = keras.optimizers.Adam(FALLBACK_RATE)
    adam.build(prepared.built.training_model.trainable_variables)
    loss, steps, had_time = batch.train(adam, started + LIMIT_S)
    figures |= {"loss_with_adam": loss, "steps_with_adam": steps}
    slower = f" ({own} got to {number_text(figures['loss'])} in {figures['steps']})" if own else ""
    if math.isfinite(loss) and loss <= batch.goal and batch.is_right():
        return passed(f"{said} → {number_text(loss)} in {steps} steps of adam{slower}", **figures)
    if not had_time:
        return skipped(
            f"{said} → {number_text(loss)} when {LIMIT_S:g} s were over: too slow to tell{slower}.", **figures
        )
    return failed(
        f"{said} stays at {number_text(loss)} after {steps} steps of adam{slower}: the network cannot give these answers. "
        "Do head, loss and targets fit together, is a layer too narrow?",
        **figures,
    )


def check_zeroed(batch: SmallBatch, fit: Outcome) -> Outcome:
    """Compare the fitted examples with the same network on inputs of 0: answers have to come from the inputs."""
    if fit.verdict != "pass":
        return skipped("the small batch was not fitted.")
    y = batch.targets.numpy()
    if len(y) < 2 or (y == y[:1]).all():
        return skipped("the few examples have one target: it is known without inputs.")
    seen, blind = batch.loss(), batch.loss(tf.zeros_like(batch.inputs))
    figures = {"loss": seen, "loss_zeroed": blind}
    if seen == blind == 0 or component_class("loss", "perceptron") is type(batch.prepared.recipe.head.loss):
        return skipped("this loss is 0 for every answer that is right, by whatever margin.", **figures)
    said = f"loss {number_text(seen)} with inputs, {number_text(blind)} with zeros"
    if not blind > seen:
        return failed(f"{said}: the answers do not come from the inputs.", **figures)
    return passed(said, **figures)


def check_saving(prepared: Prepared) -> Outcome:
    """Save the model, load it, and compare predictions."""
    model = prepared.built.model
    split = prepared.splits.train
    inputs = np.asarray(in_memory(select(split.x, np.arange(min(len(split), 32)))))
    before = np.asarray(model(inputs.astype(model.inputs[0].dtype), training=False))
    with tempfile.TemporaryDirectory(prefix="hornbook-sanity-") as folder:
        path = Path(folder) / "model.keras"
        try:
            keras.Model(model.input, model.output, name=model.name).save(path)
            with trusted() if prepared.recipe.is_trusted else nullcontext():
                loaded = keras.models.load_model(path, compile=False)
        except REFUSALS as error:
            return failed(f"Keras does not save and load this model: {reason(error)}.")
        size = path.stat().st_size
    after = np.asarray(loaded(inputs.astype(model.inputs[0].dtype), training=False))
    figures = {"bytes": size, "examples": len(inputs), "largest_difference": float(np.max(np.abs(before - after)))}
    if not np.array_equal(before, after, equal_nan=True):
        return failed(
            f"predictions of the loaded model differ by up to {number_text(figures['largest_difference'])}. Does a layer "
            "keep state that is not saved?",
            **figures,
        )
    return passed(f"{_built_size(prepared.built, size)}, equal predictions for {len(inputs)} examples", **figures)


def _built_size(built: Built, size: int) -> str:
    return f"{built.model.count_params():,} parameters in {size / 1e6:.1f} MB"
