"""Which bytes each file of a folder had when it was last read, so that unchanged files need not be read to know."""

import io
import time
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from hornbook.atomic import replacing
from hornbook.data.storage.readers import Array
from hornbook.errors import RunError
from hornbook.runs.caches import cache_folder

__all__ = ["DIGEST_BYTES", "digest_of", "known_digests", "now_ns", "remember"]

DIGEST_BYTES = 16
UNSURE_NS = 3_000_000_000
"""A file that was changed so shortly before it was read may change again without a sign of it: disks have coarse clocks."""


def digest_of(data: bytes) -> bytes:
    """Return the hash of a file's bytes."""
    return blake2b(data, digest_size=DIGEST_BYTES).digest()


def known_digests(root: Path, names: Sequence[str], stats: Array) -> list[bytes | None]:
    """Return the hashes of files' bytes as far as they are known; None where a file is new or may have changed.

    A file is unchanged if its size, number and both times are, of which nobody can set that of the last change of the file.
    """
    try:
        with np.load(_path(root), allow_pickle=False) as stored:
            old_names = bytes(stored["names"]).decode("utf-8", "surrogateescape").split("\0")
            old_stats, digests, read_ns = stored["stats"], bytes(stored["digests"]), int(stored["read_ns"])
    except Exception:  # none, or damaged in one of many ways: all files are read again
        return [None] * len(names)
    is_sure = old_stats[:, 1:3].max(axis=1, initial=0) < read_ns - UNSURE_NS
    if old_names == list(names):
        places: Sequence[int] = range(len(names))
    else:
        place_of = {name: place for place, name in enumerate(old_names)}
        places = [place_of.get(name, -1) for name in names]
    taken = np.array(places, np.int64)
    is_known = (taken >= 0) & is_sure[taken] & (old_stats[taken] == stats).all(axis=1)
    cut = [digests[start : start + DIGEST_BYTES] for start in range(0, len(digests), DIGEST_BYTES)]
    return [cut[place] if known else None for place, known in zip(places, is_known.tolist(), strict=True)]


def remember(root: Path, names: Sequence[str], stats: Array, digests: Sequence[bytes | None], *, read_ns: int) -> None:
    """Keep the hashes of files' bytes; without a place to write, the files are read again next time.

    Args:
        root: The folder.
        names: Its files.
        stats: Their sizes, times and numbers before they were read.
        digests: The hashes; None where a file could not be read.
        read_ns: The time before the first of them was read.
    """
    kept = [place for place, digest in enumerate(digests) if digest is not None]
    if not kept:
        return
    path = _path(root)
    archive = io.BytesIO()
    np.savez(
        archive,
        names=np.frombuffer("\0".join(names[place] for place in kept).encode("utf-8", "surrogateescape"), np.uint8),
        stats=stats[kept],
        digests=np.frombuffer(b"".join(digests[place] or b"" for place in kept), np.uint8),
        read_ns=np.int64(read_ns),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(archive.getbuffer())
    except (OSError, RunError):
        return


def now_ns() -> int:
    """Return the time as files' times count it."""
    return time.time_ns()


def _path(root: Path) -> Path:
    key = blake2b(str(root.absolute()).encode("utf-8", "surrogateescape"), digest_size=DIGEST_BYTES).hexdigest()
    return cache_folder() / "folders" / f"{key}.npz"
