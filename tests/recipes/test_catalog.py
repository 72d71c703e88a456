"""Contracts over every component: described, with a source and an example that loads and survives a round trip."""

import inspect
import re
from typing import ClassVar, Literal

import pytest

from hornbook.recipes import catalog, check_recipe, load_recipe
from hornbook.recipes.describe.docstrings import body, example, field_help, source, without_source
from hornbook.recipes.language.hints import did_you_mean, nearest
from hornbook.recipes.language.spec import KINDS, Component, Spec, register
from hornbook.recipes.language.text import parse, to_yaml
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.activation import ActivationSpec
from hornbook.recipes.sections.free_layer import FreeLayer
from hornbook.recipes.sections.head import Head
from hornbook.recipes.sections.regularization import Regularization

COMPONENTS = [(kind, name) for kind in KINDS for name in catalog(kind)]
SECTIONS = [Recipe, Head, Regularization, *Spec.__subclasses__()]
# Errors by rules, not by the component's own class: an example may need other data than the base recipe's.
RULES_ONLY = {
    "loss-task",
    "columns",
    "head-units",
    "metric-task",
    "head-loss",
    "model-data",
    "embedding",
    "pretraining-model",
    "tracker-client",
    "sweep-tuner-packages",
}


def base_for(keys):
    """Return a recipe that the keys of an example fit into, as far as classes can tell."""
    return {"data": "digits", "model": {"name": "cnn", "filters": [8]}, **keys}


def example_of(kind, name):
    document = parse(example(catalog(kind)[name]), origin="example")
    assert document.problems == []
    return document.tree


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_every_component_says_what_it_is(kind, name):
    cls = catalog(kind)[name]
    first, *rest = body(cls).split("\n")
    assert first.endswith("."), "the first line is a sentence by itself"
    assert not rest or rest[0] == ""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_every_component_names_its_source(kind, name):
    text = body(catalog(kind)[name])
    assert source(text)
    assert without_source(text), "what it is stands apart from where it comes from"


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_every_example_loads_and_survives_a_round_trip(kind, name):
    tree = base_for(example_of(kind, name))
    recipe = Recipe.model_validate(tree)
    again = parse(to_yaml(recipe.to_dict()), origin="round trip")
    assert again.problems == []
    assert Recipe.model_validate(again.tree) == recipe
    assert {problem.code for problem in check_recipe(tree).errors} <= RULES_ONLY


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_every_example_shows_its_own_component(kind, name):
    def values(tree):
        if isinstance(tree, dict):
            return [*tree.values(), *(item for value in tree.values() for item in values(value))]
        return [*tree, *(item for value in tree for item in values(value))] if isinstance(tree, list) else []

    assert name in [value for value in values(example_of(kind, name)) if isinstance(value, str)]


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_every_option_is_explained(kind, name):
    cls = catalog(kind)[name]
    own = set(cls.model_fields) - {"name"} - cls.shared
    assert own - set(field_help(cls)) == set()


@pytest.mark.parametrize("cls", [cls for cls in SECTIONS if not issubclass(cls, Component) and cls is not FreeLayer])
def test_every_key_of_a_section_is_explained(cls):
    assert set(cls.model_fields) - set(field_help(cls)) == set()


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, name in COMPONENTS if kind != "data"])
def test_every_default_is_valid(kind, name):
    cls = catalog(kind)[name]
    if any(field.is_required() for field in cls.model_fields.values()):
        return
    assert cls.model_validate(cls().model_dump(by_alias=True)) == cls()


def test_the_ingredients_that_textbooks_name_are_there():
    assert set(catalog("initializer")) == {
        "default", "zeros", "ones", "constant", "random_normal", "random_uniform", "truncated_normal",
        "variance_scaling", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal",
        "lecun_uniform", "orthogonal", "identity", "ntk",
    }  # fmt: skip
    assert set(catalog("activation")) >= {
        "linear", "step", "sigmoid", "tanh", "relu", "leaky_relu", "randomized_leaky_relu", "prelu", "elu", "selu", "gelu",
        "silu", "mish", "softplus", "softsign", "exponential", "softmax", "hard_sigmoid", "hard_tanh", "hard_silu",
    }  # fmt: skip
    assert set(catalog("normalization")) == {
        "none", "batch_normalization", "layer_normalization", "group_normalization", "rms_normalization",
    }  # fmt: skip
    assert set(catalog("schedule")) == {
        "constant", "power", "exponential", "piecewise_constant", "performance", "one_cycle", "cosine",
        "cosine_restarts", "polynomial", "inverse_time", "flat_cosine", "coslog",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("activation", "suited"),
    [
        ("linear", "glorot_uniform"), ("tanh", "glorot_uniform"), ("sigmoid", "glorot_uniform"),
        ("softmax", "glorot_uniform"), ("relu", "he_normal"), ("leaky_relu", "he_normal"), ("elu", "he_normal"),
        ("prelu", "he_normal"), ("randomized_leaky_relu", "he_normal"), ("selu", "lecun_normal"),
    ],
)  # fmt: skip
def test_the_table_of_initializers_is_the_textbook_s(activation, suited):
    assert catalog("activation")[activation].suits == suited


@pytest.fixture
def own_activation(monkeypatch):
    from hornbook.recipes.language import spec

    monkeypatch.setitem(spec._CATALOG, "activation", dict(catalog("activation")))

    @register
    class SquarePlus(ActivationSpec):
        """A smooth ReLU without exponentials.

        For tests. Barron (2021), arXiv:2112.11687.

        Example:
            activation: {name: square_plus, b: 4.0}
        """

        name: Literal["square_plus"] = "square_plus"
        builds: ClassVar[str | None] = "nowhere:square_plus"

        b: float = 4.0
        """Width of the bend."""

    return SquarePlus


def test_a_registered_component_is_used_by_name(own_activation):
    recipe = load_recipe("data: digits\nmodel: {name: mlp, units: [3]}\nactivation: {name: square_plus, b: 2.0}\n")
    assert recipe.activation == own_activation(b=2.0)
    assert recipe.to_dict()["activation"] == {"name": "square_plus", "b": 2.0}


def test_registering_twice_is_harmless_and_a_clash_is_an_error(own_activation):
    register(own_activation)
    with pytest.raises(TypeError, match="activation 'relu' is registered already, by hornbook"):

        @register
        class Mine(ActivationSpec):
            """Mine."""

            name: Literal["relu"] = "relu"


def test_a_component_needs_a_name_a_docstring_and_a_kind():
    with pytest.raises(TypeError, match="Nameless needs a field like: name"):

        @register
        class Nameless(ActivationSpec):
            """No name."""

    with pytest.raises(TypeError, match="Silent needs a docstring"):

        @register
        class Silent(ActivationSpec):
            name: Literal["silent"] = "silent"

    with pytest.raises(TypeError, match="Stray: unknown kind 'strays'"):

        @register
        class Stray(Component):
            """Of no kind."""

            kind: ClassVar[str] = "strays"
            name: Literal["stray"] = "stray"


def test_a_component_without_target_says_so():
    with pytest.raises(TypeError, match="ConstantSchedule builds nothing"):
        catalog("schedule")["constant"]().build()


@pytest.mark.parametrize(
    ("name", "known", "best"),
    [
        ("learning_rte", ["learning_rate", "momentum"], "learning_rate"),
        ("HeNormal", ["he_normal", "he_uniform"], "he_normal"),
        ("one-cycle", ["one_cycle"], "one_cycle"),
        ("zzz", ["one_cycle"], None),
        ("mse", ["accuracy"], None),
        ("val_acc", ["loss", "val_accuracy"], "val_accuracy"),
        ("MSE", ["mean_squared_error"], "mean_squared_error"),
    ],
)
def test_the_nearest_name_is_found(name, known, best):
    assert nearest(name, known, kind="metric") == best


def test_columns_and_files_are_not_taken_for_another_librarys_words():
    assert nearest("acc", ["accuracy_of_the_scale"]) is None


def test_where_none_is_near_all_are_named():
    assert did_you_mean("zzz", ["b", "a"]) == "Known: a, b."
    assert did_you_mean("zzz", []) == ""


def test_docstrings_have_no_stray_indentation():
    for kind, name in COMPONENTS:
        assert inspect.cleandoc(example(catalog(kind)[name])) == example(catalog(kind)[name])
