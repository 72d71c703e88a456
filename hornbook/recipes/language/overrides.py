"""Overrides on the command line: `key.path=value`, `~key`. Applied to the values of a document before validation."""

from collections.abc import Mapping, Sequence

from hornbook.errors import Path, Problem
from hornbook.recipes.language.keys import KeyPathError, put, remove, split_key
from hornbook.recipes.language.text import Document, Place, parse

__all__ = ["SPACE", "apply_overrides"]

ORIGIN = "command line"
SPACE = ("sweep", "space")
OF_ENTRIES = {"choices", "min", "max", "step", "sampling", "when"}


def apply_overrides(document: Document, overrides: Sequence[str], *, defaults: Mapping[str, str] = {}) -> None:
    """Change the document's values in place; what cannot be applied becomes a problem.

    `optimizer.learning_rate=0.01` sets a key, also inside a shorthand (`optimizer: adam`); `~schedule` deletes one;
    `model.units.0=64` indexes a list. The value is YAML, split off at the first `=`. Below `sweep.space` stand keys with
    dots of their own: `sweep.space.optimizer.learning_rate.max=0.1`.

    Args:
        document: A recipe's text and values.
        overrides: As written.
        defaults: What a section is called that the recipe leaves out: a key inside it means this one's.
    """
    if document.tree is None:
        document.tree = {}
    for override in overrides:
        if override.startswith("~") and "" not in split_key(override[1:]):
            _delete(document, override)
        elif "=" in override:
            _set(document, override, defaults)
        else:
            _complain(document, (), f"'{override}' is no override.", "Write key=value, key.path=value or ~key.")


def _complain(document: Document, path: Path, message: str, hint: str) -> None:
    document.problems.append(Problem(path, message, hint, code="override", origin=ORIGIN))


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


def _set(document: Document, override: str, defaults: Mapping[str, str]) -> None:
    key, _, text = override.partition("=")
    path = _path(document, key)
    parsed = parse(text, origin=ORIGIN)
    if parsed.problems or "" in path:
        _complain(document, path if "" not in path else (), f"'{override}' cannot be read as key=value.", "")
        return
    if len(path) > 1 and path[0] in defaults and isinstance(document.tree, dict) and document.tree.get(path[0]) is None:
        document.tree[path[0]] = defaults[str(path[0])]
        _mark(document, path[:1])
    try:
        put(document.tree, path, parsed.tree)
    except KeyPathError as error:
        _complain(document, error.path, error.message, error.hint)
        return
    _mark(document, path)


def _mark(document: Document, path: Path) -> None:
    """Note that what stands at a path, and below it, now comes from the command line."""
    for known in [known for known in document.places if known[: len(path)] == path]:
        del document.places[known]
    document.places[path] = Place((0, 0), (0, 0), ORIGIN)


def _delete(document: Document, override: str) -> None:
    path = _path(document, override[1:])
    if remove(document.tree, path):
        _mark(document, path)
    else:
        _complain(document, path, "there is no such key to delete.", "")
