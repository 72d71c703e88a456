"""Parts of a row: which columns a wide and a deep path read, by names of a recipe or of inputs; cut out of the row."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from hornbook.data.facts import DataInfo, Feature
from hornbook.recipes.sections.model import PATHS, InputGroups, WideAndDeep

__all__ = ["cut", "paths_of"]

Tensor = Any


def cut(x: Tensor, start: int, stop: int, name: str, shape: tuple[int, ...] | None = None) -> Tensor:
    """Return the numbers from one place to another of each row, (B, F), in this shape: layers, which have names.

    Args:
        x: The rows.
        start: The first place.
        stop: The place behind the last one.
        name: What the layers are called.
        shape: Of what is cut out; a row when omitted.
    """
    width = x.shape[-1]
    x = keras.layers.Reshape((width, 1), name=f"{name}_places", dtype="float32")(x)
    x = keras.layers.Cropping1D((start, width - stop), name=f"{name}_cut", dtype="float32")(x)
    return keras.layers.Reshape(shape or (stop - start,), name=f"{name}_shape", dtype="float32")(x)


def paths_of(model: WideAndDeep, features: Sequence[Feature], info: DataInfo) -> tuple[list[int], list[int]]:
    """Return the places of the columns that the wide and the deep path read, in the order of the table.

    A name is that of a column, of a column of dates for all the numbers made of it, or of an input given from Python for
    all its columns; columns without names go by their numbers from 0 on. That there are such columns is a rule of recipes.

    Args:
        model: The section of the recipe.
        features: What a row holds.
        info: Facts about the data.
    """
    by_name: dict[str, list[int]] = {}
    for place, feature in enumerate(features):
        by_name.setdefault(feature.source, []).append(place)
    inputs: Mapping[str, Sequence[str]] = info.extra.get("groups", {})
    known = by_name | {name: [place for each in columns for place in by_name[each]] for name, columns in inputs.items()}
    groups = model.inputs
    if groups is None and set(PATHS) <= set(inputs):
        groups = InputGroups(wide=("wide",), deep=("deep",))
    named = [getattr(groups, path, None) or tuple(by_name) for path in PATHS]
    wide, deep = (sorted({place for name in names for place in known.get(name, ())}) for names in named)
    return wide, deep
