"""Files in folders of classes: which classes there are, which splits, and what is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hornbook.data.pictures.listing import FilesFound, in_order, listed, printable
from hornbook.data.source import Array
from hornbook.errors import DataError

__all__ = ["SPLIT_NAMES", "ClassFolders", "class_folders"]

SPLIT_NAMES = {
    "train": "train", "training": "train", "validation": "validation", "val": "validation", "valid": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What folders, or values of a list, call the splits."""


@dataclass(frozen=True)
class ClassFolders:
    """What folders say of the files in them.

    Attributes:
        kept: Places of the files that are in a folder of a class.
        y: Their class numbers, int32.
        split: `train`, `validation` or `test` of each: the folders' own splits; None where they have none.
        class_names: The classes in order.
        notes: Sentences the user should read.
    """

    kept: list[int]
    y: Array
    split: Array | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...]


def class_folders(found: FilesFound, noun: str, *, advice: str) -> ClassFolders:
    """Return what the folders of files say.

    Args:
        found: The files; at least one.
        noun: What one is called: ``picture``.
        advice: What else to do with files that are in no folder of a class.

    Raises:
        DataError: If the folders cannot be understood.
    """
    root, nouns = found.root, f"{noun}s"
    parts = [name.split("/") for name in found.names]
    renamed = _own_splits(root, parts)
    depth = 1 if renamed else 0
    loose = [name for name, part in zip(found.names, parts, strict=True) if len(part) < depth + 2]
    if len(loose) == len(parts):
        raise DataError(
            f"{root}: the {nouns} are in no folder of a class ({listed(loose)}). Put those of each class into a folder of "
            f"its own, or {advice}."
        )
    kept = [place for place, part in enumerate(parts) if len(part) >= depth + 2]
    classes = [parts[place][depth] for place in kept]
    deeper = [found.names[place] for place in kept if len(parts[place]) > depth + 2]
    if len(deeper) == len(kept):
        above = "/".join(parts[kept[0]][: depth + 1])
        raise DataError(
            f"{root}: all {nouns} are in folders of folders ({printable(deeper[0])}). The classes are taken from the "
            f"folders in 'path'. If they are one level below, name that folder: path: {printable(str(root / above))}."
        )
    split = np.array([renamed[parts[place][0]] for place in kept]) if renamed else None
    class_names = _classes(root, classes, split, noun)
    number = {name: label for label, name in enumerate(class_names)}
    notes = [
        *_layout_notes(renamed, loose, deeper, noun),
        *_empty(found, depth, nouns),
        *found.left_out(),
    ]
    y = np.array([number[name] for name in classes], np.int32)
    return ClassFolders(kept, y, split, tuple(printable(name) for name in class_names), tuple(notes))


def _own_splits(root: Path, parts: list[list[str]]) -> dict[str, str]:
    """Return which split each folder is, where the folders of a folder are splits; empty where they are classes.

    Raises:
        DataError: If some are and others are not, or two are the same one.
    """
    folders = sorted({part[0] for part in parts if len(part) > 1})
    meant = {name: SPLIT_NAMES[name.lower()] for name in folders if name.lower() in SPLIT_NAMES}
    is_class = set(meant.values()) == {"train"} and len(folders) > 1  # trains are a class too
    if "train" not in meant.values() or is_class:
        return {}
    others = [name for name in folders if name not in meant]
    if others:
        raise DataError(
            f"{root}: has folders of splits ({listed(list(meant))}) and others ({listed(others)}). Expected either 'train', "
            "'validation' and 'test' alone, or a folder for each class."
        )
    for name in ("train", "validation", "test"):
        twice = [folder for folder, split in meant.items() if split == name]
        if len(twice) > 1:
            raise DataError(f"{root}: the folders {listed(twice)} are both the {name} split. Keep one.")
    return meant


def _classes(root: Path, classes: list[str], split: Array | None, noun: str) -> list[str]:
    """Return the names of the classes, in order: those of the training files.

    Raises:
        DataError: If another split has a class that training has not.
    """
    is_train = np.ones(len(classes), bool) if split is None else split == "train"
    names = in_order({name for name, is_used in zip(classes, is_train.tolist(), strict=True) if is_used})
    foreign = in_order({*classes} - {*names})
    if foreign:
        raise DataError(
            f"{root}: no training {noun} of class {listed(foreign)}, of which other splits have some. "
            f"Classes of 'train': {listed(names)}."
        )
    return names


def _layout_notes(renamed: Mapping[str, str], loose: Sequence[str], deeper: Sequence[str], noun: str) -> list[str]:
    notes = [f"the folder '{name}' is the {split} split." for name, split in renamed.items() if name != split]
    if loose:
        what = (
            f"{noun} is in no folder of a class and was"
            if len(loose) == 1
            else f"{noun}s are in no folder of a class and were"
        )
        notes.append(f"{len(loose):,} {what} left out ({listed(loose)}).")
    if deeper:
        what = (
            f"{noun} in a folder of its class's folder is"
            if len(deeper) == 1
            else f"{noun}s in folders of their class's folder are"
        )
        notes.append(f"{len(deeper):,} {what} read too ({listed(deeper)}).")
    return notes


def _empty(found: FilesFound, depth: int, nouns: str) -> list[str]:
    """Return a note about folders where a class's files would be and are not."""
    folders = [name for name in found.folders if name.count("/") == depth]
    used = {"/".join(name.split("/")[: depth + 1]) for name in found.names}
    empty = [name for name in folders if name not in used]
    return [f"no {nouns} in the folder{'' if len(empty) == 1 else 's'} {listed(empty)}."] if empty else []
