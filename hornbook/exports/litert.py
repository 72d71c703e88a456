"""LiteRT (.tflite), formerly TensorFlow Lite: for telephones and small boards. The first axis takes any batch size."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hornbook.data.source import Array
from hornbook.exports.formats import Exportable
from hornbook.exports.signature import INPUT, function_of
from hornbook.upstream import frozen, with_lite_metadata

__all__ = ["run", "write"]


def write(exportable: Exportable, path: Path, precision: str) -> None:
    """Write a .tflite file; in whole numbers, inputs and outputs stay what they are."""
    function = function_of(exportable.model, dtype=exportable.dtype, output=exportable.output)
    converter: Any = tf.lite.TFLiteConverter.from_concrete_functions([frozen(function.get_concrete_function())])
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    elif precision == "int8":
        converter.representative_dataset = lambda: _singly(exportable.calibration)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    names = {"inputs": INPUT, "outputs": exportable.output}
    path.write_bytes(with_lite_metadata(converter.convert(), exportable.metadata, names))


def _singly(examples: Array) -> Iterator[list[Array]]:
    for example in examples:
        yield [example[None]]


def run(path: Path, inputs: Array) -> Array:
    """Return the outputs of a file in LiteRT's interpreter."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, inputs.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, inputs)
    interpreter.invoke()
    return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), np.float32)
