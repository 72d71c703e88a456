"""Texts as Python gives them, among numbers."""

from typing import Any

import numpy as np

from hornbook.data.storage.rows import Array
from hornbook.errors import DataError

__all__ = ["are_texts", "as_array", "numbers_or_texts"]


def are_texts(x: Any) -> bool:
    """Return whether a value is a list or an array (N,) of texts."""
    if isinstance(x, np.ndarray):
        return x.ndim == 1 and len(x) > 0 and (x.dtype.kind == "U" or all(isinstance(each, str) for each in x))
    return isinstance(x, list | tuple) and len(x) > 0 and all(isinstance(each, str) for each in x)


def as_array(value: Any) -> Array:
    """Return a value as an array; a list with texts as objects, since NumPy makes texts of all that stands among them."""
    has_texts = isinstance(value, list | tuple) and any(isinstance(each, bytes | str) for each in value)
    return np.array(value, object) if has_texts else np.asanyarray(value)


def numbers_or_texts(array: Array, where: str) -> Array:
    """Return numbers as they are, and (N,) or (N, 1) texts, str or bytes in UTF-8, as objects (N,) of str.

    Raises:
        DataError: If it holds neither, a value is no text where others are, or a text is no UTF-8.
    """
    if array.dtype.kind not in "OSTU":
        return array
    column = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if column.ndim != 1 or not any(isinstance(value, bytes | str) for value in column):
        raise DataError(f"{where} has inputs that are neither numbers nor texts, one for each example.")
    texts = np.empty(len(column), object)
    for place, value in enumerate(column):
        if not isinstance(value, bytes | str):
            raise DataError(f"{where}: text {place + 1} is {value!r}, which is no text. Write '' for an empty one.")
        try:
            texts[place] = value.decode() if isinstance(value, bytes) else str(value)
        except UnicodeDecodeError:
            raise DataError(f"{where}: text {place + 1} is no UTF-8.") from None
    return texts
