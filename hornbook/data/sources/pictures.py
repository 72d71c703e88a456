"""Picture files as sources: folders of classes, and tables that list files with their targets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.pictures.listing import (
    FilesFound,
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
from hornbook.data.sources.folders import SPLIT_NAMES, class_folders
from hornbook.data.storage.files import existing_file
from hornbook.data.storage.rows import Rows
from hornbook.errors import DataError
from hornbook.recipes.sources.pictures import ImageFolder, ImageList, Pictures

__all__ = ["load_image_folder", "load_image_list", "outline"]

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
    folders = class_folders(found, "picture", advice="list them with their targets in a table (data: image_list)")
    return _Listed(
        root,
        root,
        [found.names[place] for place in folders.kept],
        found.stats[folders.kept],
        folders.y,
        folders.split,
        folders.notes,
        {"class_names": folders.class_names},
    )


def _no_pictures(root: Path, found: FilesFound) -> str:
    left = " ".join(found.left_out())
    expected = "Expected a folder for each class, with JPEG, PNG, GIF, BMP, WebP or TIFF files."
    return f"{root}: there are no pictures. {left + ' ' if left else ''}{expected}"


# ---- lists


def _list(spec: ImageList) -> _Listed:
    from hornbook.data.sources.table import (  # polars: 30 MB
        dialect_of,
        split_values,
        table_frame,
    )
    from hornbook.data.tables.columns.features import require_columns, target_array, weights_of

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
