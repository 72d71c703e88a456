"""Wall time of a whole command: python whole_command.py hornbook|keras|floor 1

`hornbook train` of 20 epochs on digits against the same network, callbacks and metrics as a script in plain Keras, and
against what no way of training it can do without: TensorFlow and Keras imported in the fastest way that is known (without
scikit-learn, SciPy and Matplotlib, without collecting garbage, without taking anything apart at the end), and one XLA
program of the network's steps traced, compiled and run, without dropout, data, validation and files.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPT = """
import keras, numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
keras.utils.set_random_seed(42)
x, y = load_digits(return_X_y=True)
x, x_test, y, y_test = train_test_split(x / 16, y, test_size=0.2, stratify=y, random_state=42)
x, x_val, y, y_val = train_test_split(x, y, test_size=0.1, stratify=y, random_state=42)
stack = [keras.layers.Input((64,))]
for units in (300, 100):
    stack += [keras.layers.Dense(units, kernel_initializer="he_normal", use_bias=False),
              keras.layers.BatchNormalization(), keras.layers.Activation("elu"), keras.layers.Dropout(0.2)]
model = keras.Sequential([*stack, keras.layers.Dense(10, activation="softmax")])
model.compile(keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, global_clipnorm=1.0),
              "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=32, epochs=20, validation_data=(x_val, y_val), verbose=2, callbacks=[
    keras.callbacks.EarlyStopping(patience=20, restore_best_weights=True),
    keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True),
    keras.callbacks.CSVLogger("history.csv")])
print(model.evaluate(x_test, y_test, verbose=0))
"""
FLOOR = """
import gc, os, sys
gc.disable()
sys.modules |= {"sklearn": None, "scipy": None, "matplotlib": None}
import tensorflow as tf
import keras
stack = [keras.layers.Input((64,))]
for units in (300, 100):
    stack += [keras.layers.Dense(units, kernel_initializer="he_normal", use_bias=False),
              keras.layers.BatchNormalization(), keras.layers.Activation("elu")]
model = keras.Sequential([*stack, keras.layers.Dense(10)])
optimizer = keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, global_clipnorm=1.0)
optimizer.build(model.trainable_variables)
loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
x, y = tf.random.uniform((1293, 64)), tf.zeros((1293,), tf.int32)
@tf.function(jit_compile=True)
def epoch(x, y):
    def body(step):
        with tf.GradientTape() as tape:
            batch = tf.slice(x, [step * 32, 0], [32, 64])
            loss = loss_of(tf.slice(y, [step * 32], [32]), model(batch, training=True))
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
        return (step + 1,)
    return tf.while_loop(lambda step: step < 40, body, [tf.constant(0)])
for _ in range(20):
    epoch(x, y)
os._exit(0)
"""
HORNBOOK = [str(Path(sys.executable).with_name("hornbook")), "train", "--config", "he_elu_bn.yaml"]
command = {
    "hornbook": [*HORNBOOK, "training.early_stopping.patience=20"],
    "keras": [sys.executable, "-c", SCRIPT],
    "floor": [sys.executable, "-c", FLOOR],
}[sys.argv[1]]
with tempfile.TemporaryDirectory() as folder:
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    print(json.dumps({"seconds": [time.perf_counter() - begin]}))
