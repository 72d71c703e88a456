"""Rows of a table that need no reading: numbers that are numbers, categories as training wrote them. Without polars.

A data frame costs milliseconds whatever its length, which is all of the time of a request for one row. What this reads it
reads as `tables.inputs` does, and whatever else there may be (text for a number, another spelling, a missing value, a column
too many) it leaves to that.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array
from hornbook.data.tables.dialect import Dialect

__all__ = ["PlainRows"]

LARGEST = float(np.finfo(np.float32).max)


class PlainRows:
    """What the columns of a run's table have to be for it.

    Args:
        info: Facts about the data that the run was trained on.
    """

    def __init__(self, info: DataInfo) -> None:
        dialect = Dialect.of_run(info.extra)
        self._absent = frozenset(dialect.missing_numbers)
        self._columns: list[tuple[str, dict[Any, int] | None]] = []
        self._reads_any = (info.features is not None and not info.blocks) and not (
            dialect.is_loose or dialect.dates or any(dialect.signs.values())
        )
        for feature in info.features or ():
            codes: dict[Any, int] | None = None
            if feature.type == "category":
                codes = {text: code for code, text in enumerate(feature.categories, 1) if self._stays(text, dialect)}
                if feature.is_boolean:
                    codes |= {name == "True": code for name, code in codes.items()}
            self._columns.append((feature.name, codes))

    def _stays(self, text: str, dialect: Dialect) -> bool:
        """Whether a category is read as itself: it is neither trimmed nor taken for a missing value."""
        try:
            is_absent = float(text) in self._absent
        except ValueError:
            is_absent = False
        return bool(text) and text == text.strip() and text not in dialect.missing and not is_absent

    def read(self, rows: Sequence[Mapping[str, Any]]) -> Array | None:
        """Return rows (N, F) float32 as the model takes them; None where a data frame has to read them."""
        if not self._reads_any:
            return None
        columns, absent = self._columns, self._absent
        values: list[float] = []
        for row in rows:
            if len(row) != len(columns):
                return None
            for name, codes in columns:
                value = row.get(name)
                if codes is not None:
                    code = codes.get(value) if isinstance(value, str | bool) else None
                    if code is None:
                        return None
                    values.append(code)
                elif isinstance(value, bool) or not isinstance(value, int | float):
                    return None
                elif -LARGEST <= value <= LARGEST and value not in absent:
                    values.append(value)
                else:
                    return None
        return np.array(values, np.float64).astype(np.float32).reshape(len(rows), len(columns))
