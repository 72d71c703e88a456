"""Takes layers out of an earlier model and puts copies of them into a new one. The earlier model stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from hornbook.builder.augmentation import AUGMENTATION
from hornbook.builder.phases import chosen_layers
from hornbook.builder.randomness import derive_seed
from hornbook.data.facts import DataInfo, Preprocessing
from hornbook.data.source import Array
from hornbook.errors import Problem, RecipeError
from hornbook.recipes.language.layer_names import block_number
from hornbook.upstream import run_through, trusted

__all__ = ["PREPROCESSING", "Copied", "EarlierModel", "attach", "copy_by_name", "fit_inputs", "own_preprocessing"]

Tensor = Any
PREPROCESSING = ("Rescaling", "Normalization")
FRACTION, DARKEST_PIXELS, PIXEL = 1.0, 16.0, 255.0
"""The largest fraction, what the largest pixel of a data set is not below, and the largest pixel there is."""


@dataclass(frozen=True)
class EarlierModel:
    """An earlier model, loaded.

    Attributes:
        model: The whole network.
        kept: Names of the layers to keep, in order; all where the recipe copies by name.
        last: The last one, after which the new part begins.
        where: The file or application it comes from, for messages and the run's record.
        checksum: SHA-256 of the file, or None.
        preprocess: What an application does to pixels from 0 to 255 in front of its first layer, or None.
        pairs: {new layer: the earlier model's} where the recipe's `model` is the whole network, to be filled by name; None
            where it follows the kept layers.
    """

    model: keras.Model
    kept: tuple[str, ...]
    last: str
    where: str
    checksum: str | None = None
    preprocess: Any = None
    pairs: Mapping[str, str] | None = None

    def prepares_inputs(self) -> bool:
        """Return whether the kept layers scale or standardize their inputs themselves."""
        names = {type(self.model.get_layer(name)).__name__ for name in self.kept if _has_layer(self.model, name)}
        return self.preprocess is not None or bool(names & set(PREPROCESSING))

    def blocks(self) -> int:
        """Return the highest number among kept `hidden_…` blocks; new blocks are numbered from there."""
        return max((block_number(name) for name in self.kept), default=0)


@dataclass(frozen=True)
class Copied:
    """What was copied into a network.

    Attributes:
        origin: {new layer: the earlier model's layer}, in the order of the network.
        skipped: {the earlier model's layer: why it was not copied}.
        start: {new layer: its weights when training began}; empty where the structure alone was taken.
        where: The file or application it comes from.
        checksum: SHA-256 of the file, or None.
    """

    origin: Mapping[str, str]
    skipped: Mapping[str, str]
    start: Mapping[str, Sequence[Array]] = field(default_factory=dict)
    where: str = ""
    checksum: str | None = None


def _has_layer(model: keras.Model, name: str) -> bool:
    return any(layer.name == name for layer in model.layers)


def own_preprocessing(source: EarlierModel, preprocessing: Preprocessing) -> Preprocessing:
    """Return what is left to do to the inputs in front of the kept layers."""
    return Preprocessing() if source.prepares_inputs() else preprocessing


def fit_inputs(x: Tensor, source: EarlierModel, info: DataInfo, preprocessing: Preprocessing) -> Tensor:
    """Return the inputs in the shape and range that the earlier model reads: resized, grey ↔ colour.

    Raises:
        RecipeError: If no adapting makes them fit.
    """
    expected = tuple(source.model.inputs[0].shape[1:])
    found = tuple(x.shape[1:])
    if source.preprocess is not None:
        x = _as_pixels(x, info, preprocessing)
    if info.kind == "image" and len(expected) == 3:
        x = _resized(x, expected)
        x = _recoloured(x, expected[-1])
    if len(expected) != len(x.shape) - 1 or any(
        size not in (None, own) for size, own in zip(expected, x.shape[1:], strict=True)
    ):
        message = f"the earlier model reads inputs of shape {expected}, the data has {found}."
        raise RecipeError(
            [Problem(("reuse", "from"), message, "Choose another model or other data.", code="reuse-shape")]
        )
    return source.preprocess(x) if source.preprocess is not None else x


def _as_pixels(x: Tensor, info: DataInfo, preprocessing: Preprocessing) -> Tensor:
    """Return images as applications read them: from 0 to 255.

    Raises:
        RecipeError: If they are neither pixels nor fractions.
    """
    scale = preprocessing.scale
    if scale is None:
        largest = info.extra.get("inputs", {}).get("largest", 1.0)
        if FRACTION < largest < DARKEST_PIXELS or largest > PIXEL:
            message = (
                f"applications read pixels from 0 to 255 or fractions from 0 to 1, and these images reach {largest:g}."
            )
            hint = "Give them as one of both."
            raise RecipeError([Problem(("reuse", "from"), message, hint, code="reuse-range")])
        scale = PIXEL if largest > FRACTION else FRACTION
    return x if scale == PIXEL else keras.layers.Rescaling(PIXEL / scale, name="pixels", dtype="float32")(x)


def _resized(x: Tensor, expected: tuple[int | None, ...]) -> Tensor:
    height, width = (wanted or own for wanted, own in zip(expected[:2], x.shape[1:3], strict=True))
    if (height, width) == tuple(x.shape[1:3]):
        return x
    return keras.layers.Resizing(height, width, name="resize", dtype="float32")(x)


def _recoloured(x: Tensor, channels: int | None) -> Tensor:
    if channels == 3 and x.shape[-1] == 1:
        return keras.layers.Concatenate(name="channels", dtype="float32")([x, x, x])
    if channels == 1 and x.shape[-1] == 3:
        return ops.mean(x, axis=-1, keepdims=True)
    return x


def attach(source: EarlierModel, x: Tensor, *, seed: int, fresh: bool) -> tuple[Tensor, Copied]:
    """Run `x` through copies of the kept layers; returns the last one's output and what was copied.

    Args:
        source: The earlier model.
        x: Inputs in the shape that it reads.
        seed: The recipe's seed; copies draw other numbers than the originals.
        fresh: Whether to leave out what was learned.
    """
    part = keras.Model(source.model.inputs, source.model.get_layer(source.last).output)
    copies: dict[int, Any] = {}

    def copy_of(operation: Any) -> Any:
        if id(operation) not in copies:
            copies[id(operation)] = _copy(operation, seed)
        return copies[id(operation)]

    output = run_through(part, x, copy_of)
    origin, start = {}, {}
    for layer in part.layers:
        copy = copies.get(id(layer))
        if copy is None:
            continue
        origin[copy.name] = layer.name
        if not fresh:
            copy.set_weights(layer.get_weights())
            if copy.weights:
                start[copy.name] = [np.array(weight) for weight in layer.get_weights()]
    kept = {id(layer) for layer in part.layers}
    rest = [layer.name for layer in source.model.layers if id(layer) not in kept]
    return output, Copied(origin, dict.fromkeys(rest, "behind the cut"), start, source.where, source.checksum)


def _copy(operation: Any, seed: int) -> Any:
    """Return an operation of the same kind with weights and random draws of its own."""
    config = operation.get_config()
    name = str(config.get("name") or operation.name)
    if name in {"input", "head"} or name.startswith(("head_", AUGMENTATION)):
        name = config["name"] = f"reused_{name}"  # names that the new part takes
    with trusted():
        copy = type(operation).from_config(_reseeded(config, seed, name))
    if isinstance(copy, keras.layers.Layer):
        copy.trainable = True
    return copy


def _reseeded(value: Any, seed: int, *place: str) -> Any:
    """Return a config with every seed drawn anew from the recipe's seed and the place in the network."""
    if isinstance(value, Mapping):
        return {
            key: derive_seed(seed, *place) if key == "seed" else _reseeded(item, seed, *place, *_part(key))
            for key, item in value.items()
        }
    return [_reseeded(item, seed, *place) for item in value] if isinstance(value, list) else value


def _part(key: str) -> tuple[str, ...]:
    return (key.removesuffix("_initializer"),) if key.endswith("_initializer") else ()


def copy_by_name(model: keras.Model, source: EarlierModel, pairs: Mapping[str, str], *, fresh: bool) -> Copied:
    """Fill layers of a new network with those of the earlier one, block by block.

    Raises:
        RecipeError: If a layer does not exist or shapes differ; names both layers and both shapes.
    """
    new_names = [layer.name for layer in model.layers]
    old_names = [layer.name for layer in source.model.layers]
    origin: dict[str, str] = {}
    start: dict[str, list[Array]] = {}
    problems = []
    for new, old in pairs.items():
        path = ("reuse", "copy", new)
        own = {name.removeprefix(new): name for name in chosen_layers(new, new_names, path)}
        theirs = {name.removeprefix(old): name for name in chosen_layers(old, old_names, path)}
        for part in own:
            if part not in theirs:
                continue
            target, given = model.get_layer(own[part]), source.model.get_layer(theirs[part])
            shapes = [[tuple(weight.shape) for weight in layer.weights] for layer in (target, given)]
            if shapes[0] != shapes[1]:
                texts = [", ".join(map(str, shape)) or "no weights" for shape in shapes]
                message = f"'{target.name}' ({texts[0]}) cannot take the weights of '{given.name}' ({texts[1]})."
                problems.append(Problem(path, message, "Make their units and inputs equal.", code="reuse-shape"))
            elif target.weights:
                origin[target.name] = given.name
                if not fresh:
                    target.set_weights(given.get_weights())
                    start[target.name] = [np.array(weight) for weight in given.get_weights()]
    if problems:
        raise RecipeError(problems)
    ordered = {name: origin[name] for name in new_names if name in origin}
    rest = [layer.name for layer in source.model.layers if layer.weights and layer.name not in ordered.values()]
    return Copied(ordered, dict.fromkeys(rest, "not named in copy"), start, source.where, source.checksum)
