"""Small sweeps over a few digits by Optuna's samplers."""

import json
from functools import partial

import pytest

RECIPE = {
    "name": "few",
    "data": {"name": "digits", "limit": 120, "split": {"validation": 60, "test": 60}},
    "model": {"name": "mlp", "units": [8]},
    "optimizer": {"name": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "training": {"epochs": 2, "batch_size": 32, "engine": "graph"},
}
SPACE = {
    "optimizer.learning_rate": {"min": 1e-3, "max": 0.5, "sampling": "log"},
    "optimizer.momentum": {"min": 0.0, "max": 0.99},
}


@pytest.fixture
def recipe_of(tensorflow):
    """A function: a sampler with its options, and keys of `sweep` → the checked recipe."""
    from hornbook import load_recipe

    def make(sampler="tpe", seed=42, options=None, **sweep):
        tuner = {"name": "optuna", "sampler": sampler, **(options or {})}
        keys = {"objective": "val_accuracy", "space": SPACE, "confirm": 0, "max_trials": 8, **sweep, "tuner": tuner}
        return load_recipe({**RECIPE, "seed": seed, "sweep": keys})

    return make


@pytest.fixture
def advisor_of(recipe_of):
    """A function: as `recipe_of` → who proposes the trials of that sweep."""
    from hornbook.recipes.trial import why_rejected
    from hornbook.sweep.coordinator import advisor_of

    def make(*arguments, **keys):
        recipe = recipe_of(*arguments, **keys)
        directions = {name: "min" if name in ("parameters", "val_loss") else "max" for name in recipe.sweep.objectives}
        return advisor_of(recipe, directions, partial(why_rejected, recipe))

    return make


@pytest.fixture
def run_sweep(recipe_of, tmp_path):
    """A function: as `recipe_of` → the result of running it below `tmp_path`."""
    from hornbook.sweep.sweep import sweep

    def run(*arguments, run_options=None, **keys):
        return sweep(recipe_of(*arguments, **keys), runs=tmp_path / "runs", **(run_options or {}))

    return run


@pytest.fixture
def events():
    """A function: a sweep's folder → its recorded events, without what depends on clocks."""
    changing = {"seconds", "elapsed", "runs"}

    def read(folder):
        lines = [json.loads(line) for line in (folder / "trials.jsonl").read_text().splitlines()]
        return [{key: value for key, value in event.items() if key not in changing} for event in lines]

    return read
