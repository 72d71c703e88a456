""".keras: a plain model of Keras's own layers, which loads where nothing of ours is installed."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

from hornbook.data.source import Array
from hornbook.exports.formats import Exportable

__all__ = ["run", "write"]


def write(exportable: Exportable, path: Path, precision: str) -> None:
    """Write a .keras file."""
    exportable.model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("hornbook.json", json.dumps(dict(exportable.metadata), indent=2))


def run(path: Path, inputs: Array) -> Array:
    """Return the outputs of a file's model."""
    model = keras.models.load_model(path, compile=False)
    return np.asarray(model(np.asarray(inputs, model.inputs[0].dtype), training=False), np.float32)
