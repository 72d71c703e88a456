"""Everything that is printed about any shipped recipe fits into 80 columns."""

import os
from pathlib import Path

import pytest
from pictures import write_digits

from hornbook.recipes import load_recipe, shipped_recipes

NAMED = {"mnist", "fashion_mnist", "cifar10", "cifar100", "california_housing", "imdb"}  # not part of any package


def is_here(data) -> bool:
    folder = os.environ.get("HORNBOOK_DATA")
    if data.name not in NAMED:
        return True
    return folder is not None and any(Path(folder).glob(f"{data.name.replace('_', '-')}*"))


@pytest.fixture(scope="module")
def earlier_run(tensorflow, tmp_path_factory):
    """A run of the recipe that another one begins with, or None without its data."""
    from hornbook.trainer.train import train

    recipe = load_recipe("fashion_model_a", ["data.limit=64", "training.epochs=1", "training.engine=graph"])
    return train(recipe, runs=tmp_path_factory.mktemp("earlier")).run if is_here(recipe.data) else None


@pytest.fixture(scope="module")
def shelf():
    """Data that was read for one recipe, for the next."""
    from hornbook.data.shelf import Shelf

    return Shelf()


ALIKE = ("schedule_", "sweep_", "pretrained_", "fashion_", "default_", "mnist_")
"""How the names of recipes begin whose headings are like others'."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.whole if n.startswith(ALIKE) else ()) for n in shipped_recipes()]
)
def test_heading_plan_and_columns_fit_into_80_columns(name, tensorflow, earlier_run, shelf, tmp_path, monkeypatch):
    from hornbook.trainer import progress
    from hornbook.trainer.plan import plan_lines
    from hornbook.trainer.prepare import prepare

    recipe = load_recipe(name, for_training=False)
    if not is_here(recipe.data):
        pytest.skip(f"{recipe.data.name} is not on this machine")
    if name in {"fashion_b_best", "fashion_b_on_a"}:
        recipe = load_recipe(name, [f"reuse.from={earlier_run}"])
    if name == "reused_application":
        recipe = load_recipe(name, ["reuse.from.weights=none", "reuse.from.size=32"])
    if name == "picture_folder":
        monkeypatch.setenv("HORNBOOK_CACHE", str(tmp_path / "cache"))
        recipe = load_recipe(name, [f"data.path={write_digits(tmp_path / 'pictures', classes=5)}"])
    if recipe.sweep is not None:
        recipe = load_recipe(name, ["~sweep"])
    prepared = prepare(recipe, shelf=shelf)
    assert [line for line in plan_lines(prepared) if len(line) > 80] == []
    columns = progress._columns(prepared)
    row = 5 + sum(1 + progress._width(column) for column in columns) + len(" ★")
    assert row <= 80
    assert {"loss", "learning_rate", "train_seconds"} <= set(columns)
