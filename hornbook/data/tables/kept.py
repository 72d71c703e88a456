"""Large tables as numbers, kept in the cache: rows in one file, the columns beside them in another, facts in a third.

What is kept belongs to what the files hold and to how they are read, not to their names and places. It is written beside its
place and renamed as a whole, so that there is never half of one; two processes that read the same table wait for each other.
Rows have a checksum: a table that is damaged is not used, and read anew.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from hornbook.data.facts import Feature
from hornbook.data.storage.files import existing_files
from hornbook.data.storage.rows import Rows
from hornbook.data.storage.stored import open_npy
from hornbook.data.tables.columns.rule import Type
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import Paths, table_name
from hornbook.data.tables.large import ROWS_FILE, EncodedTable, LargeTable, encode_table, no_room
from hornbook.data.tables.packed import unchanged
from hornbook.errors import DataError
from hornbook.runs.caches import ABOUT, cache_folder, filling

__all__ = ["KeptTable", "kept_table"]

VERSION = 1
"""Of how tables are read: another one reads all of them again."""
BESIDE_FILE = "beside.arrow"
VERIFY_BYTES = 1 << 24


@dataclass(frozen=True)
class KeptTable:
    """A table that was read.

    Attributes:
        x: (N, F) float32, in the file.
        beside: Columns as they stand in the table, of those that are no features.
        names: All columns of the table.
        features: What the features are.
        dialect: How they are written, with the signs of their numbers.
        warnings: Sentences the user should read.
        said: Those that come first: about rows that were left out.
    """

    x: Rows
    beside: pl.DataFrame
    names: tuple[str, ...]
    features: tuple[Feature, ...]
    dialect: Dialect
    warnings: tuple[str, ...]
    said: tuple[str, ...]


def kept_table(
    path: Paths,
    dialect: Dialect,
    *,
    choose: Callable[[Any], Sequence[str]],
    labeled: Callable[[Any], tuple[Any, tuple[str, ...]]],
    beside: Sequence[str],
    declared: Mapping[str, Type],
    features: Sequence[Feature] | None = None,
    may_mix: Callable[[str], bool] | None = None,
    settings: str = "",
) -> KeptTable:
    """Return a large table as numbers: from the cache, or read into it.

    Args:
        path: Its files.
        dialect: How they are written.
        choose: Returns the names of the feature columns of what has `columns`.
        labeled: Returns the rows that are wanted, and sentences about the others.
        beside: Columns that are wanted as they are.
        declared: Types that are given.
        features: What the columns are, where another table says.
        may_mix: As of `read_frame`.
        settings: Whatever else `choose` and `may_mix` depend on.

    Raises:
        DataError: If the table is malformed, changes while it is read, or there is no room for it.
    """
    files, watched = existing_files(path), contextlib.ExitStack()
    for file in files:
        watched.enter_context(unchanged(file))
    way = {
        "version": VERSION,
        "dialect": dialect.recorded(),
        "beside": list(beside),
        "declared": {name: str(type_) for name, type_ in declared.items()},
        "features": None if features is None else [asdict(feature) for feature in features],
        "settings": settings,
    }
    key = hashlib.blake2b(json.dumps(way, sort_keys=True).encode(), digest_size=8).hexdigest()
    content = hashlib.blake2b(b"".join(_digest(*_stamp(file)) for file in files), digest_size=12).hexdigest()
    place = cache_folder("tables") / f"{key}-{content}"
    if (table := _opened(place)) is not None:
        return table
    with filling(f"{key}{content}", "tables") as folder:
        if (table := _opened(place)) is not None:  # another process has read it in the meantime
            return table
        folder.mkdir()
        source, said = labeled(LargeTable(path, dialect, folder, may_mix=may_mix))
        columns, where = choose(source), table_name(path)
        encoded = encode_table(source, columns, declared, dialect=dialect, where=where, features=features)
        frame = source.select(list(dict.fromkeys(beside)))
        watched.close()  # raises if a file was changed
        _finish(folder, place, source.columns, encoded, frame, {"source": str(files[0].absolute()), "said": list(said)})
    table = _opened(place, verify=False)
    if table is None:
        raise no_room(None, "they were deleted at once")
    return table


def _finish(
    folder: Path,
    place: Path,
    names: Sequence[str],
    encoded: EncodedTable,
    beside: pl.DataFrame,
    more: Mapping[str, Any],
) -> None:
    """Put what was read into its place, unless another process has."""
    try:
        beside.write_ipc(folder / BESIDE_FILE)
        for left in folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left)  # parts of text
        about = {
            "version": VERSION,
            **more,
            "rows": encoded.shape[0],
            "width": encoded.shape[1],
            "names": [*names],
            "features": [asdict(feature) for feature in encoded.features],
            "dialect": encoded.dialect.recorded(),
            "warnings": list(encoded.warnings),
            "crc": [encoded.crc, _checksum(folder / BESIDE_FILE)],
        }
        with (folder / ROWS_FILE).open("rb") as file:
            os.fsync(file.fileno())
        (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
        if place.exists() and _opened(place) is None:
            shutil.rmtree(place)  # damaged
        folder.rename(place)
    except (OSError, pl.exceptions.PolarsError) as error:
        if not place.exists():
            raise no_room(error) from error


def _opened(place: Path, *, verify: bool = True) -> KeptTable | None:
    """Return the table of a folder; None where there is none, or it is damaged."""
    try:
        about = json.loads((place / ABOUT).read_text(encoding="utf-8"))
        rows = open_npy(place / ROWS_FILE)
        if not isinstance(rows, Rows) or rows.shape != (about["rows"], about["width"]):
            return None
        if verify and not _is_whole(place, *about["crc"], *_stamp(place / ROWS_FILE)):
            return None
        beside = pl.read_ipc(io.BytesIO((place / BESIDE_FILE).read_bytes()))
        features = tuple(Feature(**{**one, "categories": tuple(one["categories"])}) for one in about["features"])
        dialect, warnings, said = Dialect.of_run(about["dialect"]), tuple(about["warnings"]), tuple(about["said"])
        table = KeptTable(rows, beside, tuple(about["names"]), features, dialect, warnings, said)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, DataError, pl.exceptions.PolarsError):
        return None
    with contextlib.suppress(OSError):
        os.utime(place / ABOUT)  # when it was last used
    return table


@lru_cache(maxsize=64)
def _is_whole(place: Path, rows: int, beside: int, *stamp: Any) -> bool:
    """Return whether the files have their checksums; the trials of a sweep ask once."""
    with (place / ROWS_FILE).open("rb") as file:
        heading = open_npy(place / ROWS_FILE).nbytes
        file.seek(os.fstat(file.fileno()).st_size - heading)
        crc = 0
        while block := file.read(VERIFY_BYTES):
            crc = zlib.crc32(block, crc)
    return crc == rows and _checksum(place / BESIDE_FILE) == beside


def _checksum(path: Path) -> int:
    return zlib.crc32(path.read_bytes())


def _stamp(file: Path) -> tuple[Path, int, int, int]:
    stat = file.stat()
    return file, stat.st_mtime_ns, stat.st_size, stat.st_ino


@lru_cache(maxsize=256)
def _digest(file: Path, *stamp: int) -> bytes:
    """Return the hash of a file's bytes; the trials of a sweep ask once."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}.") from error
