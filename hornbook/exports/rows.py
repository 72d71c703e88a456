"""Rows of a table as numbers for an exported model. Needs NumPy alone, so that a copy of this file works without Hornbook.

The columns are those that an export writes down: name, type (`number` or `category`), categories in order. A category is
its place among them, from 1; 0 is none of them. A number that is missing is NaN.
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["encode", "read_csv"]


def encode(rows: Iterable[Mapping[str, Any]], columns: Sequence[Mapping[str, Any]]) -> Any:
    """Return (N, columns) float32 for rows by column name; other columns are ignored.

    Raises:
        ValueError: If a row lacks a column, or has a text where a number is expected; names row and column.
    """
    encoded = []
    for number, row in enumerate(rows, 1):
        values = []
        for column in columns:
            name = column["name"]
            if name not in row:
                raise ValueError(f"row {number}: no column '{name}', which the model reads.")
            try:
                values.append(_number(row[name], column))
            except (TypeError, ValueError):
                raise ValueError(f"row {number}, column '{name}': a number is expected, found {row[name]!r}.") from None
        encoded.append(values)
    return np.asarray(encoded, np.float32).reshape(len(encoded), len(columns))


def read_csv(path: str | Path, columns: Sequence[Mapping[str, Any]]) -> Any:
    """Return (N, columns) float32 for a CSV file with a heading line, commas, and a point in its numbers."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return encode(csv.DictReader(file), columns)


def _number(value: Any, column: Mapping[str, Any]) -> float:
    is_missing = value is None or value == "" or (isinstance(value, float) and math.isnan(value))
    if column["type"] == "number":
        return math.nan if is_missing else float(value)
    categories = column["categories"]
    if is_missing:
        return 0.0
    text = str(value)
    if {*categories} <= {"False", "True"}:
        text = text.capitalize()
    if text not in categories and isinstance(value, float) and value.is_integer():
        text = str(int(value))  # JSON and Excel know no whole numbers
    return float(categories.index(text) + 1) if text in categories else 0.0
