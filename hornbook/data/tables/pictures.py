"""Columns of a table that name picture files: their pixels, as blocks behind the other columns of each row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.facts import Block, DataInfo
from hornbook.data.pictures.listing import paths_below, printable, stats_of
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.source import Array
from hornbook.data.storage.files import existing_files
from hornbook.data.storage.rows import Inputs, Rows
from hornbook.data.tables.files import Paths
from hornbook.errors import DataError

__all__ = ["ColumnsOfPictures", "blocks_of", "pictures_of", "pictures_to_predict"]

WHITE = 255.0
MOST_NAMED = 20


@dataclass(frozen=True)
class ColumnsOfPictures:
    """What the files hold that a table names.

    Attributes:
        pixels: {column: (N, H, W, C) uint8}; they stay on disk.
        names: {column: (N,) paths as they are written}.
        found: What a run records of them, as of `pictures.words.found_in`.
        notes: Sentences the user should read.
    """

    pixels: Mapping[str, Rows] = field(default_factory=dict)
    names: Mapping[str, Array] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def first(self) -> Array | None:
        """Return the files of the first column, which are what rows are called; None where there is none."""
        return next(iter(self.names.values()), None)


def blocks_of(columns: Sequence[str], settings: PictureSettings) -> tuple[Block, ...]:
    """Return what stands for columns of pictures in each row."""
    return tuple(Block(name, "picture", settings.shape, scale=WHITE) for name in columns)


def pictures_of(path: Paths, frame: Any, columns: Sequence[str], settings: PictureSettings) -> ColumnsOfPictures:
    """Return the pictures that columns of a table name, relative to the table's own folder.

    Args:
        path: The table's files, of one folder.
        frame: The table, with these columns as text.
        columns: The columns.
        settings: How pictures are read.

    Raises:
        DataError: If a path is missing or leads elsewhere, or a file cannot be read; with all of their rows.
    """
    from hornbook.data.pictures.reading import read_pictures  # Pillow
    from hornbook.data.pictures.words import found_in

    files = existing_files(path)
    folders = {file.parent.absolute() for file in files}
    if len(folders) > 1:
        listed = ", ".join(sorted(map(str, folders))[:3])
        raise DataError(
            f"{files[0]}: pictures lie below the table's own folder, and its files are in several: {listed}. Put the tables "
            "into one folder."
        )
    names, notes = dict[str, list[str]](), list[str]()
    for column in columns:
        values = [None if value is None else str(value) for value in frame[column].to_list()]
        names[column], more = paths_below(files[0], values, column)
        notes += more
    every = [name for column in columns for name in names[column]]
    read = read_pictures(files[0].parent, every, stats_of(files[0].parent, every), settings, source=files[0])
    count = len(names[columns[0]])
    faults = [(place % count, columns[place // count], every[place], why) for place, why in read.reasons.items()]
    _refuse(str(files[0]), faults, "Repair or remove them.")
    return ColumnsOfPictures(
        {column: read.rows.subset(read.row[place * count :][:count]) for place, column in enumerate(columns)},
        {column: np.array([printable(name) for name in names[column]], object) for column in columns},
        found_in(every, read.facts, settings),
        tuple(notes),
    )


def pictures_to_predict(
    frame: Any, info: DataInfo, table: Path, *, memory_budget: int | None, skips: bool
) -> tuple[dict[str, Inputs], Array, list[str]]:
    """Return the pixels of each column of pictures, (N,) which rows lack one that can be read, and notes.

    Args:
        frame: The table, with these columns as text.
        info: Facts about the data that the model was trained on.
        table: The table's file, beside which the pictures lie.
        memory_budget: Bytes above which the pixels of a column lie in a temporary file.
        skips: Whether files that cannot be read are no error.

    Raises:
        DataError: As of `pictures_of`.
    """
    from hornbook.data.pictures.once import notes_about, pixels_of  # Pillow

    pictures = [block for block in info.blocks if block.kind == "picture"]
    found, notes, faults = dict[str, Inputs](), list[str](), list[tuple[int, str, str, str]]()
    lacks = np.zeros(frame.height, bool)
    if not pictures:
        return found, lacks, notes
    settings = PictureSettings.from_json(info.extra["picture_columns"]["settings"])
    for block in pictures:
        values = [None if value is None else str(value) for value in frame[block.name].to_list()]
        names, more = paths_below(table, values, block.name)
        pixels, facts, unread = pixels_of([table.parent / name for name in names], settings, memory_budget)
        found[block.name] = pixels
        notes += [*more, *notes_about(facts)]
        faults += [(row, block.name, names[row], why) for row, why in unread.items()]
    if not skips:
        _refuse(table.name, faults, "Repair them, or leave such rows out with --missing skip.")
    lacks[[row for row, *_ in faults]] = True
    return found, lacks, notes


def _refuse(where: str, faults: Sequence[tuple[int, str, str, str]], hint: str) -> None:
    """Raise a DataError that names files that cannot be read, (row from 0, column, file, why), if there are any."""
    if not faults:
        return
    ordered = sorted(faults)
    lines = [f"row {row + 1:,}, column '{column}': {printable(name)} {why}." for row, column, name, why in ordered]
    more = [f"… and {len(lines) - MOST_NAMED:,} more"] if len(lines) > MOST_NAMED else []
    count = "1 picture" if len(lines) == 1 else f"{len(lines):,} pictures"
    raise DataError("\n  ".join([f"{where}: {count} cannot be read.", *lines[:MOST_NAMED], *more, hint]))
