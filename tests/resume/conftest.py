"""Short runs on a few digits, interrupted where a test wants it, and what of them must be equal to the last bit."""

import io
import json
import os
import signal
import zipfile

import h5py
import numpy as np
import pytest

CLOCK = {"train_seconds", "seconds"}
DIGITS = {"name": "digits", "limit": 224, "split": {"validation": 40, "test": 40}}
BASE = {
    "name": "few",
    "data": DIGITS,
    "model": {"name": "mlp", "units": [16]},
    "optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    "training": {"epochs": 4, "batch_size": 32, "engine": "graph"},  # 7 batches of 32
}


def timeless(rows):
    return [{key: value for key, value in row.items() if key not in CLOCK} for row in rows]


@pytest.fixture(autouse=True)
def chunks_of_two(monkeypatch):
    """Chunks that do not depend on the clock, so that an interruption comes where it is meant to."""
    monkeypatch.setattr("hornbook.engine.chunks.ChunkSizes.sizes", lambda self, start: iter(lambda: 2, None))


@pytest.fixture(scope="session")
def stop_at(tensorflow):
    """A function: places (epoch from 0, batches done) → a callback that sends Ctrl-C at the first that is reached."""
    import keras

    class StopAt(keras.callbacks.Callback):
        def __init__(self, places):
            super().__init__()
            self.places, self.epoch = list(places), 0

        def on_train_batch_end(self, batch, logs=None):
            done = len(json_lines(self.run / "history.jsonl")), batch + 1
            if self.places and done >= tuple(self.places[0]):
                self.places.pop(0)
                os.kill(os.getpid(), signal.SIGINT)

        @property
        def run(self):
            return (self.runs / "few" / "latest").resolve()

    return StopAt


def json_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(scope="session")
def recipe_of():
    """A function: more of a recipe, and overrides → the checked recipe."""
    from hornbook import load_recipe

    def make(more=None, overrides=()):
        tree = BASE | (more or {})
        return load_recipe(tree | {"training": BASE["training"] | tree["training"]}, overrides)

    return make


@pytest.fixture
def train(tmp_path, tensorflow, recipe_of):
    """A function: more of a recipe → the result of a run in `tmp_path`/runs (or another folder)."""
    from hornbook.trainer.train import train as train_recipe

    def run(more=None, *overrides, runs=tmp_path / "runs", callbacks=(), **options):
        for callback in callbacks:
            callback.runs = runs
        return train_recipe(recipe_of(more, overrides), runs=runs, callbacks=callbacks, **options)

    return run


@pytest.fixture(scope="module")
def alone(tmp_path_factory, tensorflow, recipe_of):
    """A function: more of a recipe → the result of a run that is left alone, trained once for all tests of a file."""
    from hornbook.trainer.train import train as train_recipe

    results = {}

    def run(more=None, *overrides, data=None):
        key = json.dumps([more, overrides]), id(data and data["x" if isinstance(data, dict) else 0])
        if key not in results:
            recipe = recipe_of(more, overrides)
            results[key] = train_recipe(recipe, data=data, runs=tmp_path_factory.mktemp("alone"))
        return results[key]

    return run


@pytest.fixture(scope="session")
def resume(tensorflow):
    """`hornbook.trainer.resume.resume`."""
    from hornbook.trainer.resume import resume as resume_run

    return resume_run


@pytest.fixture
def interrupted(train, stop_at):
    """A function: more of a recipe and a place → the result of a run that Ctrl-C ended there."""

    def run(more=None, *overrides, at=(1, 2), **options):
        result = train(more, *overrides, callbacks=[stop_at([at])], **options)
        assert result.state == "interrupted"
        return result

    return run


@pytest.fixture
def with_interruptions(train, resume, stop_at):
    """A function: more of a recipe, and places → the result of a run that was stopped at each and resumed."""

    def run(more, places, *, runs):
        stopper = stop_at(places)
        result = train(more, runs=runs, callbacks=[stopper])
        stops = 0
        while result.state == "interrupted":
            stops += 1
            result = resume(result.run, callbacks=[stopper])
        assert stops == len(places)
        return result

    return run


def contents(path):
    """Return the network and the weights of a saved model: its layers, and {name in the file: bytes}."""
    weights = {}
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, item: weights.update({name: item[()].tobytes()} if hasattr(item, "dtype") else {}))
        config = json.loads(archive.read("config.json"))
    assert weights
    return [(layer["class_name"], layer["config"]) for layer in config["config"]["layers"]], weights


@pytest.fixture(scope="session")
def outcome(tensorflow):
    """A function: a result → everything of its run that must not depend on interruptions."""

    def of(result):
        run = result.run
        facts = json.loads((run / "result.json").read_text())
        found = {
            "history": timeless(json_lines(run / "history.jsonl")),
            "rows": timeless(result.history),
            "result": {key: value for key, value in facts.items() if key not in CLOCK},
            "recipe": (run / "recipe.yaml").read_text(),
            "final": [np.asarray(weight).tobytes() for weight in result.model.get_weights()],
        }
        for which in ("best", "last"):
            found[which] = contents(run / "checkpoints" / f"{which}.keras")
        return found

    return of


@pytest.fixture(scope="session")
def assert_same(outcome):
    """A function that compares two results and names the part that differs."""

    def compare(first, second, *, but=()):
        first, second = outcome(first), outcome(second)
        assert first["history"] == second["history"]
        assert [part for part in first if part not in but and first[part] != second[part]] == []

    return compare
