"""Semicolons, URLs, text and lists in the wrong form are called what they are; and what a recipe's `repr` says."""

import pytest

from hornbook.errors import DataError, UsageError
from hornbook.recipes import check_recipe, load_recipe, read_config
from hornbook.recipes.language.text import parse

BASE = {"data": "digits", "model": {"name": "mlp", "units": [30]}}


@pytest.mark.parametrize(
    ("config", "hint"),
    [
        ("https://example.org/recipe.yaml", "This is a URL, and nothing is downloaded from it."),
        ("data: digits", "This is a recipe's text, not its name."),
        ("he_elu_b", "Did you mean 'he_elu_bn'?"),
    ],
)
def test_what_is_no_recipes_name(config, hint):
    with pytest.raises(UsageError) as raised:
        read_config(config)
    assert hint in str(raised.value)


@pytest.mark.parametrize("path", ["https://example.org/a.csv", "s3://bucket/a.npz", "file:///a.csv"])
def test_a_url_in_place_of_a_file(path):
    from hornbook.data.storage.files import existing_file

    with pytest.raises(DataError, match=r"This is a URL, and nothing is downloaded from it\. Download it"):
        existing_file(path)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        (
            {"activation": "relu;"},
            "activation: unknown activation 'relu;'. A line of YAML ends without a semicolon: write 'relu'.",
        ),
        (
            {"optimizer": "adam; lr=3"},
            "optimizer: unknown optimizer 'adam; lr=3'. YAML has no semicolons: items of a list are separated by commas,"
            " and keys stand on lines of their own.",
        ),
        (
            {"data": "https://x.org/a.csv"},
            "data: unknown data source 'https://x.org/a.csv'. This is a URL, and nothing is",
        ),
        (
            {"training": {"epochs": "3;"}},
            "training.epochs: expected a whole number of epochs above 0, or of steps such as '40000 steps', found '3;'. Write 3, without the",
        ),
        (
            {"model": {"name": "mlp", "units": "300; 100"}},
            "model.units: expected a whole number or a list, found '300; 100'. Write a list: [300, 100].",
        ),
        (
            {"model": {"name": "mlp", "units": "(300, 100)"}},
            "model.units: expected a whole number or a list, found '(300, 100)'. Write a list: [300, 100].",
        ),
        (
            {"tracking": "tensorboard"},
            "tracking: expected a list, found 'tensorboard'. Write a list: [tensorboard].",
        ),
        (
            {"optimizer.learning_rate": 0.1},
            "optimizer.learning_rate: keys with dots are for the command line. Write 'optimizer: {learning_rate: …}'.",
        ),
    ],
)
def test_values_in_another_form(keys, sentence):
    [found] = [problem.sentence() for problem in check_recipe({**BASE, **keys}).problems]
    assert found.startswith(sentence)


def test_the_repr_of_a_recipe_is_what_was_set_and_is_the_same_recipe():
    text = """\
name: mine
data: digits
model:
  name: mlp
  units: [30, 20]
activation: elu
optimizer: {name: sgd, learning_rate: 0.1}
training:
  epochs: 3
  metrics: [accuracy]
"""
    recipe = load_recipe(text)
    assert parse(repr(recipe), origin="").tree == parse(text, origin="").tree
    assert load_recipe(repr(recipe)) == recipe
    assert "momentum" not in str(recipe)


@pytest.mark.parametrize(
    "name", ["he_elu_bn", "sweep_random", "fashion_b_on_a", "free_layers", "pretrained_rbm", "rnn_imdb"]
)
def test_the_repr_of_shipped_recipes_is_the_same_recipe(name):
    recipe = load_recipe(name, for_training=False)
    assert load_recipe(repr(recipe), for_training=False) == recipe
