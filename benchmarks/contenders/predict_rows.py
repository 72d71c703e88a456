"""Seconds of predicting a million rows of 20 numbers with a network of 64 and 64 units, each round all of it.

    python predict_rows.py hornbook 5    what `hornbook predict` calls
    python predict_rows.py keras 5       `model.predict`, at the fastest of six batch sizes
    python predict_rows.py loop 5        a `tf.function` called batch by batch, at the fastest of six batch sizes

The first round includes tracing and is a warm-up; batch sizes are chosen before.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from hornbook import startup

startup.import_tensorflow()

import keras
import numpy as np
import tensorflow as tf

ROWS, COLUMNS, UNITS = 1_000_000, 20, 64
SIZES = (1024, 2048, 4096, 8192, 16_384, 32_768)


def network() -> keras.Model:
    """Return the network, with random weights: batch normalization and ELU in its hidden layers."""
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((COLUMNS,))
    for _ in range(2):
        x = keras.layers.Activation("elu")(keras.layers.BatchNormalization()(keras.layers.Dense(UNITS)(x)))
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))


def way(name: str, model: keras.Model, x: Any) -> Callable[[int], Any]:
    """Return a function of the batch size that predicts all rows."""
    if name == "keras":
        return lambda size: model.predict(x, batch_size=size, verbose=0)
    call = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)
    return lambda size: np.concatenate([call(x[start : start + size]).numpy() for start in range(0, len(x), size)])


def seconds(work: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    name, rounds = sys.argv[1], int(sys.argv[2])
    model, x = network(), np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(np.float32)
    if name == "hornbook":
        from hornbook.engine.prediction import predict_scores

        size, work = 0, lambda size: predict_scores(model, x)
    else:
        work = way(name, model, x)
        size = min(SIZES, key=lambda size: min(seconds(lambda: work(size)) for _ in range(3)))
    print(json.dumps({"seconds": [seconds(lambda: work(size)) for _ in range(rounds + 1)], "batch": float(size)}))


if __name__ == "__main__":
    main()
