""".keras: a plain model of Keras's own layers, which loads where nothing of ours is installed."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

from hornbook.data.source import Array
from hornbook.exports.formats import Exportable, RefusedError

__all__ = ["run", "write"]


def write(exportable: Exportable, path: Path, precision: str) -> None:
    """Write a .keras file.

    Raises:
        RefusedError: If the model has layers that Keras alone cannot load.
    """
    own = {type(layer).__name__ for layer in exportable.model.layers if _is_foreign(layer)}
    if own:
        raise RefusedError(f"Keras alone cannot load {', '.join(sorted(own))}")
    exportable.model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("hornbook.json", json.dumps(dict(exportable.metadata), indent=2))


def _is_foreign(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Lambda) or not type(layer).__module__.startswith("keras.")


def run(path: Path, inputs: Array) -> Array:
    """Return the outputs of a file's model."""
    model = keras.models.load_model(path, compile=False)
    return np.asarray(model(np.asarray(inputs, model.inputs[0].dtype), training=False), np.float32)
