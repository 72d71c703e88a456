"""Seconds that an epoch cannot do without on this machine: python floor.py CASE EPOCHS

Its matrix products at their own shapes, each waiting for the one before, and nothing else, in one XLA loop; and the
bytes that the optimizer must move for them, by one pass over vectors as long as all weights, in another.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))
import tensorflow as tf
from cases import CASES

BATCH = 32
case, epochs = CASES[sys.argv[1]], int(sys.argv[2])
sizes = {"mlp": [784, 300, 100, 10], "deep": [784, *[100] * 20, 10]}[case.network]
pairs = list(zip(sizes, sizes[1:], strict=False))
steps = case.examples // BATCH
weights = sum(before * after for before, after in pairs)
x = tf.random.normal([BATCH, sizes[0]], stddev=0.1)
kernels = [tf.random.normal(pair, stddev=0.05) for pair in pairs]


@tf.function(jit_compile=True)
def products(x: tf.Tensor, kernels: list[tf.Tensor], steps: tf.Tensor) -> list[tf.Tensor]:
    """Run the products of so many steps, each of which begins with a number of the one before; return the last ones."""

    def body(step: tf.Tensor, changes: list[tf.Tensor]) -> tuple:
        inputs = [x + 1e-9 * changes[0][0, 0]]
        for kernel in kernels:
            inputs.append(inputs[-1] @ kernel)
        backward, changes = inputs[-1], []
        for kernel, before in zip(kernels[::-1], inputs[-2::-1], strict=True):
            changes.insert(0, tf.matmul(before, backward, transpose_a=True))
            if before is not inputs[0]:
                backward = tf.matmul(backward, kernel, transpose_b=True)
        return step + 1, changes

    return tf.while_loop(lambda step, _: step < steps, body, [0, kernels])[1]


@tf.function(jit_compile=True)
def passes(weights: tf.Tensor, moments: list[tf.Tensor], gradient: tf.Tensor, steps: tf.Tensor) -> tuple:
    """Read gradient, weights and moments and write weights and moments, so often."""

    def body(step: tf.Tensor, weights: tf.Tensor, moments: list[tf.Tensor]) -> tuple:
        moments = [0.9 * moment + gradient for moment in moments]
        return step + 1, weights - 1e-9 * tf.add_n(moments), moments

    return tf.while_loop(lambda step, *_: step < steps, body, [0, weights, moments])[1]


def clock(function: Callable, *arguments: object) -> float:
    """Return the seconds of a call."""
    begin = time.perf_counter()
    tf.nest.map_structure(lambda tensor: tensor.numpy(), function(*arguments))
    return time.perf_counter() - begin


vector, limit = tf.random.normal([weights]), tf.constant(steps)
moments = [tf.zeros([weights])] * (2 if case.optimizer == "adam" else 1)
parts = [(clock(products, x, kernels, limit), clock(passes, vector, moments, vector, limit)) for _ in range(epochs + 1)]
print(
    json.dumps(
        {
            "seconds": [sum(part) for part in parts],
            "products_s": min(part[0] for part in parts),
            "optimizer_s": min(part[1] for part in parts),
        }
    )
)
