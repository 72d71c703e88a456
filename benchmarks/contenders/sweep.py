"""30 random trials of 784-300-100-10 on 10,000 images of Fashion-MNIST: seconds of a whole search, start-up left out.

    python sweep.py hornbook 5 mixed    5 epochs; rate, optimizer and activation vary
    python sweep.py keras 5 rates       only the rate and the seed vary; the same values, drawn before the clock starts

The peer is keras-tuner as its guide shows it: a function that builds, `tuner.search`, `model.fit`. Both keep every trial on
disk: Hornbook whole runs, keras-tuner its trial.json and best weights.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hornbook import load_recipe, startup

startup.import_for_command()

TRIALS, EPOCHS, BATCH = 30, int(sys.argv[2]), 32
RATES = {"min": 1e-4, "max": 0.1, "sampling": "log"}
SPACES = {
    "mixed": {
        "optimizer": [{"name": "sgd", "momentum": 0.9}, "rmsprop", "adam"],
        "optimizer.learning_rate": RATES,
        "activation": ["elu", "relu", "tanh"],
    },
    "rates": {"optimizer.learning_rate": RATES, "seed": list(range(1000))},
}


def recipe_of(space: str) -> Any:
    """Return the recipe with its sweep; the division into training and validation does not follow a trial's seed."""
    return load_recipe(
        {
            "name": "search",
            "data": {"name": "fashion_mnist", "limit": 10_000, "split": {"validation": 5_000, "seed": 42}},
            "model": {"name": "mlp", "units": [300, 100]},
            "optimizer": {"name": "sgd", "momentum": 0.9},
            "activation": "relu",
            "training": {"epochs": EPOCHS, "batch_size": BATCH},
            "sweep": {"objective": "val_accuracy", "max_trials": TRIALS, "confirm": 0, "space": SPACES[space]},
        }
    )


def hornbook(space: str, folder: Path) -> tuple[float, list[float]]:
    """Return seconds and scores of Hornbook's sweep."""
    from hornbook.sweep.sweep import sweep

    recipe = recipe_of(space)
    begin = time.perf_counter()
    result = sweep(recipe, runs=folder)
    seconds = time.perf_counter() - begin
    events = map(json.loads, (result.folder / "trials.jsonl").read_text().splitlines())
    return seconds, [event["score"] for event in events if event["event"] == "end"]


def keras(space: str, folder: Path) -> tuple[float, list[float]]:
    """Return seconds and scores of keras-tuner's search over the same trials."""
    import keras
    import keras_tuner

    from hornbook.data import load
    from hornbook.sweep.tuners.oracle import Oracle

    recipe = recipe_of(space)
    advisor = Oracle(recipe, {"val_accuracy": "max"}, lambda values: "")
    trials = [advisor.ask().values for _ in range(TRIALS)]
    splits = load(recipe.data, seed=recipe.seed)
    (x, y), (x_val, y_val) = (
        (part.x.reshape(len(part.x), 28, 28).astype("float32") / 255, part.y)
        for part in (splits.train, splits.validation)
    )

    class Listed(keras_tuner.Oracle):
        """Proposes the trials of the list, one after the other."""

        def populate_space(self, trial_id: str) -> dict[str, Any]:
            if int(trial_id) >= TRIALS:
                return {"status": "STOPPED"}
            return {"status": "RUNNING", "values": {"place": int(trial_id)}}

    def build(hp: Any) -> Any:
        values = trials[hp.Int("place", 0, TRIALS - 1)]
        if "seed" in values:
            keras.utils.set_random_seed(values["seed"])
        activation, rate = values.get("activation", "relu"), values["optimizer.learning_rate"]
        initializer = "glorot_uniform" if activation == "tanh" else "he_normal"
        name = values.get("optimizer", {"name": "sgd"})
        optimizer = {
            "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9),
            "rmsprop": lambda: keras.optimizers.RMSprop(rate),
            "adam": lambda: keras.optimizers.Adam(rate),
        }[name if isinstance(name, str) else name["name"]]()
        dense = {"activation": activation, "kernel_initializer": initializer}
        model = keras.Sequential(
            [
                keras.layers.Flatten(),
                keras.layers.Dense(300, **dense),
                keras.layers.Dense(100, **dense),
                keras.layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    begin = time.perf_counter()
    oracle = Listed(keras_tuner.Objective("val_accuracy", "max"), max_trials=TRIALS)
    tuner = keras_tuner.Tuner(oracle, build, directory=folder, project_name="search")
    tuner.search(x, y, epochs=EPOCHS, batch_size=BATCH, validation_data=(x_val, y_val), verbose=0)
    seconds = time.perf_counter() - begin
    return seconds, [oracle.trials[name].score for name in sorted(oracle.trials)]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as path:
        found, scores = {"hornbook": hornbook, "keras": keras}[sys.argv[1]](sys.argv[3], Path(path))
    print(json.dumps({"seconds": [found], "best": max(scores), "mean": sum(scores) / len(scores)}))
