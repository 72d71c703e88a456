"""What kind of table a file is, by its name and its first bytes; files that are packed, unpacked in memory."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hornbook.data.storage.files import memory_bytes
from hornbook.errors import DataError

__all__ = ["check_archive", "first_line", "is_packed", "kind_of", "unchanged", "unpacked", "unpacking"]

KINDS = {
    ".csv": "text", ".tsv": "text", ".txt": "text", ".parquet": "parquet", ".pq": "parquet", ".jsonl": "lines",
    ".ndjson": "lines", ".xlsx": "excel",
}  # fmt: skip
OTHERS = {
    ".xls": "Excel's old format; save it as .xlsx or .csv",
    ".xlsm": "a workbook with macros; save it as .xlsx or .csv",
    ".ods": "a sheet of another program; save it as .xlsx or .csv",
    ".json": "one JSON value; write one object per line into a .jsonl file",
    ".zip": "an archive; unpack it, or pack the table with gzip (.csv.gz)",
    ".bz2": "packed in a way that is not read; unpack it, or pack it with gzip (.csv.gz)",
    ".xz": "packed in a way that is not read; unpack it, or pack it with gzip (.csv.gz)",
}
PACKED = {".gz", ".zst", ".zstd"}
GZIP, ZSTANDARD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
SIGNATURES = {
    PARQUET: "a Parquet file", b"PK\x03\x04": "an Excel file or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel file", b"BZh": "packed with bzip2", b"\xfd7zXZ": "packed with xz",
}  # fmt: skip
"""What files are that are no text, by their first bytes."""
BLOCK = 1 << 22


def kind_of(file: Path) -> str:
    """Return `text`, `parquet`, `lines` or `excel`.

    Raises:
        DataError: If it is no table, or another than its name says.
    """
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() not in PACKED]
    suffix = suffixes[-1] if suffixes else ""
    kind = KINDS.get(suffix)
    if kind is None:
        why = f"is {OTHERS[suffix]}" if suffix in OTHERS else "unknown kind of table"
        raise DataError(f"{file}: {why}. Expected .csv, .tsv, .txt, .jsonl, .parquet or .xlsx.")
    first = _first_bytes(file)
    what = next((name for signature, name in SIGNATURES.items() if first.startswith(signature)), None)
    if kind in {"text", "lines"} and what is not None:
        raise DataError(f"{file}: is {what}, no text as its name says. Name it after what it is, or save it as text.")
    if kind in {"parquet", "excel"} and first[:2] == GZIP:
        raise DataError(f"{file}: is packed with gzip, which is for text files. Unpack it.")
    return kind


def unpacked(file: Path) -> bytes | None:
    """Return the contents of a file that is packed with gzip or zstandard, whatever its name; None for other files.

    Raises:
        DataError: If it is damaged, or expands to more than half of this machine's memory.
    """
    first = _first_bytes(file)
    if first[:2] != GZIP and first != ZSTANDARD:
        return None
    most, parts, size = memory_bytes() // 2, list[bytes](), 0
    try:
        with _opened(file, is_gzip=first[:2] == GZIP) as stream:
            while part := stream.read(BLOCK):
                parts.append(part)
                size += len(part)
                if size > most:
                    raise DataError(
                        f"{file}: {file.stat().st_size / 2**20:,.1f} MB that expand to more than {most / 2**30:,.1f} GB, "
                        "half of this machine's memory. Unpack it, or save it as Parquet."
                    )
    except DataError:
        raise
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: is packed and cannot be unpacked: {first_line(error)}. Is it whole?") from error
    return b"".join(parts)


def is_packed(file: Path) -> bool:
    """Return whether a file is packed with gzip or zstandard, whatever its name."""
    first = _first_bytes(file)
    return first[:2] == GZIP or first == ZSTANDARD


@contextmanager
def unpacking(file: Path) -> Iterator[Any]:
    """Give a file as a stream of bytes, unpacked as it is read where it is packed; errors as of `unpacked`."""
    if not is_packed(file):
        with file.open("rb") as stream:
            yield stream
        return
    try:
        with _opened(file, is_gzip=_first_bytes(file)[:2] == GZIP) as stream:
            yield stream
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: is packed and cannot be unpacked: {first_line(error)}. Is it whole?") from error


@contextmanager
def _opened(file: Path, *, is_gzip: bool) -> Iterator[Any]:
    if is_gzip:
        with gzip.open(file, "rb") as stream:
            yield stream
        return
    import zstandard

    try:
        with (
            file.open("rb") as packed,
            zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as it,
        ):
            yield it
    except zstandard.ZstdError as error:
        raise DataError(f"{file}: is packed and cannot be unpacked: {first_line(error)}. Is it whole?") from error


def check_archive(file: Path) -> None:
    """Raise a DataError if an .xlsx file is no archive, or expands to more than half of this machine's memory."""
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{file}: is no readable Excel file: {first_line(error)}.") from error
    if size > memory_bytes() // 2:
        raise DataError(f"{file}: expands to {size / 2**30:,.1f} GB, more than half of this machine's memory.")


@contextmanager
def unchanged(file: Path) -> Iterator[None]:
    """Raise a DataError if a file is changed while it is read, which would mix two versions of it."""
    before = _stamp(file)
    yield
    if _stamp(file) != before:
        raise DataError(f"{file}: was changed while it was read. Wait until it is written, and start again.")


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _first_bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(4)
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}.") from error


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return str(error).strip().split("\n", 1)[0]
