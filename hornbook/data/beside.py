"""Relative paths of a recipe that lies in another folder: they begin at the current folder, and that is said.

A path may well be meant from the recipe's folder. Where a file is there and none is here, an error says where both are;
where there are two, a note says which one is read.
"""

import glob
from collections.abc import Iterator
from pathlib import Path

from hornbook.errors import DataError
from hornbook.errors import Path as Key
from hornbook.recipes.language.spec import Spec
from hornbook.recipes.recipe import Recipe

__all__ = ["differing_paths", "missing_paths", "refuse_missing"]


def missing_paths(recipe: Recipe) -> dict[Key, str]:
    """Return {key: what to say} of paths that are nothing in the current folder, and something beside the recipe."""
    return {
        key: f"{path}: there is none in the current folder, {Path.cwd()}, where the paths of recipes begin. There is one "
        f"beside the recipe: write '{other}'."
        for key, path, other in _beside(recipe)
        if not _is_there(Path(path))
    }


def differing_paths(recipe: Recipe) -> dict[Key, str]:
    """Return {key: what to say} of paths that are one thing in the current folder, and another beside the recipe."""
    return {
        key: f"{Path(path).absolute()} is read, and not {other}, which lies beside the recipe."
        for key, path, other in _beside(recipe)
        if _is_there(Path(path)) and not (other.exists() and Path(path).exists() and other.samefile(path))
    }


def refuse_missing(recipe: Recipe) -> None:
    """Refuse a path that is nothing in the current folder, and something beside the recipe.

    Raises:
        DataError: If there is such a path; it says where both are.
    """
    texts = [f"{'.'.join(map(str, key))}: {text}" for key, text in missing_paths(recipe).items()]
    if texts:
        raise DataError("\n".join(texts))


def _beside(recipe: Recipe) -> Iterator[tuple[Key, str, Path]]:
    """Yield (key, relative path, what it means from the recipe's folder) where that is another folder, and holds it."""
    origin = Path(recipe.document.origin) if recipe.document is not None else None
    if origin is None or not origin.is_file() or origin.parent.resolve() == Path.cwd():
        return
    for key, path in _named(recipe):
        other = origin.parent / path
        if not Path(path).expanduser().is_absolute() and _is_there(other):
            yield key, path, other


def _named(recipe: Recipe) -> Iterator[tuple[Key, str]]:
    """Yield (key, path as written) of the files and folders that a recipe's data and pretraining name."""
    pretraining = recipe.pretraining
    sections: list[tuple[Key, Spec | None]] = [(("data",), recipe.data), (("pretraining",), pretraining)]
    if pretraining is not None:
        sections.append((("pretraining", "data"), pretraining.data))
    for place, section in sections:
        for key, path in (section.paths() if section is not None else {}).items():
            yield (*place, *(int(part) if part.isdecimal() else part for part in key.split("."))), path


def _is_there(path: Path) -> bool:
    return path.exists() or bool(glob.glob(str(path), recursive=True))
