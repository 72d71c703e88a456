"""Shared by all tests: TensorFlow without its messages, Keras's files in a temporary folder, and short ways to a model."""

import os
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("KERAS_HOME", tempfile.mkdtemp(prefix="keras-home-"))
DATA = Path(__file__).parents[2] / "shared" / "data"
if DATA.is_dir():
    os.environ.setdefault("HORNBOOK_DATA", str(DATA))


@pytest.fixture(scope="session")
def tensorflow():
    """TensorFlow, imported the way the commands do."""
    from hornbook import startup

    startup.import_tensorflow()
    import tensorflow as tf

    return tf


@pytest.fixture(scope="session")
def prepare(tensorflow):
    """A function: a recipe as a mapping (data: `arrays` unless it says otherwise), and arrays → a run before its start."""
    from hornbook import load_recipe
    from hornbook.trainer.prepare import prepare as prepare_recipe

    def make(recipe, data=None):
        tree = {"model": {"name": "mlp", "units": [4]}, **recipe}
        tree.setdefault("data", {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}})
        return prepare_recipe(load_recipe(tree), data)

    return make


@pytest.fixture(scope="session")
def run_epochs(tensorflow):
    """A function that trains a prepared run with its engine, without a run directory, and returns each epoch's logs."""
    from hornbook.trainer.engine import EpochPlan, permutation
    from hornbook.trainer.loops import make_loop

    def run(prepared, epochs=1, *, chunk=1000, loop=None, first=0, on_chunk=lambda done: False):
        loop = loop or make_loop(prepared)
        logs = []
        for epoch in range(first, first + epochs):
            rates, momenta = prepared.table.epoch(epoch)
            order = permutation(prepared.recipe.seed, epoch, len(prepared.splits.train))
            plan = EpochPlan(order, rates, momenta, epoch * loop.batches)
            loop.train_epoch(plan, iter(lambda: chunk, None), on_chunk)
            logs.append(loop.logs())
        return logs

    return run
