"""Weights between epochs: copies, the averaged ones of EMA, and saving a model without disturbing training."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from hornbook.builder.outside import wrap
from hornbook.data.facts import DataInfo
from hornbook.runs.writing import RunDirectory
from hornbook.upstream import averages

__all__ = ["averaged", "save_model", "snapshot"]


def snapshot(model: keras.Model) -> list[Any]:
    """Return copies of all weights, batch normalization's statistics included."""
    return [variable.numpy().copy() for variable in model.weights]


@contextlib.contextmanager
def averaged(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Let what an optimizer trains hold its averaged weights while this is open; nothing without EMA."""
    pairs = averages(optimizer)
    raw = [variable.numpy() for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average)
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, raw, strict=True):
            variable.assign(value)


def save_model(
    run: RunDirectory, model: keras.Model, path: Path, info: DataInfo, weights: list[Any] | None = None
) -> None:
    """Save a plain Keras model atomically, as users see it, with other weights than its own if given."""
    before = snapshot(model) if weights is not None else None
    try:
        if weights is not None:
            model.set_weights(weights)
        # A compiled model saves losses and optimizers too, which Keras does not always read back as they were.
        plain = keras.Model(model.input, model.output, name=model.name) if model.compiled else model
        with run.replacing(path) as temporary:
            wrap(plain, info).save(temporary)
    finally:
        if before is not None:
            model.set_weights(before)
