"""Everything that is printed about any shipped recipe fits into 80 columns."""

import os
from pathlib import Path

import pytest

from hornbook.recipes import load_recipe, shipped_recipes

NAMED = {"mnist", "fashion_mnist", "cifar10", "cifar100", "california_housing", "imdb"}  # not part of any package


def is_here(data) -> bool:
    folder = os.environ.get("HORNBOOK_DATA")
    if data.name not in NAMED:
        return True
    return folder is not None and any(Path(folder).glob(f"{data.name.replace('_', '-')}*"))


@pytest.mark.parametrize("name", shipped_recipes())
def test_heading_plan_and_columns_fit_into_80_columns(name, tensorflow):
    from hornbook.trainer import progress
    from hornbook.trainer.plan import plan_lines
    from hornbook.trainer.prepare import prepare

    recipe = load_recipe(name)
    if not is_here(recipe.data):
        pytest.skip(f"{recipe.data.name} is not on this machine")
    prepared = prepare(recipe)
    assert [line for line in plan_lines(prepared) if len(line) > 80] == []
    columns = progress._columns(prepared)
    row = 5 + sum(1 + progress._width(column) for column in columns) + len(" ★")
    assert row <= 80
    assert {"loss", "learning_rate", "train_seconds"} <= set(columns)
