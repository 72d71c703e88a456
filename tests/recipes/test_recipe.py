"""The recipe itself: replacing values, and going back to plain ones."""

import pytest
from pydantic import ValidationError

from hornbook import load_recipe
from hornbook.errors import Problem, RecipeError
from hornbook.recipes.language.keys import KeyPathError
from hornbook.recipes.load import refuse_errors

TEXT = """\
data: digits
model: {name: mlp, units: [8, 4]}
optimizer: {name: sgd, momentum: 0.9}
training:
  epochs: 3
"""


def test_values_are_replaced_and_the_rest_stays():
    recipe = load_recipe(TEXT)
    changed = recipe.replaced({"training.engine": "graph", "seed": 7, "model.units.1": 5})
    assert (changed.training.engine, changed.seed, changed.model.units) == ("graph", 7, (8, 5))
    assert changed.optimizer is recipe.optimizer
    assert (recipe.training.engine, recipe.seed, recipe.model.units) == ("auto", 42, (8, 4))


def test_whole_sections_are_set_before_what_is_inside_them():
    changed = load_recipe(TEXT).replaced({"optimizer.learning_rate": 0.5, "optimizer": "adam"})
    assert (changed.optimizer.name, changed.optimizer.learning_rate) == ("adam", 0.5)


def test_a_recipe_that_was_changed_still_knows_its_lines():
    changed = load_recipe(TEXT).replaced({"optimizer.momentum": 0.5, "seed": 1}).replaced({"training.engine": "xla"})
    with pytest.raises(RecipeError) as caught:
        refuse_errors(changed, [Problem(("training", "epochs"), "are too few.", code="monitor")])
    assert str(caught.value) == "recipe: 1 problem\n  5:11  training.epochs: are too few."


@pytest.mark.parametrize("values", [{"trainig.epochs": 3}, {"training.epochs": -1}, {"optimizer": {"name": "sdg"}}])
def test_what_no_recipe_takes_is_refused(values):
    with pytest.raises(ValidationError):
        load_recipe(TEXT).replaced(values)


def test_a_key_inside_a_number_is_refused():
    with pytest.raises(KeyPathError, match=r"training\.epochs.*has no keys of its own"):
        load_recipe(TEXT).replaced({"training.epochs.first": 3})
