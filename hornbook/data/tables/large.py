"""Tables that exceed the memory budget: one column at a time is in memory, and rows as float32 are in a file.

Each column goes through the same rule and the same encoding as that of a data frame, so that types, categories, messages and
numbers are those of a table in memory. A text file is cut into parts of whole rows first, which are put away by column.
"""

import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hornbook.data.facts import Feature
from hornbook.data.source import Array
from hornbook.data.storage.files import existing_files
from hornbook.data.storage.readers import FileReader
from hornbook.data.storage.rows import VALUES_PER_BLOCK
from hornbook.data.tables.columns.features import accepted, columns_of, encode_columns
from hornbook.data.tables.columns.numbers import plain_numbers
from hornbook.data.tables.columns.rule import Column, Type
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import Paths, joined, parquet_size, read_frame, read_parquet, typed
from hornbook.data.tables.packed import is_packed, kind_of, unchanged, unpacking
from hornbook.data.tables.text import SEPARATORS, text_parts
from hornbook.errors import DataError
from hornbook.runs.caches import cache_folder, filling

__all__ = ["ROWS_FILE", "EncodedTable", "LargeTable", "encode_table", "is_large", "no_room", "opened_table"]

ROWS_FILE = "rows.npy"
FIELD_BYTES, VALUE_BYTES = 16, 8  # of a text in a data frame, and of a number of a Parquet file
SAMPLE_BYTES = 1 << 20
PACKED_SHARE = 5
"""How many times smaller packed text is taken to be."""


def is_large(path: Paths, dialect: Dialect, memory_budget: int | None) -> bool:
    """Return whether a data frame of a table would exceed the budget.

    It takes 16 bytes for each field of a text file, of which there are as many as its size and its first megabyte say, and 8
    for each value of a Parquet file. Other kinds of files are read whole.
    """
    return (
        memory_budget is not None and sum(_frame_size(file, dialect) for file in existing_files(path)) > memory_budget
    )


def _frame_size(file: Path, dialect: Dialect) -> int:
    kind = kind_of(file)
    if kind == "parquet":
        rows, width = parquet_size(file)
        return rows * width * VALUE_BYTES
    if kind != "text":
        return 0
    size = file.stat().st_size
    with unpacking(file) as stream:
        sample = stream.read(SAMPLE_BYTES)
    first_line = sample[: sample.find(b"\n") + 1]
    separator = (dialect.separator or max(SEPARATORS, key=lambda mark: first_line.count(mark.encode()))).encode()
    fields = max(sample.count(separator) + sample.count(b"\n"), 1)
    return int(size * (PACKED_SHARE if is_packed(file) else 1) * fields / max(len(sample), 1) * FIELD_BYTES)


@contextmanager
def opened_table(
    path: Paths,
    dialect: Dialect,
    *,
    memory_budget: int | None,
    wanted: frozenset[str] = frozenset(),
    may_mix: Callable[[str], bool] | None = None,
) -> Iterator["pl.DataFrame | LargeTable"]:
    """Give a table as a data frame, or one column at a time where it exceeds the budget; errors as of `read_frame`."""
    if not is_large(path, dialect, memory_budget):
        yield read_frame(path, dialect, wanted=wanted, may_mix=may_mix)
        return
    key = blake2b(str(existing_files(path)).encode(), digest_size=8).hexdigest()
    with filling(key, "tables") as folder:
        folder.mkdir()
        yield LargeTable(path, dialect, folder, wanted=wanted, may_mix=may_mix)


class LargeTable:
    """A table of which one column at a time is in memory; for what asks a data frame for its columns.

    Args:
        path: Text and Parquet files, as of `read_frame`, which also says what is raised.
        dialect: How they are written.
        folder: An empty folder for what is put away while the table is read.
        wanted: As of `read_frame`.
        may_mix: As of `read_frame`.

    Attributes:
        columns: The names of the columns.
        folder: The folder.
    """

    def __init__(
        self,
        path: Paths,
        dialect: Dialect,
        folder: Path,
        *,
        wanted: frozenset[str] = frozenset(),
        may_mix: Callable[[str], bool] | None = None,
    ) -> None:
        self.folder, self._paths = folder, existing_files(path)
        self._dialect, self._may_mix = dialect, may_mix
        self._keep: pl.Series | None = None
        self._files: list[_ParquetFile | _TextFile | _OtherFile] = []
        for number, file in enumerate(self._paths):
            kind = kind_of(file)
            if kind == "parquet":
                self._files.append(_ParquetFile(file))
            elif kind == "text":
                self._files.append(_TextFile(file, dialect, folder / str(number), wanted))
            else:
                self._files.append(_OtherFile(read_frame(file, dialect, wanted=wanted)))
        if len(self._files) > 1:
            empty = [pl.DataFrame({name: [] for name in each.columns}) for each in self._files]
            joined(self._paths, empty, dialect, may_mix)  # refuses other names
        self.columns: list[str] = list(self._files[0].columns)

    @property
    def height(self) -> int:
        """The number of rows."""
        return sum(each.height for each in self._files) if self._keep is None else int(self._keep.sum())

    def filter(self, keep: pl.Series) -> "LargeTable":
        """Return the rows for which a column of Booleans says so."""
        table = copy(self)
        table._keep = keep
        return table

    def __getitem__(self, name: str) -> pl.Series:
        return self.select([name]).to_series()

    def select(self, names: Sequence[str]) -> pl.DataFrame:
        """Return some columns as a data frame."""
        frames = [typed(each.select(list(names))) for each in self._files]
        frame = frames[0] if len(frames) == 1 else joined(self._paths, frames, self._dialect, self._may_mix)
        return frame if self._keep is None else frame.filter(self._keep)

    def drop(self, names: Any) -> "pl.DataFrame":
        """Return the names of the other columns, as a data frame without rows."""
        return pl.DataFrame({name: [] for name in self.columns if name not in {*names}})


class _ParquetFile:
    def __init__(self, file: Path) -> None:
        self._file = file
        self.height, _ = parquet_size(file)
        self.columns = read_parquet(file, 0).columns
        if not self.height:
            raise DataError(f"{file}: has a heading but no rows.")

    def select(self, names: list[str]) -> pl.DataFrame:
        return read_parquet(self._file, None, columns=names)


class _OtherFile:
    """A file of a kind that is read whole."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame, self.height, self.columns = frame, frame.height, frame.columns

    def select(self, names: list[str]) -> pl.DataFrame:
        return self._frame.select(names)


class _TextFile:
    """A text file that was cut into parts, each in a file from which single columns can be read."""

    def __init__(self, file: Path, dialect: Dialect, folder: Path, wanted: frozenset[str]) -> None:
        self.height, self.columns, self._parts = 0, list[str](), list[Path]()
        is_tsv = ".tsv" in [suffix.lower() for suffix in file.suffixes]
        folder.mkdir()
        with unchanged(file):
            for number, part in enumerate(text_parts(file, dialect, is_tsv=is_tsv, wanted=wanted)):
                self._parts.append(folder / f"{number}.arrow")
                try:
                    part.write_ipc(self._parts[-1], compression="lz4")
                except (OSError, pl.exceptions.PolarsError) as error:
                    raise no_room(error) from error
                self.height, self.columns = self.height + part.height, part.columns
        if not self.height:
            raise DataError(f"{file}: has a heading but no rows.")

    def select(self, names: list[str]) -> pl.DataFrame:
        return pl.concat([pl.read_ipc(part, columns=names) for part in self._parts], rechunk=True).select(names)


@dataclass(frozen=True)
class EncodedTable:
    """Columns of a table as rows of numbers in a file.

    Attributes:
        shape: (N, F).
        features: The columns.
        dialect: How they are written, with the signs of their numbers.
        warnings: Sentences the user should read.
        unknown: How many unknown categories each column has that has any.
        crc: Checksum of the rows' bytes.
    """

    shape: tuple[int, int]
    features: tuple[Feature, ...]
    dialect: Dialect
    warnings: tuple[str, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)
    crc: int = 0


def encode_table(
    table: LargeTable,
    columns: Sequence[str],
    declared: Mapping[str, Type],
    *,
    dialect: Dialect,
    where: str,
    features: Sequence[Feature] | None = None,
) -> EncodedTable:
    """Write a table's rows into `rows.npy` of its folder: the numbers of `infer_features` and `encode_columns`, in float32.

    Args:
        table: The table.
        columns: The feature columns.
        declared: Types that are given.
        dialect: How the values are written.
        where: What to call the table in messages.
        features: What the columns are, where that is known; else it follows from the values.

    Raises:
        DataError: If columns are refused, values cannot be encoded, or there is no room for them.
    """
    each = _Columns(table, tuple(columns), declared, dialect, where, features)
    by_column = table.folder / "columns"
    try:
        with by_column.open("wb") as file:
            for name in columns:
                for values in each.encoded(name):
                    file.write(np.ascontiguousarray(values).data)
    except OSError as error:
        raise no_room(error) from error
    features, dialect, warnings = each.known()
    shape = table.height, len(features)
    crc = _write_rows(by_column, table.folder / ROWS_FILE, shape)
    return EncodedTable(shape, features, dialect, warnings, each.unknown, crc)


@dataclass
class _Columns:
    """Columns of a table, encoded one after the other; arguments as of `encode_table`.

    Attributes:
        found: What the columns are, of those that were looked at; empty where that was known.
        unknown: How many unknown categories each column has that has any.
        fault: Why a column cannot be encoded, which is said unless columns are refused.
    """

    table: LargeTable
    names: tuple[str, ...]
    declared: Mapping[str, Type]
    dialect: Dialect
    where: str
    features: Sequence[Feature] | None
    found: list[Column] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    fault: DataError | None = None

    def encoded(self, name: str) -> Iterable[Array]:
        """Return the numbers (N,) of each feature of a column; none once a column cannot be read."""
        frame = self.table.select([name])
        plain = plain_numbers(frame, [name], self.dialect)
        if self.features is not None:
            features, dialect = [each for each in self.features if each.source == name], self.dialect
        else:
            (column,) = columns_of(
                frame,
                self.declared,
                dialect=self.dialect,
                where=self.where,
                used=lambda: self._missing_texts,
                plain=plain,
            )
            self.found.append(column)
            if self.fault is not None or any(each.refusal for each in self.found):
                return ()  # all that are refused are named together
            accepted_features, dialect, _ = accepted([column], self.dialect, self.where)
            features = list(accepted_features)
        try:
            x, unknown = encode_columns(frame, features, dialect=dialect, where=self.where, plain=plain)
        except DataError as error:
            if self.features is not None:
                raise
            self.fault = error
            return ()
        self.unknown |= unknown
        return x.T

    @cached_property
    def _missing_texts(self) -> list[str]:
        """The texts that mean a missing value, of those that stand anywhere in the table."""
        texts = [text for text in self.dialect.missing if text]
        present: set[str] = set()
        for name in self.names:
            values = self.table[name]
            if texts and values.dtype == pl.String:
                stripped = values.str.strip_chars()
                present.update(text for text in texts if (stripped == text).any())
        return [text for text in self.dialect.missing if text in present]

    def known(self) -> tuple[tuple[Feature, ...], Dialect, tuple[str, ...]]:
        """Return what all columns are, with warnings, or raise the DataError of those that cannot be read."""
        if self.features is not None:
            return tuple(self.features), self.dialect, ()
        known = accepted(self.found, self.dialect, self.where)
        if self.fault is not None:
            raise self.fault
        return known


def _write_rows(by_column: Path, target: Path, shape: tuple[int, int]) -> int:
    """Write (N, F) rows from (F, N) columns, which are deleted; return the checksum."""
    rows, width = shape
    dtype, crc = np.dtype(np.float32), 0
    needed, free = rows * width * dtype.itemsize, shutil.disk_usage(target.parent).free
    if needed > free:
        raise no_room(None, f"{rows:,} rows take {needed / 1e6:,.0f} MB, {free / 1e6:,.0f} are free")
    columns = FileReader(by_column, offset=0, shape=(rows * width,), dtype=dtype)
    size = max(1, VALUES_PER_BLOCK // width)
    try:
        with target.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
            for start in range(0, rows, size):
                end = min(start + size, rows)
                block: Array = np.empty((end - start, width), dtype)
                for place in range(width):
                    block[:, place] = columns.read(range(place * rows + start, place * rows + end))
                crc = zlib.crc32(block.data, crc)
                file.write(block.data)
    except OSError as error:
        raise no_room(error) from error
    by_column.unlink()
    return crc


def no_room(error: Exception | None, reason: str = "") -> DataError:
    """Return what to raise where the rows of a table cannot be written."""
    reason = reason or str(getattr(error, "strerror", None) or error).strip().split("\n", 1)[0]
    return DataError(
        f"{cache_folder('tables')}: the rows of a table cannot be kept: {reason}. Free some room ('hornbook runs prune' "
        "shows what could go), or name another folder in the environment variable HORNBOOK_CACHE."
    )
