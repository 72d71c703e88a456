"""Runs that services and packages are made of: pictures, and a table with a number, a category and a boolean."""

import random

import pytest

import hornbook

RECIPES = {
    "digits": "data: digits\nmodel: {name: mlp, units: [16]}\nactivation: relu\ntraining: {epochs: 6, batch_size: 100, engine: graph}\n",
    "people": "data: {name: table, path: %s, target: buys}\nmodel: {name: mlp, units: [8]}\nactivation: relu\n"
    "training: {epochs: 3, batch_size: 50, engine: graph}\n",
}


@pytest.fixture(scope="module")
def folder(tensorflow, tmp_path_factory):
    """A folder with a run of each recipe below `runs`."""
    folder = tmp_path_factory.mktemp("served")
    draw = random.Random(0)
    lines = ["age,city,member,buys"]
    for _ in range(300):
        age, city = draw.randint(18, 80), draw.choice(["Bern", "Chur", "Uri"])
        lines.append(
            f"{age},{city},{draw.choice(['true', 'false'])},{'yes' if age + 20 * (city == 'Uri') > 55 else 'no'}"
        )
    (folder / "people.csv").write_text("\n".join(lines) + "\n")
    for name in RECIPES:
        train(folder, name)
    return folder


def train(folder, name):
    """Train a recipe below a folder's runs; returns the run's folder."""
    (folder / f"{name}.yaml").write_text(RECIPES[name].replace("%s", str(folder / "people.csv")))
    return hornbook.train(folder / f"{name}.yaml", runs=str(folder / "runs"), progress=False).run


@pytest.fixture(scope="module")
def train_again(folder):
    """A function that trains a recipe once more; `latest` points to the new run."""
    return lambda name: train(folder, name)
