"""OpenVINO: a folder with model.xml and model.bin. On CPUs that have bfloat16 it computes so unless told not to."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.source import Array
from hornbook.exports import onnx, saved_model
from hornbook.exports.formats import FORMATS, Exportable, RefusedError
from hornbook.exports.signature import INPUT

__all__ = ["HINT", "run", "write"]

HINT = {"INFERENCE_PRECISION_HINT": "f32"}
FILE = "model.xml"


def write(exportable: Exportable, path: Path, precision: str) -> None:
    """Write a folder; in half, weights alone are stored so."""
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        if precision == "int8":  # OpenVINO's own quantization is a package of 2 GB; it reads ONNX Runtime's
            missing = FORMATS["onnx"].missing()
            if missing:
                raise RefusedError(f"int8 goes by way of ONNX. Install it: {FORMATS['onnx'].install_line()}")
            source = Path(folder) / "model.onnx"
            onnx.write(exportable, source, precision)
        else:
            source = Path(folder)
            saved_model.write(exportable, source, precision)
        model: Any = openvino.convert_model(source)
    model.inputs[0].get_tensor().set_names({INPUT})
    model.outputs[0].get_tensor().set_names({exportable.output})
    for name, text in exportable.metadata.items():
        model.set_rt_info(text, ["hornbook", name])
    path.mkdir(exist_ok=True)
    openvino.save_model(model, path / FILE, compress_to_fp16=precision == "float16")


def run(path: Path, inputs: Array) -> Array:
    """Return the outputs of a folder's model on the CPU, computing in float32."""
    import openvino

    compiled = openvino.Core().compile_model(path / FILE, "CPU", HINT)
    return np.array(compiled({INPUT: inputs})[0], np.float32)
