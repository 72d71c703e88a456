"""Reads table files into data frames of text or typed columns; anything malformed is a DataError.

A table may be in several files of the same columns. Every field of a text file is read as text and typed afterwards, so
that training and prediction type alike (`tables.text`).
"""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from hornbook.data.storage.files import existing_files, memory_bytes
from hornbook.data.tables.columns.rule import as_numbers, plain_column
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.notation import yaml_text
from hornbook.data.tables.packed import check_archive, first_line, kind_of, unchanged, unpacked
from hornbook.data.tables.text import read_text
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean

__all__ = ["Paths", "joined", "parquet_size", "read_frame", "read_parquet", "table_name", "typed"]

Paths = str | Path | Sequence[str | Path]
NOT_INSTALLED = "Excel files need more: pip install 'hornbook[excel]'. Or save the sheet as CSV."


def read_frame(
    path: Paths,
    dialect: Dialect | None = None,
    *,
    wanted: frozenset[str] = frozenset(),
    rows: int | None = None,
    may_mix: Callable[[str], bool] | None = None,
    may_count: Callable[[str], bool] | None = None,
) -> pl.DataFrame:
    """Return a table as a data frame with at least one row.

    Args:
        path: A .csv, .tsv, .txt, .jsonl, .parquet or .xlsx file, those of text packed with gzip or zstandard or not; a
            pattern of files, or several. Their rows follow each other, their columns are found by name.
        dialect: How it is written.
        wanted: Columns that a model reads: a file that has them in its first line has a heading, whatever the dialect says;
            one without a heading need not have any other.
        rows: Read so many at most.
        may_mix: Says of which columns one file may hold numbers and another texts: categories, and what is not read.
        may_count: Says which columns of a text file may come as the numbers that their texts are, which takes half of the
            time; None: none.

    Raises:
        DataError: If a file is missing, empty, no table, has ragged rows or repeated columns, or changes while it is read;
            if its separator can be read in several ways; if one of several has other columns, or a column of another type.
    """
    files, dialect = existing_files(path), dialect or Dialect()
    may_count = may_count if len(files) == 1 else None  # files are compared as texts
    frames = [_read(file, dialect, wanted, rows, may_count) for file in files]
    frame = frames[0] if len(frames) == 1 else joined(files, frames, dialect, may_mix)
    return frame if rows is None else frame.head(rows)


def table_name(path: Paths) -> str:
    """Return what to call a table in messages; errors as of `read_frame`."""
    files = existing_files(path)
    if len(files) == 1:
        return str(files[0])
    return f"{path if isinstance(path, str | Path) else files[0]} ({len(files)} files, rows counted over all)"


def _read(
    file: Path,
    dialect: Dialect,
    wanted: frozenset[str],
    rows: int | None,
    may_count: Callable[[str], bool] | None = None,
) -> pl.DataFrame:
    with unchanged(file):
        kind = kind_of(file)
        if kind == "parquet":
            _check_size(file, rows)
            frame = read_parquet(file, rows)
        elif kind == "lines":
            frame = _read_lines(file, rows)
        elif kind == "excel":
            frame = _read_excel(file, dialect.sheet, rows)
        else:
            is_tsv = ".tsv" in [suffix.lower() for suffix in file.suffixes]
            frame = read_text(file, dialect, is_tsv=is_tsv, wanted=wanted, rows=rows, may_count=may_count)
    if frame.height == 0:
        raise DataError(f"{file}: has a heading but no rows.")
    return typed(frame)


def typed(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table with the types that the rule of columns knows."""
    return frame.with_columns(pl.col(pl.Decimal).cast(pl.Float64), pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def read_parquet(file: Path, rows: int | None, *, columns: list[str] | None = None) -> pl.DataFrame:
    """Return a Parquet file, or its first rows, or some columns.

    Raises:
        DataError: If it is none.
    """
    try:
        return pl.read_parquet(file, n_rows=rows, columns=columns)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{file}: is no readable Parquet file: {first_line(error)}") from error


def parquet_size(file: Path) -> tuple[int, int]:
    """Return (rows, columns) of a Parquet file; errors as of `read_parquet`."""
    try:
        scanned = pl.scan_parquet(file)
        return int(scanned.select(pl.len()).collect().item()), len(scanned.collect_schema())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{file}: is no readable Parquet file: {first_line(error)}") from error


def _check_size(file: Path, rows: int | None) -> None:
    """Refuse a Parquet file that no data frame in this machine's memory can hold."""
    count, width = parquet_size(file)
    if rows is None and count * width * 4 > memory_bytes():
        raise DataError(
            f"{file}: {count:,} rows of {width:,} columns are {count * width * 4 / 2**30:,.1f} GB, more than this "
            "machine's memory."
        )


def _read_lines(file: Path, rows: int | None) -> pl.DataFrame:
    """Return a file of one JSON object per line."""
    content = unpacked(file)
    try:
        return pl.read_ndjson(file if content is None else io.BytesIO(content), infer_schema_length=None, n_rows=rows)
    except (pl.exceptions.PolarsError, OSError) as error:
        text = file.read_bytes() if content is None else content
        if not text.strip():
            raise DataError(f"{file}: the file is empty.") from error
        for number, line in enumerate(text.splitlines(), 1):
            try:
                is_object = not line.strip() or isinstance(json.loads(line), dict)
            except ValueError:
                is_object = False
            if not is_object:
                raise DataError(
                    f"{file}: line {number:,} is no JSON object ({line[:40].decode(errors='replace')!r}). Each line holds "
                    'one row: {"age": 34, "city": "Oslo"}.'
                ) from error
        raise DataError(f"{file}: cannot be read as lines of JSON: {first_line(error)}.") from error


def _read_excel(file: Path, sheet: str | None, rows: int | None) -> pl.DataFrame:
    """Return the sheet of that name, or the first one; the only one of a file whatever its name."""
    try:
        import fastexcel
    except ImportError as error:
        raise DataError(f"{file}: {NOT_INSTALLED}") from error
    check_archive(file)
    try:
        names = fastexcel.read_excel(file).sheet_names
        if sheet is not None and sheet not in names and len(names) > 1:
            raise DataError(f"{file}: no sheet '{sheet}'. {did_you_mean(sheet, names)}")
        chosen = sheet if sheet in names else names[0]
        frame = pl.read_excel(
            file, sheet_name=chosen, engine="calamine", infer_schema_length=None, raise_if_empty=False
        )
    except (pl.exceptions.PolarsError, fastexcel.FastExcelError, OSError, ValueError) as error:
        raise DataError(f"{file}: is no readable Excel file: {first_line(error)}") from error
    if not frame.width:
        raise DataError(f"{file}: sheet '{chosen}' is empty.")
    return frame if rows is None else frame.head(rows)


def joined(
    files: Sequence[Path], frames: Sequence[pl.DataFrame], dialect: Dialect, may_mix: Callable[[str], bool] | None
) -> pl.DataFrame:
    """Return the rows of several files, columns by name in the order of the first.

    Raises:
        DataError: If a file has other columns than the first, or a column of another type.
    """
    names = frames[0].columns
    for file, frame in zip(files[1:], frames[1:], strict=True):
        lacking = [name for name in names if name not in frame.columns]
        added = [name for name in frame.columns if name not in names]
        if lacking or added:
            what = f"no column '{lacking[0]}'" if lacking else f"a column '{added[0]}'"
            other = "has one" if lacking else "has none"
            raise DataError(f"{file}: has {what}, and {files[0]} {other}. Files of one table have the same columns.")
    for name in names:
        is_free = may_mix is not None and may_mix(name)
        _check_alike(name, files, [frame[name] for frame in frames], dialect, is_free=is_free)
    try:
        return pl.concat([frame.select(names) for frame in frames], how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{files[0]} and others: cannot be joined: {first_line(error)}.") from error


def _check_alike(
    name: str, files: Sequence[Path], columns: Sequence[pl.Series], dialect: Dialect, *, is_free: bool
) -> None:
    """Raise a DataError if a column is of one type in a file, and of another in the next."""
    first: tuple[Path, str] | None = None
    for file, column in zip(files, columns, strict=True):
        kind, example = _type(column, dialect, str(file))
        if is_free and kind in {"numbers", "text"} and column.dtype == pl.String:
            kind = "text"
        if kind == "nothing":
            continue
        if first is None:
            first = file, kind
        elif kind != first[1]:
            is_text = {kind, first[1]} == {"numbers", "text"} and column.dtype == pl.String
            advice = f", or say that it holds categories (types: {{{yaml_text(name)}: category}})" if is_text else ""
            raise DataError(
                f"{file}: column '{name}' holds {kind}{example}, and in {first[0]} {first[1]}. Write them alike{advice}."
            )


def _type(column: pl.Series, dialect: Dialect, where: str) -> tuple[str, str]:
    """Return what a column holds, and where the first text stands that is no number."""
    if column.dtype.is_nested() or column.dtype in {pl.Binary, pl.Object}:
        return str(column.dtype), ""
    values = plain_column(column, dialect, where)
    if values.null_count() == len(values):
        return "nothing", ""
    if values.dtype.is_numeric():
        return "numbers", ""
    if values.dtype != pl.String:
        return ("dates" if values.dtype.is_temporal() else str(values.dtype)), ""
    wrong = values.is_not_null() & as_numbers(values, dialect, dialect.signs.get(column.name)).is_null()
    if not wrong.any():
        return "numbers", ""
    row = int(np.flatnonzero(wrong.to_numpy())[0])
    return "text", f" ({values[row]!r} in row {row + 1:,})"
