"""Small sweeps over a few digits, in the test's own folder."""

import json

import pytest

RECIPE = {
    "name": "few",
    "data": {"name": "digits", "limit": 120, "split": {"validation": 60, "test": 60}},
    "model": {"name": "mlp", "units": [8]},
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "training": {"epochs": 2, "batch_size": 32, "engine": "graph"},
}
SPACE = {"optimizer.learning_rate": {"min": 1e-3, "max": 0.5, "sampling": "log"}, "training.batch_size": [32, 60]}
TUNERS = {
    "random": {"tuner": "random", "max_trials": 6},
    "grid": {"tuner": "grid", "max_trials": 6},
    "hyperband": {"tuner": {"name": "hyperband", "max_epochs": 2, "factor": 2}},
    "bayesian": {"tuner": {"name": "bayesian", "num_initial_points": 3}, "max_trials": 5},
}


@pytest.fixture
def recipe_of():
    """A function: keys of `sweep`, and other sections → the checked recipe."""
    from hornbook import load_recipe

    def make(sweep=None, **sections):
        given = {"objective": "val_accuracy", "space": SPACE, "confirm": 0, **TUNERS["random"], **(sweep or {})}
        return load_recipe({**RECIPE, "sweep": given, **sections})

    return make


@pytest.fixture
def run_sweep(tmp_path, tensorflow, recipe_of):
    """A function: keys of `sweep` → the result of running it below `tmp_path`."""
    from hornbook.sweep.sweep import sweep

    def run(keys=None, *, sections=None, **options):
        return sweep(recipe_of(keys, **(sections or {})), runs=tmp_path / "runs", **options)

    return run


@pytest.fixture
def events():
    """A function: a sweep's folder → its recorded events."""

    def read(folder):
        return [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]

    return read


@pytest.fixture
def slow_training():
    """Code for a process to run first: epochs take their time, so that something can happen during a trial, but no work."""
    return (
        "import time; from hornbook.engine.engine import Engine; logs = Engine.logs; "
        "Engine.logs = lambda engine: time.sleep(0.04) or logs(engine)"
    )
