"""Overrides on the command line: key.path=value, ~key, and errors placed on the command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.recipes import check_recipe, load_recipe
from hornbook.recipes.language.overrides import apply_overrides
from hornbook.recipes.language.text import parse

TEXT = """\
data: digits
model: {name: mlp, units: [300, 100]}
optimizer: adam
training:
  epochs: 20
"""


def overridden(*overrides, text=TEXT):
    document = parse(text, origin="x.yaml")
    apply_overrides(document, overrides)
    assert document.problems == []
    return document.tree


def report(*overrides, text=TEXT):
    return [f"{problem.origin}: {problem.sentence()}" for problem in check_recipe(text, overrides).problems]


def test_a_top_level_key_is_set():
    assert overridden("seed=7")["seed"] == 7


def test_a_key_inside_a_section_is_set():
    assert overridden("training.epochs=3")["training"] == {"epochs": 3}


def test_a_missing_section_is_made():
    assert overridden("regularization.dropout=0.2")["regularization"] == {"dropout": 0.2}


def test_an_empty_section_is_filled():
    assert overridden("training.epochs=3", text="training:\n")["training"] == {"epochs": 3}


def test_a_shorthand_is_expanded():
    assert overridden("optimizer.learning_rate=0.01")["optimizer"] == {"name": "adam", "learning_rate": 0.01}


@pytest.mark.parametrize(
    ("override", "section", "same"),
    [
        ("optimizer.learning_rate=0.01", "optimizer", {"name": "adam", "learning_rate": 0.01}),
        ("schedule.warmup=2", "schedule", {"name": "constant", "warmup": 2}),
    ],
)
def test_a_key_of_a_section_that_the_recipe_leaves_out_is_its_defaults(override, section, same):
    bare = "data: digits\nmodel: mlp\n"
    assert load_recipe(bare, [override]) == load_recipe({"data": "digits", "model": "mlp", section: same})
    assert load_recipe(bare, [override, f"{section}={same['name']}"]) == load_recipe(bare)


def test_a_key_that_the_default_lacks_is_a_problem_of_the_command_line():
    (line,) = report("normalization.momentum=0.9", text="data: digits\nmodel: mlp\n")
    assert line.startswith("command line: normalization.momentum: ")


def test_overrides_work_one_after_another():
    tree = overridden("optimizer=sgd", "optimizer.momentum=0.9", "optimizer.nesterov=true")
    assert tree["optimizer"] == {"name": "sgd", "momentum": 0.9, "nesterov": True}


def test_a_list_is_indexed_from_zero():
    assert overridden("model.units.0=64")["model"]["units"] == [64, 100]


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("notes=a=b=c", "notes", "a=b=c"),
        ("notes=on", "notes", "on"),
        ("seed=1e3", "seed", 1000.0),
        ("tags=[a, b]", "tags", ["a", "b"]),
        ("schedule={name: cosine, warmup: 5%}", "schedule", {"name": "cosine", "warmup": "5%"}),
        ("notes=", "notes", None),
        ("notes='3'", "notes", "3"),
        (" seed =5", "seed", 5),
    ],
)
def test_the_value_is_yaml_after_the_first_equals_sign(override, key, value):
    assert overridden(override)[key] == value


def test_a_key_is_deleted():
    assert "optimizer" not in overridden("~optimizer")


def test_a_nested_key_is_deleted():
    assert overridden("~training.epochs")["training"] == {}


def test_a_number_that_is_a_key_is_found_as_text_too():
    assert overridden("data.relabel.1=0", text="data: {relabel: {'1': 5}}")["data"]["relabel"] == {"1": 0}


def test_an_empty_document_can_be_filled():
    assert overridden("data=iris", "model=mlp", text="# nothing\n") == {"data": "iris", "model": "mlp"}


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("epochs", "'epochs' is no override. Write key=value, key.path=value or ~key."),
        ("--epochs", "'--epochs' is no override. Write key=value, key.path=value or ~key."),
        ("=3", "'=3' cannot be read as key=value."),
        ("training..epochs=3", "'training..epochs=3' cannot be read as key=value."),
        ("seed=[1", "seed: 'seed=[1' cannot be read as key=value."),
        ("seed.x=3", "seed.x: 'seed' is 42 and has no keys of its own. Write seed=value."),
        ("model.units.2=64", "model.units.2: there is no item 2: the list has 2. Items count from 0."),
        ("model.units.-1=64", "model.units.-1: there is no item -1: the list has 2. Items count from 0."),
        ("~schedule", "schedule: there is no such key to delete."),
        ("~optimizer.learning_rate", "optimizer.learning_rate: there is no such key to delete."),
        ("~", "'~' is no override. Write key=value, key.path=value or ~key."),
        ("~training.", "'~training.' is no override. Write key=value, key.path=value or ~key."),
        ("model.units.²=3", "model.units.²: there is no item ²: the list has 2. Items count from 0."),
    ],
)
def test_what_cannot_be_applied_is_a_problem(override, text):
    assert report(override, text=TEXT + "seed: 42\n") == [f"command line: {text}"]


@pytest.mark.parametrize(
    ("override", "text"),
    [
        (
            "optimizer.learning_rte=0.1",
            "optimizer.learning_rte: unknown key for optimizer 'adam'. Did you mean 'learning_rate'?",
        ),
        ("training.epochs=-1", "training.epochs: expected a number of at least 1, found -1."),
        ("model.units.1=x", "model.units.1: expected a whole number, found 'x'."),
        ("~data", "data: this key is required and missing. Write for instance 'data: digits'."),
        ("activation=relux", "activation: unknown activation 'relux'. Did you mean 'relu'?"),
    ],
)
def test_what_an_override_breaks_is_placed_on_the_command_line(override, text):
    assert report(override) == [f"command line: {text}"]


def test_problems_of_the_file_come_before_those_of_the_command_line():
    checked = check_recipe(TEXT.replace("epochs", "epoch"), ["seed=x", "sede=3"])
    assert [(problem.line, problem.origin) for problem in checked.problems] == [
        (5, "recipe"),
        (0, "command line"),
        (0, "command line"),
    ]


def test_an_overridden_mistake_of_the_file_is_gone():
    assert report("training={}", text=TEXT.replace("epochs", "epoch")) == []


@given(st.text(alphabet="ab.=~0123²-[]{}: ", max_size=12))
def test_no_override_makes_checking_raise(override):
    check_recipe(TEXT, [override])
