"""SavedModel: a folder with one signature, `serving_default`, for TensorFlow, TensorFlow Serving and Triton."""

import json
from pathlib import Path

import tensorflow as tf

from hornbook.data.source import Array
from hornbook.exports.formats import Exportable
from hornbook.exports.signature import INPUT, function_of

__all__ = ["run", "write"]

SIGNATURE = "serving_default"


def write(exportable: Exportable, path: Path, precision: str) -> None:
    """Write a folder."""
    function = function_of(exportable.model, dtype=exportable.dtype, output=exportable.output)
    module = tf.Module()
    module.model = exportable.model  # keeps the weights
    tf.saved_model.save(module, str(path), signatures={SIGNATURE: function.get_concrete_function()})
    extra = path / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / "hornbook.json").write_text(json.dumps(dict(exportable.metadata), indent=2), encoding="utf-8")


def run(path: Path, inputs: Array) -> Array:
    """Return the outputs of a folder's signature."""
    loaded = tf.saved_model.load(str(path))
    outputs: Array = next(iter(loaded.signatures[SIGNATURE](**{INPUT: tf.constant(inputs)}).values())).numpy()
    return outputs
