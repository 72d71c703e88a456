"""What the targets of a table are where its heads name them."""

from collections.abc import Mapping
from typing import Any

from hornbook.recipes.language.text import Document

__all__ = ["name_targets"]

WITH_TARGETS = ("table", "image_list")
"""Sources whose targets are columns with names."""


def name_targets(document: Document) -> None:
    """Give the data of a recipe with several heads the target columns that these name, where it names none itself.

    A head that names none predicts the column that is called like it. What is wrong with a head is not said here.
    """
    tree = document.tree
    heads, data = (tree.get("heads"), tree.get("data")) if isinstance(tree, dict) else (None, None)
    if not isinstance(heads, Mapping) or not isinstance(data, dict):
        return
    if data.get("name") in WITH_TARGETS and "target" not in data:
        columns = [column for name, head in heads.items() for column in _columns(name, head)]
        data["target"] = list(dict.fromkeys(columns))


def _columns(name: Any, head: Any) -> list[Any]:
    target = head.get("target") if isinstance(head, Mapping) else None
    if target is None:
        return [name]
    return list(target) if isinstance(target, list | tuple) else [target]
