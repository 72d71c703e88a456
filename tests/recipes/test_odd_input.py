"""Whatever a recipe holds, a check ends in problems with their place: keys, depth, size, characters, mutated recipes."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import check, mutated

from hornbook import check_recipe
from hornbook.errors import UsageError, format_problems
from hornbook.recipes.load import read_config, shipped_recipes

BASE = {"data": "digits", "model": "mlp"}


def sentences(recipe):
    return [problem.sentence() for problem in check_recipe(recipe).errors]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({1.5: {"a": 1}}, "a key is text or a whole number, found 1.5."),
        ({b"x": 1}, "a key is text or a whole number, found b'x'."),
        ({None: 1}, "a key is text or a whole number, found nothing."),
        ({2**70: 1}, f"a key is text or a whole number, found {2**70}."),
        ({"optimizer": {"name": "sgd", True: 1}}, "optimizer: a key is text or a whole number, found true."),
        ({7: 1}, "7: unknown key."),
        ({"model": "\ud800"}, "model: this is half of a character (a lone surrogate)."),
        ({"\ud800": 1}, "a key is text or a whole number, found '\\ud800'."),
    ],
)
def test_what_is_no_key_or_no_text_is_a_problem(more, sentence):
    assert any(found.startswith(sentence) for found in sentences(BASE | more))


def test_the_place_of_an_odd_key_is_that_in_the_file():
    text = 'data: digits\nmodel: {name: layers, layers: [{name: dense, units: 3, 1: 2}]}\nnotes: "\\uD800"\n'
    first, second = check_recipe(text).errors
    assert (first.line, first.column, first.path) == (2, 59, ("model", "layers", 0, 1))
    assert (second.line, second.column) == (3, 8)
    format_problems([first, second], origin="x").encode()  # can be printed


def test_a_mapping_that_is_deep_or_holds_itself_is_a_problem():
    deep, loop = {}, {}
    for _ in range(5000):
        deep = {"a": deep}
    loop["x"] = loop
    for value in (deep, loop):
        (problem, *_) = check_recipe(BASE | {"notes": value}).errors
        assert problem.message == "too large or nested too deeply for a recipe."
        assert problem.path[0] == "notes"


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 3000, "".join(f"{' ' * depth}a:\n" for depth in range(900))])
def test_a_deep_text_is_a_problem(text):
    problem = check_recipe(f"data: digits\nmodel: {text}\n").errors[0]
    assert "nested too deeply" in problem.message or "not valid YAML" in problem.message


@pytest.mark.whole
def test_ninety_thousand_keys_are_some_problems_and_a_count():
    tree = BASE | {f"k{number}": 1 for number in range(90_000)}
    found = check_recipe(tree).errors
    assert len(found) == 201
    assert "89,800 more problems, which are not listed." in [problem.message for problem in found]


@pytest.mark.parametrize("size", [pytest.param(100_000, marks=pytest.mark.whole), 3_400_000])
def test_a_long_text_is_refused_before_it_is_understood(size):
    (problem,) = check_recipe("data: digits\nmodel: {name: mlp, units: [" + "1, " * size + "1]}\n").errors
    assert "too large" in problem.message


def test_a_large_file_is_not_read(tmp_path):
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(2**33)  # eight gigabytes, none of them on disk
    with pytest.raises(UsageError, match=r"large\.yaml: 8,589,934,592 bytes, which is too large for a recipe"):
        read_config(path)


@pytest.mark.parametrize(
    "layer",
    [
        {"name": {"a": 1}},
        {"name": ["dense"]},
        {"name": None},
        None,
        [],
        3,
        {"name": "dense", "units": 3, "activation": {"name": ["a"]}},
        {"name": "dense", "units": 3, "activation": {1: 2}},
        {"name": "dense", "units": 3, 1: 2},
    ],
    ids=str,
)
def test_odd_layers_have_a_place(layer):
    (problem,) = check_recipe({"data": "digits", "model": {"name": "layers", "layers": [layer]}}).errors
    assert problem.path[:3] == ("model", "layers", 0)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(st.sampled_from(sorted(shipped_recipes())), st.integers(0, 2**32))
def test_a_mutated_recipe_is_valid_or_has_problems(name, seed):
    """`python tests/soak.py --mutations 16000` tries more."""
    check(mutated(shipped_recipes()[name], random.Random(seed)))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.none() | st.integers() | st.floats() | st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["data", "model", "optimizer", "schedule", "training", "regularization", "reuse", "sweep", "head"]),
)
def test_any_value_of_any_section_is_valid_or_has_problems(value, section):
    checked = check_recipe(BASE | {section: value})
    assert not re.search("[\ud800-\udfff]", format_problems(checked.problems, origin="recipe"))
