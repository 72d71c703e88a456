"""The fused engine and plain `model.fit` train every shipped recipe alike, given the same order of examples and seed.

What draws random numbers is taken out, since the two draw differently; so is what `fit` cannot do (a moving momentum,
averaged weights). That dropout and its kind have the right distribution is tested beside the engine.
"""

import numpy as np
import pytest

from hornbook import load_recipe
from hornbook.builder.randomness import permutation
from hornbook.engine.engine import EpochPlan
from hornbook.engine.loops import make_loop
from hornbook.recipes import shipped_recipes
from hornbook.recipes.recipe import Recipe
from hornbook.trainer.prepare import prepare

RANDOM = ("dropout", "input_dropout", "alpha_dropout", "spatial_dropout", "gaussian_dropout", "gaussian_noise")


def without_randomness(recipe: Recipe, engine: str) -> Recipe:
    """Return the recipe for one engine, with a constant rate and nothing random."""
    plain = recipe.to_dict()
    plain["regularization"] = {
        key: value for key, value in plain.get("regularization", {}).items() if key not in RANDOM
    }
    plain["data"].pop("augmentation", None)
    plain["optimizer"].pop("ema", None)
    plain["schedule"] = "constant"
    plain["training"]["engine"] = engine
    if plain.get("activation", {}).get("name") == "randomized_leaky_relu":
        plain["activation"] = "leaky_relu"
    return Recipe.model_validate(plain)


def one_epoch(recipe: Recipe) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Return the figures of one epoch and the weights after it, by name."""
    prepared = prepare(recipe)
    loop = make_loop(prepared.setup())
    rates, momenta = prepared.table.epoch(0)
    plan = EpochPlan(permutation(recipe.seed, 0, len(prepared.splits.train)), rates, momenta, 0)
    loop.train_epoch(plan, iter(lambda: 7, None), lambda done: False)
    weights = {variable.path: variable.numpy() for variable in prepared.built.model.weights}
    return loop.logs(), weights


@pytest.mark.parametrize("name", shipped_recipes())
def test_the_engine_and_fit_agree(name, short_runs):
    few = short_runs.few_examples(load_recipe(name, for_training=False))[:1]
    recipe = load_recipe(name, [*short_runs.overrides(name), *few])
    engine = "xla" if name in {"he_elu_bn", "self_normalizing"} else "graph"
    ours, our_weights = one_epoch(without_randomness(recipe, engine))
    theirs, their_weights = one_epoch(without_randomness(recipe, "fit"))
    coarse = recipe.training.precision != "float32" or recipe.optimizer.name in {"lion", "muon"}  # signs, rounding
    tolerance = 2e-2 if coarse else 2e-4
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert value == pytest.approx(theirs[key], rel=tolerance, abs=tolerance), key
    for path, weight in our_weights.items():
        np.testing.assert_allclose(weight, their_weights[path], rtol=tolerance, atol=tolerance, err_msg=path)
