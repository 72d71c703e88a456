"""Backbones: what stands between the preprocessed inputs and the head. Layers are named by blocks: hidden_1, hidden_2 …

Every function takes the preprocessed inputs, the recipe's `model` and its ingredients, and returns the features for the
head, (B, F).
"""

from typing import Any

import keras

from hornbook.builder.features.blocks import Ingredients
from hornbook.builder.features.groups import cut
from hornbook.builder.features.members import shared_dense
from hornbook.builder.features.tokens import Vocabulary, embedded, with_mask
from hornbook.builder.randomness import derive_seed
from hornbook.layers.tokens import MaskedPooling, MaskSteps, PooledMask
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.initializer import Orthogonal
from hornbook.recipes.sections.model import Cnn, Mlp, ModelSpec, ResidualCnn, Rnn, WideAndDeep

__all__ = ["backbone_features", "cnn", "features", "mlp", "recurrent_arguments", "residual_cnn", "rnn", "wide_and_deep"]

Tensor = Any


def _flat(x: Tensor) -> Tensor:
    return keras.layers.Flatten(name="flatten")(x) if len(x.shape) > 2 else x


def mlp(x: Tensor, model: Mlp, ingredients: Ingredients) -> Tensor:
    """A stack of dense layers over flattened inputs."""
    first = ingredients.blocks_before + 1
    if model.ensemble is None:
        return ingredients.dense_stack(_flat(x), model.hidden_units(), first)
    x = keras.layers.RepeatVector(model.ensemble, name="repeat", dtype=ingredients.precision)(_flat(x))
    for index, units in enumerate(model.hidden_units(), first):
        x = shared_dense(x, units, ingredients, f"hidden_{index}", is_first=index == first)
    return x


def wide_and_deep(x: Tensor, model: WideAndDeep, ingredients: Ingredients, *, wide: int | None = None) -> Tensor:
    """What the wide path reads beside what dense layers make of what the deep path reads.

    Args:
        x: (B, F).
        model: The section of the recipe.
        ingredients: Of the deep path.
        wide: How many numbers at the front are the wide path's, the others being the deep path's; None: both read all.
    """
    direct = deep = x
    if wide is not None:
        direct, deep = cut(x, 0, wide, "wide"), cut(x, wide, x.shape[-1], "deep")
    deep = ingredients.dense_stack(deep, model.hidden_units(), ingredients.blocks_before + 1)
    return keras.layers.Concatenate(name="wide_and_deep", dtype=ingredients.precision)([direct, deep])


def cnn(x: Tensor, model: Cnn, ingredients: Ingredients, *, vocabulary: Vocabulary | None = None) -> Tensor:
    """Blocks of convolutions and pooling over images, sequences or embedded tokens, then dense layers."""
    if vocabulary is not None:
        return _cnn_of_tokens(x, model, ingredients, vocabulary)
    number, is_flat = ingredients.blocks_before, len(x.shape) == 3
    for block, filters in enumerate(model.filters, number + 1):
        for convolution in range(model.convolutions):
            number += 1
            is_first = number == ingredients.blocks_before + 1
            strides = model.pool_size if model.pooling == "stride" and convolution == model.convolutions - 1 else 1
            strides *= model.stem_strides if is_first else 1
            options: dict[str, Any] = {"kernel_size": model.kernel_size, "padding": model.padding, "strides": strides}
            options["separable"] = model.separable and not is_first
            x = ingredients.conv(x, filters, f"hidden_{number}", **options)
        if model.pooling in {"max", "average"} and min(x.shape[1:-1]) >= model.pool_size:
            x = _pooling(model.pooling, is_flat)(model.pool_size, name=f"pooling_{block}")(x)
    ending = "1D" if is_flat else "2D"
    flatten = {"flatten": "Flatten", "global_average": f"GlobalAveragePooling{ending}",
               "global_max": f"GlobalMaxPooling{ending}"}[model.flatten]  # fmt: skip
    return ingredients.dense_stack(getattr(keras.layers, flatten)(name="flatten")(x), model.dense, number + 1)


def _pooling(way: str, is_flat: bool) -> Any:
    kind = "Max" if way == "max" else "Average"
    return getattr(keras.layers, f"{kind}Pooling{'1D' if is_flat else '2D'}")


def _cnn_of_tokens(x: Tensor, model: Cnn, ingredients: Ingredients, vocabulary: Vocabulary) -> Tensor:
    """The same over embedded tokens: what stands for padding is zero in front of each layer, and is not pooled."""
    x, mask = with_mask(x, model, vocabulary, ingredients)
    number, arguments = ingredients.blocks_before, {"dtype": ingredients.precision}
    for block, filters in enumerate(model.filters, number + 1):
        for _ in range(model.convolutions):
            number += 1
            x = MaskSteps(name=f"hidden_{number}_mask", **arguments)([x, mask])
            x = ingredients.conv(x, filters, f"hidden_{number}", kernel_size=model.kernel_size, padding="same")
        if model.pooling != "none" and x.shape[1] >= model.pool_size:
            x = MaskedPooling(model.pool_size, model.pooling, name=f"pooling_{block}", **arguments)([x, mask])
            mask = PooledMask(model.pool_size, name=f"pooling_{block}_mask", **arguments)(mask)
    if model.flatten == "flatten":
        x = keras.layers.Flatten(name="flatten")(MaskSteps(name="flatten_mask", **arguments)([x, mask]))
    else:
        mode = model.flatten.removeprefix("global_")
        x = MaskedPooling(None, mode, name="flatten", **arguments)([x, mask])
    return ingredients.dense_stack(x, model.dense, number + 1)


def residual_cnn(x: Tensor, model: ResidualCnn, ingredients: Ingredients) -> Tensor:
    """A residual network: stem, stages of two-convolution blocks with shortcuts, global average, dense layers."""
    size: dict[str, Any] = {"kernel_size": model.kernel_size, "padding": "same"}
    number = ingredients.blocks_before + 1
    x = ingredients.conv(x, model.filters[0], f"hidden_{number}", strides=model.stem_strides, **size)
    size["separable"] = model.separable
    for stage, filters in enumerate(model.filters):
        for block in range(model.blocks):
            strides = 2 if stage and not block else 1
            first, second = f"hidden_{number + 1}", f"hidden_{number + 2}"
            number += 2
            shortcut = x
            if strides != 1 or x.shape[-1] != filters:
                name = f"{second}_shortcut"
                shortcut = ingredients.conv(x, filters, name, finish=False, kernel_size=1, strides=strides)
                shortcut = ingredients.normalize(shortcut, name, "before_activation")
            x = ingredients.conv(x, filters, first, strides=strides, **size)
            x = ingredients.conv(x, filters, second, finish=False, **size)
            x = ingredients.normalize(x, second, "before_activation")
            x = keras.layers.Add(name=f"{second}_add", dtype=ingredients.precision)([x, shortcut])
            x = ingredients.activate(x, second)
            x = ingredients.regularize(ingredients.normalize(x, second, "after_activation"), second)
    x = keras.layers.GlobalAveragePooling2D(name="flatten")(x)
    return ingredients.dense_stack(x, model.dense, number + 1)


CELLS = {"simple": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}


def recurrent_arguments(ingredients: Ingredients, name: str) -> dict[str, Any]:
    """Return the arguments of a recurrent layer: the activation goes into the cell, recurrent weights are orthogonal."""
    arguments = ingredients.weights(name)
    arguments["use_bias"] = True  # the cell's gates need it, whatever normalizes its outputs
    arguments["activation"] = ingredients.activation.function_name()
    arguments["recurrent_initializer"] = Orthogonal().build(seed=derive_seed(ingredients.seed, f"{name}/recurrent"))
    arguments["seed"] = derive_seed(ingredients.seed, f"{name}/recurrent_dropout")
    return arguments


def rnn(x: Tensor, model: Rnn, ingredients: Ingredients, *, vocabulary: Vocabulary | None = None) -> Tensor:
    """Recurrent layers over sequences, embedded tokens or the rows of an image, then dense layers."""
    if vocabulary is not None:
        width = model.embedding or 64
        x = embedded(x, width, vocabulary, ingredients, frozen=model.frozen_embedding, masks=True)
    elif len(x.shape) == 4:
        x = keras.layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="rows")(x)
    number, widths = ingredients.blocks_before, model.recurrent_units()
    for index, units in enumerate(widths, 1):
        name = f"hidden_{number + index}"
        arguments = recurrent_arguments(ingredients, name)
        arguments["return_sequences"] = index < len(widths)
        layer = getattr(keras.layers, CELLS[model.cell])
        if model.bidirectional:
            cells = []
            for direction in ("forward", "backward"):  # Keras alone would start both from the same weights
                own = recurrent_arguments(ingredients, f"{name}_{direction}")
                own["return_sequences"] = arguments["return_sequences"]
                own["go_backwards"] = direction == "backward"
                cells.append(layer(units, recurrent_dropout=model.recurrent_dropout, **own))
            x = keras.layers.Bidirectional(cells[0], backward_layer=cells[1], name=name, dtype=ingredients.precision)(x)
        else:
            x = layer(units, recurrent_dropout=model.recurrent_dropout, **arguments)(x)
        x = ingredients.finish(x, name, activate=False)
    return ingredients.dense_stack(x, model.dense, number + len(widths) + 1)


def features(
    x: Tensor,
    recipe: Recipe,
    *,
    vocabulary: Vocabulary | None = None,
    wide: int | None = None,
    blocks_before: int = 0,
    taken: frozenset[str] = frozenset(),
) -> Tensor:
    """Return the features that the head reads: the recipe's backbone over the preprocessed inputs.

    Args:
        x: What the backbone reads.
        recipe: A resolved recipe.
        vocabulary: What is known of the tokens, where the inputs are tokens.
        wide: Of two paths, how many numbers at the front are the wide one's; None where both read all.
        blocks_before: Hidden blocks of an earlier model in front of the backbone.
        taken: Names of the layers in front of it.
    """
    ingredients = Ingredients.of(recipe).replaced(blocks_before=blocks_before, taken=taken)
    return backbone_features(x, recipe.model, ingredients, vocabulary=vocabulary, wide=wide)


def backbone_features(
    x: Tensor,
    model: ModelSpec,
    ingredients: Ingredients,
    *,
    vocabulary: Vocabulary | None = None,
    wide: int | None = None,
) -> Tensor:
    """Return what a backbone makes of its inputs; arguments as of `features`."""
    arguments: dict[str, Any] = {"wide": wide} if isinstance(model, WideAndDeep) else {}
    if model.reads_vocabulary and vocabulary is not None:
        arguments["vocabulary"] = vocabulary
    return model.import_target()(x, model, ingredients, **arguments)
