"""Where pixels of pictures and rows of large tables that were read are kept, what that costs, and how it is freed. No NumPy.

```text
$HORNBOOK_CACHE, else $XDG_CACHE_HOME/hornbook, else ~/.cache/hornbook
  pictures/<settings>-<content>/   rows.npy  facts.bin  about.json     one set of pictures, read in one way
  pictures/folders/<folder>.npz    which bytes each file of a folder had, by its size and times
  pictures/locks/<folder>          who reads a folder now
  tables/<settings>-<content>/     rows.npy  beside.arrow  about.json  one table as numbers
  tables/locks/<settings>          who reads a table now
```
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hornbook.errors import DataError, RunError

__all__ = [
    "ABOUT",
    "Cached",
    "being_filled",
    "cache_folder",
    "cached_sets",
    "filling",
    "free_cached",
    "remove_unfilled",
]

VARIABLE = "HORNBOOK_CACHE"
ABOUT, UNFILLED = "about.json", ".filling-"
KINDS = ("pictures", "tables")
UNUSED_S = 7 * 86400
"""A set that was used since stays, unless its folder of pictures is gone."""


def cache_folder(kind: str = "pictures") -> Path:
    """Return the folder of `pictures` or `tables` that were read."""
    root = os.environ.get(VARIABLE)
    if not root:
        root = os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "hornbook")
    return Path(root).expanduser().absolute() / kind


@dataclass(frozen=True)
class Cached:
    """A set of pictures, or a table, that was read.

    Attributes:
        path: Its folder.
        source: The folder of pictures, the list, or the table.
        what: What is kept, in words.
        size: Bytes.
        used: When it was last used, seconds since 1970.
        is_unused: Whether it was not used for a week, or its folder of pictures or its table is gone.
    """

    path: Path
    source: str
    what: str
    size: int
    used: float
    is_unused: bool


def cached_sets() -> list[Cached]:
    """Return what is in the cache, by where it comes from; what cannot be read counts as unused."""
    found = []
    paths = [path for kind in KINDS if (root := cache_folder(kind)).is_dir() for path in sorted(root.glob("*-*"))]
    for path in paths:
        if path.name.startswith(".") or not path.is_dir():
            continue
        is_table = path.parent.name == "tables"
        source, what, used = ("a file", "rows", 0.0) if is_table else ("a folder", "pixels of pictures", 0.0)
        what += " that are damaged"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            about = json.loads((path / ABOUT).read_text(encoding="utf-8"))
            source = str(about["source"])
            if is_table:
                what = f"{about['rows']:,} rows of {about['width']:,} numbers"
            else:
                settings = about["settings"]
                shape = f"{settings['height']}×{settings['width']}×{settings['channels']}"
                what = f"pixels of {about['pictures']:,} pictures at {shape}"
            used = (path / ABOUT).stat().st_mtime
        size = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
        is_unused = time.time() - used > UNUSED_S or not os.path.exists(source)
        shown = source.encode("utf-8", "backslashreplace").decode()
        found.append(Cached(path, shown, what, size, used, is_unused))
    return sorted(found, key=lambda one: (one.source, one.path.name))


def free_cached(path: Path) -> None:
    """Delete what was read: the next run reads it again, and one that is training goes on.

    Raises:
        RunError: If it cannot be deleted.
    """
    try:
        (path / ABOUT).unlink(missing_ok=True)  # first, so that nobody takes what is left for the whole
        shutil.rmtree(path)
    except OSError as error:
        raise RunError(f"{error.filename or path}: cannot be deleted ({error.strerror}).") from error


def remove_unfilled() -> int:
    """Delete what killed processes have left of sets that they were reading; return the bytes."""
    freed = 0
    for path in [path for kind in KINDS for path in sorted(cache_folder(kind).glob(f"{UNFILLED}*"))]:
        key = path.name.removeprefix(UNFILLED).partition("-")[0]
        if being_filled(key, path.parent.name):
            continue
        freed += sum(file.stat().st_size for file in path.iterdir() if file.is_file())
        shutil.rmtree(path, ignore_errors=True)
    return freed


def being_filled(key: str, kind: str = "pictures") -> bool:
    """Return whether a process reads what a key stands for."""
    try:
        with (cache_folder(kind) / "locks" / key).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


@contextlib.contextmanager
def filling(key: str, kind: str = "pictures") -> Iterator[Path]:
    """Give a folder to put a set of pictures, or a table, into; another process that reads the same waits until then.

    What is not renamed before the end is deleted. A killed process leaves no lock behind.

    Args:
        key: What is read: hexadecimal digits.
        kind: `pictures` or `tables`.

    Raises:
        DataError: If the folder cannot be written.
    """
    root = cache_folder(kind)
    advice = f"Name another folder for {kind} that were read, in the environment variable {VARIABLE}."
    try:
        (root / "locks").mkdir(parents=True, exist_ok=True)
        lock = (root / "locks" / key).open("ab")
    except OSError as error:
        raise DataError(f"{root}: cannot be written ({error.strerror}). {advice}") from error
    with lock:
        has_lock = True
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            has_lock = False  # a file system without locks: both read, and the first one's stays
        for left in root.glob(f"{UNFILLED}{key}-*") if has_lock else ():
            shutil.rmtree(left, ignore_errors=True)  # of a process that was killed
        folder = root / f"{UNFILLED}{key}-{os.urandom(4).hex()}"
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
