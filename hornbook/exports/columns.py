"""The columns of a table as numbers, for programs that have a table and no Hornbook."""

from typing import Any

from hornbook.data.facts import DataInfo, Feature
from hornbook.data.tables.dialect import Dialect

__all__ = ["columns_of"]


def columns_of(info: DataInfo) -> list[dict[str, Any]]:
    """Return a mapping per input of the model in order, as `hornbook.exports.rows` reads it.

    Each has `name` and `type`; a category its `categories` (code k is the k-th, 0 is none of them); a number that is made of
    a date its `column`, its `part` (see `data.tables.columns.moments`), and the `format` of the dates. `missing` are the
    texts and numbers that mean a missing value, where they are not the usual ones.
    """
    dialect = Dialect.of_run(info.extra)
    missing = {} if dialect.missing == Dialect().missing else {"missing": list(dialect.missing)}
    return [{**_column(feature, dialect), **missing} for feature in info.features or ()]


def _column(feature: Feature, dialect: Dialect) -> dict[str, Any]:
    if feature.part:
        format = dialect.dates.get(feature.column) or "%Y-%m-%d"
        return {
            "name": feature.name, "type": "date", "column": feature.column, "part": feature.part, "format": format,
        }  # fmt: skip
    categories = {"categories": list(feature.categories)} if feature.categories else {}
    return {"name": feature.name, "type": feature.type, **categories}
