"""CSV files as data frames of text; what is malformed is a DataError with its row.

Every field is read as text and typed afterwards, so that training and prediction type alike. Rows are counted from 1 below
the heading; blank lines are none.
"""

import codecs
import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import IO, Any, BinaryIO

import polars as pl

from hornbook.data.storage.files import likely_encoding
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.notation import is_number
from hornbook.data.tables.packed import first_line, unpacked, unpacking
from hornbook.errors import DataError

__all__ = ["doubtful_heading", "no_heading_hint", "read_text", "text_parts"]

SEPARATORS = {",": "','", ";": "';'", "\t": '"\\t"', "|": "'|'"}
"""What may separate fields, as YAML writes it."""
SAMPLE_ROWS = 200
SAMPLE = 1000  # rows that say which columns are numbers
MayCount = Callable[[str], bool]
PART_BYTES = 1 << 24
PARTS_OF_ROW = 16  # in which a quote has to be closed


def read_text(
    file: Path,
    dialect: Dialect,
    *,
    is_tsv: bool,
    wanted: frozenset[str] = frozenset(),
    rows: int | None = None,
    may_count: MayCount | None = None,
) -> pl.DataFrame:
    """Return a text file as a data frame of texts; arguments and errors as of `tables.files.read_frame`.

    Args:
        file: An existing file, which may be packed.
        dialect: How it is written.
        is_tsv: Whether it is called .tsv, so that tabs win where several separators could be.
        wanted: Columns that a model reads.
        rows: Read so many at most.
        may_count: Columns that may come as the numbers that their texts are.
    """
    return _read_csv(_Text(file, dialect, is_tsv=is_tsv), wanted, rows, may_count)


def text_parts(
    file: Path, dialect: Dialect, *, is_tsv: bool, wanted: frozenset[str] = frozenset()
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a text file in parts of some megabytes; arguments and errors as of `read_text`.

    Each part is read as a file of its own, with the heading in front of it.
    """
    heading, rows, lines = b"", 0, 0
    for place, part in enumerate(_parts(file, dialect)):
        in_utf8 = replace(dialect, encoding="utf-8")
        text = _Text(file, in_utf8, is_tsv=is_tsv, content=heading + part, before=(rows, lines))
        if place == 0:
            dialect = replace(dialect, separator=dialect.separator or _found_separator(text))
            text = _Text(file, replace(dialect, encoding="utf-8"), is_tsv=is_tsv, content=part)
            if _heading(text, _first_fields(text, dialect.separator or ","), wanted) is None:
                heading = _first_row(part)
                lines = -heading.count(b"\n")
        frame = _read_csv(text, wanted, None)
        rows, lines = rows + frame.height, lines + part.count(b"\n")
        if frame.height:
            yield frame


def _parts(file: Path, dialect: Dialect) -> Iterator[bytes]:
    """Yield a text in UTF-8 in pieces that end where a row does: behind a line with an even number of quotes before it."""
    rest, lines = b"", 1
    decoder = None if _is_utf8(dialect) else codecs.getincrementaldecoder(dialect.encoding)()
    try:
        with unpacking(file) as stream:
            while more := stream.read(PART_BYTES):
                rest += more if decoder is None else decoder.decode(more).encode()
                if end := _end_of_row(rest):
                    yield rest[:end]
                    lines, rest = lines + rest.count(b"\n", 0, end), rest[end:]
                elif len(rest) > PARTS_OF_ROW * PART_BYTES:
                    raise DataError(
                        f"{file}: a quote that opens in line {lines:,} or below is not closed within "
                        f"{PARTS_OF_ROW * PART_BYTES / 1e6:,.0f} MB, so that no row ends. Close it; within a field it is "
                        "doubled."
                    )
    except UnicodeError as error:
        raise _Text(file, dialect, is_tsv=False, content=b"").no_text() from error
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {first_line(error)}") from error
    if rest:
        yield rest


def _end_of_row(text: bytes) -> int:
    """Return the place behind the last line that ends a row, or 0; the text begins with a row."""
    end = text.rfind(b"\n") + 1
    quotes = text.count(b'"', 0, end)
    while end and quotes % 2:
        before = text.rfind(b"\n", 0, end - 1) + 1
        quotes -= text.count(b'"', before, end)
        end = before
    return end


def _first_row(text: bytes) -> bytes:
    """Return what stands before the second row of a text, blank lines in front of the first included."""
    end, quotes = 0, 0
    while end < len(text):
        begin, end = end, text.find(b"\n", end) + 1 or len(text)
        quotes += text.count(b'"', begin, end)
        if quotes % 2 == 0 and text[:end].strip():
            break
    return text[:end] if text[:end].endswith(b"\n") else text[:end] + b"\n"


def _is_utf8(dialect: Dialect) -> bool:
    return dialect.encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"}


def no_heading_hint(names: list[str]) -> str:
    """Return what to do where the names of columns look like values, or like several in one; else nothing."""
    if any(is_number(name) for name in names):
        return " The first line looks like values: if the file has no heading, name the columns (heading: [a, b, …])."
    if len(names) == 1 and len(names[0].split()) > 1:
        return " The file has one column: if spaces separate its fields, say so (separator: ' ')."
    return ""


def doubtful_heading(names: list[str]) -> str:
    """Return a warning where numbers among the names of columns look like an example's values; 0, 1, 2 … are names."""
    numbers = [float(name) for name in names if is_number(name) and name.strip().lstrip("-").replace(".", "").isdigit()]
    if not numbers or all(later - before == 1 for before, later in pairwise(numbers)):
        return ""
    listed = ", ".join(names)[:60]
    return (
        f"the first line names the columns, and holds numbers ({listed} …): is it an example?{no_heading_hint(names)}"
    )


class _Text:
    """A text file, and what is known about how it is written."""

    def __init__(
        self,
        file: Path,
        dialect: Dialect,
        *,
        is_tsv: bool,
        content: bytes | None = None,
        before: tuple[int, int] = (0, 0),
    ) -> None:
        self.file, self.dialect, self.is_tsv = file, dialect, is_tsv
        self.is_utf8 = _is_utf8(dialect)
        self.content = unpacked(file) if content is None else content  # None where the file is plain text
        self.rows_before, self.lines_before = before  # of a part of a file

    @contextmanager
    def lines(self) -> Iterator[IO[str]]:
        """Give the text, without a byte order mark; what cannot be read becomes a DataError."""
        encoding = "utf-8-sig" if self.is_utf8 else self.dialect.encoding
        try:
            with io.TextIOWrapper(self.binary(), encoding=encoding, newline="") as lines:
                yield lines
        except UnicodeError as error:
            raise self.no_text() from error
        except (OSError, EOFError) as error:
            raise DataError(f"{self.file}: cannot be read: {first_line(error)}") from error

    def binary(self) -> BinaryIO:
        """Give the bytes."""
        return self.file.open("rb") if self.content is None else io.BytesIO(self.content)

    def source(self) -> Path | IO[bytes]:
        """Return what polars reads: the file itself where it is UTF-8, else its text in memory."""
        if self.is_utf8:
            return self.file if self.content is None else io.BytesIO(self.content)
        with self.lines() as lines:
            return io.BytesIO(lines.read().removeprefix("\ufeff").encode())

    def no_text(self) -> DataError:
        """Return the error for bytes that are no text."""
        if not self.is_utf8:
            return DataError(f"{self.file}: is not text in {self.dialect.encoding}. Say which encoding it has.")
        with self.binary() as binary:
            likely = likely_encoding(binary.read(1000))
        return DataError(
            f"{self.file}: is not UTF-8 text. Save it as UTF-8, or name its encoding (encoding: {likely})."
        )


def _read_csv(text: _Text, wanted: frozenset[str], rows: int | None, may_count: MayCount | None = None) -> pl.DataFrame:
    file = text.file
    separator = text.dialect.separator or _found_separator(text)
    first = _first_fields(text, separator)
    names = _heading(text, first, wanted)
    options: dict[str, Any] = {"separator": separator, "infer_schema": False, "n_rows": rows}
    if names is not None:
        options |= {"has_header": False}
    try:
        frame = _with_fractions(text, options, may_count)
        frame = pl.read_csv(text.source(), **options) if frame is None else frame
    except pl.exceptions.NoDataError as error:
        raise DataError(f"{file}: the file is empty.") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        if "utf-8" in str(error).lower():
            raise text.no_text() from error
        _blank_rows(text, separator, has_heading=names is None)
        raise DataError(f"{file}: cannot be read as CSV: {first_line(error)}") from error
    if names is not None:
        frame.columns = list(names)
    elif any("_duplicated_" in name for name in frame.columns):
        _check_heading(file, first)
    ends_missing = frame.height and frame.to_series(-1).null_count()  # as short rows and blank lines do
    if ends_missing and not _are_whole(text, separator, frame.height + (names is None), frame.width):
        blank = _blank_rows(text, separator, has_heading=names is None)
        if blank:
            frame = frame.filter(~pl.Series(range(frame.height)).is_in(blank))
    stripped = [name.strip() for name in frame.columns]
    if len(set(stripped)) == len(stripped):
        frame.columns = stripped
    return frame


def _with_fractions(text: _Text, options: dict[str, Any], may_count: MayCount | None) -> pl.DataFrame | None:
    """Return the table with its columns of numbers, some of which have a point, as Float64: polars' parser and its cast
    from text read each to the same bits. None where there are none, or a value is no finite number.
    """
    dialect = text.dialect
    if may_count is None or dialect.is_loose or not dialect.is_plain or dialect.missing_numbers:
        return None
    sample = pl.read_csv(text.source(), **options | {"n_rows": SAMPLE})
    values, texts = pl.all(), [text for text in dialect.missing if text]
    is_missing = values.is_null() | values.is_in([*texts, ""])
    facts = [
        (values.cast(pl.Float64, strict=False).is_null() & ~is_missing).any(),
        (values.str.contains(".", literal=True) & ~is_missing).any(),
        values.is_in(texts).any(),
    ]
    rows = zip(sample.columns, *(sample.select(fact).row(0) for fact in facts), strict=True)
    types, missing = {}, set[str]()
    for name, has_text, has_point, has_missing in rows:
        if has_point and not has_text and may_count(name.strip()):
            types[name] = pl.Float64
            missing |= {text for text in texts if (sample[name] == text).any()} if has_missing else set()
    if not types:
        return None
    try:
        frame = pl.read_csv(text.source(), **options, schema_overrides=types, null_values=sorted(missing))
    except pl.exceptions.PolarsError:
        return None
    return frame if all(map(math.isfinite, frame.select(pl.col([*types]).sum()).row(0))) else None


def _are_whole(text: _Text, separator: str, rows: int, width: int) -> bool:
    """Return whether it is sure that no row is short or blank: where no field is quoted and all separators are there."""
    found, expected = 0, rows * (width - 1)
    if not text.is_utf8 or width < 2:
        return False
    with text.binary() as binary:
        while more := binary.read(PART_BYTES):
            if b'"' in more:
                return False
            found += more.count(separator.encode())
    return found == expected


def _found_separator(text: _Text) -> str:
    """Return the one separator by which all rows of a sample have the same number of fields, two or more.

    Raises:
        DataError: If several do, or none does though several could.
    """
    if text.dialect.is_loose:
        return "\t" if text.is_tsv else ","
    widths = {separator: _widths(text, separator) for separator in SEPARATORS}
    alike = [separator for separator, counts in widths.items() if len(set(counts)) == 1 and counts[0] > 1]
    if text.is_tsv and "\t" in alike:
        return "\t"
    if len(alike) == 1:
        return alike[0]
    possible = alike or [separator for separator, counts in widths.items() if counts and counts[0] > 1]
    if len(possible) == 1:
        return possible[0]  # rows of other lengths are named when they are read
    if not possible:
        split = [separator for separator, counts in widths.items() if any(count > 1 for count in counts)]
        return split[0] if len(split) == 1 else ","
    how = "all split its rows alike" if alike else "occur in its heading, and none splits its rows alike"
    names = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
    found = [names[separator] for separator in possible]
    raise DataError(
        f"{text.file}: {', '.join(found[:-1])} and {found[-1]} {how}. Say what separates fields "
        f"(separator: {' or '.join(SEPARATORS[separator] for separator in possible)})."
    )


def _widths(text: _Text, separator: str) -> list[int]:
    """Return the numbers of fields of the first rows that are not blank, the heading included."""
    with text.lines() as lines:
        try:
            reader = csv.reader(lines, delimiter=separator)
            return [len(fields) for fields in islice(reader, SAMPLE_ROWS) if not _is_blank(fields)]
        except csv.Error:
            return []


def _first_fields(text: _Text, separator: str) -> list[str]:
    with text.lines() as lines:
        try:
            return next((fields for fields in csv.reader(lines, delimiter=separator) if fields), [])
        except csv.Error:
            return []


def _heading(text: _Text, first: list[str], wanted: frozenset[str]) -> tuple[str, ...] | None:
    """Return the names of the columns of a file without a heading; None for one that has its own."""
    names, fields = text.dialect.heading, [field.strip() for field in first]
    if names is None or not fields or (wanted and wanted <= set(fields)):
        return None
    if {*names} <= {*fields}:
        raise DataError(f"{text.file}: the first line is the heading itself. Remove 'heading'.")
    without_target = tuple(name for name in names if name in wanted)
    if len(fields) == len(names):
        return names
    if wanted and len(fields) == len(without_target):
        return without_target
    raise DataError(f"{text.file}: row 1 has {len(fields)} fields, 'heading' names {len(names)} columns.")


def _check_heading(file: Path, heading: list[str]) -> None:
    """Raise a DataError if the heading of a CSV file names a column twice."""
    repeated = [name for name, times in Counter(heading).items() if times > 1]
    if repeated:
        raise DataError(f"{file}: the heading names column '{repeated[0]}' twice.{no_heading_hint(heading)}")


def _blank_rows(text: _Text, separator: str, *, has_heading: bool) -> list[int]:
    """Return the numbers of the rows, counted from 0, that are blank lines.

    Raises:
        DataError: If a row has too many or too few fields; with the first of them.
    """
    blank = []
    with text.lines() as lines:
        reader = csv.reader(lines, delimiter=separator)
        try:
            heading = next((fields for fields in reader if fields), [])
            first = [] if has_heading else [heading]
            for number, fields in enumerate(_chained(first, reader)):
                if _is_blank(fields):
                    blank.append(number)
                elif len(fields) != len(heading):
                    raise DataError(
                        f"{text.file}: row {text.rows_before + number + 1 - len(blank):,} "
                        f"(line {text.lines_before + reader.line_num:,}) has {len(fields)} "
                        f"field{'s' if len(fields) != 1 else ''}, the heading has {len(heading)}."
                    )
        except csv.Error as error:
            raise DataError(f"{text.file}: line {reader.line_num}: {error}.") from error
    return blank


def _chained(first: list[list[str]], rest: Iterator[list[str]]) -> Iterator[list[str]]:
    yield from first
    yield from rest


def _is_blank(fields: list[str]) -> bool:
    """Return whether a line holds nothing: `""` is a value that is empty, and so are the two of a line `,`."""
    return not fields or (len(fields) == 1 and fields[0] != "" and not fields[0].strip())
