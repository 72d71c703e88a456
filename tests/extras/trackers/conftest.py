"""One tiny run that MLflow and Weights & Biases have heard of, and short ways to others."""

import contextlib
import os

import pytest

RECIPE = {
    "name": "tracked",
    "notes": "a note",
    "tags": ["small"],
    "data": {"name": "moons", "examples": 128, "split": {"validation": 32, "test": 32}},  # 4 batches of 16
    "model": {"name": "mlp", "units": [4]},
    "training": {"epochs": 3, "batch_size": 16, "engine": "graph"},
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The current folder of all runs: MLflow keeps artifacts in it."""
    return tmp_path_factory.mktemp("tracked")


@pytest.fixture(scope="session")
def hear():
    """A listener that remembers what the user reads."""
    from hornbook.trainer.listeners import Listener

    class Hear(Listener):
        def __init__(self):
            self.notes = []

        def on_note(self, text):
            self.notes.append(text)

    return Hear


@pytest.fixture(scope="session")
def train(tensorflow, folder):
    """A function that trains the recipe with trackers; the result."""
    from hornbook import load_recipe
    from hornbook.trainer.train import train

    def run(tracking, *overrides, **options):
        with contextlib.chdir(folder):
            return train(
                load_recipe({**RECIPE, "tracking": tracking}, overrides), **{"runs": folder / "runs", **options}
            )

    return run


@pytest.fixture(scope="session")
def tracked(train, hear):
    """A run that both have heard of, and what the user has read."""
    pytest.importorskip("mlflow")
    pytest.importorskip("wandb")
    heard = hear()
    mlflow = {"name": "mlflow", "uri": "sqlite:///mlflow.db", "experiment": "moons"}
    result = train([mlflow, {"name": "wandb", "project": "moons"}], listeners=[heard])
    return result, heard.notes


@pytest.fixture(scope="session")
def fails_in_third_epoch():
    """A listener that ends a run with an error, before it has saved a state."""
    from hornbook.trainer.listeners import Listener

    class Fails(Listener):
        def on_epoch_begin(self, place):
            if place.epoch == 3:
                raise RuntimeError("lost")

    return Fails()


@pytest.fixture(autouse=True)
def environment():
    """Keep what clients put into the environment to their own tests."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
