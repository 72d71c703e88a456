"""Overrides on the command line: `key.path=value`, `~key`. Applied to the values of a document before validation."""

import re
from collections.abc import Sequence
from typing import Any

from hornbook.errors import Path, Problem, format_path
from hornbook.recipes.language.text import Document, Place, parse, shown

__all__ = ["apply_overrides", "split_key"]

ORIGIN = "command line"
SPACE = ("sweep", "space")
OF_ENTRIES = {"choices", "min", "max", "step", "sampling", "when"}
_INDEX = re.compile("[0-9]{1,9}")


def apply_overrides(document: Document, overrides: Sequence[str]) -> None:
    """Change the document's values in place; what cannot be applied becomes a problem.

    `optimizer.learning_rate=0.01` sets a key, also inside a shorthand (`optimizer: adam`); `~schedule` deletes one;
    `model.units.0=64` indexes a list. The value is YAML, split off at the first `=`. Below `sweep.space` stand keys with
    dots of their own: `sweep.space.optimizer.learning_rate.max=0.1`.
    """
    if document.tree is None:
        document.tree = {}
    for override in overrides:
        if override.startswith("~") and "" not in split_key(override[1:]):
            _delete(document, override)
        elif "=" in override:
            _set(document, override)
        else:
            _complain(document, (), f"'{override}' is no override.", "Write key=value, key.path=value or ~key.")


def _complain(document: Document, path: Path, message: str, hint: str) -> None:
    document.problems.append(Problem(path, message, hint, code="override", origin=ORIGIN))


def split_key(key: str) -> Path:
    """Return the parts of a key as written: ``model.units.0`` → ``("model", "units", 0)``."""
    return tuple(int(part) if _INDEX.fullmatch(part) else part for part in key.split("."))


def _path(document: Document, key: str) -> Path:
    """Return the path that a key means; the key of an entry of a sweep's space is one part, whatever dots it has."""
    path = split_key(key.strip())
    parts = [str(part) for part in path[2:]]
    if path[:2] != SPACE or len(parts) < 2:
        return path
    sweep = document.tree.get("sweep") if isinstance(document.tree, dict) else None
    space = sweep.get("space") if isinstance(sweep, dict) else None
    for count in range(len(parts), 0, -1):
        entry, inside = ".".join(parts[:count]), path[2 + count :]
        is_inside = not inside or isinstance(inside[0], int) or inside[0] in OF_ENTRIES
        if is_inside and isinstance(space, dict) and entry in space:
            return (*SPACE, entry, *inside)
    count = len(parts) - (parts[-1] in OF_ENTRIES)
    return (*SPACE, ".".join(parts[:count]), *path[2 + count :])


def _descend(document: Document, path: Path, *, create: bool) -> Any:
    """Return the container that holds the last part of the path, or None after a complaint."""
    here = document.tree
    for index, part in enumerate(path[:-1]):
        key = _key(here, part)
        following = here[key] if _has(here, key) else None
        if following is None or isinstance(following, str):
            if isinstance(here, list) and not _has(here, key):
                return _no_index(document, path[: index + 1], here)
            if not create:
                return None
            following = {"name": following} if isinstance(following, str) else {}
            here[key] = following
        if not isinstance(following, dict | list):
            above = format_path(path[: index + 1])
            _complain(
                document, path, f"'{above}' is {shown(following)} and has no keys of its own.", f"Write {above}=value."
            )
            return None
        here = following
    return here


def _key(container: Any, part: str | int) -> Any:
    if isinstance(container, dict) and part not in container and str(part) in container:
        return str(part)
    return part


def _has(container: Any, part: Any) -> bool:
    if isinstance(container, list):
        return isinstance(part, int) and part < len(container)
    return isinstance(container, dict) and part in container


def _no_index(document: Document, path: Path, container: list[Any]) -> None:
    _complain(document, path, f"there is no item {path[-1]}: the list has {len(container)}.", "Items count from 0.")


def _set(document: Document, override: str) -> None:
    key, _, text = override.partition("=")
    path = _path(document, key)
    parsed = parse(text, origin=ORIGIN)
    if parsed.problems or "" in path:
        _complain(document, path if "" not in path else (), f"'{override}' cannot be read as key=value.", "")
        return
    container = _descend(document, path, create=True)
    if container is None:
        return
    last = _key(container, path[-1])
    if isinstance(container, list) and not _has(container, last):
        _no_index(document, path, container)
        return
    container[last] = parsed.tree
    _mark(document, path)


def _mark(document: Document, path: Path) -> None:
    """Note that what stands at a path, and below it, now comes from the command line."""
    for known in [known for known in document.places if known[: len(path)] == path]:
        del document.places[known]
    document.places[path] = Place((0, 0), (0, 0), ORIGIN)


def _delete(document: Document, override: str) -> None:
    path = _path(document, override[1:])
    container = _descend(document, path, create=False)
    last = _key(container, path[-1])
    if container is None or not _has(container, last):
        _complain(document, path, "there is no such key to delete.", "")
    else:
        del container[last]
        _mark(document, path)
