"""What of a recipe was chosen, told by key and by line."""

from hornbook.recipes.describe.chosen import chosen_keys, chosen_lines
from hornbook.recipes.load import load_recipe

SMALL = "data: digits\nmodel: {name: mlp, units: [4]}\n"


def keys_of(text):
    return [".".join(map(str, key)) for key in chosen_keys(load_recipe(text))]


def test_what_has_no_default_was_chosen():
    assert keys_of(SMALL) == ["data.name", "model.name", "model.units"]


def test_a_default_that_is_written_down_is_no_choice():
    assert keys_of(SMALL + "optimizer: {name: adam, learning_rate: 0.001}\nseed: 42\n") == keys_of(SMALL)


def test_another_component_is_its_name_and_what_differs_from_its_own_defaults():
    found = keys_of(SMALL + "optimizer: {name: sgd, learning_rate: 0.3, momentum: 0.0}\ntraining: {epochs: 3}\n")
    assert found == [
        "data.name",
        "model.name",
        "model.units",
        "optimizer.name",
        "optimizer.learning_rate",
        "training.epochs",
    ]


def test_lines_hold_a_key_or_what_is_inside_of_it():
    text = "seed: 1\nmodel:\n  name: mlp\n  units:\n    - 4\n    - 5\ntraining: {epochs: 3,\n  batch_size: 9}\n"
    assert chosen_lines(text, [("model", "units"), ("training", "batch_size")]) == {4, 5, 6, 8}
