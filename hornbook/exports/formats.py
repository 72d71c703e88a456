"""What models can be exported to: each format writes a file, and runs it in its own runtime."""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras

from hornbook.data.source import Array
from hornbook.errors import UsageError
from hornbook.inference.trained import Trained
from hornbook.recipes.language.hints import did_you_mean

__all__ = ["FORMATS", "PACKAGE", "PRECISIONS", "Exportable", "Format", "RefusedError", "format_of"]

PRECISIONS = ("float32", "float16", "int8")


class RefusedError(Exception):
    """A model cannot be had in a format; the message says why, as a sentence."""


@dataclass(frozen=True)
class Exportable:
    """What a format writes.

    Attributes:
        model: The stripped model.
        dtype: The type of raw inputs.
        output: The name of the outputs.
        calibration: Raw training examples, from which whole numbers get their ranges.
        metadata: What is written into the file: texts by name.
        trained: The run.
    """

    model: keras.Model
    dtype: str
    output: str
    calibration: Array
    metadata: Mapping[str, str]
    trained: Trained


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        name: As `--to` takes it.
        suffix: How its files' names end; none for a folder.
        runtime: What runs it.
        packages: What has to be importable.
        extra: The extra of Hornbook that installs them.
        precisions: Those that it has.
        has_loops: Whether recurrent layers can stay what they are.
        lacks: Why it has not the other precisions.
        module: Where `write(exportable, path, precision)` and `run(path, inputs)` are.
        load: The Python that loads a file at `{path}`.
        is_plain: Whether Keras reads it without Hornbook, so that no layer of ours may stay.
    """

    name: str
    suffix: str
    runtime: str
    packages: tuple[str, ...]
    extra: str | None
    precisions: tuple[str, ...]
    has_loops: bool
    lacks: str
    module: str
    load: str
    is_plain: bool = False

    def missing(self) -> list[str]:
        """Return the packages that are not installed."""
        return [name for name in self.packages if importlib.util.find_spec(name) is None]

    def install_line(self) -> str:
        """Return the command that installs what it needs."""
        return f"pip install 'hornbook[{self.extra}]'"

    def writer(self) -> Callable[[Exportable, Path, str], None]:
        """Return the function that writes a file, or a folder, of this format."""
        writer: Callable[[Exportable, Path, str], None] = importlib.import_module(self.module).write
        return writer

    def runner(self) -> Callable[[Path, Array], Array]:
        """Return the function that runs a file on raw inputs (N, …): outputs (N, K) float32."""
        runner: Callable[[Path, Array], Array] = importlib.import_module(self.module).run
        return runner


FORMATS = {
    each.name: each
    for each in (
        Format(
            name="saved_model",
            suffix="",
            runtime="TensorFlow",
            packages=(),
            extra=None,
            precisions=("float32",),
            has_loops=True,
            lacks="TensorFlow computes in what the weights are stored in",
            module="hornbook.exports.saved_model",
            load='tf.saved_model.load("{path}").signatures["serving_default"](input=rows)',
        ),
        Format(
            name="onnx",
            suffix=".onnx",
            runtime="ONNX Runtime",
            packages=("tf2onnx", "onnx", "onnxruntime"),
            extra="onnx",
            precisions=PRECISIONS,
            has_loops=False,
            lacks="",
            module="hornbook.exports.onnx",
            load='onnxruntime.InferenceSession("{path}").run(None, {{"input": rows}})[0]',
        ),
        Format(
            name="litert",
            suffix=".tflite",
            runtime="LiteRT",
            packages=("ai_edge_litert",),
            extra="litert",
            precisions=PRECISIONS,
            has_loops=False,
            lacks="",
            module="hornbook.exports.litert",
            load='ai_edge_litert.interpreter.Interpreter("{path}")',
        ),
        Format(
            name="openvino",
            suffix="",
            runtime="OpenVINO",
            packages=("openvino",),
            extra="openvino",
            precisions=PRECISIONS,
            has_loops=False,
            lacks="",
            module="hornbook.exports.openvino",
            load='openvino.Core().compile_model("{path}/model.xml", "CPU", {{"INFERENCE_PRECISION_HINT": "f32"}})',
        ),
        Format(
            name="keras",
            suffix=".keras",
            runtime="Keras",
            packages=(),
            extra=None,
            precisions=("float32",),
            has_loops=True,
            lacks="Keras computes in what the weights are stored in",
            module="hornbook.exports.keras_file",
            load='keras.models.load_model("{path}")',
            is_plain=True,
        ),
    )
}
PACKAGE = Format(
    name="package",
    suffix="",
    runtime="predict.py",
    packages=(),
    extra=None,
    precisions=("float32",),
    has_loops=False,
    lacks="a package holds the weights as they were trained",
    module="hornbook.exports.package",
    load="",
)
"""A folder that predicts and answers without Hornbook: no format, so it is none of `all`."""


def format_of(name: str) -> Format:
    """Return a format by its name.

    Raises:
        UsageError: If there is none of that name.
    """
    formats = {**FORMATS, PACKAGE.name: PACKAGE}
    if name not in formats:
        raise UsageError(
            f"--to {name}: there is no such format. {did_you_mean(name, (*formats, 'all'), kind='format')}"
        )
    return formats[name]
