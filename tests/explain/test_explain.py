"""What `explain` says: where values come from, what they became, and how it looks."""

import json

import pytest

from hornbook import load_recipe
from hornbook.explain.explanation import explain
from hornbook.recipes import Recipe
from hornbook.recipes.origins import leaves, origin_of

TEXT = """\
data: digits
model: {name: mlp, units: [8]}

optimizer: {name: sgd, learning_rate: 0.05, ema: 0.9}
schedule: one_cycle
training:
  epochs: 2
"""


@pytest.fixture(scope="module")
def rows():
    explanation = explain(load_recipe(TEXT, ["optimizer.momentum=0.8", "training.batch_size=64"]))
    return {row.key: row for row in explanation.rows}


@pytest.mark.parametrize(
    ("key", "origin"),
    [
        ("data.name", "recipe:1"),
        ("model.units", "recipe:2"),
        ("optimizer.learning_rate", "recipe:4"),
        ("optimizer.ema.momentum", "recipe:4"),
        ("schedule.name", "recipe:5"),
        ("training.epochs", "recipe:7"),
        ("schedule.rising", "default"),
        ("optimizer.nesterov", "default"),
        ("seed", "default"),
        ("optimizer.momentum", "command line"),
        ("training.batch_size", "command line"),
        ("task", "from the data"),
        ("activation.name", "from the data"),
        ("head.units", "from the data"),
    ],
)
def test_a_value_comes_from_where_it_was_written(key, origin, rows):
    assert rows[key].origin == origin


@pytest.mark.parametrize(
    ("key", "became"),
    [
        ("optimizer.momentum", {"optimizer/momentum": 0.8}),
        ("optimizer.ema.momentum", {"optimizer/ema_momentum": 0.9}),
        ("training.epochs", {"rates/epochs": 2, "rates/batches": 42}),
        ("head.units", {"layer/head/units": 10}),
        ("training.checkpoint.monitor", {"watch/keeper/monitor": "val_loss"}),
    ],
)
def test_a_key_became_an_argument_of_an_object(key, became, rows):
    assert rows[key].became == became


def test_an_initializer_became_the_variance_of_a_weight(rows):
    assert rows["initializer.name"].became["layer/hidden_1/kernel_initializer/variance of a weight"] == 2 / 64


def test_a_schedule_became_points_of_a_curve(rows):
    curve = {key: value for key, value in rows["schedule.name"].became.items() if "curve" in key}
    assert curve["rates/curve/batch 1"] == pytest.approx(0.005)
    assert len(curve) == 5


def test_a_key_of_no_consequence_says_so():
    explanation = explain(load_recipe(TEXT))
    names = next(row for row in explanation.rows if row.key == "name")
    assert list(names.lines())[1] == "    → names the run, and nothing else"


def test_a_tracker_became_an_object_with_its_options(monkeypatch):
    """Whatever is installed here: a client is imported when a run begins."""
    monkeypatch.setattr("hornbook.recipes.rules.installed.is_installed", lambda package: True)
    tree = {"data": "digits", "model": "mlp", "tracking": ["tensorboard", {"name": "wandb", "project": "digits"}]}
    recipe = Recipe.model_validate(tree)
    rows = {row.key: row for row in explain(recipe).rows}
    assert rows["tracking.0.name"].became == {"tracker/0/class": "TensorBoardTracker"}
    assert rows["tracking.1.name"].became == {"tracker/1/class": "WandBTracker"}
    assert rows["tracking.1.project"].became == {"tracker/1/project": "digits"}
    assert rows["tracking.1.mode"].became == {"tracker/1/mode": "offline"}
    assert rows["tracking.1.files"].became == {"tracker/1/files": ["model", "recipe", "page"]}
    assert list(rows["tracking.1.mode"].lines())[1] == "    → tracker 1 mode = offline"


def test_lists_of_mappings_have_a_key_for_each_item():
    keys = [path for path, _ in leaves({"model": {"layers": [{"name": "dense", "units": 3}]}, "tags": []})]
    assert keys == [("model", "layers", 0, "name"), ("model", "layers", 0, "units"), ("tags",)]


def test_a_recipe_made_in_python_has_values_of_its_own():
    recipe = load_recipe({"data": "digits", "model": "mlp"})
    assert origin_of(("data", "name"), recipe.document, recipe.to_dict()) == "recipe"


def test_the_command_prints_keys_and_plan_in_80_columns(hornbook_command):
    done = hornbook_command("hornbook explain -c xor_mlp.yaml training.epochs=3")
    lines = done.out.splitlines()
    assert done.code == 0, done.err
    assert f"{'training.epochs: 3':<66}  command line" in lines
    assert any(line.startswith("total") for line in lines)
    assert [line for line in lines if len(line) > 80] == []


def test_the_command_prints_json(hornbook_command):
    done = hornbook_command("hornbook explain -c sweep_grid.yaml --json")
    found = {row["key"]: row for row in json.loads(done.out)}
    assert found["sweep.space.training.batch_size.max"]["became"]["sweep/space/training.batch_size/values"] == [
        16,
        32,
        64,
    ]
    assert found["sweep.tuner.name"]["became"] == {"sweep/tuner/class": "GridSearchOracle"}
