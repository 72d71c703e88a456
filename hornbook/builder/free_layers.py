"""`model: {name: layers}`: any Keras layers in a row, with the ingredients on those that have weights."""

from typing import Any

import keras

from hornbook.builder.backbones import recurrent_arguments
from hornbook.builder.blocks import Ingredients
from hornbook.builder.randomness import derive_seed
from hornbook.errors import Problem, RecipeError
from hornbook.recipes.language.keras_layers import argument_names, class_name
from hornbook.recipes.sections.free_layer import KERNELS, FreeLayer
from hornbook.recipes.sections.model import Layers
from hornbook.upstream import REFUSALS, reason

__all__ = ["free_layers"]

Tensor = Any


def free_layers(x: Tensor, model: Layers, ingredients: Ingredients) -> Tensor:
    """Return the output of the last layer, flattened if the list did not do so itself.

    Raises:
        RecipeError: If Keras refuses a layer's arguments or its input's shape; names the layer's place in the list.
    """
    number, counts = ingredients.blocks_before, dict[str, int]()
    for index, item in enumerate(model.layers):
        own = ingredients.replaced(
            activation=item.activation,
            normalization=item.normalization,
            initializer=item.initializer,
            regularization=item.regularization,
        )
        if item.takes_ingredients():
            number += 1
            name = f"hidden_{number}"
        else:
            counts[item.name] = counts.get(item.name, 0) + 1
            name = f"{item.name}_{counts[item.name]}"
        try:
            x = _apply(x, item, own, name)
        except REFUSALS as error:
            message = f"Keras refuses layer '{item.name}' on an input of shape {tuple(x.shape[1:])}: {reason(error)}."
            raise RecipeError([Problem(("model", "layers", index), message, code="layer")]) from error
    return keras.layers.Flatten(name="flatten")(x) if len(x.shape) > 2 else x


def _apply(x: Tensor, item: FreeLayer, own: Ingredients, name: str) -> Tensor:
    cls = getattr(keras.layers, class_name(item.name))
    known = argument_names(item.name)
    written = {key: tuple(value) if isinstance(value, list) else value for key, value in item.arguments().items()}
    if item.name == "activation":
        return own.activate(x, name)
    if not item.takes_ingredients():
        if "seed" in known:
            written.setdefault("seed", derive_seed(own.seed, name))
        if "embeddings_initializer" in known and "embeddings_initializer" not in written:
            written["embeddings_initializer"] = keras.initializers.RandomUniform(seed=derive_seed(own.seed, name))
        return cls(name=name, **written)(x)
    kernels = tuple(kernel for kernel in KERNELS if f"{kernel}_initializer" in known)
    if item.is_recurrent():
        arguments = recurrent_arguments(own, name)
    else:
        axes = list(range(len(x.shape) - 1)) if "conv" in item.name else 0
        arguments = own.weights(name, kernels=kernels, axes=axes)
    if "use_bias" not in known:
        arguments.pop("use_bias")
    return own.finish(cls(**{**arguments, **written})(x), name, activate=not item.is_recurrent())
