"""Trains scenarios on one device and on two logical CPU devices in one process, and writes what came out as JSON.

python scenarios.py FOLDER NAME
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

PLAIN = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9}
BATCH = 8
SCENARIOS: dict[str, dict[str, Any]] = {
    "batch normalization over unequal parts, clipping by value, moving momentum, a metric built late": {
        "task": "regression",
        "schedule": "one_cycle",
        "normalization": "batch_normalization",
        "optimizer": PLAIN | {"learning_rate": 0.01, "nesterov": True},
        "training": {
            "batch_size": 9,
            "gradient_clipping": {"by": "value", "threshold": 0.01},
            "metrics": ["r2_score", "mean_absolute_error"],
        },
    },
    "convolutions, weights of classes and examples, penalties, adam, decay, max-norm, clipping by global norm": {
        "model": {"name": "cnn", "filters": [3], "dense": [5]},
        "normalization": "batch_normalization",
        "head": {"loss": {"name": "categorical_crossentropy", "label_smoothing": 0.1}},
        "optimizer": {"name": "adamw", "learning_rate": 0.02, "weight_decay": 0.1},
        "regularization": {"l2": 0.02, "l1": 0.01, "max_norm": 0.7},
        "training": {
            "class_weights": {0: 1.0, 1: 4.0, 2: 0.5},
            "early_stopping": {"patience": 5},
            "gradient_clipping": {"by": "global_norm", "threshold": 0.05},
            "metrics": ["accuracy", "f1_score", "auc"],
        },
    },
}
INTERRUPTED = "batch normalization over unequal parts, clipping by value, moving momentum, a metric built late"


def arrays(name: str) -> tuple[Any, Any]:
    """Return 41 training examples and 10 more: the sixth batch of 8 holds one example, fewer than there are devices."""
    import numpy as np

    rng = np.random.default_rng(1)
    if name.startswith("convolutions"):
        return rng.integers(0, 256, (61, 6, 6, 1), dtype=np.uint8), rng.integers(0, 3, 61)
    x = rng.normal(size=(61, 5)).astype(np.float32)
    return x, (x @ rng.normal(size=5)).astype(np.float32)


def recipe_of(name: str, strategy: str | None) -> dict[str, Any]:
    """Return the recipe of a scenario."""
    tree = {
        "name": "few",
        "data": {"name": "arrays", "split": {"validation": 10, "test": 10}},
        "model": {"name": "mlp", "units": [7]},
        "optimizer": PLAIN,
        "health": "on" if strategy and name == INTERRUPTED else "off",
        **SCENARIOS[name],
    }
    tree["training"] = {"epochs": 3, "batch_size": BATCH, "strategy": strategy, "engine": "graph"} | tree.get(
        "training", {}
    )
    return tree


def main(folder: Path, name: str) -> None:
    """Train a scenario twice."""
    from hornbook import startup

    startup.import_tensorflow()
    import keras
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    from hornbook import load_recipe
    from hornbook.trainer.train import train

    found: dict[str, Any] = {"runs": []}
    x, y = arrays(name)
    for strategy in (None, "mirrored"):
        data = {"x": x, "y": y} | ({"weights": y + 0.5} if name.startswith("convolutions") else {})
        result = train(load_recipe(recipe_of(name, strategy)), data=data, runs=folder / str(strategy))
        found["runs"].append(
            {
                "history": [
                    {key: row[key] for key in row if "seconds" not in key and key != "phase"} for row in result.history
                ],
                "test": result.test,
                "predictions": result.model(x).numpy().tolist(),
                "weights": [weight.tolist() for weight in result.model.get_weights()],
                "final": result.final,
            }
        )
    saved = keras.models.load_model(result.run / "checkpoints" / "last.keras")  # of two devices
    found["runs"][1]["saved"] = saved(x).numpy().tolist()
    if name == INTERRUPTED:
        found["interrupted"] = interrupted(folder, alone=result)
    else:
        found["runs"][1]["predicted"] = result.model.predict(x, verbose=0).tolist()  # on two devices as well
    (folder / "found.json").write_text(json.dumps(found))


def interrupted(folder: Path, *, alone: Any) -> dict[str, Any]:
    """Stop a mirrored run in the middle of its second epoch, resume it, and compare it with the one left alone."""
    import keras

    from hornbook import load_recipe
    from hornbook.trainer.resume import resume
    from hornbook.trainer.train import train

    class Stops(keras.callbacks.Callback):
        epoch = 0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if (self.epoch, batch) == (1, 3):
                os.kill(os.getpid(), signal.SIGINT)

    recipe, data = load_recipe(recipe_of(INTERRUPTED, "mirrored")), arrays(INTERRUPTED)
    stopped = train(recipe, data=data, runs=folder / "stopped", callbacks=[Stops()])
    resumed = resume(stopped.run, data=data)
    pairs = zip(alone.model.get_weights(), resumed.model.get_weights(), strict=True)
    return {
        "state": stopped.state,
        "epochs": [len(stopped.history), len(resumed.history)],
        "same losses": [row["loss"] for row in alone.history] == [row["loss"] for row in resumed.history],
        "same weights": all((a == b).all() for a, b in pairs),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
