"""Opens data files; whatever is wrong with one becomes a DataError that names it."""

from pathlib import Path

import numpy as np

from hornbook.data.source import Array
from hornbook.errors import DataError
from hornbook.recipes.spec import did_you_mean, nearest

__all__ = ["existing_file", "nearest_name", "read_npy", "read_npz"]


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
    if not file.parent.exists():
        raise DataError(f"{file}: there is no folder {file.parent.absolute()}.")
    hint = nearest_name(file.name, [entry.name for entry in file.parent.iterdir()])
    raise DataError(f"{file}: no such file. {hint or 'A path is relative to the current folder.'}")


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
        raise _unreadable(file, error) from error


def read_npy(path: str | Path) -> Array:
    """Return the array of a .npy file. Errors as of `read_npz`."""
    file = existing_file(path)
    try:
        array = np.load(file, allow_pickle=False)
    except Exception as error:  # as above
        raise _unreadable(file, error) from error
    return np.asarray(array)


def _unreadable(file: Path, error: Exception) -> DataError:
    if "allow_pickle" in str(error):
        return DataError(
            f"{file}: is no NumPy file, or holds Python objects, which may run code when read. "
            "Save plain arrays with numpy.savez."
        )
    return DataError(f"{file}: cannot be read: {error}.")
