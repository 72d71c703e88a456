"""Reads CSV and Parquet files into data frames of text or typed columns; anything malformed is a DataError with its row.

Every field of a CSV file is read as text and typed afterwards, so that training and prediction type alike. Rows are
counted from 1 below the heading.
"""

import csv
from collections import Counter
from pathlib import Path

import polars as pl

from hornbook.data.storage.files import existing_file
from hornbook.errors import DataError

__all__ = ["read_frame"]

TEXT_SUFFIXES = {".csv", ".tsv", ".txt"}
PARQUET_SUFFIXES = {".parquet", ".pq"}


def read_frame(path: str | Path, *, separator: str | None = None, rows: int | None = None) -> pl.DataFrame:
    """Return a table file as a data frame with at least one row.

    Args:
        path: A .csv, .tsv, .txt or .parquet file; may end in .gz for CSV.
        separator: Between fields of a CSV file; None for a comma, or a tab in .tsv.
        rows: Read the first so many rows only; None for all.

    Raises:
        DataError: If the file is missing, empty, no table, or has ragged rows or repeated columns.
    """
    file = existing_file(path)
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    if suffix in PARQUET_SUFFIXES:
        frame = _read_parquet(file, rows)
    elif suffix in TEXT_SUFFIXES:
        frame = _read_csv(file, separator or ("\t" if suffix == ".tsv" else ","), rows)
    else:
        raise DataError(f"{file}: unknown kind of table. Expected .csv, .tsv, .txt or .parquet.")
    if frame.height == 0:
        raise DataError(f"{file}: has a heading but no rows.")
    return frame


def _read_parquet(file: Path, rows: int | None) -> pl.DataFrame:
    try:
        return pl.read_parquet(file, n_rows=rows)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{file}: is no readable Parquet file: {_first_line(error)}") from error


def _read_csv(file: Path, separator: str, rows: int | None) -> pl.DataFrame:
    try:
        frame = pl.read_csv(file, separator=separator, infer_schema=False, n_rows=rows)
    except pl.exceptions.NoDataError as error:
        raise DataError(f"{file}: the file is empty.") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        if "utf-8" in str(error).lower():
            raise DataError(f"{file}: is not UTF-8 text. Save it as UTF-8.") from error
        _check_rows(file, separator)
        raise DataError(f"{file}: cannot be read as CSV: {_first_line(error)}") from error
    if any("_duplicated_" in name for name in frame.columns):
        _check_heading(file, separator)
    if frame.height and frame.to_series(-1).null_count():  # short rows end in missing values
        _check_rows(file, separator)
    names = [name.strip() for name in frame.columns]
    if len(set(names)) == len(names):
        frame.columns = names
    return frame


def _check_heading(file: Path, separator: str) -> None:
    """Raise a DataError if the heading of a CSV file names a column twice."""
    if file.suffix.lower() == ".gz":
        return
    with file.open(encoding="utf-8-sig", newline="") as lines:
        heading = next(csv.reader(lines, delimiter=separator), [])
    repeated = [name for name, times in Counter(heading).items() if times > 1]
    if repeated:
        raise DataError(f"{file}: the heading names column '{repeated[0]}' twice.")


def _check_rows(file: Path, separator: str) -> None:
    """Raise a DataError that names the first row with too many or too few fields."""
    if file.suffix.lower() == ".gz":
        return
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, delimiter=separator)
            heading = next(reader, [])
            for row, fields in enumerate((fields for fields in reader if fields), 1):
                if len(fields) != len(heading):
                    raise DataError(
                        f"{file}: row {row} (line {reader.line_num}) has {len(fields)} "
                        f"field{'s' if len(fields) != 1 else ''}, the heading has {len(heading)}."
                    )
    except csv.Error as error:
        raise DataError(f"{file}: line {reader.line_num}: {error}.") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
