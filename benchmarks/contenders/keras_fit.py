"""Seconds per epoch of plain Keras: python keras_fit.py CASE EPOCHS [STEPS_PER_EXECUTION]"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))
import keras
from cases import CASES, fashion_mnist
from keras import layers

case, epochs = CASES[sys.argv[1]], int(sys.argv[2])
images, labels = fashion_mnist(case.examples)
x = (images / 255).astype("float32")
keras.utils.set_random_seed(0)


def hidden(units):
    stack = [
        layers.Dense(units, kernel_initializer="he_normal", use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("elu"),
    ]
    return stack + ([layers.Dropout(case.dropout)] if case.dropout else [])


def convolution(filters):
    return [
        layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal", use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("elu"),
        layers.MaxPooling2D(),
    ]


NETWORKS = {
    "mlp": lambda: [layers.Input((28, 28)), layers.Flatten(), *hidden(300), *hidden(100)],
    "deep": lambda: [layers.Input((28, 28)), layers.Flatten(), *(layer for _ in range(20) for layer in hidden(100))],
    "cnn": lambda: [layers.Input((28, 28, 1)), *convolution(32), *convolution(64), layers.Flatten(), *hidden(128)],
    "lstm": lambda: [layers.Input((28, 28)), layers.LSTM(64, return_sequences=True), layers.LSTM(64)],
}
if case.network == "cnn":
    x = x[..., None]
model = keras.Sequential([*NETWORKS[case.network](), layers.Dense(10, activation="softmax")])
clip = {"global_clipnorm": case.clip} if case.clip else {}
optimizer = (
    keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True, **clip)
    if case.optimizer == "nesterov"
    else keras.optimizers.Adam(0.001, **clip)
)
together = int(sys.argv[3]) if len(sys.argv) > 3 else 1
model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=together)


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.begin)


clock = Clock()
history = model.fit(x, labels, batch_size=32, epochs=epochs, verbose=0, callbacks=[clock])
print(json.dumps({"seconds": clock.seconds, "loss": history.history["loss"]}))
