"""Inputs that a model takes, made from the facts of its data and never from its examples."""

from datetime import datetime
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo, Feature
from hornbook.data.tables.columns.moments import written
from hornbook.data.tables.dialect import Dialect
from hornbook.serving.facts import Facts
from hornbook.serving.open_inference import metadata
from hornbook.serving.pictures import example as picture

__all__ = ["body", "infer_body", "row"]

STEPS = 5
"""So many steps has a sequence of any length in an example."""
EXAMPLE = datetime(2024, 1, 31, 8, 30)
TEXT = "A few words."


def body(facts: Facts, info: DataInfo) -> dict[str, Any]:
    """Return the JSON of a request that the model answers."""
    return {"inputs": _numbers(facts, info)} if info.features is None else {"rows": [row(facts, info)]}


def infer_body(facts: Facts, info: DataInfo) -> dict[str, Any]:
    """Return the JSON of a request of the open inference protocol that the model answers."""
    tensors = metadata(facts, info)["inputs"]
    if info.features is None:
        values = np.asarray(_numbers(facts, info))
        tensor = {**tensors[0], "shape": list(values.shape), "data": values.reshape(-1).tolist()}
        return {"id": "example", "inputs": [tensor]}
    values_by_name = row(facts, info)
    inputs = []
    for tensor in tensors:
        value = values_by_name[tensor["name"]]
        is_text = tensor["datatype"] == "BYTES" or isinstance(value, str)
        data = [str(value) if is_text else value]
        inputs.append({**tensor, "datatype": "BYTES" if is_text else "FP32", "shape": [1], "data": data})
    return {"id": "example", "inputs": inputs}


def row(facts: Facts, info: DataInfo) -> dict[str, Any]:
    """Return a row of a table: means of numbers, the first of the categories, any text, any picture."""
    dialect = Dialect.of_run(info.extra)
    means = {each.source: mean for each, mean in zip(info.features or (), _means(facts, info), strict=True)}
    values = {each.name: _value(each, means[each.name], dialect) for each in info.columns()}
    return values | dict.fromkeys(info.texts_beside, TEXT) | {name: picture() for name in info.pictures_beside}


def _means(facts: Facts, info: DataInfo) -> list[float]:
    features = info.features or ()
    if facts.means is None or len(facts.means) != len(features):
        return [0.0] * len(features)
    return [mean if np.isfinite(mean) else 0.0 for mean in facts.means]


def _value(feature: Feature, mean: float, dialect: Dialect) -> Any:
    if feature.type == "category":
        first = feature.categories[0]
        return first == "True" if feature.is_boolean else first
    if feature.type == "date":
        return written(EXAMPLE, dialect.dates.get(feature.name, ""))
    number = float(f"{mean:.3g}")
    number = int(number) if number.is_integer() else number
    sign = dialect.signs.get(feature.name)
    if not sign:
        return number
    return f"{round(mean)}%" if sign == "%" else f"{sign}{round(mean)}"


def _numbers(facts: Facts, info: DataInfo) -> Any:
    """Return one example of raw numbers in lists; of a column each its mean."""
    shape = [STEPS if size is None else size for size in info.input_shape]
    if info.kind == "table" and facts.means is not None and len(facts.means) == shape[0]:
        return [[float(f"{mean:.3g}") for mean in facts.means]]
    kind = int if facts.dtype in {"uint8", "int32"} else float
    return np.zeros([1, *shape], kind).tolist()
