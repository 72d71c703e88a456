"""The fused engine and plain `model.fit` train every shipped recipe alike, given the same order of examples and seed.

The engine's side is the run that the contract looks at; `fit` works without a graph, one operation after the other. Before
each of its batches the model's random generators and the optimizer's momentum are set to what the engine sets them to, so
dropout and its kind draw the same numbers. That they have the right distribution is tested beside the engine.

Recipes of one structure, which is to say of the same kinds of everything that the two sides do, share a comparison: the
others say which recipe it is made with, and that it is of their structure is tested. So do a few that mix kinds of several.
"""

from typing import Any

import numpy as np
import pytest
from alike import COMPARED_AS, IN_PARTS

from hornbook import load_recipe
from hornbook.builder.randomness import permutation
from hornbook.data import load
from hornbook.engine.engine import EpochPlan
from hornbook.engine.loops import FitLoop
from hornbook.recipes import shipped_recipes
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.resolve import resolve
from hornbook.trainer.prepare import prepare
from hornbook.trainer.session import Session
from hornbook.upstream import set_step

IN_A_GRAPH = {"funnel"}
"""Recipes with which `fit` works in a graph: gradients are so small that dividing by them magnifies another order of sums."""
APPLICATIONS = {"reused_application"}
"""Recipes of 150 layers that `fit` would go through one by one; `fashion_b_on_a` has reused layers too."""
WITHOUT_WEIGHTS = {"elu", "gelu", "leaky_relu", "relu", "selu", "sigmoid", "silu", "tanh"}
"""Activations that are a function of one number, tested by themselves: which one it is changes nothing in the steps."""
SAMPLE = {
    "he_elu_bn",
    "cnn_residual",
    "leaky_relu",
    "elastic_net",
    "layer_normalization",
    "mixed_precision",
    "fashion_b_on_a",
}
"""Recipes that differ most from each other."""
STEPS_OF = ("precision", "class_weights", "gradient_clipping", "metrics")
"""The keys of `training` that steps depend on."""


def form(value: Any) -> Any:
    """Return what kind of value it is: of numbers only whether they are 0, of lists only what is in them."""
    if isinstance(value, dict):
        return {key: form(item) for key, item in value.items()}
    if isinstance(value, list):
        return {repr(form(item)) for item in value}
    return value != 0 if isinstance(value, int | float) and not isinstance(value, bool) else value


def structure(recipe: Recipe) -> dict[str, Any]:
    """Return the kinds of backbone, layers, head, loss, metrics, penalties, limits, optimizer and inputs of a resolved recipe.

    Sizes, rates, schedule and initial weights are left out: they are numbers that both sides take from the same place. So
    is which of Keras's optimizers it is: both sides call its `apply`, and each is tested against its equations. Averaged
    weights are none that training goes on from.
    """
    plain = recipe.to_dict()
    parts = {
        key: plain.get(key)
        for key in ("task", "model", "head", "heads", "normalization", "regularization", "optimizer")
    }
    parts["accumulates"] = parts["optimizer"].pop("accumulation") > 1
    if (recipe.optimizer.builds or "").startswith("keras."):  # the engine calls its `apply`, whichever it is
        parts["optimizer"] = {}
    parts["optimizer"].pop("learning_rate", None)
    parts["moves_momentum"] = recipe.schedule.name == "one_cycle"
    activation = plain.get("activation") or {"name": None}
    parts["activation"] = "without weights" if activation["name"] in WITHOUT_WEIGHTS else activation
    parts["training"] = {key: plain["training"].get(key) for key in STEPS_OF}
    parts["augments"] = "augmentation" in plain["data"]
    parts["reuses"] = "reuse" in plain
    splits = load(recipe.data, seed=recipe.seed, task=recipe.task, heads=recipe.heads)
    return form(parts) | {"inputs": (splits.info.input_dtype, splits.info.kind)}


def epoch_of_fit(recipe: Recipe, start: list[np.ndarray]) -> tuple[dict[str, float], list[np.ndarray]]:
    """Return the figures of the first epoch with `fit`, begun with these weights, and the weights after it."""
    prepared = prepare(recipe)
    Session(prepared).enter()  # which freezes what is frozen in the first epoch
    setup, optimizer = prepared.setup(), prepared.built.optimizer
    loop = FitLoop(setup)
    prepared.built.training_model.run_eagerly = recipe.name not in IN_A_GRAPH
    prepared.built.model.set_weights(start)
    rates, momenta = prepared.table.epoch(0)
    states, seeds = setup.seeds()

    def before_batch(batch: int) -> None:
        set_step(states, seeds, batch)
        if setup.momentum_option is not None:
            setattr(optimizer, setup.momentum_option, float(momenta[batch]))

    plan = EpochPlan(permutation(recipe.seed, 0, len(prepared.splits.train)), rates, momenta, 0)
    loop.train_epoch(plan, iter(()), lambda done: False, before_chunk=before_batch)
    return loop.logs(), in_order(prepared.built.model, recipe)


def in_order(model, recipe):
    """Return the weights of a model; of several heads in the order of their names, as outputs by name have another."""
    weights = sorted(model.weights, key=lambda weight: weight.path) if recipe.heads else model.weights
    return [weight.numpy() for weight in weights]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in SAMPLE else pytest.mark.whole)
        for name in sorted({*shipped_recipes()} - {*COMPARED_AS, *IN_PARTS} - APPLICATIONS)
    ],
)
def test_the_engine_and_fit_agree(name, short_runs):
    result = short_runs[name]
    recipe = load_recipe(name, [*short_runs.overrides(name), *short_runs.few_examples(result.recipe)])
    ours, our_weights = result.history[-1], in_order(result.model, recipe)
    theirs, their_weights = epoch_of_fit(recipe, short_runs.starts[name])
    tolerance = 2e-4 if recipe.training.precision == "float32" else 2e-2
    for key, value in theirs.items():
        assert ours[key] == pytest.approx(value, rel=tolerance, abs=tolerance), key
    for ours_after, theirs_after in zip(our_weights, their_weights, strict=True):
        np.testing.assert_allclose(ours_after, theirs_after, rtol=tolerance, atol=tolerance)


def resolved(name: str) -> Recipe:
    recipe = load_recipe(name, ["~sweep"] if name.startswith("sweep_") else [])
    splits = load(recipe.data, seed=recipe.seed, task=recipe.task, heads=recipe.heads)
    return resolve(recipe, splits.info, is_standardized=splits.preprocessing.variance is not None)[0]


@pytest.mark.parametrize(("name", "compared"), COMPARED_AS.items())
def test_a_recipe_that_is_not_compared_is_of_a_structure_that_is(name, compared, short_runs):
    assert compared not in {*COMPARED_AS, *IN_PARTS}
    assert structure(resolved(name)) == structure(resolved(compared))


def kinds(value: Any, *keys: str) -> set[tuple[Any, ...]]:
    """Return each value in nested mappings, with the keys that lead to it."""
    if isinstance(value, dict):
        return {kind for key, item in value.items() for kind in kinds(item, *keys, key)}
    return {(*keys, repr(value))}


@pytest.mark.parametrize(("name", "compared"), IN_PARTS.items())
def test_each_kind_of_a_recipe_that_is_compared_in_parts_is_in_one_that_is(name, compared, short_runs):
    assert not {*compared} & {*COMPARED_AS, *IN_PARTS}
    kinds_of = {each: kinds(structure(resolved(each))) for each in (name, *compared)}
    assert kinds_of[name] - set().union(*(kinds_of[each] for each in compared)) == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("leaky_relu", "gradient_accumulation"),  # accumulates
        ("default_one_cycle", "default_nesterov"),  # moves the momentum
        ("leaky_relu", "sparse_l1"),  # has a penalty
        ("leaky_relu", "prelu"),  # has weights in its activation
        ("default_nesterov", "he_elu_bn"),  # clips
        ("default_nesterov", "mixed_precision"),  # computes in another precision
        ("xor_linear", "linear_regression"),  # counts another metric
        ("schedule_inverse_time", "leaky_relu"),  # has hidden layers
    ],
)
def test_what_the_steps_depend_on_makes_another_structure(one, other, short_runs):
    assert structure(resolved(one)) != structure(resolved(other))
