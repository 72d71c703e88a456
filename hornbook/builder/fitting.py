"""First weights that fit the training examples: each unit's weighted sums deviate by 1, and it bends among them.

Krähenbühl et al. (2016), arXiv:1511.06856; with biases Holzmüller et al. (2024), arXiv:2407.04491, appendix B.
"""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from hornbook.builder.randomness import derive_seed
from hornbook.data.source import Inputs
from hornbook.data.storage.rows import in_memory, select
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.initializer import InitializerSpec

__all__ = ["fit_first_weights", "fits_first_weights"]

MOST_EXAMPLES = 10_000
MIXED = 5  # examples of which a bias is a mixture


def fit_first_weights(model: keras.Model, recipe: Recipe, x: Inputs) -> None:
    """Change the first weights of the layers whose initializer is data-dependent, from the first layer on.

    Args:
        model: A network with fresh weights, without augmentation.
        recipe: A resolved recipe.
        x: (N, …) the training inputs, of which at most 10,000 are drawn by the recipe's seed.
    """
    chosen = list(_layers(model, recipe))
    if not chosen:
        return
    generator = np.random.default_rng(derive_seed(recipe.seed, "first_weights"))
    count = min(len(x), MOST_EXAMPLES)
    examples = in_memory(select(x, np.sort(generator.choice(len(x), count, replace=False))))
    for layer, initializer in chosen:
        inputs = np.asarray(keras.Model(model.input, layer.input)(examples, training=False), np.float64)
        kernel = np.asarray(layer.kernel, np.float64)
        sums = inputs @ kernel  # (examples, units)
        deviation = sums.std(axis=0)
        deviation[deviation == 0] = 1.0
        layer.kernel.assign((kernel / deviation).astype(np.float32))
        if initializer.data_dependent == "scale_and_bias" and layer.use_bias:
            rows = generator.integers(0, count, (MIXED, layer.units))
            shares = generator.exponential(size=(MIXED, layer.units))
            mixed = ((sums / deviation)[rows, np.arange(layer.units)] * shares).sum(axis=0) / shares.sum(axis=0)
            layer.bias.assign((-mixed).astype(np.float32))


def fits_first_weights(recipe: Recipe) -> bool:
    """Return whether examples change the first weights, so that their initializers say nothing about signals."""
    own = [each.initializer for each in (recipe.head, *(recipe.heads or {}).values())]
    return any(each is not None and each.data_dependent for each in (recipe.initializer, *own))


def _layers(model: keras.Model, recipe: Recipe) -> "Iterator[tuple[Any, InitializerSpec]]":
    heads = {"head": recipe.head} | {f"head_{name}": head for name, head in (recipe.heads or {}).items()}
    otherwise = recipe.initializer if recipe.model.hidden_units() == () else None
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            head = heads.get(layer.name)
            chosen = recipe.initializer if head is None else head.initializer or otherwise
            if chosen is not None and chosen.data_dependent is not None:
                yield layer, chosen
