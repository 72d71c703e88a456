"""What the layers of a network do on a few fixed examples, measured beside training: no variable changes.

The probe runs the model as a training step does, with batch statistics and dropout, inside of a Keras scope that keeps
assignments to itself. It is a program of its own, always a TensorFlow graph, that returns outputs and gradients; what
follows from them is NumPy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hornbook.builder.signals import input_of
from hornbook.data.source import Array
from hornbook.engine.programs import Programs
from hornbook.engine.steps import Setup, batch_weights
from hornbook.layers import FromSeriesScale, PiecewiseLinear, Quantiles, TokenCounts, ToSeriesScale
from hornbook.upstream import Statistics

__all__ = ["Probe", "Reading", "activation_of"]

EXAMPLES = 128
"""Examples that are looked at; fewer where a network's outputs are large."""
NUMBERS = 2**26
"""Numbers that all outputs of the network may hold together for that."""
POSITIONS = 16
"""Places of a picture or sequence at which a layer's outputs are read."""
COMPARED = 2**25
"""Weights up to which two moments are compared."""


@dataclass(frozen=True)
class Reading:
    """What the probe has seen.

    Attributes:
        loss: Mean loss of the examples, without penalties.
        loss_deviation: Standard deviation of the loss over examples.
        penalty: What regularization adds to the loss.
        outputs: {layer: (R, units)}, its outputs, a row per example and place; `inputs` is what the first layer with
            weights gets.
        gradients: {layer: its gradients}, of the loss without penalties.
        weights: {layer: its trainable weights}, in the same order.
        batch_statistics: {batch normalization layer: (mean, variance) of the examples at its input}.
    """

    loss: float
    loss_deviation: float
    penalty: float
    outputs: Mapping[str, Array]
    gradients: Mapping[str, list[Array]]
    weights: Mapping[str, list[Array]]
    batch_statistics: Mapping[str, tuple[Array, Array]]


class Probe:
    """Measures one model on the same examples again and again.

    Args:
        setup: What an engine trains.
        rows: Which training examples to look at; as many of them as memory allows are.
    """

    def __init__(self, setup: Setup, rows: Array) -> None:
        self.built = setup.built
        model = self.built.logits_model
        size = min(len(rows), EXAMPLES, max(8, NUMBERS // max(1, _numbers_per_example(model))))
        rows = np.sort(rows[:size])
        self.inputs, self.targets = np.asarray(setup.train.x[rows]), np.asarray(setup.targets()[rows])
        self.weights_K = None if setup.weights_K is None else tf.constant(setup.weights_K, tf.float32)
        self.layers = [layer for layer in model.layers if _is_read(layer)]
        first = next((layer for layer in self.layers if layer.weights and _reads_numbers(layer)), None)
        self.reads_inputs = first is not None and input_of(first).dtype.startswith(("float", "bfloat"))
        taps = [layer.output for layer in self.layers]
        taps += [input_of(layer) for layer in self.normalizations]
        taps += [input_of(first)] if first is not None and self.reads_inputs else []
        self.view = keras.Model(model.inputs, [*taps, model.outputs[0]])
        self.statistics = Statistics(self.built.training_model)
        handles = {id(variable): variable.value.handle for variable in self.built.training_model.variables}
        externals = [*handles.values(), *(variable.handle for variable in self.statistics.variables)]
        self.programs = Programs(setup.structure, externals)

    @property
    def normalizations(self) -> list[keras.layers.BatchNormalization]:
        """The layers whose statistics of a batch and moving ones can differ."""
        return [layer for layer in self.layers if isinstance(layer, keras.layers.BatchNormalization)]

    def read(self) -> Reading:
        """Run the model on the examples, there and back."""
        variables = self.built.logits_model.trainable_variables
        key = f"probe {'/'.join(str(variable.path) for variable in variables)}"
        losses_B, penalty, taps, gradients = self.programs.call(
            key, self._program, tf.constant(self.inputs), tf.constant(self.targets)
        )
        names = [layer.name for layer in self.layers]
        outputs = {name: tap.numpy() for name, tap in zip(names, taps, strict=False)}
        read = taps[len(names) :]
        with np.errstate(all="ignore"):  # numbers may be lost: that is what is looked for
            statistics = {
                layer.name: (tap.numpy().mean(axis=0), tap.numpy().var(axis=0))
                for layer, tap in zip(self.normalizations, read, strict=False)
            }
        if self.reads_inputs:
            outputs = {"inputs": taps[-1].numpy(), **outputs}
        losses = losses_B.numpy()
        by_variable = {id(v): g.numpy() for v, g in zip(variables, gradients, strict=True)}
        learning = {layer.name: layer.trainable_variables for layer in self.built.logits_model.layers}
        learning = {name: owned for name, owned in learning.items() if owned}
        return Reading(
            loss=float(losses.mean()),
            loss_deviation=float(losses.std()) if np.isfinite(losses).all() else float("nan"),
            penalty=float(penalty),
            outputs=outputs,
            gradients={name: [by_variable[id(v)] for v in owned] for name, owned in learning.items()},
            weights={name: [v.numpy() for v in owned] for name, owned in learning.items()},
            batch_statistics=statistics,
        )

    def weights(self) -> dict[str, list[Array]] | None:
        """Return copies of the weights that learn, by layer; None for a network too large to be copied."""
        model = self.built.logits_model
        if sum(int(np.prod(variable.shape)) for variable in model.trainable_variables) > COMPARED:
            return None
        owned = {layer.name: layer.trainable_variables for layer in model.layers}
        return {name: [v.numpy().copy() for v in variables] for name, variables in owned.items() if variables}

    def _program(self, inputs: Any, y: Any) -> Any:
        """Return (loss of each example, penalty, outputs by layer, gradients); the scope drops every assignment."""
        built, model = self.built, self.built.logits_model
        variables = model.trainable_variables
        with self.statistics.as_variables(), tf.GradientTape() as tape, self._scope():
            *taps, scores = self.view(tf.cast(inputs, model.inputs[0].dtype), training=True)
            wanted = built.in_loss(y)
            loss = built.training_loss(wanted, scores, sample_weight=batch_weights(self.weights_K, y))
            called = [keras.ops.convert_to_tensor(value, dtype=built.loss.dtype) for value in (wanted, scores)]
            losses_B = tf.reshape(tf.cast(built.loss.call(*called), tf.float32), [tf.shape(y)[0], -1])
            penalty = (
                tf.add_n([tf.cast(each, tf.float32) for each in model.losses]) if model.losses else tf.constant(0.0)
            )
        gradients = tape.gradient(loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return tf.reduce_mean(losses_B, axis=1), penalty, [_sample(tap) for tap in taps], [_dense(g) for g in gradients]

    def _scope(self) -> Any:
        """Return a scope that begins with the values of all variables, and keeps assignments and penalties to itself."""
        values = [(variable, variable.value) for variable in self.built.training_model.variables]
        return keras.StatelessScope(state_mapping=values, collect_losses=True)


def _sample(tap: Any) -> Any:
    """Return outputs (B, …, units) as rows (R, units) of a few places of each example."""
    tap = tf.cast(tap, tf.float32)
    units = tap.shape[-1] if tap.shape.rank > 1 else 1
    if tap.shape.rank <= 2:
        return tf.reshape(tap, [-1, units])
    places = tf.reshape(tap, [tf.shape(tap)[0], -1, units])
    step = tf.maximum(1, tf.shape(places)[1] // POSITIONS)
    return tf.reshape(places[:, ::step], [-1, units])


def _dense(gradient: Any) -> Any:
    return tf.cast(tf.convert_to_tensor(gradient), tf.float32)


def _numbers_per_example(model: keras.Model) -> int:
    shapes = [layer.output.shape[1:] for layer in model.layers if isinstance(layer.output, keras.KerasTensor)]
    return sum(int(np.prod([size or 1 for size in shape])) for shape in shapes)


def _reads_numbers(layer: keras.layers.Layer) -> bool:
    return not isinstance(layer, keras.layers.Embedding | keras.layers.Attention)


def _is_read(layer: keras.layers.Layer) -> bool:
    """Return whether a layer's outputs are looked at: it has weights that could learn, or is an activation."""
    if isinstance(layer, keras.layers.Normalization) or not isinstance(layer.output, keras.KerasTensor):
        return False
    if isinstance(
        layer, Quantiles | PiecewiseLinear | ToSeriesScale | FromSeriesScale | TokenCounts
    ):  # tables of what the training split is like
        return False
    learns = [weight for weight in layer.weights if "seed_generator" not in weight.path]
    return bool(learns) or activation_of(layer) is not None


def activation_of(layer: keras.layers.Layer) -> str | None:
    """Return the name of the activation that a layer's outputs have gone through; None where there is none."""
    function = getattr(layer, "activation", None)
    if callable(function):
        name = str(getattr(function, "__name__", type(function).__name__)).lower()
        return None if name == "linear" else name
    name = type(layer).__name__.lower()
    return ACTIVATION_LAYERS.get(name)


ACTIVATION_LAYERS = {
    "relu": "relu",
    "leakyrelu": "leaky_relu",
    "prelu": "prelu",
    "randomizedleakyrelu": "leaky_relu",
    "elu": "elu",
    "softmax": "softmax",
    "step": "step",
    "approximategelu": "gelu",
}
