"""Pictures to predict on: a folder, a pattern, a file or a list of files, read as those were that the run learned from.

A run that learned from arrays takes pictures too: each is stretched to the size of its inputs.
"""

import glob
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.pictures.listing import SUFFIXES, list_files, printable
from hornbook.data.pictures.once import notes_about, pixels_of
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.readings import Examples, Reading
from hornbook.data.source import Array, Inputs
from hornbook.data.storage.files import existing_file
from hornbook.data.storage.rows import Rows, mapped
from hornbook.errors import DataError, UsageError
from hornbook.recipes.language.hints import did_you_mean

__all__ = ["read_pictures"]

LISTS = {".csv", ".tsv", ".txt", ".parquet", ".pq"}
PATTERN = re.compile(r"[*?\[]")
MOST_NAMED = 10


@dataclass(frozen=True)
class _Files:
    """The files that are asked for.

    Attributes:
        names: As they were given, or relative to the folder that was.
        paths: Where they are.
        y: What is true of each, as the list or the folders say it; None where it is not asked for.
        kept: Columns of the list.
        notes: What was left out.
    """

    names: list[str]
    paths: list[Path]
    y: Array | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = field(default_factory=tuple)


def settings_of(info: DataInfo) -> PictureSettings:
    """Return how a run's pictures were read; for a run that learned from arrays, how they become alike.

    Raises:
        DataError: If its inputs have no size, or are of channels that no picture has.
    """
    known = PictureSettings.of_run(info.extra)
    if known is not None:
        return known
    height, width, channels = info.input_shape
    if height is None or width is None or channels not in {1, 3, 4}:
        raise DataError(
            f"the model reads images of shape {info.input_shape}, which no picture file has. Give it arrays."
        )
    return PictureSettings(height, width, "stretch", channels)


def as_inputs(pixels: Inputs, info: DataInfo, scale: float | None) -> Inputs:
    """Return pixels from 0 to 255 in the type and range that a run has learned from.

    Args:
        pixels: (N, H, W, C) uint8.
        info: Facts about its data.
        scale: What the model divides its inputs by; None where it does not.

    Raises:
        DataError: If it is not known which number of its inputs is white.
    """
    if PictureSettings.of_run(info.extra) is not None:
        return pixels
    white = scale
    if white is None:
        largest = float(info.extra.get("inputs", {}).get("largest", np.inf))
        if largest > 1 and largest != 255:
            raise DataError(
                f"the model reads images of {info.input_dtype} up to {largest:g}, and it is not known which number is "
                "white. Give it arrays."
            )
        white = 255.0 if largest > 1 else 1.0
    if info.input_dtype == "uint8":
        if white == 255:
            return pixels
        return mapped(pixels, lambda block: np.rint(block * np.float32(white / 255.0)).astype(np.uint8))
    return mapped(pixels, lambda block: (block * np.float32(white / 255.0)).astype(np.float32))


def read_pictures(
    source: str | Path, info: DataInfo, reading: Reading, *, memory_budget: int | None = None
) -> Examples:
    """Return pictures as inputs, the names of their files, and their targets where those are asked for.

    Args:
        source: A folder (pictures in folders below it too), a pattern such as ``photos/*.jpg``, a picture, or a table with
            a column of files, which are looked for beside it.
        info: Facts about the data that the model was trained on.
        reading: What is asked. Targets are the names of folders, of a list its columns. With ``missing`` of ``skip``,
            pictures that cannot be read are left out.
        memory_budget: Bytes above which the pixels lie in a temporary file.

    Raises:
        UsageError: If something is asked that pictures do not have.
        DataError: If a picture cannot be read, or there is none.
    """
    if str(source) == "-":
        raise UsageError("-: the model reads pictures, which do not come from standard input. Name a folder or a list.")
    if reading.array is not None:
        raise UsageError(f"{source}: pictures have no array '{reading.array}'. Leave out --array.")
    if reading.missing == "fill":
        raise UsageError(
            "--missing fill: there is nothing to fill in a picture. 'skip' leaves out those that are damaged."
        )
    files = _files(source, info, reading)
    if not files.paths:
        raise DataError(" ".join([f"{source}: no picture is here.", *files.notes]))
    kept: dict[str, Any] = {"path": np.array(files.names, object), **files.kept}
    y = files.y
    settings = settings_of(info)
    pixels, facts, faults = pixels_of(files.paths, settings, memory_budget)
    notes = [*files.notes, *notes_about(facts)]
    left = np.arange(len(files.paths))
    if faults:
        listed = [f"{printable(files.names[place])} {reason}" for place, reason in sorted(faults.items())]
        shown = "; ".join(listed[:MOST_NAMED]) + (
            f"; and {len(listed) - MOST_NAMED:,} more" if len(listed) > MOST_NAMED else ""
        )
        if reading.missing != "skip":
            raise DataError(f"{source}: cannot be read: {shown}. Leave them out with --missing skip.")
        if len(faults) == len(left):
            raise DataError(f"{source}: none of the pictures can be read: {shown}.")
        notes.append(f"left out what cannot be read: {shown}.")
        left = np.setdiff1d(left, sorted(faults))
    x = as_inputs(pixels, info, reading.scale)
    if len(left) < len(files.paths):
        x = x.subset(left) if isinstance(x, Rows) else x[left]
        kept = {name: values[left] for name, values in kept.items()}
        y = None if y is None else y[left]
    return Examples(x, y, kept, tuple(notes))


def _files(source: str | Path, info: DataInfo, reading: Reading) -> _Files:
    path = Path(source).expanduser()
    if path.suffix.lower() in LISTS and not path.is_dir():
        return _listed(existing_file(path), info, reading)
    if reading.keep:
        raise UsageError(f"--keep {reading.keep[0]}: pictures have no columns. Their paths are written in any case.")
    if path.is_dir():
        found = list_files(path)
        shown = [os.path.join(source, name) for name in found.names]
        y = _folders(found.names, source) if reading.targets is not None else None
        return _Files(shown, [path / name for name in found.names], y, notes=tuple(found.left_out()))
    if reading.targets is not None:
        raise DataError(
            f"{source}: what is on these pictures is not said. Give a folder with one folder per class, or a table with the "
            "targets."
        )
    if not PATTERN.search(str(source)) or path.exists():
        return _Files([str(source)], [existing_file(path)])
    matched = [file for name in sorted(glob.glob(str(path), recursive=True)) if (file := Path(name)).is_file()]
    pictures = [file for file in matched if file.suffix.lower() in SUFFIXES]
    others = len(matched) - len(pictures)
    notes = (f"{others:,} other files match {source} and were left out.",) if others else ()
    return _Files([str(file) for file in pictures], pictures, notes=notes)


def _folders(names: Sequence[str], source: str | Path) -> Array:
    """Return the folder of each picture, right below the one that was given: its class."""
    loose = [name for name in names if "/" not in name]
    if loose:
        raise DataError(
            f"{source}: what is on a picture is the name of its folder, and {printable(loose[0])} is in none below "
            f"{source}. Give a folder with one folder per class, or a table with the targets."
        )
    return np.array([name.split("/", 1)[0] for name in names])


def _listed(file: Path, info: DataInfo, reading: Reading) -> _Files:
    """Return the files that a table names, which are looked for beside it."""
    from hornbook.data.tables.dialect import Dialect  # polars
    from hornbook.data.tables.files import read_frame
    from hornbook.data.tables.inputs import beside_inputs

    dialect, column = Dialect.of_run(info.extra), reading.file_column
    frame = read_frame(file, dialect)
    if column not in frame.columns:
        hint = did_you_mean(column, frame.columns)
        raise DataError(f"{file}: no column '{column}' that names the picture files. {hint}".rstrip())
    y, kept = beside_inputs(frame, info, reading, dialect, str(file))
    names = [str(name) for name in frame[column].to_list()]
    return _Files(names, [file.parent / name for name in names], y, kept)
