"""The JSON Schema agrees with the loader: on what is right, and on what is wrong."""

import json

import pytest
from jsonschema import Draft202012Validator

from hornbook.recipes import catalog, check_recipe, shipped_recipes
from hornbook.recipes.describe.docstrings import example
from hornbook.recipes.describe.schema import json_schema, spec_schema
from hornbook.recipes.language.keras_layers import layer_names
from hornbook.recipes.language.spec import KINDS
from hornbook.recipes.language.text import parse

BASE = {"data": "digits", "model": {"name": "mlp", "units": [30]}}
FROM_CLASSES = {"unknown-key", "unknown-name", "missing-key", "value"}


@pytest.fixture(scope="module")
def schema():
    return json_schema()


@pytest.fixture(scope="module")
def validator(schema):
    return Draft202012Validator(schema)


def verdicts(validator, recipe):
    problems = [problem.sentence() for problem in check_recipe(recipe).problems if problem.code in FROM_CLASSES]
    return not list(validator.iter_errors(recipe)), not problems


def test_the_schema_is_valid_by_its_own_rules(schema):
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_is_plain_json(schema):
    assert json.loads(json.dumps(schema)) == schema


def test_every_reference_leads_somewhere(schema):
    def references(value):
        if isinstance(value, dict):
            here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return here + [item for inner in value.values() for item in references(inner)]
        return [item for inner in value for item in references(inner)] if isinstance(value, list) else []

    assert {name.removeprefix("#/$defs/") for name in references(schema)} <= set(schema["$defs"])


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_shipped_recipes_fit(validator, name):
    assert list(validator.iter_errors(parse(shipped_recipes()[name], origin=name).tree)) == []


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in catalog(kind)])
def test_every_example_fits(validator, kind, name):
    tree = {**BASE, **parse(example(catalog(kind)[name]), origin=name).tree}
    assert [error.message for error in validator.iter_errors(tree)] == []


GOOD = [
    {},
    {"optimizer": {"name": "adam", "weight_decay": 0.01, "ema": 0.99}},
    {"optimizer": {"name": "adam", "weight_decay": {"rate": 0.01, "exclude": []}, "ema": {"momentum": 0.9}}},
    {"optimizer": {"name": "adam", "weight_decay": None}},
    {"schedule": {"name": "cosine", "warmup": "5%"}},
    {"schedule": {"name": "cosine", "warmup": {"duration": 10, "start_factor": 0.1}}},
    {"schedule": {"name": "exponential", "decay_steps": "100%"}},
    {"training": {"class_weights": "balanced"}},
    {"training": {"class_weights": {"0": 1.0, "1": 2}}},
    {"training": {"metrics": ["accuracy", {"name": "top_k_accuracy", "k": 2}], "max_time": "10 minutes"}},
    {"initializer": {"name": "constant", "value": [[0.1, 0.2], [1, 2]], "bias": {"name": "constant", "value": 0.3}}},
    {"model": {"name": "mlp", "funnel": {"from": 30, "to": 10, "layers": 3}}},
    {"model": {"name": "layers", "layers": ["flatten", {"name": "dense", "units": 3, "regularization": {"l2": 0.1}}]}},
    {"model": {"name": "layers", "layers": [{"name": "activation", "activation": {"name": "elu", "alpha": 0.5}}]}},
    {"model": {"name": "mlp", "units": 3, "depth": 2}},
    {
        "model": {
            "name": "layers",
            "layers": [{"name": "dense", "units": 3, "as": "a"}, {"name": "add", "from": ["input", "a"]}],
        }
    },
    {"model": {"name": "layers", "layers": [{"name": "dense", "units": 3, "trainable": False}, "batch_normalization"]}},
    {"schedule": {"name": "performance", "patience": "500 steps", "cooldown": "0 epochs"}},
    {"training": {"epochs": "40000 steps", "early_stopping": {"patience": "5%", "baseline": 0.3}}},
    {"training": {"epochs": "3 epochs"}},
    {"data": {"name": "digits", "split": {"validation": 100, "test": 0.2, "method": "stratified"}}},
    {"data": {"name": "table", "path": "x.csv", "target": ["a", "b"], "columns": {"c": "number"}}},
    {"tags": ["a"], "notes": "x", "name": "run-1.2", "seed": 0, "format": 1, "task": None},
]
BAD = [
    {"sead": 1},
    {"seed": "x"},
    {"seed": -1},
    {"format": 2},
    {"name": "../x"},
    {"tags": "x"},
    {"data": "npz"},
    {"data": {"name": "digits", "limit": 0}},
    {"data": {"name": "digits", "classes": []}},
    {"data": {"name": "digits", "split": {"validation": -1}}},
    {"data": {"name": "table", "path": "x.csv"}},
    {"data": None},
    {"model": "layers"},
    {"model": {"units": [3]}},
    {"model": {"name": "cnn", "filters": 3}},
    {"model": {"name": "mlp", "units": [0]}},
    {"model": {"name": "mlp", "filters": [3]}},
    {"model": {"name": "cnn", "filters": []}},
    {"model": {"name": "layers", "layers": ["dense"]}},
    {"model": {"name": "layers", "layers": [{"name": "dense", "units": 3, "as": "two words"}]}},
    {"model": {"name": "layers", "layers": [{"name": "dense", "units": 3, "from": []}]}},
    {"model": {"name": "layers", "layers": [{"name": "dense", "units": 3, "kernel_regularizer": "l2"}]}},
    {"model": {"name": "layers", "layers": [{"name": "flatten", "activation": "relu"}]}},
    {"model": {"name": "layers", "layers": [{"name": "nothing"}]}},
    {"optimizer": "adamm"},
    {"optimizer": {"name": "sgd", "lr": 1}},
    {"optimizer": {"name": "adam", "beta_1": 1}},
    {"optimizer": {"name": "adam", "ema": 1}},
    {"optimizer": {"name": "adam", "weight_decay": "x"}},
    {"optimizer": {"name": "adam", "learning_rate": 0}},
    {"schedule": {"name": "exponential", "decay_steps": "101%"}},
    {"schedule": {"name": "exponential", "decay_steps": "2.5 epochs"}},
    {"schedule": {"name": "cosine", "warmup": -1}},
    {"activation": {"name": "elu", "alpha": "x"}},
    {"activation": ["elu"]},
    {"initializer": {"name": "constant", "value": []}},
    {"initializer": {"name": "constant", "value": "x"}},
    {"normalization": {"name": "batch_normalization", "position": "before"}},
    {"normalization": {"name": "none", "momentum": 0.9}},
    {"regularization": {"dropout": 1}},
    {"regularization": "dropout"},
    {"head": {"units": 0}},
    {"training": {"epochs": -1}},
    {"training": {"epochs": "0 steps"}},
    {"training": {"epochs": "00.0 epochs"}},
    {"training": {"epochs": "30%"}},
    {"training": {"epochs": "2.5 epochs"}},
    {"training": {"early_stopping": {"baseline": "low"}}},
    {"schedule": {"name": "performance", "patience": 0}},
    {"schedule": {"name": "performance", "patience": "0 steps"}},
    {"schedule": {"name": "performance", "patience": "0.0 %"}},
    {"model": {"name": "mlp", "units": 3, "depth": 0}},
    {"model": {"name": "layers", "layers": [{"name": "flatten", "trainable": False}]}},
    {"training": {"class_weights": {}}},
    {"training": {"class_weights": {"0": 0}}},
    {"training": {"max_time": "0 s"}},
    {"training": {"max_time": "soon"}},
    {"training": {"metrics": ["acc"]}},
    {"training": {"early_stopping": {"patience": "soon"}}},
    {"training": {"gradient_clipping": {"by": "norm"}}},
]


@pytest.mark.parametrize("keys", GOOD, ids=repr)
def test_both_accept(validator, keys):
    assert verdicts(validator, {**BASE, **keys}) == (True, True)


@pytest.mark.parametrize("keys", BAD, ids=repr)
def test_both_refuse(validator, keys):
    assert verdicts(validator, {**BASE, **keys}) == (False, False)


@pytest.mark.parametrize("key", ["data", "model"])
def test_both_want_what_is_required(validator, key):
    assert verdicts(validator, {name: value for name, value in BASE.items() if name != key}) == (False, False)


def test_names_whose_options_are_all_optional_may_stand_alone(schema):
    alone = schema["$defs"]["data"]["anyOf"][0]["enum"]
    assert "digits" in alone
    assert not {"npz", "table", "inline"} & set(alone)


def test_hover_texts_are_there(schema):
    optimizer = schema["$defs"]["SGD"]
    assert optimizer["description"].startswith("Stochastic gradient descent")
    assert (
        optimizer["properties"]["learning_rate"]["description"]
        == "Size of the steps, what the schedule multiplies; `auto`: found before training, by `lr-find`."
    )
    assert schema["properties"]["seed"]["description"] == "One number that every random draw follows from."
    assert schema["$defs"]["activation"]["anyOf"][0]["markdownEnumDescriptions"][0].startswith("No activation")


def test_defaults_are_in_shorthand(schema):
    assert schema["properties"]["optimizer"]["default"] == "adam"
    assert schema["$defs"]["AdamW"]["properties"]["weight_decay"]["default"] == {"rate": 0.004}
    assert "default" not in schema["properties"]["activation"]


def test_every_layer_is_in_it(schema):
    mapping = schema["$defs"]["FreeLayer"]["anyOf"][1]["oneOf"]
    assert tuple(layer["properties"]["name"]["const"] for layer in mapping) == layer_names()


def test_one_component_has_a_schema_of_its_own():
    schema = spec_schema(catalog("optimizer")["sgd"])
    assert schema["required"] == ["name"]
    assert schema["properties"]["momentum"]["exclusiveMaximum"] == 1
    assert "WeightDecay" in schema["$defs"]
