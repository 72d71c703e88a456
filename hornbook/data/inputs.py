"""Inputs to predict on, from a file, in the form that a trained model expects."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.canonical import check_finite, converted, extremes, opened, with_last_axis
from hornbook.data.source import Array, DataInfo
from hornbook.data.storage.files import existing_file
from hornbook.data.storage.rows import Inputs, Rows, blocks, in_memory, mapped
from hornbook.data.storage.stored import open_npy, open_npz
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean

__all__ = ["fit_inputs", "read_inputs"]

INPUT_KEYS = ("x", "inputs", "x_test", "X", "data")


def read_inputs(
    path: str | Path, info: DataInfo, *, key: str | None = None, memory_budget: int | None = None
) -> tuple[Inputs, tuple[str, ...]]:
    """Return the inputs of a file as (N, …) of the model's type, and notes that the user should read.

    Args:
        path: A .npz, .npy, CSV or Parquet file. Tables match columns by name, in any order.
        info: Facts about the data that the model was trained on.
        key: Name of the array in a .npz file; x, or the only array, when omitted.
        memory_budget: Bytes above which arrays stay on disk, as `Rows`; None reads all into memory, as does a table file.

    Raises:
        DataError: If the file cannot be read, or does not fit the model.
    """
    file = existing_file(path)
    if file.suffix.lower() == ".npz":
        x, notes = _array_of(file, key)
    elif file.suffix.lower() == ".npy":
        x, notes = open_npy(file), ()
    else:
        from hornbook.data.tables.inputs import read_table  # polars: a tenth of a second and 30 MB

        return read_table(file, info)
    budget = math.inf if memory_budget is None else memory_budget
    x = opened(x, budget)
    streams = math.prod(x.shape) * np.dtype(info.input_dtype).itemsize > budget
    x, more = fit_inputs(x if streams else in_memory(x), info, where=str(file))
    return x, (*notes, *more)


def fit_inputs(x: Any, info: DataInfo, *, where: str = "inputs") -> tuple[Inputs, tuple[str, ...]]:
    """Return an array, or rows that stay on disk, with the shape and type that the model expects, and notes on changes.

    Raises:
        DataError: If the values cannot mean what the model was trained on.
    """
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
    allow_nan = bool(info.extra.get("has_missing"))
    return converted(x, np.dtype(np.float32), where, allow_nan=allow_nan, streams=isinstance(x, Rows)), notes


def _array_of(file: Path, key: str | None) -> tuple[Inputs, tuple[str, ...]]:
    arrays = open_npz(file)
    if key is not None:
        if key not in arrays:
            raise DataError(f"{file}: no array '{key}'. {did_you_mean(key, arrays)}".rstrip())
        return arrays[key], ()
    name = next((name for name in INPUT_KEYS if name in arrays), None)
    if name is None and len(arrays) == 1:
        name = next(iter(arrays))
    if name is None:
        raise DataError(f"{file}: which array holds the inputs? Found: {', '.join(arrays)}. Expected 'x'.")
    others = [other for other in arrays if other != name]
    return arrays[name], (f"{file.name}: predicting on '{name}'; not read: {', '.join(others)}.",) if others else ()


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
