"""Stand-ins for downloaded data, and one short training per shipped recipe that all tests of it look at."""

from pathlib import Path

import numpy as np
import pytest
from alike import COMPARED_AS, IN_PARTS, LONG
from pictures import write_digits

from hornbook import load_recipe, startup
from hornbook.recipes import shipped_recipes

startup.import_tensorflow()  # quietly, before the test modules import Keras
import keras  # noqa: E402

from hornbook.trainer.train import train  # noqa: E402

EARLIER = {"fashion_b_best": "fashion_model_a", "fashion_b_on_a": "fashion_model_a"}
"""Recipes that begin with what another one has learned."""
APPLICATIONS = {"reused_application"}
"""Recipes on top of one of Keras's applications, whose weights are drawn here in place of downloaded."""
STEPS = 2  # optimizer steps that a contract needs: the second depends on what the first leaves in the optimizer
SMALLER = {
    "pretrained_autoencoder": ["pretraining.labeled=64"],
    "pretrained_rbm": ["pretraining.labeled=64"],
    "pretrained_rotation": ["pretraining.labeled=64"],
    "rnn_imdb": ["data.max_length=8"],  # the stand-ins' reviews have up to 6 words
    "rnn_waves": ["data.steps=6"],
}
"""Sizes without a smaller last batch, whose program has to be compiled too, and shorter sequences."""
UNDER_XLA = {"leaky_relu"}
"""Recipes that are trained by an XLA program; the others by a graph, which compiles faster."""
CLOTHES = {"x_train": 6200, "x_test": 100}  # the recipes hold out the first 5,000


def write_stand_ins(folder: Path) -> None:
    """Write data in the formats of HORNBOOK_DATA, a few examples each, with the real shapes and classes; and pictures."""
    write_digits(folder / "pictures", per_class=12, classes=10)
    generator = np.random.default_rng(0)
    pictures = {"x_train": 300, "x_test": 40}
    images = {name: generator.integers(0, 256, (count, 28, 28), np.uint8) for name, count in pictures.items()}
    np.savez(folder / "mnist.npz", **images, y_train=np.arange(300) % 10, y_test=np.arange(40) % 10)
    clothes = {name: generator.integers(0, 256, (count, 28, 28), np.uint8) for name, count in CLOTHES.items()}
    np.savez(folder / "fashion_mnist.npz", **clothes, y_train=np.arange(6200) % 10, y_test=np.arange(100) % 10)
    reviews = {}
    for part, count in (("train", 160), ("test", 20)):
        texts = np.empty(count, dtype=object)
        texts[:] = [generator.integers(1, 12_000, 3 + row % 4).tolist() for row in range(count)]
        reviews |= {f"x_{part}": texts, f"y_{part}": np.arange(count) % 2}
    np.savez(folder / "imdb.npz", **reviews)


def few_examples(recipe) -> list[str]:
    """Return the overrides that limit a recipe to a few steps, and the engine: most take the quickest one to compile."""
    count = STEPS * recipe.training.batch_size * recipe.optimizer.accumulation
    shared = recipe.data.model_dump(exclude_none=True)
    limit = min(count, shared.get("limit", count))
    engine = "xla" if recipe.name in UNDER_XLA else "graph"
    return [f"data.limit={limit}", f"training.engine={engine}", *SMALLER.get(recipe.name, [])]


class OneEpoch(keras.callbacks.Callback):
    """Ends a run after its first epoch, and keeps the weights with which that began."""

    def on_train_begin(self, logs=None):
        self.start = self.model.get_weights()

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


class ShortRuns:
    """Trains each shipped recipe once, for a few steps of its first epoch, and remembers the result.

    Attributes:
        starts: {recipe name: the weights before the first step, after any pretraining}.
    """

    few_examples = staticmethod(few_examples)

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        self.starts = {}
        self._results = {}

    def __getitem__(self, name):
        if name not in self._results:
            overrides = few_examples(load_recipe(name, for_training=False))
            callback = OneEpoch()
            self._results[name] = self.train(load_recipe(name, [*self.overrides(name), *overrides]), callback)
            self.starts[name] = callback.start
        return self._results[name]

    def overrides(self, name):
        """Return what a recipe needs to be trained: the earlier model, without a download, or to be without its sweep."""
        if name.startswith("sweep_"):
            return ["~sweep"]
        if name in APPLICATIONS:
            return ["reuse.from.weights=none", "reuse.from.size=32"]
        if name == "picture_folder":
            return ["data.size=16"]
        return [f"reuse.from={self[EARLIER[name]].run}"] if name in EARLIER else []

    def train(self, recipe, callback=None):
        """Train the first epoch of a recipe, its schedule being that of the whole run."""
        return train(recipe, callbacks=[callback or OneEpoch()], runs=self.runs)


def pytest_generate_tests(metafunc):
    """Let every test of short runs that does not choose look at each recipe; at some only where all are looked at."""
    if {"name", "short_runs"} <= {*metafunc.fixturenames} and not metafunc.definition.get_closest_marker("parametrize"):
        alike = {*COMPARED_AS, *IN_PARTS, *LONG}
        names = sorted(shipped_recipes())
        marks = {name: pytest.mark.whole if name in alike else () for name in names}
        metafunc.parametrize("name", [pytest.param(name, marks=marks[name]) for name in names])


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory):
    """A folder of data in the formats of HORNBOOK_DATA."""
    folder = tmp_path_factory.mktemp("data")
    write_stand_ins(folder)
    return folder


@pytest.fixture(scope="session")
def _short_runs(tensorflow, tmp_path_factory):
    return ShortRuns(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def short_runs(_short_runs, stand_ins, monkeypatch):
    """{recipe name: TrainResult after a few steps}, on stand-ins for what would be downloaded or is a user's own."""
    monkeypatch.setenv("HORNBOOK_DATA", str(stand_ins))
    monkeypatch.setenv("HORNBOOK_CACHE", str(stand_ins / "cache"))
    monkeypatch.chdir(stand_ins)
    return _short_runs


@pytest.fixture
def train_recipe(tmp_path):
    """A function that trains a shipped recipe to its end, with the quickest engine to compile unless it is told another."""

    def run(name, *overrides, callbacks=(), engine="graph"):
        recipe = load_recipe(name, [*overrides, f"training.engine={engine}"])
        return train(recipe, runs=tmp_path / "runs", callbacks=callbacks)

    return run
