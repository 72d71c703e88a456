"""What a run will need, before it begins: memory counted from its variables and arrays, time from its operations."""

import time
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from hornbook.builder.signals import input_of
from hornbook.data.storage.rows import Rows
from hornbook.trainer.prepare import Prepared

__all__ = ["Needs", "needs_of"]

PASSES = 6
"""Floating-point operations of a step for each weight and place it is used at: a product and a sum forward, and twice that
back, for the inputs' and the weights' gradients."""
SLOWER = 5.0
"""How much less of a processor's speed convolutions get than one large matrix product, on the machines we have measured."""
PER_LAYER_S = 1.2e-4
"""What a step costs for each layer besides its arithmetic: operations that are started, normalization, the optimizer."""
COMPILING_S = {"xla": 0.5, "graph": 0.3, "fused_graph": 0.3, "fit": 0.3}
"""What building the programs costs for each layer."""
MEASURED, TIMED = 512, 5
"""Rows and columns of the product that is timed, and how often."""


@dataclass(frozen=True)
class Needs:
    """An estimate.

    Attributes:
        weights: Bytes of the model's variables and the gradients of those that learn.
        optimizer: Bytes of the optimizer's variables.
        activations: Bytes of all layers' outputs for one batch, kept for the way back.
        data: Bytes of the inputs and targets in memory.
        step_s: Seconds of one batch.
        compiling_s: Seconds until the first.
        batches: Of the whole run.
    """

    weights: int
    optimizer: int
    activations: int
    data: int
    step_s: float
    compiling_s: float
    batches: int

    @property
    def memory(self) -> int:
        """Bytes, besides what TensorFlow takes for itself."""
        return self.weights + self.optimizer + self.activations + self.data

    @property
    def seconds(self) -> float:
        """Seconds of the whole run."""
        return self.compiling_s + self.batches * self.step_s


def needs_of(prepared: Prepared) -> Needs:
    """Return what a run will need; its time is good to a factor of three or so."""
    built, recipe, splits = prepared.built, prepared.recipe, prepared.splits
    model, batch = built.training_model, recipe.training.batch_size
    outputs = sum(_count(layer.output.shape) for layer in model.layers)
    products = sum(_products(layer) * (SLOWER if "Conv" in type(layer).__name__ else 1) for layer in model.layers)
    parts = [part for part in (splits.train, splits.validation, splits.test) if part is not None]
    held = [array for part in parts for array in (part.x, part.y) if not isinstance(array, Rows)]
    return Needs(
        weights=4 * (model.count_params() + sum(_count(weight.shape) for weight in model.trainable_variables)),
        optimizer=sum(4 * _count(variable.shape) for variable in built.optimizer.variables),
        activations=4 * outputs * batch,
        data=sum(int(np.asarray(array).nbytes) for array in held),
        step_s=PASSES * products * batch / _speed() + PER_LAYER_S * len(model.layers),
        compiling_s=COMPILING_S.get(recipe.training.engine, 0.5) * len(model.layers),
        batches=prepared.table.length.total,
    )


def _count(shape: Any) -> int:
    return int(np.prod([size or 1 for size in shape]))


def _products(layer: keras.layers.Layer) -> int:
    """Return how many products of a weight and a number a layer makes for one example."""
    if isinstance(layer, keras.layers.Embedding):
        return 0
    kernels = sum(_count(weight.shape) for weight in layer.weights if len(weight.shape) > 1)
    is_recurrent = isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
    places = [input_of(layer).shape[1]] if is_recurrent else layer.output.shape[1:-1]
    return kernels * _count(places)


def _speed() -> float:
    """Return the floating-point operations a second of a matrix product on this machine, the best of a few."""
    a = keras.ops.convert_to_tensor(np.ones((MEASURED, MEASURED), np.float32))
    seconds = []
    for _ in range(1 + TIMED):
        started = time.perf_counter()
        np.asarray(keras.ops.matmul(a, a))
        seconds.append(time.perf_counter() - started)
    return 2 * MEASURED**3 / max(min(seconds[1:]), 1e-6)
