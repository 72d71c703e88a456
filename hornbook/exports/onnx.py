"""ONNX, written by tf2onnx and run by ONNX Runtime. Operations of opset 17, which all current runtimes have."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.source import Array
from hornbook.exports.formats import Exportable
from hornbook.exports.signature import INPUT, function_of

__all__ = ["run", "write"]

OPSET = 17
SMALLEST = 16
"""Numbers from which on it is worth it to store them in half."""


def write(exportable: Exportable, path: Path, precision: str) -> None:
    """Write an .onnx file. In half, weights alone are stored so and computing stays float32."""
    import onnx
    import tf2onnx

    function = function_of(exportable.model, dtype=exportable.dtype, output=exportable.output)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
    _rename(proto.graph, {proto.graph.input[0].name: INPUT, proto.graph.output[0].name: exportable.output})
    if precision == "float16":
        _halve(proto.graph)
    elif precision == "int8":
        proto = _in_whole_numbers(proto, exportable.calibration)
    onnx.helper.set_model_props(proto, dict(exportable.metadata))
    proto.producer_name = "hornbook"
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, str(path))


def run(path: Path, inputs: Array) -> Array:
    """Return the outputs of a file in ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    outputs: Array = session.run(None, {INPUT: inputs})[0]
    return outputs


def _rename(graph: Any, names: dict[str, str]) -> None:
    for node in graph.node:
        for ends in (node.input, node.output):
            for place, name in enumerate(ends):
                ends[place] = names.get(name, name)
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = names.get(value.name, value.name)


def _halve(graph: Any) -> None:
    """Store the weights as float16, each behind a cast."""
    import onnx

    casts = []
    for weights in list(graph.initializer):
        numbers = onnx.numpy_helper.to_array(weights)
        if numbers.dtype != np.float32 or numbers.size < SMALLEST:
            continue
        half = f"{weights.name}_float16"
        graph.initializer.remove(weights)
        graph.initializer.append(onnx.numpy_helper.from_array(numbers.astype(np.float16), half))
        casts.append(onnx.helper.make_node("Cast", [half], [weights.name], to=onnx.TensorProto.FLOAT))
    for place, cast in enumerate(casts):
        graph.node.insert(place, cast)


class _Calibration:
    """Examples as ONNX Runtime's calibration reads them: one batch after the other."""

    def __init__(self, examples: Array) -> None:
        self._batches: Iterator[Array] = iter(np.array_split(examples, max(1, len(examples) // 32)))

    def get_next(self) -> dict[str, Array] | None:
        """Return the next batch, or None."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


def _in_whole_numbers(proto: Any, calibration: Array) -> Any:
    """Return the model with int8 weights, a scale per channel, and int8 outputs of layers whose ranges the examples give."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        whole, ready, quantized = (str(Path(folder) / name) for name in ("whole.onnx", "ready.onnx", "int8.onnx"))
        onnx.save(proto, whole)
        quant_pre_process(whole, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            quantized,
            _Calibration(calibration),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(quantized)
