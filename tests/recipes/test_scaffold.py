"""`hornbook new` writes recipes that are right, whatever the data and backbone."""

import pytest
from jsonschema import Draft202012Validator

from hornbook.errors import UsageError
from hornbook.recipes import catalog, check_recipe, load_recipe
from hornbook.recipes.describe.scaffold import SCHEMA_FILE, new_recipe
from hornbook.recipes.describe.schema import json_schema
from hornbook.recipes.language.text import parse

PAIRS = [
    (data, model)
    for data, source in catalog("data").items()
    for model, backbone in catalog("model").items()
    if source.data_kind is None or source.data_kind in backbone.accepts
]
INGREDIENTS = ("initializer", "activation", "normalization", "regularization", "optimizer", "schedule")


@pytest.mark.parametrize("data", catalog("data"))
def test_every_data_source_has_a_backbone_that_suits_it(data):
    assert check_recipe(new_recipe(data=data)).problems == ()


@pytest.mark.parametrize(("data", "model"), PAIRS)
def test_a_new_recipe_has_no_problems(data, model):
    text = new_recipe(data=data, model=model)
    assert check_recipe(text).problems == ()
    recipe = load_recipe(text)
    assert (recipe.data.name, recipe.model.name) == (data, model)


@pytest.mark.parametrize(("data", "model"), PAIRS[:12])
def test_a_new_recipe_fits_its_schema(data, model):
    tree = parse(new_recipe(data=data, model=model), origin="new").tree
    assert list(Draft202012Validator(json_schema()).iter_errors(tree)) == []


def test_it_begins_with_the_line_for_editors():
    assert new_recipe().splitlines()[0] == f"# yaml-language-server: $schema=./{SCHEMA_FILE}"


@pytest.mark.parametrize("data", ["digits", "diabetes", "imdb", "xor"])
def test_all_six_ingredients_come_with_a_comment(data):
    lines = new_recipe(data=data).splitlines()
    for key in INGREDIENTS:
        [line] = [line for line in lines if line.startswith(f"{key}: ")]
        assert "  # " in line


@pytest.mark.parametrize("data", catalog("data"))
def test_lines_are_short_enough_to_read(data):
    text = new_recipe(data=data)
    assert [line for line in text.splitlines() if len(line) > 120] == []
    assert text.endswith("\n")
    assert "\t" not in text


def test_without_validation_there_is_no_early_stopping():
    recipe = load_recipe(new_recipe(data="xor"))
    assert recipe.training.early_stopping is None
    assert recipe.training.batch_size == 4


@pytest.mark.parametrize(
    ("data", "validation", "epochs", "batch_size", "patience"),
    [
        ("iris", 0.2, 300, 16, 75),  # 96 examples to train on
        ("wine", 0.2, 300, 32, 75),  # 113: the last batch of 16 would be a single example
        ("breast_cancer", 0.2, 110, 16, 27),
        ("digits", None, 70, 32, 17),
        ("california_housing", None, 100, 64, 25),
        ("fashion_mnist", None, 20, 128, 5),
        ("table", None, 100, 32, 25),  # of a size that only the file can tell
    ],
)
def test_length_batches_patience_and_validation_follow_from_the_size_of_the_data(
    data, validation, epochs, batch_size, patience
):
    recipe = load_recipe(new_recipe(data=data))
    training = recipe.training
    assert (None if recipe.data.split is None else recipe.data.split.validation) == validation
    assert (training.epochs, training.batch_size, training.early_stopping.patience) == (epochs, batch_size, patience)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"data": "digit"}, "unknown data source 'digit'. Did you mean 'digits'?"),
        ({"data": "iris", "model": "resnet"}, "unknown backbone 'resnet'. Did you mean 'residual_cnn'?"),
        (
            {"data": "iris", "model": "cnn"},
            "no recipe with data 'iris' and model 'cnn': model: 'cnn' reads images, sequences and token sequences, and 'iris' "
            "holds rows of a table."
            " Use 'model: {name: mlp, units: [300, 100]}'.",
        ),
    ],
)
def test_what_does_not_fit_is_refused(arguments, text):
    with pytest.raises(UsageError) as raised:
        new_recipe(**arguments)
    assert str(raised.value) == text
