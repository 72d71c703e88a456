"""Reads single rows of arrays that are in memory, mapped, or in a file: what `Rows` stands on. Nothing is converted here.

Rows of a file are read by position (`os.preadv`), not through a memory map. Mapped pages count as the process's own memory
until they are given back, and giving them back after every request made reading shuffled rows four to eight times slower
than `preadv` (784 bytes each: 8.4 against 1.7 µs, warm cache); and a mapped file that is cut short kills the process.
"""

import math
import mmap
import os
import weakref
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hornbook.errors import DataError

__all__ = ["Array", "ArrayReader", "FileReader", "Reader", "is_mapped", "reader_of"]

Array = np.ndarray[Any, np.dtype[Any]]
COLUMN_ORDER = "is stored column by column (Fortran order)"


@runtime_checkable
class Reader(Protocol):
    """Something that reads rows of an array by their position.

    Attributes:
        shape: Of the whole array.
        dtype: Of the whole array.
        refusal: Why single rows cannot be read without reading everything, or None where they can.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    refusal: str | None

    def read(self, rows: range | Array) -> Array:
        """Return a C-contiguous copy of these rows, in this order; a range has step 1."""
        ...

    def load(self) -> Array:
        """Return the whole array."""
        ...

    def verify(self) -> None:
        """Raise a DataError if the values have a checksum and it does not fit them."""
        ...


def reader_of(base: Any) -> Reader:
    """Return a reader of an array: of its file, where it is a memory-mapped one."""
    if isinstance(base, Reader):
        return base
    if isinstance(base, np.ndarray) and is_mapped(base):
        return _file_of(base) or ArrayReader(base)
    return ArrayReader(base)


def is_mapped(array: Array) -> bool:
    """Return whether an array's values lie in a memory-mapped file."""
    return isinstance(_root(array).base, mmap.mmap)


def _root(array: Array) -> Array:
    """Return the array that owns the values that `array` is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class ArrayReader:
    """Reads rows of anything that can be indexed like an array; sorted and unique, unless it is in memory."""

    def __init__(self, base: Any) -> None:
        self.shape: tuple[int, ...] = tuple(base.shape)
        self.dtype: np.dtype[Any] = np.dtype(base.dtype)
        self._is_in_memory = isinstance(base, np.ndarray) and not is_mapped(base)
        has_rows = self._is_in_memory or not isinstance(base, np.ndarray) or _has_whole_rows(base)
        self.refusal: str | None = None if has_rows else f"the array {COLUMN_ORDER}"
        self._base = base

    def read(self, rows: range | Array) -> Array:
        """Return a copy of these rows."""
        if isinstance(rows, range):
            return np.array(self._base[rows.start : rows.stop], order="C")
        if self._is_in_memory:
            return np.ascontiguousarray(self._base[rows])
        places, inverse = np.unique(rows, return_inverse=True)
        return np.ascontiguousarray(np.asarray(self._base[places])[inverse])

    def load(self) -> Array:
        """Return the array itself if it is in memory, else a copy."""
        return np.asarray(self._base) if self._is_in_memory else self.read(range(self.shape[0]))

    def verify(self) -> None:
        """Do nothing: there is no checksum."""


class FileReader:
    """Reads rows of an array whose values lie in a file, uncompressed and in C order.

    Safe to use from several threads. The file stays open as long as the reader lives.

    Raises:
        DataError: If the file cannot be opened, or is too short for the array.
    """

    refusal: str | None = None

    def __init__(self, path: Path, *, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.path, self.shape, self.dtype = path, shape, dtype
        self._offset = offset
        self._row_bytes = dtype.itemsize * math.prod(shape[1:])
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error}.") from error
        weakref.finalize(self, os.close, self._descriptor)
        found, expected = os.fstat(self._descriptor).st_size, offset + self._row_bytes * shape[0]
        if found < expected:
            raise DataError(f"{path}: is incomplete: {found:,} bytes, its heading promises {expected:,}.")

    def read(self, rows: range | Array) -> Array:
        """Return a copy of these rows, read in the file's order."""
        values = np.empty((len(rows), *self.shape[1:]), self.dtype)
        if not values.size:
            return values
        target = values.reshape(-1).view(np.uint8).data
        for place, row, count in _runs(rows):
            start = place * self._row_bytes
            self._fill(target[start : start + count * self._row_bytes], self._offset + row * self._row_bytes)
        return values

    def load(self) -> Array:
        """Return the whole array."""
        return self.read(range(self.shape[0]))

    def verify(self) -> None:
        """Do nothing: there is no checksum."""

    def _fill(self, target: memoryview, position: int) -> None:
        try:
            while len(target):
                count = os.preadv(self._descriptor, (target,), position)
                if count == 0:
                    raise DataError(f"{self.path}: ends at byte {position:,}: it was shortened while in use.")
                target, position = target[count:], position + count
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error}.") from error


def _runs(rows: range | Array) -> list[tuple[int, int, int]]:
    """Return (place in the result, first row, count) of all pieces that are in one piece in file and result."""
    if isinstance(rows, range):
        return [(0, rows.start, len(rows))]
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    is_first = np.ones(len(rows), dtype=bool)
    is_first[1:] = (np.diff(ordered) != 1) | (np.diff(order) != 1)
    starts = np.flatnonzero(is_first)
    counts = np.diff(starts, append=len(rows))
    return list(zip(order[starts].tolist(), ordered[starts].tolist(), counts.tolist(), strict=True))


def _file_of(array: Array) -> FileReader | None:
    """Return a reader of the file behind a memory-mapped array; None where only the map will do.

    That is where changes exist in memory only (mode `c`), rows are not in one piece, or the file has been replaced.
    """
    root = _root(array)
    if not isinstance(root, np.memmap) or root.filename is None or root.mode == "c" or not _has_whole_rows(array):
        return None
    if not array.flags.c_contiguous or not array.size:
        return None
    offset = root.offset + array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    try:
        reader = FileReader(Path(root.filename), offset=offset, shape=array.shape, dtype=array.dtype)
    except DataError:
        return None
    ends = np.array([0, len(array) - 1])
    return reader if reader.read(ends).tobytes() == array[ends].tobytes() else None


def _has_whole_rows(array: Array) -> bool:
    return array.ndim > 0 and (len(array) == 0 or np.asarray(array[0]).flags.c_contiguous)
