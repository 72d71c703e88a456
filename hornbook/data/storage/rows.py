"""Inputs that stay on disk: a lazy view of rows, and what works on such views and on arrays alike.

A split's inputs are an array, or `Rows` where they exceed the memory budget. Whatever goes through all examples goes through
`blocks`, which cuts both into the same pieces, so that sums come out the same to the last bit.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

import numpy as np

from hornbook.data.storage.readers import Array, aligned, reader_of
from hornbook.data.storage.threads import side_by_side

__all__ = [
    "Array",
    "Inputs",
    "Rows",
    "blocks",
    "first_columns",
    "in_file_order",
    "in_memory",
    "joined",
    "mapped",
    "numbered_blocks",
    "of_blocks",
    "select",
]

Convert = Callable[[Array], Array]
Result = TypeVar("Result")
VALUES_PER_BLOCK = 1 << 20  # statistics hold a few float64 copies of a block: some 30 MB
PLACE_BITS = 28  # of a number that holds a row and its place among those that are gathered at once
BLOCKS_AHEAD = 8  # at most, read at once from disk: the more, the closer together the rows of a shuffled split lie


class Rows:
    """An immutable view of some rows of an array that is too large for memory.

    Nothing is read before rows are asked for, and nothing that was read is kept. Rows of a file are read in the file's
    order and handed out in the order asked for. Safe to use from several threads.

    Attributes:
        shape: As of an array of these rows, after conversion.
        dtype: After conversion.

    Example:
        >>> x = Rows(np.load("x.npy", mmap_mode="r"), convert=lambda block: block.astype(np.float32))
        >>> x.take([5, 3])[0] == x[5:6][0]
    """

    __slots__ = ("_convert", "_reader", "_rows", "dtype", "shape")

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(self, base: Any, rows: Array | slice | None = None, *, convert: Convert | None = None) -> None:
        """Describe the view; reads nothing.

        Args:
            base: A memory-mapped array, anything else that has shape and dtype and can be indexed, or a `Reader`.
            rows: Which of its rows, in which order; all of them when omitted.
            convert: Applied to every block that is read, (n, …) to (n, …); must treat each row by itself.
        """
        self._reader = reader_of(base)
        self._convert = convert
        chosen = _choose(range(self._reader.shape[0]), slice(None) if rows is None else rows)
        self._set_rows(chosen)

    def _set_rows(self, rows: range | Array) -> None:
        empty = self._converted(np.empty((0, *self._reader.shape[1:]), self._reader.dtype))
        self._rows, self.shape, self.dtype = rows, (len(rows), *empty.shape[1:]), empty.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"Rows(shape={self.shape}, dtype={self.dtype})"

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse to become an array unasked: it may not fit into memory."""
        raise TypeError("these inputs stay on disk; read them with take() or blocks(), or all at once with load().")

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that an array of these rows takes."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def base_nbytes(self) -> int:
        """Bytes of the array beneath, all rows of it, as it is stored."""
        return math.prod(self._reader.shape) * self._reader.dtype.itemsize

    @property
    def refusal(self) -> str | None:
        """Why rows cannot be read without reading everything (`x.npz: array 'x' is compressed`), or None."""
        return self._reader.refusal

    def take(self, indices: Any) -> Array:
        """Return a contiguous copy of the rows at these positions, in this order, converted.

        Raises:
            IndexError: If a position lies outside the view.
            DataError: If the file has become shorter.
        """
        return self._read(_choose(self._rows, np.asarray(indices)))

    def __getitem__(self, indices: slice | Array) -> Array:
        """Return a copy of the rows of a slice, or as `take`."""
        return self._read(_choose(self._rows, indices))

    def gather(self, indices: Array) -> tuple[Array, Array]:
        """Return the rows at these positions in the order of the file, and at which place of that each of them is.

        Faster than `take`, which is `values[places]`. Errors as of `take`.
        """
        rows = _choose(self._rows, indices)
        if isinstance(rows, range):
            return self._read(rows), np.arange(len(rows))
        both = np.sort((rows << PLACE_BITS) | np.arange(len(rows)))  # several times as fast as an argsort
        places = np.empty_like(rows)
        places[both & ((1 << PLACE_BITS) - 1)] = np.arange(len(rows))
        return self._read(both >> PLACE_BITS), places

    def blocks(self, rows_per_block: int) -> Iterator[Array]:
        """Yield all rows in order, so many at a time; the last block may be shorter."""
        for start in range(0, len(self), rows_per_block):
            yield self[start : start + rows_per_block]

    def subset(self, indices: Array | slice) -> "Rows":
        """Return a view of some of the rows; nothing is read."""
        view = object.__new__(Rows)
        view._reader, view._convert = self._reader, self._convert
        view._set_rows(_choose(self._rows, indices))
        return view

    def narrowed(self, width: int) -> "Rows":
        """Return a view of the first numbers of each row, which are read alone where they lie by themselves.

        Whatever converts the rows must treat these numbers without the others.
        """
        if not isinstance(self._reader, Joined):
            return self.map(lambda block: block[:, :width])
        view = object.__new__(Rows)
        view._reader, view._convert = self._reader.first(width), self._convert
        view._set_rows(self._rows)
        return view

    def map(self, convert: Convert) -> "Rows":
        """Return a view whose blocks are also converted by this function; nothing is read."""
        before = self._convert
        view = object.__new__(Rows)
        view._reader = self._reader
        view._convert = convert if before is None else lambda block: convert(before(block))
        view._set_rows(self._rows)
        return view

    def in_file_order(self) -> "Rows":
        """Return a view of the same rows in the order in which they are stored."""
        return self if isinstance(self._rows, range) else self.subset(np.argsort(self._rows, kind="stable"))

    def load(self) -> Array:
        """Return all rows as an array in memory: the array beneath itself, if it is there already."""
        if self._convert is None and isinstance(self._rows, range) and len(self) == self._reader.shape[0]:
            return self._reader.load()
        values = np.empty(self.shape, self.dtype)
        for start, block in numbered_blocks(self):
            values[start : start + len(block)] = block
        return values

    def verify(self) -> None:
        """Raise a DataError if the array beneath has a checksum and it does not fit; reads all of it then."""
        self._reader.verify()

    def _read(self, rows: range | Array) -> Array:
        return np.ascontiguousarray(self._converted(self._reader.read(rows)))

    def _converted(self, block: Array) -> Array:
        return block if self._convert is None else self._convert(block)


Inputs = Array | Rows


class Joined:
    """Reads rows that are made of the rows of several inputs of as many examples, one behind the other, flattened.

    Args:
        parts: (N, …) each; numbers, which become float32.
    """

    refusal: str | None = None

    def __init__(self, parts: Sequence[Inputs]) -> None:
        self._parts = tuple(parts)
        self.shape = (len(parts[0]), sum(math.prod(part.shape[1:]) for part in parts))
        self.dtype = np.dtype(np.float32)

    def read(self, rows: range | Array) -> Array:
        """Return these rows, in this order."""
        chosen = slice(rows.start, rows.stop) if isinstance(rows, range) else rows
        joined = np.empty((len(rows), self.shape[1]), np.float32)
        start = 0
        for part in self._parts:
            size = math.prod(part.shape[1:])
            joined[:, start : start + size] = part[chosen].reshape(len(rows), size)
            start += size
        return joined

    def load(self) -> Array:
        """Return all rows."""
        return self.read(range(self.shape[0]))

    def verify(self) -> None:
        """Raise a DataError if a part has a checksum and it does not fit."""
        for part in self._parts:
            if isinstance(part, Rows):
                part.verify()

    def first(self, width: int) -> "Joined":
        """Return a reader of the first numbers of each row."""
        kept, left = list[Inputs](), width
        for part in self._parts:
            if kept and not left:
                break
            size = math.prod(part.shape[1:])
            kept.append(part if size <= left else first_columns(part, left))
            left -= min(size, left)
        return Joined(kept)


def joined(parts: Sequence[Inputs]) -> Rows:
    """Return examples of several inputs as one row of float32 each; nothing is read."""
    return Rows(Joined(parts))


def first_columns(x: Inputs, width: int) -> Inputs:
    """Return the first numbers of each row: a view."""
    if x.shape[1] == width:
        return x
    return x.narrowed(width) if isinstance(x, Rows) else x[:, :width]


def _choose(rows: range | Array, indices: Array | slice) -> range | Array:
    """Return the rows at some positions of `rows`: a range of step 1 where they are in one piece, else int64."""
    if isinstance(indices, slice):
        chosen = rows[indices]
        if isinstance(chosen, range) and chosen.step != 1:
            chosen = np.array(chosen, dtype=np.int64)
        return chosen
    if not isinstance(indices, np.ndarray) or indices.ndim != 1 or (indices.dtype.kind not in "iu" and indices.size):
        raise TypeError(f"rows are chosen by a slice or a one-dimensional array of whole numbers, not {indices!r:.60}.")
    positions = indices.astype(np.int64)
    positions[positions < 0] += len(rows)
    if positions.size and (positions.min() < 0 or positions.max() >= len(rows)):
        raise IndexError(f"row {indices[np.argmax((positions < 0) | (positions >= len(rows)))]} of {len(rows):,} rows")
    chosen = rows.start + positions if isinstance(rows, range) else rows[positions]
    chosen.flags.writeable = False
    return chosen


def select(x: Inputs, indices: Array | slice) -> Inputs:
    """Return some examples: a view of rows, an array of an array; chosen one by one, in memory that a device can use."""
    if isinstance(x, Rows):
        return x.subset(indices)
    if isinstance(indices, slice):
        return x[indices]
    if x.dtype.hasobject or indices.dtype == bool:
        return x[indices]
    if indices.size and (indices.min() < 0 or indices.max() >= len(x)):
        raise IndexError(f"rows {indices.min()} to {indices.max()} of {len(x):,}")
    chosen = aligned((len(indices), *x.shape[1:]), x.dtype)
    return np.take(x, indices, axis=0, out=chosen, mode="clip")  # half the time of an index; 'raise' needs a copy


def mapped(x: Inputs, convert: Convert) -> Inputs:
    """Return the examples converted: at once where they are in memory, as they are read where they stay on disk."""
    return x.map(convert) if isinstance(x, Rows) else convert(x)


def in_memory(x: Inputs) -> Array:
    """Return an array as it is, and rows as an array."""
    return x.load() if isinstance(x, Rows) else x


def in_file_order(x: Inputs) -> Inputs:
    """Return the examples in the order that is fastest to read, for work that does not depend on the order."""
    return x.in_file_order() if isinstance(x, Rows) else x


def blocks(x: Inputs) -> Iterator[Array]:
    """Yield all examples in order in C-contiguous pieces, cut alike for arrays and rows of the same shape."""
    for _, block in numbered_blocks(x):
        yield block


def of_blocks(work: Callable[[Array], Result], x: Inputs) -> list[Result]:
    """Return what a pure function makes of each of the `blocks`: on all processors where the examples are in memory."""
    if isinstance(x, Rows) or not x.flags.c_contiguous:  # block by block, to hold one of them at a time
        return [work(block) for block in blocks(x)]
    return side_by_side(work, blocks(x), size=x.size)


def numbered_blocks(x: Inputs) -> Iterator[tuple[int, Array]]:
    """Yield (first row, block) of `blocks`."""
    size = max(1, VALUES_PER_BLOCK // max(1, math.prod(x.shape[1:])))
    ahead = size * min(max(len(x) // size // 32, 1), BLOCKS_AHEAD) if isinstance(x, Rows) else size
    for first in range(0, len(x), ahead):
        several = x[first : first + ahead]
        for start in range(0, len(several), size):
            yield first + start, np.ascontiguousarray(several[start : start + size])
