"""Which picture files a folder has: in an order of names that no locale and no file system changes, and what is left out.

Hidden files, links that lead out of the folder and files that are no pictures by their name are left out, counted and
named. Nothing is opened here, except files whose name has no ending.
"""

import os
import stat
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hornbook.data.storage.files import nearest_name, relative_to
from hornbook.data.storage.readers import Array
from hornbook.errors import DataError

__all__ = ["FilesFound", "in_order", "list_files", "listed", "paths_below", "printable", "require_folder", "stats_of"]

SUFFIXES = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".apng": "PNG", ".gif": "GIF",
    ".bmp": "BMP", ".dib": "BMP", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".ppm": "PPM", ".pgm": "PPM",
    ".pbm": "PPM", ".pnm": "PPM",
}  # fmt: skip
"""Which format files that end so should have. What they hold decides."""
MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF87a", b"GIF89a", b"BM", b"RIFF", b"II*\x00", b"MM\x00*")
STATS = ("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")
MOST_NAMED = 5


@dataclass
class FilesFound:
    """The picture files below a folder, and what else is there.

    Attributes:
        root: The folder.
        names: Paths of the pictures relative to it, with `/`, in order.
        stats: (N, 4) int64: size, times of the last change of the content and of the file, number of the file.
        folders: Folders below it, however empty.
        hidden: Hidden files and folders.
        links: Links that were not followed: they lead out of the folder, nowhere, or to a folder.
        others: Files that are no pictures by their name.
    """

    root: Path
    names: list[str] = field(default_factory=list)
    stats: Array = field(default_factory=lambda: np.empty((0, len(STATS)), np.int64))
    folders: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def left_out(self) -> list[str]:
        """Return sentences about what was left out; nothing where nothing was."""
        said = []
        if self.links:
            said.append(
                f"{_count(self.links, 'link', 'links')} not followed, to other places or folders ({listed(self.links)}). "
                "Copy the files to have them read."
            )
        if self.hidden:
            said.append(f"{_count(self.hidden, 'hidden file', 'hidden files')} left out ({listed(self.hidden)}).")
        if self.others:
            others = _count(self.others, "file of another kind", "files of other kinds")
            said.append(f"{others} left out ({listed(self.others)}).")
        return said


def require_folder(path: str | Path, *, noun: str = "pictures") -> Path:
    """Return the path of a folder; `noun` is what is expected in it.

    Raises:
        DataError: If there is none; with the nearest name.
    """
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise DataError(f"{folder}: is a file, expected a folder of {noun}.")
    if not folder.parent.is_dir():
        where = "Has it moved? A run keeps absolute paths: correct it in its recipe.yaml."
        if not folder.is_absolute():
            where = relative_to()
        raise DataError(f"{folder}: there is no folder {folder.parent.absolute()}. {where}")
    names = [entry.name for entry in folder.parent.iterdir() if entry.is_dir()]
    hint = nearest_name(folder.name, names)
    raise DataError(f"{folder}: no such folder. {hint or relative_to()}")


def list_files(root: Path, *, is_wanted: Callable[[os.DirEntry[str]], bool] | None = None) -> FilesFound:
    """Return the pictures below a folder, those in folders of it too.

    Args:
        root: The folder.
        is_wanted: Says which files are wanted, where it is not the pictures.

    Raises:
        DataError: If the folder, or one below it, cannot be read.
    """
    found = FilesFound(root)
    is_wanted = _is_picture if is_wanted is None else is_wanted
    rows: list[tuple[str, tuple[int, ...]]] = []
    real = os.path.realpath(root)
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(root / prefix) as entries:
                for entry in entries:
                    name = prefix + entry.name
                    if entry.name.startswith("."):
                        found.hidden.append(name)
                    elif entry.is_symlink() and not _stays(entry, real):
                        found.links.append(name)
                    elif entry.is_dir():
                        found.folders.append(name)
                        waiting.append(f"{name}/")
                    elif not entry.is_file() or not is_wanted(entry):
                        found.others.append(name)
                    else:
                        rows.append((name, _numbers(entry.stat())))
        except OSError as error:
            place = error.filename or root / prefix
            raise DataError(f"{printable(str(place))}: cannot be read: {error.strerror}.") from error
    rows.sort(key=lambda row: _key(row[0]))
    found.names = [name for name, _ in rows]
    found.stats = np.array([numbers for _, numbers in rows], np.int64).reshape(-1, len(STATS))
    for names in (found.folders, found.hidden, found.links, found.others):
        names.sort(key=_key)
    return found


def stats_of(root: Path, names: Sequence[str]) -> Array:
    """Return the `stats` of these files below a folder; zeros for one that cannot be looked at."""
    stats = np.zeros((len(names), len(STATS)), np.int64)
    for place, name in enumerate(names):
        try:
            stats[place] = _numbers((root / name).stat())
        except OSError:
            continue  # reading it says why
    return stats


def in_order(names: Iterable[str]) -> list[str]:
    """Return names of folders in order: of their numbers where all are whole numbers, else of their letters."""
    given = list(names)
    if all(name.isascii() and name.isdigit() for name in given):
        return sorted(given, key=lambda name: (int(name), name))
    return sorted(given, key=_key)


def listed(names: Sequence[str]) -> str:
    """Return the first names, printable, and how many more there are."""
    shown = ", ".join(printable(name) for name in names[:MOST_NAMED])
    return shown + (f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else "")


def printable(name: str) -> str:
    """Return a file's name as text that can be written: bytes that are no UTF-8 become ``\\udc..``."""
    return name.encode("utf-8", "backslashreplace").decode()


def paths_below(file: Path, values: list[str | None], column: str) -> tuple[list[str], list[str]]:
    """Return the paths of a list below its folder, and notes.

    Args:
        file: The list.
        values: What stands in its rows.
        column: Where.

    Raises:
        DataError: If one is missing, or leads out of the folder; with all of their rows.
    """
    names, faults = [], []
    for row, value in enumerate(values, 1):
        name = os.path.normpath((value or "").strip().replace("\\", "/")) if (value or "").strip() else ""
        if not name:
            faults.append(f"row {row:,}: there is no path.")
        elif os.path.isabs(name) or name.split("/")[0] == "..":
            faults.append(f"row {row:,}: '{printable(name)}' leads out of the list's folder.")
        elif _leaves(file.parent, name):
            faults.append(f"row {row:,}: '{printable(name)}' is a link that leads out of the list's folder.")
        names.append(name)
    if faults:
        more = [f"… and {len(faults) - 20:,} more"] if len(faults) > 20 else []
        paths = "1 path" if len(faults) == 1 else f"{len(faults):,} paths"
        start = f"{file}: {paths} of column '{column}' cannot be used: they are relative to the list's own folder."
        raise DataError("\n  ".join([start, *faults[:20], *more]))
    twice = [name for name, count in _counts(names).items() if count > 1]
    if not twice:
        return names, []
    verb = "file is listed" if len(twice) == 1 else "files are listed"
    return names, [f"{len(twice):,} {verb} more than once ({listed(twice)})."]


def _counts(names: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _leaves(folder: Path, name: str) -> bool:
    """Return whether a file is a link to another place, or in a folder that is one."""
    path = folder / name
    if not any(part.is_symlink() for part in (path, *list(path.parents)[: len(Path(name).parts) - 1])):
        return False
    return not os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)


def _count(names: Sequence[str], one: str, many: str) -> str:
    return f"1 {one} was" if len(names) == 1 else f"{len(names):,} {many} were"


def _key(name: str) -> tuple[str, str]:
    """Return what names are ordered by: the same on file systems that store letters with accents in two pieces."""
    return (name, name) if name.isascii() else (unicodedata.normalize("NFC", name), name)


def _numbers(status: os.stat_result) -> tuple[int, ...]:
    inode = status.st_ino & 0x7FFF_FFFF_FFFF_FFFF
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, inode


def _stays(entry: os.DirEntry[str], real: str) -> bool:
    """Return whether a link leads to a file of the folder. A link to a folder may lead in a circle."""
    target = os.path.realpath(entry.path)
    return target.startswith(real + os.sep) and stat.S_ISREG(_mode(target))


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError:
        return 0


def _is_picture(entry: os.DirEntry[str]) -> bool:
    """Return whether a file's name says that it is a picture; without an ending, whether its first bytes do."""
    suffix = os.path.splitext(entry.name)[1].lower()
    if suffix:
        return suffix in SUFFIXES
    try:
        with open(entry.path, "rb") as file:
            return file.read(8).startswith(MAGIC)
    except OSError:
        return False
