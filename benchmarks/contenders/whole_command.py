"""Wall time of a whole command: python whole_command.py hornbook|keras 1

`hornbook train` of 20 epochs on digits against the same network, callbacks and metrics as a script in plain Keras.
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
HORNBOOK = [str(Path(sys.executable).with_name("hornbook")), "train", "--config", "he_elu_bn.yaml"]
command = {
    "hornbook": [*HORNBOOK, "training.early_stopping.patience=20"],
    "keras": [sys.executable, "-c", SCRIPT],
}[sys.argv[1]]
with tempfile.TemporaryDirectory() as folder:
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    print(json.dumps({"seconds": [time.perf_counter() - begin]}))
