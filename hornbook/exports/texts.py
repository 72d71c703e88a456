"""Texts as token numbers for an exported model. Needs NumPy and the modules of `data.text`, which stand above a copy.

The columns of texts are those that an export writes down: how a text is cut, its length, and the vocabulary.
"""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.text.encoder import TextEncoder

__all__ = ["encode", "encoders_of", "read"]

LARGEST_CELL = 2**31 - 1


def encoders_of(columns: Mapping[str, Mapping[str, Any]]) -> dict[str, TextEncoder]:
    """Return what makes numbers of the texts of each column, by its name."""
    return {name: TextEncoder.of_facts(facts) for name, facts in columns.items()}


def encode(rows: Iterable[Mapping[str, Any]], encoders: Mapping[str, TextEncoder]) -> Any:
    """Return (N, L) int32 for rows by column name: the token numbers of each column of texts behind those of the one before.

    A text that is missing, None, is an empty one.

    Raises:
        ValueError: If a row lacks a column, or holds a list or mapping in it; names row and column.
    """
    rows = list(rows)
    parts = []
    for name, encoder in encoders.items():
        texts = [_text(row, name, number) for number, row in enumerate(rows, 1)]
        parts.append(encoder.encode(texts)[0])
    return np.concatenate(parts, axis=1)


def read(path: str | Path, encoders: Mapping[str, TextEncoder]) -> list[dict[str, Any]]:
    """Return rows by column name: of a CSV file with a heading line and commas, or the lines of a .txt file as texts."""
    if Path(path).suffix.lower() == ".txt":
        lines = Path(path).read_bytes().decode("utf-8-sig").removesuffix("\n").split("\n")
        return [dict.fromkeys(encoders, line.removesuffix("\r")) for line in lines]
    csv.field_size_limit(LARGEST_CELL)
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return [*csv.DictReader(file)]


def _text(row: Mapping[str, Any], name: str, number: int) -> str:
    if name not in row:
        raise ValueError(f"row {number}: no column '{name}', which the model reads.")
    value = row[name]
    if isinstance(value, list | Mapping):
        raise ValueError(f"row {number}, column '{name}': a text is expected, found {value!r}.")
    return "" if value is None else str(value)
