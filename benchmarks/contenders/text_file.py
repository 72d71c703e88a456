"""Seconds from a file of 100,000 texts to a network trained for three epochs, and of an epoch.

    python text_file.py hornbook 1    `hornbook.train` on the table
    python text_file.py keras 1       `TextVectorization`, adapted and mapped in `tf.data`, and `model.fit`
    python text_file.py hornbook-epoch 1, keras-epoch 1    the median of the epochs alone

Texts are 50 words of 50,000 in Zipf's proportions; the class shifts the proportions of a hundred of them. Vocabulary 20,000,
mean of embeddings of 64, a dense layer of 64, batches of 32.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from hornbook import startup

startup.import_tensorflow()

import keras
import numpy as np
import polars as pl
import tensorflow as tf

TEXTS, WORDS, KNOWN, VOCABULARY, EPOCHS, BATCH = 100_000, 50, 50_000, 20_000, 3, 32


def write(path: Path) -> None:
    """Write the table."""
    random = np.random.default_rng(0)
    shares = 1 / np.arange(1, KNOWN + 1)
    numbers = random.choice(KNOWN, (TEXTS, WORDS), p=shares / shares.sum())
    labels = random.integers(0, 2, TEXTS)
    numbers[:, :5] = np.where(labels[:, None] == 1, 100, 200) + random.integers(0, 100, (TEXTS, 5))
    names = np.array([f"w{number:x}" for number in range(KNOWN)])
    texts = [" ".join(row) for row in names[numbers]]
    pl.DataFrame({"text": texts, "label": np.array(["no", "yes"])[labels]}).write_csv(path)


def hornbook_way(path: Path, folder: str) -> list[float]:
    """Train by a recipe; returns the seconds of each epoch."""
    import hornbook

    recipe = {
        "data": {"name": "table", "path": str(path), "target": "label", "types": {"text": "text"},
                 "text": {"vocabulary": VOCABULARY, "length": WORDS}, "split": {"validation": 0.1, "test": 0}},
        "model": {"name": "mean_embedding", "embedding": 64, "dense": [64]},
        "activation": "relu", "optimizer": {"name": "adam", "learning_rate": 0.001},
        "training": {"epochs": EPOCHS, "batch_size": BATCH}, "health": "off",
    }  # fmt: skip
    result = hornbook.train(recipe, runs=folder, progress=False)
    print(result.history[-1]["val_accuracy"], file=sys.stderr)
    return [row["train_seconds"] for row in result.history]


def keras_way(path: Path) -> list[float]:
    """Train as Keras's guide to text classification does; returns the seconds of each epoch."""
    frame = pl.read_csv(path)
    texts, labels = np.array(frame["text"].to_list()), (frame["label"] == "yes").to_numpy().astype("float32")
    cut = int(0.9 * TEXTS)
    layer = keras.layers.TextVectorization(VOCABULARY, output_sequence_length=WORDS)
    layer.adapt(tf.data.Dataset.from_tensor_slices(texts[:cut]).batch(1024))
    whole = tf.data.Dataset.from_tensor_slices((texts[:cut], labels[:cut])).batch(1024)
    encoded = whole.map(lambda text, label: (layer(text), label), num_parallel_calls=tf.data.AUTOTUNE)
    train = encoded.unbatch().cache().shuffle(cut).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    held_out = tf.data.Dataset.from_tensor_slices((texts[cut:], labels[cut:])).batch(1024)
    held_out = held_out.map(lambda text, label: (layer(text), label)).cache()
    inputs = keras.Input((WORDS,), dtype="int64")
    x = keras.layers.Embedding(VOCABULARY, 64, mask_zero=True)(inputs)
    x = keras.layers.Dense(64, "relu")(keras.layers.GlobalAveragePooling1D()(x))
    model = keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(x))
    model.compile(keras.optimizers.Adam(0.001), "binary_crossentropy", metrics=["accuracy"])
    seconds: list[float] = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.begin = time.perf_counter()

        def on_test_begin(self, logs=None):
            seconds.append(time.perf_counter() - self.begin)

    history = model.fit(train, epochs=EPOCHS, validation_data=held_out, callbacks=[Clock()], verbose=0)
    print(history.history["val_accuracy"][-1], file=sys.stderr)
    return seconds


def main() -> None:
    """Measure and print."""
    name, _, what = sys.argv[1].partition("-")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.csv"
        write(path)
        begin = time.perf_counter()
        epochs = hornbook_way(path, folder) if name == "hornbook" else keras_way(path)
        whole = time.perf_counter() - begin
    print(json.dumps({"seconds": [statistics.median(epochs[1:])] if what else [whole]}))


if __name__ == "__main__":
    main()
