"""Keys with dots (`optimizer.learning_rate`, `model.units.0`) and what stands there in a tree of plain values."""

import re
from typing import Any

from hornbook.errors import Path, format_path
from hornbook.recipes.language.text import shown

__all__ = ["KeyPathError", "put", "remove", "split_key", "value_at"]

_INDEX = re.compile("[0-9]{1,9}")


class KeyPathError(LookupError):
    """A key that cannot be set: its way leads through something that has no keys, or beyond the end of a list.

    Attributes:
        path: Where.
        message: What is in the way.
        hint: What to write instead.
    """

    def __init__(self, path: Path, message: str, hint: str) -> None:
        super().__init__(f"{format_path(path)}: {message}")
        self.path, self.message, self.hint = path, message, hint


def split_key(key: str) -> Path:
    """Return the parts of a key as written: ``model.units.0`` → ``("model", "units", 0)``."""
    return tuple(int(part) if _INDEX.fullmatch(part) else part for part in key.split("."))


def put(tree: Any, path: Path, value: Any) -> None:
    """Set what stands at a path. Mappings on the way are made, a name on the way (`optimizer: adam`) becomes one.

    Raises:
        KeyPathError: If the path leads through a value or beyond a list.
    """
    here = _container(tree, path, is_made=True)
    last = _own_key(here, path[-1])
    if isinstance(here, list) and not _has(here, last):
        raise _no_item(path, here)
    here[last] = value


def remove(tree: Any, path: Path) -> bool:
    """Remove what stands at a path; return whether there was anything."""
    try:
        here = _container(tree, path, is_made=False)
    except KeyPathError:
        return False
    last = _own_key(here, path[-1])
    if not _has(here, last):
        return False
    del here[last]
    return True


def value_at(tree: Any, path: Path) -> Any:
    """Return what stands at a path; None where there is nothing."""
    for part in path:
        key = _own_key(tree, part)
        if not _has(tree, key):
            return None
        tree = tree[key]
    return tree


def _container(tree: Any, path: Path, *, is_made: bool) -> Any:
    """Return the mapping or list that holds the last part of a path; None where it is not there and not to be made."""
    here = tree
    for index, part in enumerate(path[:-1]):
        key = _own_key(here, part)
        following = here[key] if _has(here, key) else None
        if following is None or isinstance(following, str):
            if isinstance(here, list) and not _has(here, key):
                raise _no_item(path[: index + 1], here)
            if not is_made:
                return None
            following = {"name": following} if isinstance(following, str) else {}
            here[key] = following
        if not isinstance(following, dict | list):
            above = format_path(path[: index + 1])
            message = f"'{above}' is {shown(following)} and has no keys of its own."
            raise KeyPathError(path, message, f"Write {above}=value.")
        here = following
    return here


def _no_item(path: Path, items: list[Any]) -> KeyPathError:
    return KeyPathError(path, f"there is no item {path[-1]}: the list has {len(items)}.", "Items count from 0.")


def _own_key(container: Any, part: str | int) -> Any:
    """Return the key that a part means: a number that is no key is looked for as text."""
    if isinstance(container, dict) and part not in container and str(part) in container:
        return str(part)
    return part


def _has(container: Any, part: Any) -> bool:
    if isinstance(container, list):
        return isinstance(part, int) and part < len(container)
    return isinstance(container, dict) and part in container
