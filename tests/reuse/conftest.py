"""A small earlier model, and a short way to train on top of it."""

import functools
import json

import numpy as np
import pytest

EXAMPLES = 192
"""Examples to train on: six batches, none of them smaller than the others."""
DIGITS = {"name": "digits", "limit": EXAMPLES, "split": {"validation": 40, "test": 40}}
MODEL_A = {
    "name": "model_a",
    "data": DIGITS,
    "model": {"name": "mlp", "units": [24, 16, 12]},
    "normalization": {"name": "batch_normalization"},
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    "training": {"epochs": 3, "engine": "graph"},
}


@pytest.fixture(scope="session")
def train_recipe(tensorflow):
    """A function: a recipe as a mapping → the result of its run below `runs`."""
    from hornbook import load_recipe
    from hornbook.trainer.train import train

    def run(recipe, runs, *overrides, **options):
        return train(load_recipe(recipe, overrides), runs=runs, **options)

    return run


@pytest.fixture(scope="session")
def model_a(train_recipe, tmp_path_factory):
    """A finished run of the earlier model: digits, 64-24-16-12-10 with batch normalization."""
    return train_recipe(MODEL_A, tmp_path_factory.mktemp("earlier")).run


@pytest.fixture(scope="session")
def on_model():
    """A function: a run, what `reuse` says beside `from`, and more of the recipe → a recipe on top of that run."""

    def make(run, /, reuse=None, **more):
        training = {"epochs": 4, "engine": "graph"} | more.pop("training", {})
        optimizer = {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9}
        recipe = {"name": "b", "data": DIGITS, "model": "mlp", "optimizer": optimizer, "training": training}
        return recipe | {"reuse": {"from": str(run)} | (reuse or {})} | more

    return make


@pytest.fixture
def on_a(model_a, on_model):
    """A function: what `reuse` says beside `from`, and more of the recipe → a recipe on top of model A."""
    return functools.partial(on_model, model_a)


@pytest.fixture
def train_b(train_recipe, on_a, tmp_path):
    """A function: what `reuse` says, and more of the recipe → the result of training on top of model A."""

    def run(reuse=None, *overrides, callbacks=(), **more):
        return train_recipe(on_a(reuse, **more), tmp_path / "runs", *overrides, callbacks=callbacks)

    return run


@pytest.fixture(scope="session")
def load_model(tensorflow):
    """Keras's own loader: a run → its final model."""
    import keras

    def load(run):
        final = json.loads((run / "result.json").read_text())["final"]
        return keras.models.load_model(run / "checkpoints" / f"{final}.keras", compile=False)

    return load


@pytest.fixture
def weights_by_epoch(tensorflow):
    """A callback that keeps {layer: weights} after each epoch, the start first."""
    import keras

    class Keeper(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.kept = []

        def keep(self):
            self.kept.append({layer.name: layer.get_weights() for layer in self.model.layers if layer.weights})

        def on_train_begin(self, logs=None):
            self.keep()

        def on_epoch_end(self, epoch, logs=None):
            self.keep()

    return Keeper()


def _same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def moved_between(weights_by_epoch):
    """A function: epochs done before and after → the layers whose weights differ in any bit."""

    def names(before, after):
        old, new = weights_by_epoch.kept[before], weights_by_epoch.kept[after]
        return {name for name in old if not _same(old[name], new[name])}

    return names
