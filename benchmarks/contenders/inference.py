"""Seconds of what is done with a trained network, each round all of it.

    python inference.py predict 5 hornbook     a million rows of 20 numbers through 64 and 64 units
    python inference.py evaluate 5 keras       the same rows with their targets: loss and accuracy
    python inference.py sample 5 loop          100 predictions with dropout of each of 10,000 images, 300 and 100 units
    python inference.py calibrate 5 sklearn    a temperature for the logits of 100,000 examples and ten classes

`hornbook` is what its commands call. `keras` is `model.predict` or `model.evaluate`, `loop` a `tf.function` called batch by
batch, both at the fastest of six batch sizes; `book` calls the model once per sample, as the textbook does. The first round
includes tracing and is a warm-up; batch sizes are chosen before.
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
IMAGES, SAMPLES = 10_000, 100
EXAMPLES, CLASSES = 100_000, 10
SIZES = (1024, 2048, 4096, 8192, 16_384, 32_768)
Way = Callable[[int], Any]


def network(
    columns: int, units: tuple[int, ...], *, dropout: float = 0.0, classes: int = 1, draws: bool | None = None
) -> keras.Model:
    """Return a network with random weights: batch normalization and ELU in its hidden layers; `draws` keeps dropout on."""
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((columns,))
    for width in units:
        x = keras.layers.Activation("elu")(keras.layers.BatchNormalization()(keras.layers.Dense(width)(x)))
        x = keras.layers.Dropout(dropout)(x, training=draws) if dropout else x
    return keras.Model(inputs, keras.layers.Dense(classes, activation="sigmoid" if classes == 1 else "softmax")(x))


def in_batches(call: Callable[..., Any], *arrays: Any) -> Way:
    """Return a function of the batch size that calls with each batch and joins what comes back."""

    def work(size: int) -> Any:
        starts = range(0, len(arrays[0]), size)
        return np.concatenate([call(*(array[start : start + size] for array in arrays)).numpy() for start in starts])

    return work


def predicting(name: str) -> Way:
    """Return a way of predicting all rows."""
    model, x = (
        network(COLUMNS, (UNITS, UNITS)),
        np.random.default_rng(0).normal(size=(ROWS, COLUMNS)).astype(np.float32),
    )
    if name == "hornbook":
        from hornbook.engine.prediction import predict_scores

        return lambda size: predict_scores(model, x)
    if name == "keras":
        return lambda size: model.predict(x, batch_size=size, verbose=0)
    return in_batches(tf.function(lambda batch: model(batch, training=False), reduce_retracing=True), x)


def evaluating(name: str) -> Way:
    """Return a way of evaluating all rows."""
    from hornbook import load_recipe
    from hornbook.engine.evaluation import Evaluator
    from hornbook.trainer.prepare import prepare

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(ROWS, COLUMNS)).astype(np.float32), rng.integers(0, 2, ROWS)
    recipe = load_recipe("he_elu_bn", [f"model.units=[{UNITS}, {UNITS}]", "data={name: arrays}"])
    built = prepare(recipe, (x, y)).built
    if name == "hornbook":
        evaluate = Evaluator(built)
        return lambda size: evaluate(x, y.reshape(-1, 1))
    built.model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    return lambda size: built.model.evaluate(x, y, batch_size=size, verbose=0)


def sampling(name: str) -> Way:
    """Return a way of predicting with dropout, mean and standard deviation."""
    model = network(784, (300, 100), dropout=0.2, classes=CLASSES, draws=None if name == "hornbook" else True)
    x = np.random.default_rng(0).random((IMAGES, 784), dtype=np.float32)
    if name == "hornbook":
        from hornbook.inference.uncertainty import monte_carlo

        return lambda size: monte_carlo(model, x, samples=SAMPLES, seed=0, kind="classes")

    def book(size: int) -> Any:
        drawn = np.stack([model(x).numpy() for _ in range(SAMPLES)])
        return drawn.mean(axis=0), drawn.std(axis=0)

    call = tf.function(model, reduce_retracing=True)

    def loop(size: int) -> Any:
        drawn = np.stack([in_batches(call, x)(size) for _ in range(SAMPLES)])
        return drawn.mean(axis=0), drawn.std(axis=0)

    return book if name == "book" else loop


def calibrating(name: str) -> Way:
    """Return a way of finding a temperature."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, EXAMPLES)
    logits = (rng.normal(size=(EXAMPLES, CLASSES)) * 3 + 2 * np.eye(CLASSES)[labels]).astype(np.float32)
    if name == "hornbook":
        from hornbook.inference.trust.calibration import fit_temperature

        return lambda size: fit_temperature(logits, labels)
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """A classifier whose inputs are its logits."""

        def fit(self, x: Any, y: Any) -> "Given":
            self.classes_ = np.arange(CLASSES)
            return self

        def decision_function(self, x: Any) -> Any:
            return x

        def predict(self, x: Any) -> Any:
            return x.argmax(axis=1)

    given = FrozenEstimator(Given().fit(logits, labels))
    return lambda size: CalibratedClassifierCV(given, method="temperature").fit(logits, labels)


WORK = {"predict": predicting, "evaluate": evaluating, "sample": sampling, "calibrate": calibrating}


def seconds(work: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    what, rounds, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    way, size = WORK[what](name), 0
    if name in ("keras", "loop"):
        size = min(SIZES, key=lambda size: min(seconds(lambda: way(size)) for _ in range(2)))
    print(json.dumps({"seconds": [seconds(lambda: way(size)) for _ in range(rounds + 1)], "batch": float(size)}))


if __name__ == "__main__":
    main()
