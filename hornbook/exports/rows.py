"""Rows of a table as numbers for an exported model. Needs NumPy and `columns.moments`, which stands above a copy.

The columns are those that an export writes down: name, type (`number`, `category` or `date`), categories in order. A
category is its place among them, from 1; 0 is none of them. A number that is missing is NaN. A date is the part of the
dates of its column that the export names, read by its format.
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.tables.columns.moments import moment_of, part_values

__all__ = ["encode", "read_csv"]

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "?")
"""Texts that mean a missing value, where an export names no others."""


def encode(rows: Iterable[Mapping[str, Any]], columns: Sequence[Mapping[str, Any]]) -> Any:
    """Return (N, columns) float32 for rows by column name; other columns are ignored.

    Raises:
        ValueError: If a row lacks a column, or has a text where a number is expected; names row and column.
    """
    encoded = []
    for number, row in enumerate(rows, 1):
        values = []
        for column in columns:
            name = column.get("column", column["name"])
            if name not in row:
                raise ValueError(f"row {number}: no column '{name}', which the model reads.")
            try:
                values.append(_number(row[name], column))
            except (TypeError, ValueError):
                what = f"a date like {column['format']}" if column["type"] == "date" else "a number"
                raise ValueError(f"row {number}, column '{name}': {what} is expected, found {row[name]!r}.") from None
        encoded.append(values)
    return np.asarray(encoded, np.float32).reshape(len(encoded), len(columns))


def read_csv(path: str | Path, columns: Sequence[Mapping[str, Any]]) -> Any:
    """Return (N, columns) float32 for a CSV file with a heading line, commas, and a point in its numbers."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return encode(csv.DictReader(file), columns)


def _number(value: Any, column: Mapping[str, Any]) -> float:
    value = value.strip() if isinstance(value, str) else value
    is_missing = _is_missing(value, column.get("missing", MISSING))
    if column["type"] == "date":
        moment = np.datetime64("NaT") if is_missing else moment_of(value, column["format"])
        return float(part_values(np.array([moment], "datetime64[us]"), column["part"])[0])
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


def _is_missing(value: Any, missing: Sequence[str]) -> bool:
    """Return whether a value is missing: none, or one of the texts, or of the numbers among them."""
    if value is None or value == "" or value in missing:
        return True
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return math.isnan(number) or number in [float(text) for text in missing if _is_number(text)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
