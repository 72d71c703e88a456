"""The columns of a table as numbers, for programs that have a table and no Hornbook."""

from typing import Any

from hornbook.data.source import DataInfo

__all__ = ["columns_of"]


def columns_of(info: DataInfo) -> list[dict[str, Any]]:
    """Return a mapping per input column in order: name, type, categories (code k is the k-th, 0 is none of them)."""
    return [
        {
            "name": feature.name,
            "type": feature.type,
            **({"categories": list(feature.categories)} if feature.categories else {}),
        }
        for feature in info.features or ()
    ]
