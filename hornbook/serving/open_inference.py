"""The open inference protocol (KServe V2): tensors by name in JSON, or behind the JSON as bytes.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol and Triton's extension for binary tensors.
A table with named columns has an input per column, pictures among them as base64 of their files; everything else has one,
``input``, with raw numbers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import polars as pl

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array
from hornbook.serving.errors import RequestError
from hornbook.serving.facts import Facts
from hornbook.serving.inputs import Fitted, of_frame, of_numbers
from hornbook.serving.pictures import MOST_PICTURES

__all__ = ["Infer", "answer", "metadata", "read"]

INPUT = "input"
DTYPES = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT8": "int8",
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
DATATYPES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Infer:
    """A request.

    Attributes:
        id: What it calls itself; None without.
        inputs: What the model gets, and notes.
        is_binary: Whether the outputs are wanted as bytes.
    """

    id: str | None
    inputs: Fitted
    is_binary: bool


def metadata(facts: Facts, info: DataInfo) -> dict[str, Any]:
    """Return what a model says of itself."""
    shape = [-1 if size is None else size for size in info.input_shape]
    inputs = [{"name": INPUT, "datatype": DATATYPES[facts.dtype], "shape": [-1, *shape]}]
    if info.features is not None:
        inputs = [
            {"name": each.name, "datatype": "FP32" if each.type == "number" else "BYTES", "shape": [-1]}
            for each in info.columns()
        ]
        beside = (*info.texts_beside, *info.pictures_beside)
        inputs += [{"name": name, "datatype": "BYTES", "shape": [-1]} for name in beside]
    return {
        "name": facts.name,
        "versions": [facts.version],
        "platform": "onnxruntime_onnx" if facts.runtime == "ONNX Runtime" else "tensorflow",
        "inputs": inputs,
        "outputs": [{"name": facts.output, "datatype": "FP32", "shape": [-1, facts.units]}],
    }


def read(body: bytes, header_length: str | None, facts: Facts, info: DataInfo, *, most: int) -> Infer:
    """Return the request that a body holds.

    Args:
        body: JSON, and behind it the bytes of binary tensors.
        header_length: How long the JSON is, as the header says it; None: all is JSON.
        facts: Of the model.
        info: Of its data.
        most: Rows that may be sent at once.

    Raises:
        RequestError: If it is no such request.
        DataError: If its values do not fit the model.
    """
    end = len(body) if header_length is None else _whole(header_length, "Inference-Header-Content-Length")
    if end > len(body):
        raise RequestError(400, f"the JSON is said to have {end:,} bytes, and there are {len(body):,}.")
    tree = parsed(memoryview(body)[:end])
    given = tree.get("inputs") if isinstance(tree, dict) else None
    if not isinstance(given, list) or not given:
        raise RequestError(400, 'a mapping with "inputs" is expected: [{"name", "shape", "datatype", "data"}, …].')
    rest, tensors = memoryview(body)[end:], dict[str, Array]()
    for tensor in given:
        name, values, rest = _tensor(tensor, rest)
        if name in tensors:
            raise RequestError(400, f"input '{name}' is there twice.")
        tensors[name] = values
    if len(rest):
        raise RequestError(400, f"{len(rest):,} bytes are left over behind the tensors.")
    id_ = tree.get("id")
    if id_ is not None and not isinstance(id_, str):
        raise RequestError(400, '"id" is a text.')
    return Infer(id_, _fitted(tensors, info, most=most), _wants_bytes(tree, facts))


def answer(request: Infer, scores: Array, facts: Facts) -> tuple[bytes, int | None]:
    """Return the body of an answer, and the length of its JSON where bytes follow it."""
    output: dict[str, Any] = {"name": facts.output, "datatype": "FP32", "shape": scores.shape}
    flat = np.ascontiguousarray(scores, np.float32).reshape(-1)
    if request.is_binary:
        output["parameters"] = {"binary_data_size": flat.nbytes}
    else:
        output["data"] = flat
    tree: dict[str, Any] = {"model_name": facts.name, "model_version": facts.version, "outputs": [output]}
    if request.id is not None:
        tree["id"] = request.id
    notes = request.inputs[1]
    if notes:
        tree["parameters"] = {"notes": "\n".join(notes)}
    header = orjson.dumps(tree, option=orjson.OPT_SERIALIZE_NUMPY)
    return (header + flat.tobytes(), len(header)) if request.is_binary else (header, None)


def parsed(body: bytes | memoryview) -> Any:
    """Return what a text of JSON holds.

    Raises:
        RequestError: If it is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is no JSON in UTF-8: {error}.") from None


def _tensor(tensor: Any, rest: memoryview) -> tuple[str, Array, memoryview]:
    """Return a tensor's name and values, and the bytes that follow its own."""
    if not isinstance(tensor, dict):
        raise RequestError(400, "each input is a mapping with name, shape, datatype and data.")
    name, datatype, shape = tensor.get("name"), tensor.get("datatype"), tensor.get("shape")
    if not isinstance(name, str):
        raise RequestError(400, "an input has no name.")
    if not isinstance(datatype, str) or (datatype not in DTYPES and datatype != "BYTES"):
        raise RequestError(400, f"input '{name}': there is no such datatype. There are {', '.join(DTYPES)}, BYTES.")
    if not isinstance(shape, list) or not shape or not all(type(size) is int and size >= 0 for size in shape):
        raise RequestError(400, f"input '{name}': its shape is a list of whole numbers, the rows first.")
    count, parameters = math.prod(shape), tensor.get("parameters")
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is not None:
        length = _whole(size, f"input '{name}': binary_data_size")
        if length > len(rest):
            raise RequestError(400, f"input '{name}': {length:,} bytes are announced, and {len(rest):,} are there.")
        values, rest = _of_bytes(rest[:length], datatype, name), rest[length:]
    else:
        values = _of_json(tensor.get("data"), datatype, name)
    if values.size != count:
        raise RequestError(400, f"input '{name}': shape {shape} needs {count:,} values, and there are {values.size:,}.")
    try:
        return name, values.reshape(shape), rest
    except ValueError:  # more dimensions than NumPy has
        raise RequestError(400, f"input '{name}': its shape has {len(shape):,} dimensions.") from None


def _of_json(data: Any, datatype: str, name: str) -> Array:
    if not isinstance(data, list):
        raise RequestError(400, f"input '{name}': its data is a list.")
    if datatype == "BYTES":
        texts = _flat(data)
        if not all(text is None or isinstance(text, str) for text in texts):
            raise RequestError(400, f"input '{name}': data of datatype BYTES are texts.")
        return np.array(texts, object)
    try:
        values = np.asarray(data)
    except (ValueError, OverflowError, RecursionError):
        raise RequestError(400, f"input '{name}': its data are lists of different lengths.") from None
    dtype = np.dtype(DTYPES[datatype])
    if dtype.kind == "f" and values.dtype.kind == "O" and all(_is_number(value) for value in values.flat):
        values = values.astype(np.float64)  # null is a number that is missing
    kinds = {"f": "iuf", "b": "b"}.get(dtype.kind, "iu")
    if values.size and values.dtype.kind not in kinds:
        raise RequestError(400, f"input '{name}': its data are no {datatype}.")
    if dtype.kind in "iu" and values.size:
        limits = np.iinfo(dtype)
        if int(values.min()) < limits.min or int(values.max()) > limits.max:
            raise RequestError(400, f"input '{name}': {datatype} goes from {limits.min} to {limits.max}.")
    if dtype.kind == "f":
        return values.astype(np.float64)  # what is too large for the model is said later
    return values.astype(dtype)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _flat(data: list[Any]) -> list[Any]:
    while data and all(isinstance(part, list) for part in data):
        data = [value for part in data for value in part]
    return data


def _of_bytes(data: memoryview, datatype: str, name: str) -> Array:
    if datatype != "BYTES":
        dtype = np.dtype(DTYPES[datatype]).newbyteorder("<")
        if len(data) % dtype.itemsize:
            raise RequestError(400, f"input '{name}': {len(data):,} bytes are no whole number of {datatype}.")
        values = np.frombuffer(data, dtype)
        if datatype == "BOOL":
            return np.frombuffer(data, np.uint8).astype(bool)
        return np.asarray(values, "float32" if datatype == "FP16" else DTYPES[datatype])
    texts, place = [], 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "little")
        text = bytes(data[place + 4 : place + 4 + length])
        if len(text) != length or len(data) - place < 4:
            raise RequestError(400, f"input '{name}': its texts end too early.")
        try:
            texts.append(text.decode())
        except UnicodeDecodeError:
            raise RequestError(400, f"input '{name}': a text is not UTF-8.") from None
        place += 4 + length
    return np.array(texts, object)


def _fitted(tensors: Mapping[str, Array], info: DataInfo, *, most: int) -> Fitted:
    counts = {len(values) for values in tensors.values()}
    if info.features is None or ([*tensors] == [INPUT] and INPUT not in {each.name for each in info.columns()}):
        if [*tensors] != [INPUT]:
            raise RequestError(400, f"the model has one input, '{INPUT}', found: {_listed(tensors)}.")
        values = tensors[INPUT]
        if values.dtype.kind == "O":
            raise RequestError(400, f"input '{INPUT}': the model reads numbers, no texts.")
        return of_numbers(values, info, most=most)
    if len(counts) > 1:
        raise RequestError(400, f"the columns have different lengths: {', '.join(map(str, sorted(counts)))}.")
    most = min(most, MOST_PICTURES) if info.pictures_beside else most
    if not 0 < max(counts) <= most:
        raise RequestError(
            413 if max(counts) else 400, f"inputs: {max(counts):,} rows, from 1 to {most:,} are taken at once."
        )
    columns, pictures = dict[str, pl.Series](), dict[str, list[Any]]()
    for name, values in tensors.items():
        if values.size != len(values):
            raise RequestError(400, f"input '{name}': a column has a value per row, found shape {list(values.shape)}.")
        flat = values.reshape(-1)
        if name in info.pictures_beside:
            pictures[name] = flat.tolist()
        else:
            is_text = flat.dtype.kind == "O"
            columns[name] = pl.Series(name, flat.tolist(), dtype=pl.String) if is_text else pl.Series(name, flat)
    return of_frame(pl.DataFrame(columns), info, pictures)


def _listed(tensors: Mapping[str, Array]) -> str:
    return ", ".join([f"'{name}'" for name in tensors][:5])


def _wants_bytes(tree: Mapping[str, Any], facts: Facts) -> bool:
    outputs, parameters = tree.get("outputs"), tree.get("parameters")
    if outputs is None or outputs == []:
        return isinstance(parameters, dict) and parameters.get("binary_data_output") is True
    if not isinstance(outputs, list) or not all(isinstance(output, dict) for output in outputs):
        raise RequestError(400, '"outputs" is a list of mappings with a name.')
    if [output.get("name") for output in outputs] != [facts.output]:
        raise RequestError(400, f"the model has one output, '{facts.output}'.")
    wanted = outputs[0].get("parameters")
    return isinstance(wanted, dict) and wanted.get("binary_data") is True


def _whole(value: Any, what: str) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 16):
        raise RequestError(400, f"{what}: a whole number is expected.")
    return int(text)
