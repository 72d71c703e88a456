"""Widths of backbones, as rules and summaries need them without Keras."""

import pytest

from hornbook.recipes import check_recipe, load_recipe
from hornbook.recipes.language.spec import component_class
from hornbook.recipes.sections.model import Funnel


@pytest.mark.parametrize(
    ("first", "last", "layers", "units"),
    [
        (300, 50, 4, (300, 217, 133, 50)),
        (100, 100, 3, (100, 100, 100)),
        (10, 50, 3, (10, 30, 50)),
        (2, 1, 2, (2, 1)),
    ],
)
def test_a_funnel_goes_evenly_from_one_width_to_another(first, last, layers, units):
    assert Funnel.model_validate({"from": first, "to": last, "layers": layers}).units() == units


@pytest.mark.parametrize(
    ("model", "units"),
    [
        ({"name": "mlp"}, ()),
        ({"name": "mlp", "units": (30, 20)}, (30, 20)),
        ({"name": "mlp", "units": 30}, (30,)),
        ({"name": "mlp", "units": 30, "depth": 3}, (30, 30, 30)),
        ({"name": "rnn", "units": 8, "depth": 2, "bidirectional": True}, (16, 16)),
        ({"name": "mlp", "funnel": {"from": 300, "to": 50, "layers": 4}}, (300, 217, 133, 50)),
        ({"name": "cnn", "filters": (32, 64), "convolutions": 2, "dense": (10,)}, (32, 32, 64, 64, 10)),
        ({"name": "residual_cnn", "filters": (16, 32), "blocks": 1}, (16, 16, 16, 32, 32)),
        ({"name": "rnn", "units": (8, 4), "bidirectional": True, "dense": (3,)}, (16, 8, 3)),
        ({"name": "layers", "layers": ("flatten",)}, ()),
        ({"name": "layers", "layers": ({"name": "dense", "units": 3},)}, None),
    ],
)
def test_hidden_units_are_known_without_building(model, units):
    assert component_class("model", model["name"]).model_validate(model).hidden_units() == units


def test_from_keeps_its_name_in_yaml():
    recipe = load_recipe({"data": "digits", "model": {"name": "mlp", "funnel": {"from": 30, "to": 10, "layers": 3}}})
    assert recipe.to_dict()["model"]["funnel"] == {"from": 30, "to": 10, "layers": 3}


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (
            {"name": "mlp", "units": [30, 20], "depth": 2},
            "model: 'depth' repeats one width: write it as one number, for instance 'units: 100', or leave out 'depth'.",
        ),
        (
            {"name": "mlp", "depth": 2},
            "model: 'depth' repeats one width: write it as one number, for instance 'units: 100', or leave out 'depth'.",
        ),
        (
            {"name": "mlp", "depth": 2, "funnel": {"from": 30, "to": 10, "layers": 3}},
            "model: a funnel has its own number of layers: leave out 'depth'.",
        ),
        ({"name": "rnn", "units": []}, "model.units: expected at least one layer, found none."),
        ({"name": "mlp", "num_layers": 3}, "model.num_layers: unknown key for backbone 'mlp'. Did you mean 'depth'?"),
    ],
)
def test_depth_belongs_to_one_width(model, sentence):
    [problem] = check_recipe({"data": "waves" if model["name"] == "rnn" else "digits", "model": model}).problems
    assert problem.sentence() == sentence
