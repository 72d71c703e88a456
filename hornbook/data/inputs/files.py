"""Inputs to predict on, from a file, in the form that a trained model expects; and what else is asked of the file."""

import math
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.canonical import check_finite, converted, extremes, opened, with_last_axis
from hornbook.data.facts import DataInfo
from hornbook.data.readings import Examples, Reading
from hornbook.data.several import named_inputs, packed
from hornbook.data.source import Array
from hornbook.data.storage.files import existing_file, is_pattern
from hornbook.data.storage.rows import Inputs, Rows, blocks, in_memory, mapped, numbered_blocks, select
from hornbook.data.storage.stored import open_npy, open_npz
from hornbook.errors import DataError, UsageError
from hornbook.recipes.language.hints import did_you_mean

__all__ = ["STDIN", "fit_inputs", "read_examples", "read_inputs"]

INPUT_KEYS = ("x", "inputs", "x_test", "X", "data")
TARGET_KEYS = ("y", "targets", "y_test", "Y", "labels")
STDIN = "-"
"""The name under which rows of CSV are read from standard input."""
MOST_LISTED = 5


def read_inputs(
    path: str | Path, info: DataInfo, *, key: str | None = None, memory_budget: int | None = None
) -> tuple[Inputs, tuple[str, ...]]:
    """Return the inputs of a file as (N, …) of the model's type, and notes that the user should read.

    Args:
        path: A .npz or .npy file, or a table of any kind that training reads, a pattern of tables included. Columns are
            matched by name, in any order. For a model of images also a folder of pictures, a picture, a pattern of files, or
            a table that lists files.
        info: Facts about the data that the model was trained on.
        key: Name of the array in a .npz file; x, or the only array, when omitted.
        memory_budget: Bytes above which the inputs stay on disk, as `Rows`; None reads all into memory.

    Raises:
        DataError: If the file cannot be read, or does not fit the model.
    """
    examples = read_examples(path, info, Reading(array=key), memory_budget=memory_budget)
    return examples.x, examples.notes


def read_examples(path: str | Path, info: DataInfo, reading: Reading, *, memory_budget: int | None = None) -> Examples:
    """Return the inputs of a file as `read_inputs` does, and what else is asked of it.

    Args:
        path: As of `read_inputs`; ``-`` for rows of CSV from standard input, or for lines where the model reads texts.
        info: Facts about the data that the model was trained on.
        reading: What is asked.
        memory_budget: As of `read_inputs`.

    Raises:
        UsageError: If something is asked that the kind of file does not have.
        DataError: If the file cannot be read, or does not fit the model.
    """
    if info.kind == "image" and Path(path).suffix.lower() not in {".npz", ".npy"}:
        from hornbook.data.inputs.pictures import read_pictures  # Pillow

        return read_pictures(path, info, reading, memory_budget=memory_budget)
    if info.kind == "tokens" and "texts" in info.extra and Path(path).suffix.lower() not in {".npz", ".npy"}:
        from hornbook.data.inputs.texts import read_texts

        return read_texts(path, info, reading, memory_budget=memory_budget)
    with _file_at(path) as file:
        suffix = file.suffix.lower()
        if suffix not in {".npz", ".npy"}:
            if reading.array is not None:
                raise UsageError(f"{file.name}: a table has no array '{reading.array}'. Leave out --array.")
            if "windows" in info.extra:
                from hornbook.data.windows.inputs import read_windows  # polars too

                return _called_stdin(read_windows(file, info, reading, memory_budget=memory_budget), path, file)
            names = ", ".join(named_inputs(info))
            if names and len(info.texts_beside) < len(info.blocks):
                raise DataError(f"{file}: the model reads arrays by name: {names}. Give it a .npz file.")
            from hornbook.data.tables.inputs import read_table  # polars: a tenth of a second and 30 MB

            if str(path) == STDIN:
                reading = replace(reading, folder=Path.cwd())
            table = read_table(file, info, reading, memory_budget=memory_budget)
            return _called_stdin(_without_gaps(table, reading, file.name), path, file)
        if suffix == ".npz":
            examples = _arrays_of(file, info, reading)
        elif reading.array is not None or reading.keep or reading.targets is not None:
            what = "targets" if reading.targets is not None else "names"
            raise UsageError(f"{file}: a .npy file is a single array without {what}. Save a .npz file.")
        else:
            examples = Examples(open_npy(file))
        budget = math.inf if memory_budget is None else memory_budget
        x = opened(examples.x, budget)
        streams = math.prod(x.shape) * np.dtype(info.input_dtype).itemsize > budget
        x, more = fit_inputs(
            x if streams else in_memory(x), info, where=str(file), allow_nan=reading.missing is not None
        )
        for name, values in {**examples.kept, **({"targets": examples.y} if examples.y is not None else {})}.items():
            if len(values) != len(x):
                raise DataError(f"{file}: '{name}' has {len(values):,} entries, and there are {len(x):,} examples.")
        return _without_gaps(replace(examples, x=x, notes=(*examples.notes, *more)), reading, file.name)


def _called_stdin(examples: Examples, path: str | Path, file: Path) -> Examples:
    """Return examples whose notes do not name the temporary file of standard input."""
    notes = examples.notes
    if str(path) == STDIN:
        notes = tuple(note.replace(file.name, "stdin") for note in notes)
    return replace(examples, notes=notes)


@contextmanager
def _file_at(path: str | Path) -> Iterator[Path]:
    """Give the file of a path; of standard input a temporary one, which messages do not name."""
    if str(path) != STDIN:
        yield Path(path) if is_pattern(path) else existing_file(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stdin.csv"
        with file.open("wb") as copy:
            stream = getattr(sys.stdin, "buffer", None)
            if stream is not None:
                shutil.copyfileobj(stream, copy)
            else:
                copy.write(sys.stdin.read().encode())
        try:
            yield file
        except DataError as error:
            raise DataError(str(error).replace(str(file), "stdin").replace(file.name, "stdin")) from error


def _without_gaps(examples: Examples, reading: Reading, name: str) -> Examples:
    """Return examples of which missing values were filled, or rows that have some left out, as was asked for."""
    if reading.missing is None:
        return examples
    found = [
        (start + np.flatnonzero(gaps.any(axis=1)), int(gaps.sum()))
        for start, block in (numbered_blocks(examples.x) if examples.x.dtype.kind == "f" else ())
        for gaps in [np.isnan(block).reshape(len(block), -1)]
    ]
    rows = np.concatenate([np.zeros(0, np.int64), *(rows for rows, _ in found)])
    if reading.missing == "fill":
        if not len(rows):
            return examples
        count = sum(count for _, count in found)
        note = f"{name}: filled {count:,} missing value{'s' if count > 1 else ''} with the training mean."
        means = np.asarray(reading.means, np.float32)
        x = mapped(examples.x, lambda block: np.where(np.isnan(block), means, block).astype(np.float32))
        return replace(examples, x=x, notes=(*examples.notes, note))
    if examples.has_gap is not None:
        rows = np.union1d(rows, np.flatnonzero(examples.has_gap))
    if not len(rows):
        return examples
    if len(rows) == len(examples.x):
        raise DataError(f"{name}: each row has a missing value, so none is left.")
    listed = ", ".join(f"{row + 1:,}" for row in rows[:MOST_LISTED]) + (" …" if len(rows) > MOST_LISTED else "")
    note = f"{name}: left out {len(rows):,} row{'s' if len(rows) > 1 else ''} with missing values: {listed}."
    left = np.setdiff1d(np.arange(len(examples.x)), rows)
    return Examples(
        select(examples.x, left),
        None if examples.y is None else examples.y[left],
        {name: values[left] for name, values in examples.kept.items()},
        (*examples.notes, note),
    )


def fit_inputs(
    x: Any, info: DataInfo, *, where: str = "inputs", allow_nan: bool = False
) -> tuple[Inputs, tuple[str, ...]]:
    """Return an array, or rows that stay on disk, with the shape and type that the model expects, and notes on changes.

    Args:
        x: The array or rows.
        info: Facts about the data that the model was trained on.
        where: What to call it in messages.
        allow_nan: Whether numbers may be missing though training had none missing.

    Raises:
        DataError: If the values cannot mean what the model was trained on.
    """
    if "texts" in info.extra and info.kind == "tokens":
        from hornbook.data.inputs.texts import encoded_texts
        from hornbook.data.text.given import are_texts

        if are_texts(x):
            return encoded_texts(np.asarray(x, object), info, where)
    x = x if isinstance(x, Rows) else np.asarray(x)
    if any(feature.type == "category" for feature in info.features or ()):
        raise DataError(f"{where}: the model reads categories by name. Give it a CSV or Parquet file.")
    x, notes = _fit_shape(x, info, where)
    if len(x) == 0:
        raise DataError(f"{where}: there are no examples.")
    if info.kind == "tokens":
        return _fit_tokens(x, info, where), notes
    if info.input_dtype == "uint8":
        return _fit_bytes(x, where), notes
    allow_nan = allow_nan or bool(info.extra.get("has_missing"))
    return converted(x, np.dtype(np.float32), where, allow_nan=allow_nan, streams=isinstance(x, Rows)), notes


def _arrays_of(file: Path, info: DataInfo, reading: Reading) -> Examples:
    """Return the arrays of a .npz file that are asked for, the inputs unread; several inputs by name as one row each."""
    arrays = open_npz(file)
    for name in (*reading.keep, *((reading.array,) if reading.array is not None else ())):
        if name not in arrays:
            raise DataError(f"{file}: no array '{name}'. {did_you_mean(name, arrays)}".rstrip())
    several = named_inputs(info)
    if several and reading.array is None:
        x, said = packed(arrays, info, str(file))
        y, kept, used = _beside(file, arrays, reading, ())
        others = [other for other in arrays if other not in used and other not in several]
        notes = (*(f"not read: {', '.join(each)}." for each in (others,) if each), *said)
        return Examples(x, y, kept, tuple(f"{file.name}: {note}" for note in notes))
    name = reading.array or next((name for name in (*reading.preferred, *INPUT_KEYS) if name in arrays), None)
    if name is None and len(arrays) == 1:
        name = next(iter(arrays))
    if name is None:
        raise DataError(
            f"{file}: which array holds the inputs? Found: {', '.join(arrays)}. Expected 'x', or its name: --array NAME."
        )
    beside = tuple(new + name[1:] for old, new in (("x", "y"), ("X", "Y")) if name.startswith(old))
    y, kept, used = _beside(file, arrays, reading, beside)
    others = [other for other in arrays if other not in {name, *used}]
    verb = "predicting" if reading.targets is None else "evaluating"
    notes = (f"{file.name}: {verb} on '{name}'; not read: {', '.join(others)}.",)
    return Examples(arrays[name], y, kept, notes if others and reading.array is None else ())


def _beside(
    file: Path, arrays: Mapping[str, Any], reading: Reading, beside: tuple[str, ...]
) -> tuple[Array | None, dict[str, Array], set[str]]:
    """Return the targets if they are asked for, what is to be kept, and the names of the arrays that this took.

    Args:
        file: The file.
        arrays: What it holds.
        reading: What is asked.
        beside: What the targets are called that go with the inputs.
    """
    used, y = {*reading.keep}, None
    if reading.targets is not None:
        target = next((key for key in (*reading.targets, *beside, *TARGET_KEYS) if key in arrays), None)
        if target is None:
            raise DataError(f"{file}: no array of targets. Expected '{(*beside, 'y')[0]}', found: {', '.join(arrays)}.")
        y = np.asarray(in_memory(arrays[target]))
        used.add(target)
    weight = [name for name in (reading.weight,) if name is not None and name in arrays]
    used |= {*weight}
    kept = {key: np.asarray(in_memory(arrays[key])) for key in (*reading.keep, *weight)}
    for key, values in kept.items():
        if values.ndim != 1:
            raise DataError(f"{file}: array '{key}' of shape {values.shape} is no column, so it cannot be kept.")
    return y, kept, used


def _fit_shape(x: Inputs, info: DataInfo, where: str) -> tuple[Inputs, tuple[str, ...]]:
    """Return inputs with the batch axis, and the axis of grey channels or single features, that people leave out."""
    expected = info.input_shape
    if x.ndim == len(expected) and expected[-1] == 1 and _fits((*x.shape[1:], 1), expected):
        return with_last_axis(x), ()
    if info.kind == "tokens" and x.ndim == 2:
        return x, ()
    if x.ndim == len(expected) and _fits(x.shape, expected):
        return in_memory(x)[np.newaxis], (f"{where}: one example without a batch axis.",)
    if not (x.ndim == len(expected) + 1 and _fits(x.shape[1:], expected)):
        shown = ", ".join("any" if size is None else str(size) for size in expected)
        raise DataError(f"{where}: found shape {x.shape}, the model expects (examples, {shown}).")
    return x, ()


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(
        size in (None, found) for size, found in zip(expected, shape, strict=True)
    )


def _fit_tokens(x: Inputs, info: DataInfo, where: str) -> Inputs:
    """Return token numbers with the training data's length: the end of longer rows, zeros behind shorter ones."""
    if x.dtype.kind not in "iu":
        raise DataError(f"{where}: tokens are whole numbers, found {x.dtype}.")
    size, (smallest, largest) = info.vocabulary_size, extremes(x)
    if smallest < 0 or (size is not None and largest >= size):
        raise DataError(
            f"{where}: token numbers lie between {smallest} and {largest}, the model knows 0 to {(size or 0) - 1}."
        )
    length = info.input_shape[0]

    def fit(block: Array) -> Array:
        if length is not None:
            block = np.pad(block[:, -length:], ((0, 0), (0, max(0, length - block.shape[1]))))
        return block.astype(np.int32)

    return mapped(x, fit)


def _fit_bytes(x: Inputs, where: str) -> Inputs:
    """Return images as uint8, if that changes no value."""
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind not in "biuf":
        raise DataError(f"{where}: found {x.dtype}, expected images as whole numbers from 0 to 255.")
    check_finite(x, where)
    smallest, largest = extremes(x)
    has_fractions = x.dtype.kind == "f" and any((block != np.floor(block)).any() for block in blocks(x))
    if smallest < 0 or largest > 255 or has_fractions:
        raise DataError(
            f"{where}: the model was trained on images of whole numbers from 0 to 255, found {x.dtype} values between "
            f"{smallest:g} and {largest:g}. Give it images as they were before scaling."
        )
    return mapped(x, lambda block: block.astype(np.uint8))
