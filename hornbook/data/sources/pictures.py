"""Picture files as sources: folders of classes, and tables that list files with their targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.pictures.listing import (
    FilesFound,
    in_order,
    list_files,
    listed,
    paths_below,
    printable,
    require_folder,
    stats_of,
)
from hornbook.data.pictures.reading import PicturesRead, read_pictures
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.pictures.words import found_in, unreadable_sentences
from hornbook.data.source import Array, Likeness, Source
from hornbook.data.storage.files import existing_file
from hornbook.data.storage.rows import Rows
from hornbook.errors import DataError
from hornbook.recipes.sources.pictures import ImageFolder, ImageList, Pictures

__all__ = ["load_image_folder", "load_image_list", "outline"]

SPLIT_NAMES = {
    "train": "train", "training": "train", "validation": "validation", "val": "validation", "valid": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What folders, or values of a list, call the splits."""
ADVICE = "'duplicates: together' keeps them in one split."


@dataclass(frozen=True)
class _Listed:
    """Which files there are, and what is known of each.

    Attributes:
        root: Their folder.
        source: What stands for all of them: the folder, or the list.
        names: Paths relative to the root.
        stats: As of `stats_of`.
        y: (N,) or (N, K) targets.
        split: (N,) `train`, `validation` or `test`: the source's own splits; None where it has none.
        notes: Sentences the user should read.
        more: Further fields of the `Source`.
        weights: (N,) what each counts in loss and metrics; None where all count alike.
    """

    root: Path
    source: Path
    names: list[str]
    stats: Array
    y: Array
    split: Array | None
    notes: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    weights: Array | None = None


def load_image_folder(spec: ImageFolder, *, seed: int) -> Source:
    """Return the pictures of a folder as a source; their pixels stay on disk.

    Raises:
        DataError: If there are none, the folders cannot be understood, or files cannot be read.
    """
    return _loaded(_folder(spec), spec)


def load_image_list(spec: ImageList, *, seed: int) -> Source:
    """Return the pictures that a table lists as a source; their pixels stay on disk.

    Raises:
        DataError: If the table or files cannot be read.
    """
    return _loaded(_list(spec), spec)


def outline(spec: ImageFolder | ImageList, *, most_bytes: int) -> Source | None:
    """Return the source without its pixels, which must not be read; None where all files together are small."""
    found = _folder(spec) if isinstance(spec, ImageFolder) else _list(spec)
    if found.stats[:, 0].sum() <= most_bytes:
        return None
    shape = len(found.names), *PictureSettings.of_spec(spec).shape
    return _source(found, Rows(_Unread(shape)), np.arange(shape[0]))


class _Unread:
    """Rows of which only the shape is known."""

    refusal: str | None = None

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.dtype = shape, np.dtype(np.uint8)

    def read(self, rows: range | Array) -> Array:
        """Refuse: nothing was read."""
        raise TypeError("these pictures were not read")

    def load(self) -> Array:
        """Refuse: nothing was read."""
        raise TypeError("these pictures were not read")

    def verify(self) -> None:
        """Do nothing."""


def _loaded(found: _Listed, spec: Pictures) -> Source:
    """Return a source of files that were listed, read as the recipe says."""
    settings = PictureSettings.of_spec(spec)
    read = read_pictures(found.root, found.names, found.stats, settings, source=found.source)
    found, chosen = _readable(found, read, spec)
    shown = [found.names[place] for place in chosen.tolist()]
    extra = {"pictures": {**found_in(shown, read.facts[chosen], settings), "unreadable": len(read.reasons)}}
    source = _source(found, read.rows, read.row, chosen)
    likeness = _likeness(found, read, chosen, spec)
    names = {split: np.array(files, object) for split, files in likeness.names.items()}
    return replace(source, names=names, likeness=likeness, extra=extra, warnings=found.notes)


def _readable(found: _Listed, read: PicturesRead, spec: Pictures) -> tuple[_Listed, Array]:
    """Return what was found with notes about files that cannot be read, and the places of the others.

    Raises:
        DataError: If there are such files, unless the recipe skips them; if nothing is left of all, or of a class.
    """
    chosen = np.flatnonzero(read.row >= 0)
    if not read.reasons:
        return found, chosen
    lines = unreadable_sentences([(found.names[place], reason) for place, reason in sorted(read.reasons.items())])
    count = f"{len(read.reasons):,} of {len(found.names):,} pictures cannot be read"
    if spec.unreadable == "error":
        text = "\n  ".join([f"{found.source}: {count}.", *lines])
        raise DataError(f"{text}\n  Repair or remove them, or leave them out with 'unreadable: skip'.")
    if not len(chosen):
        raise DataError("\n  ".join([f"{found.source}: none of {len(found.names):,} pictures can be read.", *lines]))
    class_names = found.more.get("class_names")
    if class_names is not None:
        lost = [name for label, name in enumerate(class_names) if not (found.y[chosen] == label).any()]
        if lost:
            raise DataError("\n  ".join([f"{found.source}: no picture of class {listed(lost)} can be read.", *lines]))
    note = f"{count} and were left out: {' '.join(lines)}"
    return replace(found, notes=(*found.notes, note)), chosen


def _source(found: _Listed, rows: Rows, row: Array, chosen: Array | None = None) -> Source:
    """Return a source of the chosen files, all of them unless it is said."""
    chosen = np.arange(len(found.names)) if chosen is None else chosen
    by_split = {name: chosen[_is_of(found, name)[chosen]] for name in ("train", "validation", "test")}
    if not len(by_split["train"]):
        raise DataError(f"{found.source}: there are no pictures to train on.")
    roles: dict[str, Any] = {}
    for name, suffix in (("train", ""), ("validation", "_validation"), ("test", "_test")):
        if len(by_split[name]):
            roles[f"x{suffix}"] = rows.subset(row[by_split[name]])
            roles[f"y{suffix}"] = found.y[by_split[name]]
            roles[f"weights{suffix}"] = None if found.weights is None else found.weights[by_split[name]]
    more = dict(found.more)
    if more.get("split_by") is not None:
        more["split_by"] = more["split_by"][by_split["train"]]
    return Source(kind="image", **roles, **more)


def _is_of(found: _Listed, split: str) -> Array:
    if found.split is None:
        return np.full(len(found.names), split == "train")
    return np.asarray(found.split == split)


def _likeness(found: _Listed, read: PicturesRead, chosen: Array, spec: Pictures) -> Likeness:
    exact: dict[str, Array] = {}
    same: dict[str, Array] = {}
    names: dict[str, Sequence[str]] = {}
    for split in ("train", "validation", "test"):
        places = chosen[_is_of(found, split)[chosen]]
        if len(places):
            exact[split], same[split] = read.row[places], read.same[places]
            names[split] = [printable(found.names[place]) for place in places.tolist()]
    return Likeness(exact, same, names, spec.duplicates == "together", ADVICE)


# ---- folders


def _folder(spec: ImageFolder) -> _Listed:
    root = require_folder(spec.path)
    found = list_files(root)
    if not found.names:
        raise DataError(_no_pictures(root, found))
    parts = [name.split("/") for name in found.names]
    renamed = _own_splits(root, parts)
    depth = 1 if renamed else 0
    loose = [name for name, part in zip(found.names, parts, strict=True) if len(part) < depth + 2]
    if len(loose) == len(parts):
        raise DataError(
            f"{root}: the pictures are in no folder of a class ({listed(loose)}). Put those of each class into a folder of "
            "its own, or list them with their targets in a table (data: image_list)."
        )
    kept = [place for place, part in enumerate(parts) if len(part) >= depth + 2]
    classes = [parts[place][depth] for place in kept]
    deeper = [found.names[place] for place in kept if len(parts[place]) > depth + 2]
    if len(deeper) == len(kept):
        above = "/".join(parts[kept[0]][: depth + 1])
        raise DataError(
            f"{root}: all pictures are in folders of folders ({printable(deeper[0])}). The classes are taken from the "
            f"folders in 'path'. If they are one level below, name that folder: path: {printable(str(root / above))}."
        )
    split = np.array([renamed[parts[place][0]] for place in kept]) if renamed else None
    class_names = _classes(root, classes, split)
    number = {name: label for label, name in enumerate(class_names)}
    notes = [*_layout_notes(renamed, loose, deeper), *_empty(found, class_names, depth), *found.left_out()]
    return _Listed(
        root,
        root,
        [found.names[place] for place in kept],
        found.stats[kept],
        np.array([number[name] for name in classes], np.int32),
        split,
        tuple(notes),
        {"class_names": tuple(printable(name) for name in class_names)},
    )


def _no_pictures(root: Path, found: FilesFound) -> str:
    left = " ".join(found.left_out())
    expected = "Expected a folder for each class, with JPEG, PNG, GIF, BMP, WebP or TIFF files."
    return f"{root}: there are no pictures. {left + ' ' if left else ''}{expected}"


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


def _classes(root: Path, classes: list[str], split: Array | None) -> list[str]:
    """Return the names of the classes, in order: those of the training pictures.

    Raises:
        DataError: If another split has a class that training has not.
    """
    is_train = np.ones(len(classes), bool) if split is None else split == "train"
    names = in_order({name for name, is_used in zip(classes, is_train.tolist(), strict=True) if is_used})
    foreign = in_order({*classes} - {*names})
    if foreign:
        raise DataError(
            f"{root}: no training picture of class {listed(foreign)}, of which other splits have some. "
            f"Classes of 'train': {listed(names)}."
        )
    return names


def _layout_notes(renamed: Mapping[str, str], loose: list[str], deeper: list[str]) -> list[str]:
    notes = [f"the folder '{name}' is the {split} split." for name, split in renamed.items() if name != split]
    if loose:
        noun = (
            "picture is in no folder of a class and was"
            if len(loose) == 1
            else "pictures are in no folder of a class and were"
        )
        notes.append(f"{len(loose):,} {noun} left out ({listed(loose)}).")
    if deeper:
        noun = (
            "picture in a folder of its class's folder is"
            if len(deeper) == 1
            else "pictures in folders of their class's folder are"
        )
        notes.append(f"{len(deeper):,} {noun} read too ({listed(deeper)}).")
    return notes


def _empty(found: FilesFound, class_names: list[str], depth: int) -> list[str]:
    """Return a note about folders where a class's pictures would be and are not."""
    folders = [name for name in found.folders if name.count("/") == depth]
    used = {"/".join(name.split("/")[: depth + 1]) for name in found.names}
    empty = [name for name in folders if name not in used]
    return [f"no pictures in the folder{'' if len(empty) == 1 else 's'} {listed(empty)}."] if empty else []


# ---- lists


def _list(spec: ImageList) -> _Listed:
    from hornbook.data.sources.table import (  # polars: 30 MB
        dialect_of,
        split_values,
        table_frame,
    )
    from hornbook.data.tables.columns import require_columns, target_array, weights_of

    file = existing_file(spec.path)
    dialect, where, frame = dialect_of(spec), str(file), table_frame(spec)
    column = spec.split.column if spec.split is not None else None
    wanted = [spec.file, *spec.target_columns, *filter(None, [spec.splits, spec.weight, column])]
    require_columns(wanted, frame, where)
    names, notes = paths_below(
        file, [None if name is None else str(name) for name in frame[spec.file].to_list()], spec.file
    )
    more = {
        "split_by": split_values(spec.split, frame, dialect, where),
        "target_names": spec.target_columns if len(spec.target_columns) > 1 else None,
    }
    return _Listed(
        file.parent,
        file,
        names,
        stats_of(file.parent, names),
        target_array(spec.target_columns, frame, dialect, where),
        None if spec.splits is None else _named_splits(where, frame[spec.splits].to_list(), spec.splits),
        tuple(notes),
        more,
        weights_of(spec.weight, frame, dialect, where),
    )


def _named_splits(where: str, values: list[Any], column: str) -> Array:
    """Return the split that each row names.

    Raises:
        DataError: If a row names none.
    """
    unknown = sorted({str(value) for value in values if str(value).strip().lower() not in SPLIT_NAMES})
    if unknown:
        raise DataError(f"{where}: column '{column}' holds {listed(unknown)}; expected train, validation or test.")
    return np.array([SPLIT_NAMES[str(value).strip().lower()] for value in values])
