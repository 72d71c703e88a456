"""`model: {name: layers}`: any Keras layers, in a row or in branches, with the ingredients on those that have weights."""

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import keras

from hornbook.builder.features.backbones import recurrent_arguments
from hornbook.builder.features.blocks import Ingredients, build_initializer
from hornbook.builder.randomness import derive_seed
from hornbook.errors import Problem, RecipeError
from hornbook.recipes.language.keras_layers import argument_names, class_name
from hornbook.recipes.sections.connections import JOINS, sources
from hornbook.recipes.sections.free_layer import KERNELS, FreeLayer
from hornbook.recipes.sections.layer_arguments import Limit, function_of, initializer_of, limit_of, penalty_of
from hornbook.recipes.sections.model import Layers
from hornbook.upstream import REFUSALS, reason

__all__ = ["free_layers", "layer_names"]

Tensor = Any
ELEMENTWISE = frozenset({"add", "average", "maximum", "minimum", "multiply", "subtract"})


def free_layers(x: Tensor, model: Layers, ingredients: Ingredients) -> Tensor:
    """Return the output of the last layer, flattened if the list did not do so itself.

    Raises:
        RecipeError: If Keras refuses a layer's arguments or its input's shape; names the layer's place in the list.
    """
    names = layer_names(model, blocks_before=ingredients.blocks_before, taken=ingredients.taken)
    outputs = {-1: x}  # by place in the list
    for index, (item, places, name) in enumerate(zip(model.layers, sources(model.layers), names, strict=True)):
        own = ingredients.replaced(
            activation=item.activation,
            normalization=item.normalization,
            initializer=item.initializer,
            regularization=item.regularization,
            is_trainable=item.trainable is not False,
        )
        read = [outputs[place] for place in places]
        if item.name in JOINS:
            _check_shapes(item, read, index)
        _check_axes(item, read, index)
        try:
            x = outputs[index] = _apply(read if item.name in JOINS else read[0], item, own, name)
        except REFUSALS as error:
            shapes = " and ".join(str(tuple(tensor.shape[1:])) for tensor in read)
            what = f"an input of shape {shapes}" if len(read) == 1 else f"inputs of shapes {shapes}"
            message = f"Keras refuses layer '{item.name}' on {what}: {reason(error)}."
            raise RecipeError([Problem(("model", "layers", index), message, code="layer")]) from error
    return keras.layers.Flatten(name="flatten")(x) if len(x.shape) > 2 else x


def layer_names(model: Layers, *, blocks_before: int = 0, taken: Collection[str] = ()) -> list[str]:
    """Return what the layers of a list are called in the network.

    Args:
        model: The list.
        blocks_before: Hidden blocks of an earlier model in front of it.
        taken: Names of that model's layers.
    """
    number, used, names = blocks_before, {*taken}, list[str]()
    for item in model.layers:
        if item.takes_ingredients():
            number += 1
            names.append(f"hidden_{number}")
        else:
            names.append(next(name for name in map(f"{item.name}_{{}}".format, itertools.count(1)) if name not in used))
            used.add(names[-1])
    return names


def _check_shapes(item: FreeLayer, read: Sequence[Tensor], index: int) -> None:
    """Refuse inputs that a joining layer would stretch, or that do not fit; the other checks are Keras's own.

    Raises:
        RecipeError: Names both layers with their shapes.
    """
    if item.name not in ELEMENTWISE | {"concatenate"}:
        return
    names, shapes = item.reads() or (), [tuple(tensor.shape[1:]) for tensor in read]
    axis = item.arguments().get("axis", -1) if item.name == "concatenate" else None
    free = None if axis is None else axis - 1 if axis > 0 else axis + len(shapes[0])
    if free is not None and not 0 <= free < len(shapes[0]):
        message = (
            f"'{names[0]}' of shape {shapes[0]} has no axis {axis}, counted from the axis of examples, which is 0."
        )
        raise RecipeError(
            [Problem(("model", "layers", index, "axis"), message, "Omit it: the last axis.", code="layer")]
        )
    wanted = "the same shape" if free is None else "shapes that differ in one axis alone, the last one or 'axis'"
    for name, shape in zip(names[1:], shapes[1:], strict=True):
        if not _fit(shapes[0], shape, free=free, stretch=item.name == "multiply"):
            message = f"'{item.name}' needs {wanted}: '{names[0]}' is of shape {shapes[0]}, '{name}' of shape {shape}."
            hint = (
                "Put a layer between that brings one to the shape of the other, such as 'dense', 'conv2d' or 'flatten'."
            )
            raise RecipeError([Problem(("model", "layers", index, "from"), message, hint, code="layer")])


def _check_axes(item: FreeLayer, read: Sequence[Tensor], index: int) -> None:
    """Refuse what Keras computes across the examples of a batch: a prediction would depend on the others in it.

    Raises:
        RecipeError: Names the axis, or what attention reads that has no places to attend to.
    """
    for key in ("axis", "axes"):
        value = item.arguments().get(key)
        axes = [] if value is None else value if isinstance(value, list | tuple) else [value]
        for axis in axes:
            if axis in {0, *(-len(tensor.shape) for tensor in read)}:
                message = f"{axis} is the axis of examples, of which each is computed by itself."
                hint = "Count from 1, or from the end: -1 is the last axis."
                raise RecipeError([Problem(("model", "layers", index, key), message, hint, code="layer")])
    flat = [tensor for tensor in read if len(tensor.shape) < 3]
    if item.name == "attention" and flat:
        shape = tuple(flat[0].shape[1:])
        message = f"'attention' looks from place to place of a sequence, and one of shape {shape} has none."
        hint = "Let it read sequences of vectors, such as what 'lstm' with 'return_sequences: true' returns."
        raise RecipeError([Problem(("model", "layers", index, "from"), message, hint, code="layer")])


def _fit(first: Sequence[int | None], second: Sequence[int | None], *, free: int | None, stretch: bool) -> bool:
    """Return whether two shapes of examples agree.

    Args:
        first: One.
        second: The other.
        free: The place of the axis in which they may differ; None: they may not.
        stretch: Whether a size of 1 fits every other, as in a gate of one number per channel.
    """
    if len(first) != len(second):
        return False
    sizes = enumerate(zip(first, second, strict=True))
    return all(place == free or a == b or None in (a, b) or (stretch and 1 in (a, b)) for place, (a, b) in sizes)


def _apply(x: Tensor, item: FreeLayer, own: Ingredients, name: str) -> Tensor:
    cls = getattr(keras.layers, class_name(item.name))
    known = argument_names(item.name)
    if item.name == "activation":
        return own.activate(x, name)
    is_conv = item.takes_ingredients() and "conv" in item.name
    axes: Any = (
        list(range(len(x.shape) - 1 - item.is_recurrent())) if is_conv else 0
    )  # a recurrent one reads one by one
    written = {key: _as_keras(key, value, own, name, axes) for key, value in item.arguments().items()}
    if not item.takes_ingredients():
        if "seed" in known:
            written.setdefault("seed", derive_seed(own.seed, name))
        if not own.is_trainable:
            written["trainable"] = False
        if "embeddings_initializer" in known and "embeddings_initializer" not in written:
            written["embeddings_initializer"] = keras.initializers.RandomUniform(seed=derive_seed(own.seed, name))
        return cls(name=name, **written)(x)
    kernels = tuple(kernel for kernel in KERNELS if f"{kernel}_initializer" in known)
    arguments = recurrent_arguments(own, name) if item.is_recurrent() else own.weights(name, kernels=kernels, axes=axes)
    if "use_bias" not in known:
        arguments.pop("use_bias")
    own = replace(own, outputs=written.pop("activity_regularizer", None))
    return own.finish(cls(**{**arguments, **written})(x), name, activate=not item.is_recurrent())


def _as_keras(key: str, value: Any, own: Ingredients, name: str, axes: Any) -> Any:
    """Return an argument as Keras takes it; what a recipe says in words becomes the object that it stands for.

    Args:
        key: The argument's name.
        value: As written.
        own: The layer's ingredients.
        name: The layer's name.
        axes: Axes of a kernel over which one unit's incoming weights run.
    """
    if value is None:
        return None
    part, _, what = key.rpartition("_")
    if what == "regularizer":
        penalty = penalty_of(value)
        return keras.regularizers.L1L2(l1=penalty.l1, l2=penalty.l2)
    if what == "constraint":
        return _constraint(limit_of(value), axes if part in KERNELS else 0)
    if what == "initializer":
        return build_initializer(initializer_of(value), own.activation, seed=own.seed, name=f"{name}/{part}")
    if key == "recurrent_activation":
        return function_of(value)
    return tuple(value) if isinstance(value, list) else value


def _constraint(limit: Limit, axes: Any) -> keras.constraints.Constraint:
    if limit.kind == "NonNeg":
        return keras.constraints.NonNeg()
    if limit.kind == "UnitNorm":
        return keras.constraints.UnitNorm(axis=axes)
    if limit.min_norm is None:
        return keras.constraints.MaxNorm(limit.max_norm, axis=axes)
    return keras.constraints.MinMaxNorm(limit.min_norm, limit.max_norm or math.inf, axis=axes)
