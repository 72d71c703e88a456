"""Contracts over every component in the catalog: it builds, every option arrives, YAML keeps it."""

import inspect

import keras
import pytest

from hornbook import load_recipe
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.language.text import to_yaml
from hornbook.recipes.recipe import Recipe

BUILT = ("initializer", "activation", "normalization", "optimizer", "loss", "metric")
AVERAGED = {"auc", "precision", "recall", "f1_score"}
TASKED = {"rank_error", "accuracy", "r2_score", *AVERAGED}
CHANGED = {"threshold": 0.25, "thresholds": 0.25, "average": "weighted"}
"""Values that mean something else than nothing."""


def components(*kinds):
    found = [(kind, name) for kind in kinds for name in catalog(kind)]
    return [pytest.param(*pair, id="-".join(pair)) for pair in found if pair[1] not in {"none", "default"}]


def call(spec, **arguments):
    if spec.kind == "metric" and spec.name in TASKED:
        arguments["task"] = "regression" if spec.name == "r2_score" else "binary"
        arguments["name"] = spec.name
    if spec.kind == "metric" and spec.name in AVERAGED:
        arguments |= {"task": "multilabel", "units": 3}
    return spec.build(**arguments)


def config(built):
    """Return everything that Keras would write into a file about an object, without its automatic name."""
    record = keras.saving.serialize_keras_object(built)
    record["config"].pop("name", None)
    record["config"].pop("seed", None)
    forgotten = [getattr(built, "_fn_kwargs", {}), getattr(built, "gain", None)]  # Huber's delta, the identity's gain
    return record | {"not written by Keras": forgotten}


@pytest.mark.parametrize(("kind", "name"), components(*BUILT))
def test_arguments_fit_the_keras_signature(kind, name):
    spec = catalog(kind)[name]()
    arguments = {**spec.fixed, **spec.options()}
    if name in TASKED:
        arguments |= {"task": "binary", "name": name}
    inspect.signature(spec.import_target()).bind(**arguments)


@pytest.mark.parametrize(("kind", "name"), components(*BUILT))
def test_every_option_arrives_in_the_built_object(kind, name, others):
    cls = catalog(kind)[name]
    plain = config(call(cls()))
    for option, value in others(cls).items():
        value = CHANGED.get(option, value) if kind == "metric" else value
        changed = config(call(cls(**{option: value})))
        assert changed != plain, option
        if option in changed["config"]:
            arrived = changed["config"][option]
            assert arrived in (value, list(value) if isinstance(value, tuple) else value), option


@pytest.mark.parametrize(("kind", "name"), components("schedule"))
def test_every_option_of_a_schedule_changes_rates_or_momentum(kind, name, others):
    cls = catalog(kind)[name]

    def curve(spec):
        tree = {"data": "moons", "model": "mlp", "schedule": spec.model_dump(exclude_none=True)}
        recipe = load_recipe({**tree, "optimizer": {"name": "sgd", "momentum": 0.9}, "training": {"epochs": 200}})
        steps = recipe.schedule.in_steps(steps_per_epoch=1, total_steps=200)
        reducer = recipe.schedule.build_watcher(recipe.optimizer.rate())
        watched = {**vars(reducer), "floor": reducer.min_factor} if reducer is not None else {}
        return [(steps.warmed_factor(t, 200), steps.warmed_momentum(t, 200, 0.9)) for t in range(201)], watched

    plain = curve(cls())
    for option, value in others(cls).items():
        if option in {"monitor", "mode"}:
            continue  # only a run can judge them
        assert curve(cls(**{option: value})) != plain, option
    assert curve(cls(warmup="10%")) != plain


@pytest.mark.parametrize(("kind", "name"), components(*BUILT, "schedule"))
def test_yaml_keeps_every_option(kind, name, others):
    cls = catalog(kind)[name]
    for option, value in others(cls).items():
        spec = cls(**{option: value})
        written = spec.model_dump(exclude_none=True)
        tree = {"data": "digits", "model": {"name": "mlp", "units": [4]}}
        if kind == "metric":
            tree["training"] = {"metrics": [written]}
        elif kind == "loss":
            tree["head"] = {"loss": written}
        else:
            tree[kind] = written
        recipe = Recipe.model_validate(tree)
        text = to_yaml(recipe.to_dict())
        again = Recipe.model_validate(load_text(text))
        assert again == recipe, option


def load_text(text):
    from hornbook.recipes.language.text import parse

    return parse(text, origin="test").tree


@pytest.mark.parametrize(("kind", "name"), components("initializer"))
def test_random_initializers_take_a_seed_and_the_others_none(kind, name):
    cls = catalog(kind)[name]
    parameters = inspect.signature(cls().import_target()).parameters
    assert cls.random == ("seed" in parameters)
    shape = (6, 6)
    first, again = (cls().build(**({"seed": 1} if cls.random else {}))(shape) for _ in range(2))
    assert (keras.ops.convert_to_numpy(first) == keras.ops.convert_to_numpy(again)).all()
    if cls.random:
        other = keras.ops.convert_to_numpy(cls().build(seed=2)(shape))
        assert (keras.ops.convert_to_numpy(first) != other).any()


@pytest.mark.parametrize(("kind", "name"), components("activation", "normalization", "loss", "metric", "optimizer"))
def test_every_component_can_be_saved_and_read_back_by_keras(kind, name):
    built = call(catalog(kind)[name]())
    record = keras.saving.serialize_keras_object(built)
    again = keras.saving.deserialize_keras_object(record)
    assert type(again) is type(built)
    assert config(again) == config(built)
