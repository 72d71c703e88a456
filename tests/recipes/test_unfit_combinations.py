"""Combinations that would train something else than was meant are refused, and an explicit null stays one."""

import pytest

from hornbook.recipes import check_recipe, load_recipe
from hornbook.recipes.recipe import Recipe

DIGITS = {"data": "digits", "model": {"name": "mlp", "units": [10]}}
BINARY = {"data": "breast_cancer", "model": {"name": "mlp", "units": [10]}}
NUMBERS = {"data": "diabetes", "model": {"name": "mlp", "units": [10]}}


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        (
            {**NUMBERS, "head": {"activation": "linear", "loss": "poisson"}},
            "head.activation: 'poisson' needs positive outputs, and 'linear' can be negative. Use 'exponential', or omit it.",
        ),
        (
            {**BINARY, "head": {"loss": "hinge"}, "training": {"metrics": ["auc"]}},
            "training.metrics.0: 'auc' needs probabilities, and a hinge head gives scores. Use 'accuracy', or the loss "
            "'binary_crossentropy'.",
        ),
        (
            {"data": "imdb", "model": {"name": "layers", "layers": [{"name": "dense", "units": 4}]}},
            "model.layers: token numbers mean nothing by themselves, so the first layer has to be an embedding. Begin with "
            "'{name: embedding, input_dim: 10000, output_dim: 64}'.",
        ),
        (
            {
                "data": "digits",
                "model": {"name": "layers", "layers": ["flatten", {"name": "dense", "units": 4}]},
                "regularization": {"spatial_dropout": 0.2},
            },
            "regularization.spatial_dropout: drops whole channels, and a dense network has none. Use 'dropout'.",
        ),
    ],
)
def test_what_would_mean_something_else_is_refused(tree, sentence):
    checked = check_recipe(tree)
    assert checked.recipe is None
    assert [problem.sentence() for problem in checked.errors] == [sentence]


def test_an_explicit_null_against_a_default_survives_a_round_trip():
    recipe = load_recipe({**DIGITS, "optimizer": {"name": "adamw", "weight_decay": None}})
    assert recipe.optimizer.weight_decay is None
    assert recipe.to_dict()["optimizer"]["weight_decay"] is None
    assert Recipe.model_validate(recipe.to_dict()).optimizer.weight_decay is None
