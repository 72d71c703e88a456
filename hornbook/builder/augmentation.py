"""The layers that change training examples: `data.augmentation`. Their names begin alike, and saved models have none."""

from collections.abc import Callable
from typing import Any

import keras

from hornbook.builder.randomness import derive_seed
from hornbook.data.facts import DataInfo, Preprocessing
from hornbook.layers.augmentation import Mixing, RandomCutout
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sources import Augmentation

__all__ = ["AUGMENTATION", "augmentation_layers", "white_of"]

AUGMENTATION = "augmentation_"
"""How the names of layers begin that change examples while training."""
LAST = ("cutout", "mixing")
"""Those that act on standardized inputs: 0 is the mean there, and columns are encoded."""

Make = Callable[..., keras.layers.Layer]


def white_of(info: DataInfo, preprocessing: Preprocessing) -> float:
    """Return the number of white in images as they are stored; black is 0."""
    return preprocessing.scale or (255.0 if info.input_dtype == "uint8" else 1.0)


def augmentation_layers(
    recipe: Recipe, info: DataInfo, *, white: float
) -> tuple[list[keras.layers.Layer], list[keras.layers.Layer]]:
    """Return the layers that change examples while training, in their order: before and after standardizing.

    Args:
        recipe: A resolved recipe.
        info: Facts about the data.
        white: The number of white where the layers are; black is 0.
    """
    given = recipe.data.augmentation
    if given is None:
        return [], []
    makers = {
        **_geometry(given),
        **_colors(given, (0.0, white)),
        **_last(given, mixes_targets=info.task == "regression"),
    }
    layers = {
        name: make(name=AUGMENTATION + name, seed=derive_seed(recipe.seed, AUGMENTATION + name), dtype="float32")
        for name, make in makers.items()
    }
    return (
        [layer for name, layer in layers.items() if name not in LAST],
        [layer for name, layer in layers.items() if name in LAST],
    )


def _geometry(given: Augmentation) -> dict[str, Make]:
    layers: Any = keras.layers
    nearest = {"fill_mode": "nearest"}
    makers: dict[str, Make] = {}
    if given.flip is not None:
        mode = "horizontal_and_vertical" if given.flip == "both" else given.flip
        makers["flip"] = lambda **shared: layers.RandomFlip(mode, **shared)
    if given.shift:
        makers["shift"] = lambda **shared: layers.RandomTranslation(given.shift, given.shift, **nearest, **shared)
    if given.rotate:
        turn = given.rotate / 360  # Keras counts in full turns
        makers["rotate"] = lambda **shared: layers.RandomRotation(turn, **nearest, **shared)
    if given.zoom:
        makers["zoom"] = lambda **shared: layers.RandomZoom(given.zoom, **nearest, **shared)
    return makers


def _colors(given: Augmentation, ends: tuple[float, float]) -> dict[str, Make]:
    """Return what changes the pixels themselves; `ends` are black and white."""
    layers: Any = keras.layers
    makers: dict[str, Make] = {}
    if given.brightness:
        makers["brightness"] = lambda **shared: layers.RandomBrightness(given.brightness, ends, **shared)
    if given.contrast:
        both = (given.contrast, given.contrast)  # of one number Keras only makes contrasts larger
        makers["contrast"] = lambda **shared: layers.RandomContrast(both, ends, **shared)
    if given.saturation:
        change = given.saturation
        lowest, highest = (1 - change) / (2 - change), (1 + change) / (2 + change)  # Keras's f multiplies by f/(1 - f)
        # Saturation lies between 0 and 1 whatever the pixels do.
        makers["saturation"] = lambda **shared: layers.RandomSaturation((lowest, highest), (0.0, 1.0), **shared)
    if given.hue:
        turn = 2 * given.hue  # Keras counts in half turns
        makers["hue"] = lambda **shared: layers.RandomHue(turn, ends, **shared)
    if given.noise:
        makers["noise"] = lambda **shared: layers.GaussianNoise(given.noise, **shared)
    return makers


def _last(given: Augmentation, *, mixes_targets: bool) -> dict[str, Make]:
    makers: dict[str, Make] = {}
    if given.cutout:
        side = given.cutout
        makers["cutout"] = lambda **shared: RandomCutout(side, **shared)
    if given.mixes:
        makers["mixing"] = lambda **shared: Mixing(given.mixup, given.cutmix, mixes_targets, **shared)
    return makers
