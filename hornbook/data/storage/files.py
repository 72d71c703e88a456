"""Opens data files; whatever is wrong with one becomes a DataError that names it."""

import codecs
import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from hornbook.data.storage.readers import Array
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean, nearest, nearest_file, what_it_is

__all__ = [
    "existing_file", "existing_files", "file_text", "is_pattern", "likely_encoding", "memory_bytes", "nearest_name",
    "read_header", "read_npz", "relative_to", "unreadable",
]  # fmt: skip

PROBED = 1000  # bytes


def existing_file(path: str | Path) -> Path:
    """Return the path of a readable file.

    Raises:
        DataError: If there is none; with the nearest file name of the folder.
    """
    file = Path(path).expanduser()
    if file.is_dir():
        raise DataError(f"{file}: is a folder, expected a file.")
    if file.exists():
        return file
    if said := what_it_is(str(path)):
        raise DataError(f"{path}: no such file. {said}")
    where = "Has it moved? A run keeps absolute paths: correct it in its recipe.yaml."
    if not file.is_absolute():
        where = relative_to()
    if not file.parent.exists():
        raise DataError(f"{file}: there is no folder {file.parent.absolute()}. {where}")
    raise DataError(f"{file}: no such file. {nearest_file(file) or where}")


def relative_to() -> str:
    """Return what a relative path begins at."""
    return f"A path is relative to the current folder, {Path.cwd()}."


def file_text(file: Path, encoding: str) -> str:
    """Return what a file says, without the mark that some editors put in front of UTF-8.

    Raises:
        UnicodeDecodeError: If it is not written so.
        OSError: If it cannot be read.
    """
    return file.read_bytes().decode("utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding)


def likely_encoding(data: bytes) -> str:
    """Return what text that is no UTF-8 is probably written in: UTF-16 by its mark or its zeros, else cp1252."""
    if data[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
        return "utf-16"
    first, second = (data[place:PROBED:2].count(0) for place in (0, 1))
    if 3 * max(first, second) > len(data[:PROBED]):
        return "utf-16-be" if first > second else "utf-16-le"
    return "cp1252"


def existing_files(path: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files of a path, a pattern (`data/*.csv`, in the order of their names), or several of these.

    Raises:
        DataError: If there is no such file, or one is meant twice.
    """
    files: list[Path] = []
    for each in [path] if isinstance(path, str | Path) else path:
        if not is_pattern(each):
            files.append(existing_file(each))
            continue
        matches = sorted(Path(name) for name in glob.glob(str(Path(each).expanduser()), recursive=True))
        matches = [match for match in matches if match.is_file()]
        if not matches:
            hint = what_it_is(str(each)) or relative_to()
            raise DataError(f"{each}: no file is called like this pattern. {hint}")
        files += matches
    places: dict[Path, Path] = {}
    for file in files:
        other = places.setdefault(file.resolve(), file)
        if other is not file:
            raise DataError(f"{file}: is named twice, and its rows would count twice. Name it once.")
    return files


def is_pattern(path: str | Path) -> bool:
    """Return whether a path is a pattern of files: it has `*`, `?` or `[`, and no file is called so."""
    return re.search(r"[*?\[]", str(path)) is not None and not Path(path).expanduser().exists()


def memory_bytes() -> int:
    """Return the bytes of memory that this machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def nearest_name(name: str, known: list[str]) -> str:
    """Return `Did you mean '…'?`, or nothing: a folder has too many files to list them all."""
    return f"Did you mean '{nearest(name, known)}'?" if nearest(name, known) else ""


def read_npz(path: str | Path, wanted: tuple[str, ...] | None = None) -> dict[str, Array]:
    """Return arrays of a .npz file by name; all of them unless `wanted` names some. Nothing is unpickled.

    Raises:
        DataError: If the file is missing, no archive, lacks an array, or holds Python objects.
    """
    file = existing_file(path)
    try:
        with file.open("rb") as stream:  # opened here, since np.load leaves a damaged archive open
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise DataError(f"{file}: holds a single array, expected an archive written with numpy.savez.")
            missing = [name for name in wanted or () if name not in archive.files]
            if missing:
                raise DataError(f"{file}: no array '{missing[0]}'. {did_you_mean(missing[0], archive.files)}".rstrip())
            return {name: archive[name] for name in (archive.files if wanted is None else wanted)}
    except DataError:
        raise
    except Exception as error:  # zipfile, zlib, OSError, ValueError, EOFError: a damaged file fails in many ways
        raise unreadable(file, error) from error


def read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return (shape, whether in Fortran order, type) of the .npy data that a stream is at; it is left at the values."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)


def unreadable(file: Path, error: Exception) -> DataError:
    """Return what to raise for a NumPy file that cannot be read."""
    if "allow_pickle" in str(error):
        return DataError(
            f"{file}: is no NumPy file, or holds Python objects, which may run code when read. "
            "Save plain arrays with numpy.savez."
        )
    return DataError(f"{file}: cannot be read: {error}.")
