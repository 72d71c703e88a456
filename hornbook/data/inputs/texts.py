"""Texts to predict on: lines, .txt files of a folder, a column of a table."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.pictures.listing import list_files, printable
from hornbook.data.readings import Examples, Reading
from hornbook.data.source import Array
from hornbook.data.storage.files import existing_file, file_text, is_pattern
from hornbook.data.text.encoder import encoded
from hornbook.errors import DataError, UsageError

__all__ = ["encoded_texts", "read_texts"]

STDIN = "-"


def read_texts(source: str | Path, info: DataInfo, reading: Reading, *, memory_budget: int | None = None) -> Examples:
    """Return texts as the token numbers that a run's model reads, and what else is asked for.

    Args:
        source: A .txt file with a text in each line; ``-`` for the lines of standard input; a folder of .txt files, each of
            which is a text; a table with the column of texts.
        info: Facts about the data that the model was trained on.
        reading: What is asked beside the inputs.
        memory_budget: Bytes that a table may take.

    Raises:
        UsageError: If something is asked that the kind of source does not have.
        DataError: If it cannot be read, or has no such column.
    """
    ((column, _),) = info.extra["texts"].items()
    if reading.array is not None:
        raise UsageError(f"{source}: texts have no array '{reading.array}'. Leave out --array.")
    is_folder = str(source) != STDIN and Path(source).expanduser().is_dir()
    if not is_folder and str(source) != STDIN and Path(source).suffix.lower() != ".txt":
        return _of_table(source, column, info, reading, memory_budget)
    name = "stdin" if str(source) == STDIN else Path(source).name
    if reading.keep:
        raise UsageError(f"--keep {reading.keep[0]}: lines and files of text have no columns. Give a table.")
    if is_folder:
        texts, names = _of_folder(Path(source).expanduser(), info.extra.get("encoding", "utf-8"))
        y = _folders(names, source) if reading.targets is not None else None
        x, notes = encoded_texts(texts, info, name)
        return Examples(x, y, {"path": np.array([os.path.join(source, each) for each in names], object)}, notes)
    if reading.targets is not None:
        raise DataError(f"{name}: lines of text have no targets. Give a table with a column '{column}', or a folder.")
    texts = _lines(name, _stdin() if str(source) == STDIN else existing_file(source).read_bytes())
    x, notes = encoded_texts(texts, info, name)
    return Examples(x, None, {}, notes)


def encoded_texts(texts: Array, info: DataInfo, name: str) -> tuple[Array, tuple[str, ...]]:
    """Return texts (N,) as the model's token numbers (N, L) int32, and notes; `name` is what to call them in notes.

    Raises:
        DataError: If there are none.
    """
    if not len(texts):
        raise DataError(f"{name}: there are no texts.")
    ((_, facts),) = info.extra["texts"].items()
    return encoded(texts, facts, name)


def _stdin() -> bytes:
    stream = getattr(sys.stdin, "buffer", None)
    return sys.stdin.read().encode() if stream is None else bytes(stream.read())


def _lines(name: str, data: bytes) -> Array:
    """Return the lines of UTF-8, empty ones too; the end of the last one is no line.

    Raises:
        DataError: If a line is no UTF-8; with its number.
    """
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    texts = np.empty(len(lines), object)
    for place, line in enumerate(lines):
        try:
            texts[place] = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise DataError(f"{name}: line {place + 1:,} is no UTF-8. Save it as UTF-8.") from None
    return texts


def _folders(names: Sequence[str], source: str | Path) -> Array:
    """Return the folder of each file, right below the one that was given: its class.

    Raises:
        DataError: If one is in no folder.
    """
    loose = [name for name in names if "/" not in name]
    if loose:
        raise DataError(
            f"{source}: the class of a text is the name of its folder, and {printable(loose[0])} is in none."
        )
    return np.array([name.split("/", 1)[0] for name in names])


def _of_folder(folder: Path, encoding: str) -> tuple[Array, list[str]]:
    """Return the contents of the .txt files below a folder, and their names.

    Raises:
        DataError: If there are none, or one is written otherwise.
    """
    found = list_files(folder, is_wanted=lambda entry: os.path.splitext(entry.name)[1].lower() == ".txt")
    texts = np.empty(len(found.names), object)
    for place, name in enumerate(found.names):
        try:
            texts[place] = file_text(folder / name, encoding)
        except UnicodeDecodeError:
            what = "UTF-8" if encoding == "utf-8" else encoding
            raise DataError(f"{folder}: {printable(name)} is no {what}. Save it as {what}.") from None
        except OSError as error:
            raise DataError(f"{folder}: {printable(name)} cannot be read: {error.strerror}.") from error
    return texts, [printable(name) for name in found.names]


def _of_table(source: str | Path, column: str, info: DataInfo, reading: Reading, memory_budget: int | None) -> Examples:
    """Return the texts of a column of a table, with targets and columns that are asked for."""
    from hornbook.data.tables.dialect import Dialect  # polars: a tenth of a second and 30 MB
    from hornbook.data.tables.files import table_name
    from hornbook.data.tables.inputs import beside_inputs
    from hornbook.data.tables.large import opened_table
    from hornbook.data.tables.texts import text_column

    from hornbook.data.tables.columns.features import require_columns, with_targets  # isort: skip

    dialect, where = Dialect.of_run(info.extra), table_name(source)
    name = str(source) if is_pattern(source) else Path(source).name
    keys: dict[str, Any] = {"wanted": frozenset({column}), "may_mix": lambda _: True}
    said: tuple[str, ...] = ()
    with opened_table(source, dialect, memory_budget=memory_budget, **keys) as table:
        frame: Any = table  # a data frame, or one of which a column at a time is in memory
        require_columns([column], frame, where)
        targets = reading.targets or ()
        if targets and reading.drops_unlabeled and {*targets} <= {*frame.columns}:
            count = frame.height
            frame, unlabeled = with_targets(frame, targets, dialect=dialect, where=where)
            said = (f"{name}: left out {unlabeled:,} of {count:,} rows, which have no target.",) if unlabeled else ()
        y, kept = beside_inputs(frame, info, reading, dialect, where)
        texts = text_column(frame[column], where)
        others = [other for other in frame.columns if other not in {column, *targets, *kept}]
    x, notes = encoded_texts(texts, info, name)
    if others:
        said = (*said, f"{name}: columns that the model does not read: {', '.join(others)}.")
    return Examples(x, y, kept, (*said, *notes))
