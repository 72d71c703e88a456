"""An ensemble in one network: members share each layer's weights and have scales and biases of their own.

Wen et al. (2020), arXiv:2002.06715 (BatchEnsemble); Gorishniy et al. (2024), arXiv:2410.24210 (TabM).
"""

from typing import Any

import keras
import numpy as np

from hornbook.builder.features.blocks import Ingredients
from hornbook.builder.randomness import derive_seed
from hornbook.layers.scale import Scale
from hornbook.recipes.recipe import Recipe

__all__ = ["MEMBERS", "is_ensemble", "mean_of_members", "own_heads", "shared_dense"]

MEMBERS = "members"
"""Name of the layer that takes the mean of the members."""

Tensor = Any


def is_ensemble(recipe: Recipe) -> bool:
    """Return whether the recipe's network is an ensemble."""
    return getattr(recipe.model, "ensemble", None) is not None


def shared_dense(x: Tensor, units: int, ingredients: Ingredients, name: str, *, is_first: bool) -> Tensor:
    """Return a dense hidden layer with all ingredients of k members, (B, k, F) → (B, k, units).

    What scales the first layer's inputs starts as 1 or -1, at random, so that members differ; all else as 1.
    """
    arguments = ingredients.weights(name)
    has_bias = arguments.pop("use_bias")
    start = {"bias_initializer": arguments.pop("bias_initializer")} if "bias_initializer" in arguments else {}
    own: dict[str, Any] = {"dtype": ingredients.precision, "trainable": ingredients.is_trainable}
    inputs = Scale(name=f"{name}_inputs", **own)
    x = inputs(x)
    if is_first:
        generator = np.random.default_rng(derive_seed(ingredients.seed, f"{name}_inputs"))
        inputs.kernel.assign(generator.choice(np.array([-1, 1], np.float32), inputs.kernel.shape))
    x = keras.layers.Dense(units, use_bias=False, **arguments)(ingredients.scaled(x, name))
    outputs = Scale(has_bias, name=f"{name}_outputs", **own, **start)
    return ingredients.finish(outputs(x), name)


def own_heads(x: Tensor, units: int, arguments: dict[str, Any]) -> Tensor:
    """Return the weighted sums of a head of each member's own, (B, k, F) → (B, k, units); arguments are of a dense head."""
    arguments = dict(arguments)
    has_bias, members = arguments.pop("use_bias"), x.shape[1]
    arguments["kernel_initializer"] = _of_each(arguments["kernel_initializer"], members)
    layer = keras.layers.EinsumDense(
        "bkf,kfo->bko", output_shape=(members, units), bias_axes="ko" if has_bias else None, **arguments
    )
    return layer(x)


def _of_each(initializer: Any, members: int) -> Any:
    """Return the initializer of a kernel (k, F, units) that starts each member's as a kernel (F, units) of its own.

    Keras counts the members among the inputs.
    """
    if isinstance(initializer, keras.initializers.VarianceScaling):
        kind = keras.initializers.VarianceScaling
        return kind(initializer.scale * members, initializer.mode, initializer.distribution, seed=initializer.seed)
    if isinstance(initializer, keras.initializers.Orthogonal):
        return keras.initializers.Orthogonal(initializer.gain * members**0.5, seed=initializer.seed)
    return initializer


def mean_of_members(x: Tensor) -> Tensor:
    """Return the mean over the members, (B, k, units) → (B, units)."""
    return keras.layers.GlobalAveragePooling1D(name=MEMBERS, dtype="float32")(x)
