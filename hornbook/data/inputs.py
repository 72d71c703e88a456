"""Inputs to predict on, from a file, in the form that a trained model expects."""

from pathlib import Path

import numpy as np

from hornbook.data.canonical import check_finite, to_float32
from hornbook.data.source import Array, DataInfo
from hornbook.data.storage.files import existing_file, read_npy, read_npz
from hornbook.errors import DataError

__all__ = ["fit_inputs", "read_inputs"]

INPUT_KEYS = ("x", "inputs", "x_test", "X", "data")


def read_inputs(path: str | Path, info: DataInfo, *, key: str | None = None) -> tuple[Array, tuple[str, ...]]:
    """Return the inputs of a file as (N, …) of the model's type, and notes that the user should read.

    Args:
        path: A .npz, .npy, CSV or Parquet file. Tables match columns by name, in any order.
        info: Facts about the data that the model was trained on.
        key: Name of the array in a .npz file; x, or the only array, when omitted.

    Raises:
        DataError: If the file cannot be read, or does not fit the model.
    """
    file = existing_file(path)
    if file.suffix.lower() == ".npz":
        x, notes = _array_of(file, key)
    elif file.suffix.lower() == ".npy":
        x, notes = read_npy(file), ()
    else:
        from hornbook.data.input_tables import read_table  # polars: a tenth of a second and 30 MB

        return read_table(file, info)
    x, more = fit_inputs(x, info, where=str(file))
    return x, (*notes, *more)


def fit_inputs(x: Array, info: DataInfo, *, where: str = "inputs") -> tuple[Array, tuple[str, ...]]:
    """Return an array with the shape and type that the model expects, and notes about what was changed.

    Raises:
        DataError: If the values cannot mean what the model was trained on.
    """
    x = np.asarray(x)
    if any(feature.type == "category" for feature in info.features or ()):
        raise DataError(f"{where}: the model reads categories by name. Give it a CSV or Parquet file.")
    x, notes = _fit_shape(x, info, where)
    if len(x) == 0:
        raise DataError(f"{where}: there are no examples.")
    if info.kind == "tokens":
        return _fit_tokens(x, info, where), notes
    if info.input_dtype == "uint8":
        return _fit_bytes(x, where), notes
    x = to_float32(x, where)
    check_finite(x, where, allow_nan=bool(info.extra.get("has_missing")))
    return x, notes


def _array_of(file: Path, key: str | None) -> tuple[Array, tuple[str, ...]]:
    if key is not None:
        return read_npz(file, (key,))[key], ()
    arrays = read_npz(file)
    found = next((name for name in INPUT_KEYS if name in arrays), None)
    if found is None and len(arrays) == 1:
        found = next(iter(arrays))
    if found is None:
        raise DataError(f"{file}: which array holds the inputs? Found: {', '.join(arrays)}. Expected 'x'.")
    others = [name for name in arrays if name != found]
    return arrays[found], (f"{file.name}: predicting on '{found}'; not read: {', '.join(others)}.",) if others else ()


def _fit_shape(x: Array, info: DataInfo, where: str) -> tuple[Array, tuple[str, ...]]:
    """Return inputs with the batch axis, and the axis of grey channels or single features, that people leave out."""
    expected = info.input_shape
    if x.ndim == len(expected) and expected[-1] == 1 and _fits((*x.shape[1:], 1), expected):
        return x[..., np.newaxis], ()
    if info.kind == "tokens" and x.ndim == 2:
        return x, ()
    if x.ndim == len(expected) and _fits(x.shape, expected):
        return x[np.newaxis], (f"{where}: one example without a batch axis.",)
    if not (x.ndim == len(expected) + 1 and _fits(x.shape[1:], expected)):
        shown = ", ".join("any" if size is None else str(size) for size in expected)
        raise DataError(f"{where}: found shape {x.shape}, the model expects (examples, {shown}).")
    return x, ()


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(
        size in (None, found) for size, found in zip(expected, shape, strict=True)
    )


def _fit_tokens(x: Array, info: DataInfo, where: str) -> Array:
    """Return token numbers with the training data's length: the end of longer rows, zeros behind shorter ones."""
    if x.dtype.kind not in "iu":
        raise DataError(f"{where}: tokens are whole numbers, found {x.dtype}.")
    size = info.vocabulary_size
    if x.min(initial=0) < 0 or (size is not None and x.max(initial=0) >= size):
        raise DataError(
            f"{where}: token numbers lie between {x.min()} and {x.max()}, the model knows 0 to {(size or 0) - 1}."
        )
    length = info.input_shape[0]
    if length is not None:
        x = np.pad(x[:, -length:], ((0, 0), (0, max(0, length - x.shape[1]))))
    return x.astype(np.int32)


def _fit_bytes(x: Array, where: str) -> Array:
    """Return images as uint8, if that changes no value."""
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind not in "biuf":
        raise DataError(f"{where}: found {x.dtype}, expected images as whole numbers from 0 to 255.")
    check_finite(x, where)
    if x.min() < 0 or x.max() > 255 or (x.dtype.kind == "f" and (x != np.floor(x)).any()):
        raise DataError(
            f"{where}: the model was trained on images of whole numbers from 0 to 255, found {x.dtype} values between "
            f"{x.min():g} and {x.max():g}. Give it images as they were before scaling."
        )
    return x.astype(np.uint8)
