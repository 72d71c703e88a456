"""Networks that no memory holds are refused with an estimate; memory that runs out while training is named."""

import json

import numpy as np
import pytest

from hornbook.errors import RecipeError, RunError

pytestmark = pytest.mark.usefixtures("tensorflow")
MODEL = {"name": "mlp", "units": [10, 20]}
TRAINING = {"epochs": 1, "batch_size": 24, "engine": "graph"}
X, Y = np.zeros((24, 5), np.float32), np.arange(24) % 2


def recipe():
    import hornbook

    data = {"name": "arrays", "standardize": False, "split": {"validation": 0, "test": 0}}
    return hornbook.load_recipe({"data": data, "model": MODEL, "training": TRAINING})


@pytest.mark.parametrize(
    ("memory", "place"),
    [
        (8 * (5 * 10 + 10 + 10 * 20), "up to layer 'hidden_2' this network needs 0.0 GB"),  # its bias is too much
        (8 * (5 * 10), "up to layer 'hidden_1'"),
    ],
)
def test_a_network_larger_than_memory_is_refused_at_the_layer_that_exceeds_it(prepare, monkeypatch, memory, place):
    monkeypatch.setattr("hornbook.builder.memory.memory_bytes", lambda: memory)
    with pytest.raises(RecipeError, match=place):
        prepare({"model": MODEL, "training": TRAINING}, (X, Y))


def test_a_network_that_just_fits_is_built(prepare, monkeypatch):
    monkeypatch.setattr("hornbook.builder.memory.memory_bytes", lambda: 8 * (5 * 10 + 10 + 10 * 20 + 20 + 20 + 1))
    prepare({"model": MODEL, "training": TRAINING}, (X, Y))


def test_memory_that_runs_out_is_named_and_left_in_the_result(tmp_path, monkeypatch):
    import tensorflow as tf

    import hornbook

    def train_epochs(*args):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr("hornbook.trainer.train.train_epochs", train_epochs)
    with pytest.raises(RunError, match="out of memory: 301 parameters, batches of 24"):
        hornbook.train(recipe(), data=(X, Y), runs=tmp_path, progress=False)
    [result] = tmp_path.glob("*/2*/result.json")
    kept = json.loads(result.read_text())
    assert (kept["state"], kept["stop_reason"][:14]) == ("failed", "out of memory:")
