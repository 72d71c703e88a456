"""Files → rows of pixels: from the cache where these bytes were read before, else decoded in threads and put there."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.pictures.cache import PictureSet, SetWriter, open_set, same_way, set_path, settings_key, workers
from hornbook.data.pictures.decode import QUIET, Decoded, PictureError, decode
from hornbook.data.pictures.index import digest_of, known_digests, now_ns, remember
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.storage.readers import Array
from hornbook.data.storage.rows import Rows
from hornbook.display.terminal import Bar, passing
from hornbook.errors import DataError
from hornbook.runs.caches import being_filled, filling

__all__ = ["PicturesRead", "read_pictures"]

FILES_PER_TASK = 32
MOST_BYTES = 1 << 30
WAITING = "waiting for another process that reads the same pictures …"
Outcome = tuple[bytes | None, Decoded | str | None]
"""The hash of a file's bytes (None: it cannot be opened); its picture, why there is none, or None: not asked for."""


@dataclass(frozen=True)
class PicturesRead:
    """What files of pictures hold.

    Attributes:
        rows: (R, H, W, C) uint8, each different picture once; they stay on disk.
        row: (N,) the row of each file, -1 where it cannot be read.
        facts: (N,) of type `cache.FACTS`: facts of each file.
        same: (N,) a number that files share which hold the same, or nearly.
        reasons: Why a file cannot be read, by its place.
        was_cached: Whether no picture had to be decoded.
    """

    rows: Rows
    row: Array
    facts: Array
    same: Array
    reasons: dict[int, str]
    was_cached: bool


@dataclass(frozen=True)
class _Files:
    """Files below a folder; `source` is what stands for all of them: the folder, or the list that names them."""

    root: Path
    names: Sequence[str]
    stats: Array
    source: Path


def read_pictures(
    root: Path, names: Sequence[str], stats: Array, settings: PictureSettings, *, source: Path | None = None
) -> PicturesRead:
    """Return what picture files hold.

    Args:
        root: Their folder.
        names: Their paths below it.
        stats: (N, 4) as of `listing.stats_of`, by which a file is known to be unchanged.
        settings: How they are read.
        source: What stands for all of them; the folder, unless it is given.

    Raises:
        DataError: If the pictures that were read cannot be kept.
    """
    files = _Files(root, names, stats, root if source is None else source)
    found = _kept(files, known_digests(files.source, names, stats), settings)
    if found is not None:
        return found
    place = str(files.source.absolute()).encode("utf-8", "surrogateescape")
    key = blake2b(place + settings_key(settings).encode(), digest_size=12).hexdigest()
    with ExitStack() as stack:
        with passing(WAITING) if being_filled(key) else nullcontext():
            folder = stack.enter_context(filling(key))
        digests = known_digests(files.source, names, stats)  # another process may have read them until now
        return _kept(files, digests, settings) or _fill(files, digests, settings, folder)


def _kept(files: _Files, digests: Sequence[bytes | None], settings: PictureSettings) -> PicturesRead | None:
    """Return the pictures from the cache; None where one of the files is not known, or the pictures are not there."""
    known = [digest for digest in digests if digest is not None]
    if len(known) < len(files.names):
        return None
    kept = open_set(set_path(settings, known), settings)
    return None if kept is None else _read(kept, digests, {}, was_cached=True)


def _read(
    kept: PictureSet, digests: Sequence[bytes | None], unopened: dict[int, str], *, was_cached: bool
) -> PicturesRead:
    """Return files' pictures of a set."""
    places = np.array([-1 if digest is None else kept.places[digest] for digest in digests], np.int64)
    facts = kept.facts[places] if len(kept.facts) else np.zeros(len(places), kept.facts.dtype)
    row = np.where(places >= 0, facts["row"], -1)
    reasons = dict(unopened)
    for place in np.flatnonzero((row < 0) & (places >= 0)).tolist():
        reasons[place] = kept.reasons.get(digests[place] or b"", "cannot be read")
    return PicturesRead(kept.rows, row, facts, np.where(places >= 0, facts["same"], -1), reasons, was_cached)


def _fill(files: _Files, digests: list[bytes | None], settings: PictureSettings, folder: Path) -> PicturesRead:
    """Read what is not known, put the set into the cache, and return the pictures."""
    began, earlier = now_ns(), same_way(settings)
    unopened: dict[int, str] = {}
    writer = SetWriter(folder, settings, len(files.names))
    bar = Bar("reading pictures", len(files.names))
    is_kept = _Earlier(earlier)

    def take(places: Sequence[int], decodes: Callable[[bytes], bool]) -> None:
        done = len(files.names) - len(places)
        for chunk, outcomes in _in_threads(files, places, settings, decodes):
            pictures: list[tuple[bytes, Decoded]] = []
            for place, (digest, picture) in zip(chunk, outcomes, strict=True):
                digests[place] = digest
                if digest is None:
                    unopened[place] = str(picture)
                elif isinstance(picture, Decoded):
                    pictures.append((digest, picture))
                elif isinstance(picture, str):
                    writer.refuse(digest, picture)
            writer.add(pictures)
            done += len(chunk)
            bar.move(done)

    try:
        take([place for place, digest in enumerate(digests) if digest is None], lambda digest: digest not in is_kept)
        remember(files.source, files.names, files.stats, digests, read_ns=began)
        path = set_path(settings, [digest for digest in digests if digest is not None])
        found = open_set(path, settings)
        if found is None:
            for other in earlier:
                wanted = {digest for digest in digests if digest is not None} & other.places.keys() - writer.written
                writer.copy(other, sorted(other.places[digest] for digest in wanted))
            take(
                [p for p, digest in enumerate(digests) if digest and digest not in writer.written], lambda digest: True
            )
            path = set_path(settings, [digest for digest in digests if digest is not None])
            writer.finish(path, str(files.source.absolute()))
            found = open_set(path, settings, verify=False)
    finally:
        writer.close()
        bar.close()
    if found is None:
        raise DataError(f"{path}: was deleted by another process while pictures were read into it. Try again.")
    return _read(found, digests, unopened, was_cached=False)


class _Earlier:
    """Which pictures other sets hold."""

    def __init__(self, sets: Sequence[PictureSet]) -> None:
        self._sets = sets

    def __contains__(self, digest: bytes) -> bool:
        return any(digest in one.places for one in self._sets)


def _in_threads(
    files: _Files, places: Sequence[int], settings: PictureSettings, decodes: Callable[[bytes], bool]
) -> Iterator[tuple[Sequence[int], list[Outcome]]]:
    """Yield some places and what is in their files, in order; only a few tasks are ahead, so that memory stays small."""
    chunks = [places[start : start + FILES_PER_TASK] for start in range(0, len(places), FILES_PER_TASK)]

    def read(chunk: Sequence[int]) -> list[Outcome]:
        return [_outcome(files.root / files.names[place], settings, decodes) for place in chunk]

    count = workers()
    with QUIET, ThreadPoolExecutor(count) as pool:
        waiting: deque[tuple[Sequence[int], Future[Any]]] = deque()
        try:
            for chunk in chunks:
                waiting.append((chunk, pool.submit(read, chunk)))
                if len(waiting) > 2 * count:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def _outcome(path: Path, settings: PictureSettings, decodes: Callable[[bytes], bool]) -> Outcome:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                return None, f"is larger than {MOST_BYTES / 1e9:.1f} GB"
            data = file.read()
    except FileNotFoundError:
        return None, "is not there"
    except OSError as error:
        return None, f"cannot be opened ({error.strerror})"
    digest = digest_of(data)
    if not decodes(digest):
        return digest, None
    try:
        return digest, decode(data, settings)
    except PictureError as error:
        return digest, str(error)
