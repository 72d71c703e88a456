"""Where each value of a resolved recipe comes from: a line of its file, the command line, the data, or a default."""

from collections.abc import Iterator, Mapping
from typing import Any

from hornbook.errors import Path
from hornbook.recipes.language.keys import value_at
from hornbook.recipes.language.text import Document

__all__ = ["leaves", "origin_of"]

COMMAND_LINE, DEFAULT, DATA = "command line", "default", "from the data"


def leaves(tree: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield (path, value) of everything in a recipe's tree that holds no further keys."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*path, key))
    elif isinstance(tree, list) and any(isinstance(item, Mapping) for item in tree):
        for place, item in enumerate(tree):
            yield from leaves(item, (*path, place))
    else:
        yield path, tree


def origin_of(path: Path, document: Document | None, checked: Mapping[str, Any]) -> str:
    """Return where the value at a path of a resolved recipe comes from.

    Args:
        path: Of a leaf.
        document: The text that the recipe came from.
        checked: The recipe as plain values before it was resolved: what it lacks follows from the data.
    """
    place = _written(path, document) if document is not None else None
    if document is not None and place is not None:
        known = document.places.get(place)
        if known is None:
            return document.origin
        return f"{known.origin}:{known.key[0]}" if known.key[0] else known.origin
    return DEFAULT if value_at(checked, path) is not None else DATA


def _written(path: Path, document: Document) -> Path | None:
    """Return the path at which a value was written: its own, or that of the shorthand it was written in."""
    here: Any = document.tree
    for length, part in enumerate(path):
        if isinstance(here, Mapping):
            if part not in here:
                return None
            here = here[part]
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            here = here[part]
        else:  # `schedule: cosine` is {name: cosine}, `weight_decay: 0.1` is {rate: 0.1}, and all else a default
            return path[:length] if part in ("name", "rate", "momentum", "duration", "choices", 0) else None
    return path
