"""Reads single rows of arrays that are in memory, mapped, or in a file: what `Rows` stands on. Nothing is converted here.

Rows of a file are read by position (`os.preadv`), which takes 1.7 µs each; or, where many are asked for that lie close
together, through a memory map of one window after the other, which takes 0.3 µs for each of a tenth of all rows of 300
bytes. A map of the whole would count as the process's own memory, and a mapped file that is cut short kills the process: a
window is small, its end is looked up before it is read, and it is given back as a whole.
"""

import math
import mmap
import os
import weakref
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from hornbook.errors import DataError

__all__ = ["Array", "ArrayReader", "FileReader", "Reader", "aligned", "is_mapped", "reader_of"]

Array = np.ndarray[Any, np.dtype[Any]]
COLUMN_ORDER = "is stored column by column (Fortran order)"
WINDOW_BYTES = 1 << 24  # at most, and half of what is asked for
NEAR_BYTES = 1 << 16
"""From one row asked for to the next, up to which a map of all between them costs less than a call for each."""
ALIGNMENT = 64  # bytes; TensorFlow's kernels take arrays that begin there as they are


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
        values = aligned((len(rows), *self.shape[1:]), self.dtype)
        if not values.size:
            return values
        if isinstance(rows, range):
            self._fill(values.reshape(-1).view(np.uint8).data, self._offset + rows.start * self._row_bytes)
            return values
        order = None if (rows[1:] >= rows[:-1]).all() else np.argsort(rows, kind="stable")
        ordered = rows if order is None else rows[order]
        span = (int(ordered[-1]) - int(ordered[0])) * self._row_bytes
        if span <= len(rows) * NEAR_BYTES and len(rows) * self._row_bytes > mmap.PAGESIZE:
            self._read_windows(values, ordered, order)
        else:
            self._read_each(values, ordered, order)
        return values

    def _read_each(self, values: Array, ordered: Array, order: Array | None) -> None:
        """Read rows one by one, those in one piece together."""
        target = values.reshape(-1).view(np.uint8).data
        for place, row, count in _runs(ordered, order):
            start = place * self._row_bytes
            self._fill(target[start : start + count * self._row_bytes], self._offset + row * self._row_bytes)

    def _read_windows(self, values: Array, ordered: Array, order: Array | None) -> None:
        """Read rows from a map of one window of the file after the other."""
        row_type = np.dtype((np.void, self._row_bytes))
        target = values.reshape(len(values), -1).view(np.uint8).view(row_type)[:, 0]
        room = max(1, min(WINDOW_BYTES, values.nbytes // 2) // self._row_bytes)
        firsts = np.arange(int(ordered[0]), int(ordered[-1]) + 1, room)
        cuts = [*np.searchsorted(ordered, firsts).tolist(), len(ordered)]
        for low, high in pairwise(cuts):
            if low == high:
                continue
            first, end = int(ordered[low]), int(ordered[high - 1]) + 1
            position, stop = self._offset + first * self._row_bytes, self._offset + end * self._row_bytes
            self._check_length(stop)
            begin = position // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
            try:
                window = mmap.mmap(self._descriptor, stop - begin, access=mmap.ACCESS_READ, offset=begin)
            except (OSError, ValueError) as error:
                raise DataError(f"{self.path}: cannot be read: {error}.") from error
            with window:
                found = np.frombuffer(window, row_type, count=end - first, offset=position - begin)
                if order is None:
                    np.take(found, ordered[low:high] - first, out=target[low:high], mode="clip")
                else:
                    target[order[low:high]] = found[ordered[low:high] - first]
                del found  # a map in use cannot be closed

    def _check_length(self, needed: int) -> None:
        length = os.fstat(self._descriptor).st_size
        if length < needed:
            raise self._shortened(length)

    def _shortened(self, position: int) -> DataError:
        return DataError(f"{self.path}: ends at byte {position:,}: it was shortened while in use.")

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
                    raise self._shortened(position)
                target, position = target[count:], position + count
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read: {error}.") from error


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array without values that begins where TensorFlow's kernels want it to: at a multiple of 64 bytes."""
    size = dtype.itemsize * math.prod(shape)
    room = np.empty(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


def _runs(ordered: Array, order: Array | None) -> list[tuple[int, int, int]]:
    """Return (place in the result, first row, count) of all pieces that are in one piece in file and result.

    Args:
        ordered: Rows in the file's order.
        order: The place of each in the result; None where that has the same order.
    """
    places = np.arange(len(ordered)) if order is None else order
    is_first = np.ones(len(ordered), dtype=bool)
    is_first[1:] = (np.diff(ordered) != 1) | (np.diff(places) != 1)
    starts = np.flatnonzero(is_first)
    counts = np.diff(starts, append=len(ordered))
    return list(zip(places[starts].tolist(), ordered[starts].tolist(), counts.tolist(), strict=True))


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
