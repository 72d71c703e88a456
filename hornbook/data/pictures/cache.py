"""Sets of pictures that were read: their rows of pixels in one file, and facts about each picture in another.

A set belongs to a way of reading (`PictureSettings`) and to what the files hold, not to their names and places: pictures
that are the same to the byte are one row. It is written beside its place and renamed as a whole, so that there is never half
of one. Each row has a checksum; a set that is damaged is not used, and read anew.
"""

import contextlib
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

import numpy as np

from hornbook.data.pictures.decode import NOTES, Decoded
from hornbook.data.pictures.duplicates import SIDE, alike, grey_copies
from hornbook.data.pictures.index import DIGEST_BYTES
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.storage.readers import Array
from hornbook.data.storage.rows import Rows
from hornbook.data.storage.stored import open_npy
from hornbook.errors import DataError
from hornbook.runs.caches import ABOUT, cache_folder

__all__ = ["PictureSet", "SetWriter", "open_set", "same_way", "set_path", "settings_key", "workers"]

VERSION = 1
"""Of how pictures are read: another one reads all of them again."""
ROWS_FILE, FACTS_FILE = "rows.npy", "facts.bin"
FACTS = np.dtype(
    [
        ("digest", np.uint8, (DIGEST_BYTES,)), ("row", np.int32), ("crc", np.uint32), ("same", np.int32),
        ("width", np.uint32), ("height", np.uint32), ("format", "S4"), ("mode", "S6"), ("notes", np.uint16),
        ("colour", np.uint8, (3,)), ("copy", np.uint8, (SIDE, SIDE)),
    ]
)  # fmt: skip
"""Of a picture: the hash of its file's bytes, its row (-1: cannot be read), the row's checksum, the first place of a near
duplicate, size and kind as it was stored, what was changed in it (bits, in the order of `NOTES`), what it is compared by."""
BITS = {note: 1 << place for place, note in enumerate(NOTES)}
VERIFY_ROWS = 1 << 24  # bytes that are verified at once


@dataclass(frozen=True)
class PictureSet:
    """Pictures that were read in one way, each once.

    Attributes:
        path: Where they are.
        rows: (R, H, W, C) uint8, in the file.
        facts: (N,) of type `FACTS`.
        reasons: Why pictures cannot be read, by the hash of their bytes.
        places: Places in `facts` by the hash of the bytes.
    """

    path: Path
    rows: Rows
    facts: Array
    reasons: Mapping[bytes, str]
    places: Mapping[bytes, int] = field(repr=False)


def workers() -> int:
    """Return how many threads read pictures."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 16)


def settings_key(settings: PictureSettings) -> str:
    """Return the name of a way of reading."""
    text = json.dumps({"version": VERSION, **settings.to_json()}, sort_keys=True)
    return blake2b(text.encode(), digest_size=8).hexdigest()


def set_path(settings: PictureSettings, digests: Iterable[bytes]) -> Path:
    """Return where the set of pictures with these bytes is, or would be."""
    content = blake2b(b"".join(sorted(set(digests))), digest_size=12).hexdigest()
    return cache_folder() / f"{settings_key(settings)}-{content}"


def same_way(settings: PictureSettings) -> list[PictureSet]:
    """Return all sets that were read in this way, the last one used first; damaged ones are left out."""
    paths = [path for path in cache_folder().glob(f"{settings_key(settings)}-*") if (path / ABOUT).exists()]
    paths.sort(key=lambda path: -(path / ABOUT).stat().st_mtime)
    found = [open_set(path, settings, verify=False) for path in paths]
    return [one for one in found if one is not None]


def open_set(path: Path, settings: PictureSettings, *, verify: bool = True) -> PictureSet | None:
    """Return a set of pictures; None where there is none, or it is damaged.

    Args:
        path: Where it is.
        settings: How its pictures were read.
        verify: Whether to check all rows against their checksums too.
    """
    try:
        about = json.loads((path / ABOUT).read_text(encoding="utf-8"))
        data = (path / FACTS_FILE).read_bytes()
        if zlib.crc32(data) != about["facts"]:
            return None
        facts = np.frombuffer(data, FACTS)
        rows = open_npy(path / ROWS_FILE)
        count = int((facts["row"] >= 0).sum())
        if not isinstance(rows, Rows) or rows.shape != (count, *settings.shape) or rows.dtype != np.uint8:
            return None
        reasons = {bytes.fromhex(digest): str(reason) for digest, reason in about["unreadable"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, DataError):
        return None
    if verify and not _is_whole(rows, facts):
        return None
    with contextlib.suppress(OSError):
        os.utime(path / ABOUT)  # when it was last used
    digests = facts["digest"].tobytes()
    cut = [digests[start : start + DIGEST_BYTES] for start in range(0, len(digests), DIGEST_BYTES)]
    return PictureSet(path, rows, facts, reasons, dict(zip(cut, range(len(cut)), strict=True)))


def _is_whole(rows: Rows, facts: Array) -> bool:
    """Return whether all rows have their checksums."""
    expected = np.zeros(len(rows), np.uint32)
    is_read = facts["row"] >= 0
    expected[facts["row"][is_read]] = facts["crc"][is_read]
    size = max(1, VERIFY_ROWS // max(1, int(np.prod(rows.shape[1:]))))

    def is_right(start: int) -> bool:
        block = rows[start : start + size]
        return all(zlib.crc32(row) == crc for row, crc in zip(block, expected[start:].tolist(), strict=False))

    try:
        with ThreadPoolExecutor(min(workers(), 4)) as pool:
            return all(pool.map(is_right, range(0, len(rows), size)))
    except DataError:
        return False


class SetWriter:
    """Writes a set of pictures into a folder, which is then renamed to its place.

    Args:
        folder: Made when the first picture comes.
        settings: How the pictures are read.
        most: The pictures that there may be.

    Raises:
        DataError: If there is no room for them.
    """

    def __init__(self, folder: Path, settings: PictureSettings, most: int) -> None:
        self._folder, self._settings, self._most = folder, settings, most
        self._file: IO[bytes] | None = None
        self._facts: list[Array] = []
        self._rows = 0
        self.written: set[bytes] = set()
        self.reasons: dict[bytes, str] = {}

    def add(self, pictures: Sequence[tuple[bytes, Decoded]]) -> None:
        """Add pictures, each with the hash of its bytes; those that are there already are left out."""
        new = {digest: picture for digest, picture in pictures if digest not in self.written}
        if not new:
            return
        facts = np.zeros(len(new), FACTS)
        copies, colours = grey_copies(np.stack([picture.thumb for picture in new.values()]))
        facts["copy"], facts["colour"] = copies, colours
        for fact, (digest, picture) in zip(facts, new.items(), strict=True):
            fact["digest"] = np.frombuffer(digest, np.uint8)
            fact["width"], fact["height"] = picture.width, picture.height
            fact["format"], fact["mode"] = picture.format, picture.mode
            fact["notes"] = sum(BITS[note] for note in picture.notes)
        self._append(np.stack([picture.pixels for picture in new.values()]), facts)

    def copy(self, other: PictureSet, places: Sequence[int]) -> None:
        """Add pictures of another set, by their places there; rows that are damaged are left out."""
        digests = other.facts["digest"]
        chosen = [place for place in places if digests[place].tobytes() not in self.written]
        for place in chosen:
            if other.facts["row"][place] < 0:
                self.refuse(digests[place].tobytes(), other.reasons.get(digests[place].tobytes(), "cannot be read"))
        readable = np.array([place for place in chosen if other.facts["row"][place] >= 0], np.int64)
        for start in range(0, len(readable), 512):
            facts = other.facts[readable[start : start + 512]].copy()
            try:
                rows = other.rows.take(facts["row"])
            except DataError:
                return
            whole = np.array([zlib.crc32(row) for row in rows], np.uint32) == facts["crc"]
            if whole.any():
                self._append(rows[whole], facts[whole])

    def refuse(self, digest: bytes, reason: str) -> None:
        """Remember that bytes are no picture that can be read."""
        if digest not in self.written:
            self.written.add(digest)
            self.reasons[digest] = reason
            fact = np.zeros(1, FACTS)
            fact["digest"], fact["row"] = np.frombuffer(digest, np.uint8), -1
            self._facts.append(fact)

    def _append(self, rows: Array, facts: Array) -> None:
        facts["row"] = np.arange(self._rows, self._rows + len(rows))
        facts["crc"] = [zlib.crc32(row) for row in rows]
        try:
            if self._file is None:
                self._begin()
            assert self._file is not None
            self._file.write(rows.data)
        except OSError as error:
            raise self._no_room(error) from error
        self._rows += len(rows)
        self._facts.append(facts)
        self.written |= {digest.tobytes() for digest in facts["digest"]}

    def _begin(self) -> None:
        self._folder.mkdir()
        needed, free = self._most * int(np.prod(self._settings.shape)), shutil.disk_usage(self._folder).free
        if needed > free:
            raise self._no_room(
                None, f"{self._most:,} pictures take up to {needed / 1e6:,.0f} MB, {free / 1e6:,.0f} are free"
            )
        self._file = (self._folder / ROWS_FILE).open("wb")
        self._write_heading()

    def _write_heading(self) -> None:
        """Write the heading, which is as long for any number of rows."""
        assert self._file is not None
        self._file.seek(0)
        header = {"descr": "|u1", "fortran_order": False, "shape": (self._rows, *self._settings.shape)}
        np.lib.format.write_array_header_1_0(self._file, header)

    def _no_room(self, error: OSError | None, reason: str = "") -> DataError:
        reason = reason or (str(error.strerror or error) if error is not None else "")
        return DataError(
            f"{cache_folder()}: pictures that were read cannot be kept: {reason}. Free some room ('hornbook runs prune' "
            "shows what could go), or name another folder in the environment variable HORNBOOK_CACHE."
        )

    def finish(self, path: Path, source: str) -> None:
        """Put the set into its place, unless another process has.

        Args:
            path: Its place.
            source: Where the pictures are, for people.
        """
        facts = np.concatenate(self._facts) if self._facts else np.zeros(0, FACTS)
        read = np.flatnonzero(facts["row"] >= 0)
        facts["same"] = np.arange(len(facts))
        widths, heights = facts["width"][read].astype(float), facts["height"][read].astype(float)
        facts["same"][read] = read[alike(facts["copy"][read], facts["colour"][read], widths, heights)]
        data = facts.tobytes()
        about: dict[str, Any] = {
            "version": VERSION,
            "source": source,
            "pictures": self._rows,
            "settings": self._settings.to_json(),
            "facts": zlib.crc32(data),
            "unreadable": {digest.hex(): reason for digest, reason in self.reasons.items()},
        }
        try:
            if self._file is None:
                self._begin()
            assert self._file is not None
            self._write_heading()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            (self._folder / FACTS_FILE).write_bytes(data)
            (self._folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
            if path.exists() and open_set(path, self._settings) is None:
                shutil.rmtree(path)  # damaged
            self._folder.rename(path)
        except OSError as error:
            if not path.exists():
                raise self._no_room(error) from error

    def close(self) -> None:
        """Close what is open."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # of a full disk, which was said
                self._file.close()
