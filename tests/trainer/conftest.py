"""A short way to a finished run on tiny data."""

import signal

import numpy as np
import pytest


@pytest.fixture
def hangups():
    """Hangups as most programs have them: their end; other tests get back what they had."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def train(tmp_path, tensorflow):
    """A function: more of a recipe → the result of a run of four quick epochs on 64 rows, in the folder `tmp_path`/runs."""
    import hornbook

    generator = np.random.default_rng(0)
    x = generator.normal(size=(64, 3)).astype(np.float32)
    y = (x[:, 0] + 0.3 * generator.normal(size=64) > 0).astype(int)

    def run(recipe=None, *, callbacks=(), data=(x, y), runs=tmp_path / "runs", **training):
        split = {"validation": 8, "test": 8}  # 48 are left: 6 batches of 8
        tree = {"name": "tiny", "data": {"name": "arrays", "split": split}, "model": {"name": "mlp", "units": [4]}}
        tree |= recipe or {}
        tree["training"] = {"epochs": 4, "batch_size": 8, "engine": "graph"} | tree.get("training", {}) | training
        recipe = hornbook.load_recipe(tree)
        return hornbook.train(recipe, data=data, callbacks=callbacks, runs=str(runs), progress=False)

    return run
