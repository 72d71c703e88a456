"""Embeddings from a text file as GloVe and word2vec write it: in each line a token, then its numbers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hornbook.data.storage.files import existing_file
from hornbook.data.storage.rows import Array
from hornbook.errors import DataError

__all__ = ["read_embeddings"]

LARGEST = float(np.finfo(np.float32).max)


def read_embeddings(path: str | Path, vocabulary: Sequence[str]) -> tuple[Array, Array]:
    """Return the rows of a vocabulary's tokens, (V, D) float32, zeros where the file has none; and which it has, (V,).

    A first line of two whole numbers, how many tokens there are and how many numbers each has, is read as such. Of a token
    that is there twice, the first line counts.

    Raises:
        DataError: If the file is missing, empty, or a line has too few or too many numbers, or what is none; with the line.
    """
    file = existing_file(path)
    places = {token.encode(): place for place, token in enumerate(vocabulary)}
    found = np.zeros(len(vocabulary), bool)
    rows: Array | None = None
    size = 0
    with file.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            fields = line.rstrip().split(b" ")
            if number == 1 and len(fields) == 2 and all(field.isdigit() for field in fields):
                size = int(fields[1])
                continue
            if len(fields) == 1 and not fields[0]:
                raise DataError(f"{file}: line {number:,} is empty. Expected a token and its numbers.")
            if not size:
                size = len(fields) - 1
            if size < 1:
                raise DataError(f"{file}: line {number:,} has no numbers. Expected a token, a space, and its numbers.")
            if len(fields) <= size:
                raise DataError(
                    f"{file}: line {number:,} has {len(fields) - 1:,} numbers, expected {size:,}, as the first line has."
                )
            token = b" ".join(fields[:-size])  # some files have tokens of several words
            place = places.get(token)
            if rows is None:
                rows = np.zeros((len(vocabulary), size), np.float32)
            if place is None or found[place]:
                continue
            rows[place] = _numbers(fields[-size:], file, number)
            found[place] = True
    if rows is None:
        raise DataError(f"{file}: is empty. Expected lines of a token and its numbers.")
    return rows, found


def _numbers(fields: list[bytes], file: Path, line: int) -> Array:
    """Return the numbers of a line.

    Raises:
        DataError: If one is no finite number.
    """
    try:
        with np.errstate(over="ignore"):
            numbers = np.array(fields, np.float64).astype(np.float32)
    except ValueError:
        numbers = None
    if numbers is None or not np.isfinite(numbers).all():
        bad = next(field for field in fields if not _is_number(field)).decode("utf-8", "replace")
        raise DataError(
            f"{file}: line {line:,}: '{bad}' is no number. Expected a token and as many numbers as in the first line, "
            "separated by single spaces."
        )
    return numbers


def _is_number(field: bytes) -> bool:
    try:
        return abs(float(field)) <= LARGEST
    except ValueError:
        return False
