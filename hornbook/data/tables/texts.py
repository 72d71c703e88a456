"""Columns of texts."""

import numpy as np
import polars as pl

from hornbook.data.source import Array
from hornbook.errors import DataError

__all__ = ["text_column"]


def text_column(column: pl.Series, where: str) -> Array:
    """Return the values of a column as they stand there, (N,) of str; a missing one is an empty text.

    Raises:
        DataError: If it holds lists, bytes or objects.
    """
    if column.dtype.is_nested() or column.dtype in {pl.Binary, pl.Object}:
        raise DataError(f"{where}: column '{column.name}' holds {column.dtype}, expected text.")
    texts = np.empty(len(column), object)
    texts[:] = column.cast(pl.String).fill_null("").to_list()
    return texts
