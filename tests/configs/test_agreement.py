"""The fused engine and plain `model.fit` train every shipped recipe alike, given the same order of examples and seed.

The engine's side is the run that the contract looks at; `fit` works without a graph, one operation after the other. What
draws random numbers is taken out of a second run of those recipes that have it, since the two draw differently; so is what
`fit` cannot do (a moving momentum, averaged weights). That dropout and its kind have the right distribution is tested
beside the engine.
"""

import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.builder.randomness import permutation
from hornbook.engine.engine import EpochPlan
from hornbook.recipes.recipe import Recipe
from hornbook.trainer.prepare import prepare
from hornbook.trainer.session import Session

RANDOM = ("dropout", "input_dropout", "alpha_dropout", "spatial_dropout", "gaussian_dropout", "gaussian_noise")
UNDER_XLA = {"he_elu_bn", "self_normalizing"}
IN_A_GRAPH = {"funnel"}
"""Recipes whose gradients are so small that dividing by them magnifies another order of sums; `fit` takes the graph's."""


def without_randomness(recipe: Recipe) -> Recipe:
    """Return the recipe with nothing random and nothing that `fit` cannot do."""
    plain = recipe.to_dict()
    plain["regularization"] = {
        key: value for key, value in plain.get("regularization", {}).items() if key not in RANDOM
    }
    plain["data"].pop("augmentation", None)
    plain["optimizer"].pop("ema", None)
    if plain["model"].get("recurrent_dropout"):
        plain["model"]["recurrent_dropout"] = 0
    if plain["schedule"]["name"] == "one_cycle":
        plain["schedule"] = "constant"
    if plain.get("activation", {}).get("name") == "randomized_leaky_relu":
        plain["activation"] = "leaky_relu"
    return Recipe.model_validate(plain)


def one_epoch(recipe: Recipe, start: list[np.ndarray] | None = None) -> tuple[dict[str, float], list[np.ndarray]]:
    """Return the figures of the first epoch, and the weights after it, begun with other weights if they are given."""
    prepared = prepare(recipe)
    session = Session(prepared)
    session.enter()
    # `fit` asks for it, the engine does not; without a graph, recurrent layers take longer than their graph does.
    prepared.built.training_model.run_eagerly = recipe.model.name != "rnn" and recipe.name not in IN_A_GRAPH
    if start is not None:
        prepared.built.model.set_weights(start)
    rates, momenta = prepared.table.epoch(0)
    plan = EpochPlan(permutation(recipe.seed, 0, len(prepared.splits.train)), rates, momenta, 0)
    session.loop.train_epoch(plan, iter(lambda: 7, None), lambda done: False)
    return session.loop.logs(), prepared.built.model.get_weights()


def with_engine(recipe: Recipe, engine: str) -> Recipe:
    return Recipe.model_validate(recipe.to_dict() | {"training": recipe.to_dict()["training"] | {"engine": engine}})


def test_the_engine_and_fit_agree(name, short_runs):
    result = short_runs[name]
    recipe = load_recipe(name, [*short_runs.overrides(name), *short_runs.few_examples(result.recipe)])
    plain = without_randomness(recipe)
    if plain == recipe and name not in UNDER_XLA:
        ours, our_weights, start = result.history[-1], result.model.get_weights(), short_runs.starts[name]
    else:
        start = None
        ours, our_weights = one_epoch(with_engine(plain, "xla" if name in UNDER_XLA else "graph"))
    theirs, their_weights = one_epoch(with_engine(plain, "fit"), start)
    coarse = recipe.training.precision != "float32" or recipe.optimizer.name in {"lion", "muon"}  # signs, rounding
    tolerance = 2e-2 if coarse else 2e-4
    for key, value in theirs.items():
        assert ours[key] == pytest.approx(value, rel=tolerance, abs=tolerance), key
    for ours_after, theirs_after in zip(our_weights, their_weights, strict=True):
        np.testing.assert_allclose(ours_after, theirs_after, rtol=tolerance, atol=tolerance)
