"""Inputs to predict on, from a file, in the form that a trained model expects."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hornbook.data.canonical import check_finite, to_float32
from hornbook.data.files import existing_file, read_npy, read_npz
from hornbook.data.source import Array, DataInfo
from hornbook.data.table_columns import DEFAULT_MISSING, encode_columns
from hornbook.data.table_files import read_frame
from hornbook.errors import DataError
from hornbook.recipes.spec import did_you_mean

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
        return _read_table(file, info)
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


def _read_table(file: Path, info: DataInfo) -> tuple[Array, tuple[str, ...]]:
    """Return a table's columns by name or, where the training data had no names, by position."""
    if info.kind != "table":
        raise DataError(f"{file}: the model expects {info.kind} inputs. Give it a .npz or .npy file.")
    missing: list[str] = list(info.extra.get("missing") or DEFAULT_MISSING)
    separator: Any = info.extra.get("separator")
    frame = read_frame(file, separator=None if file.suffix.lower() == ".tsv" else separator)
    if info.features is None:
        return _by_position(frame, info, missing, file)
    lacking = [feature.name for feature in info.features if feature.name not in frame.columns]
    if lacking:
        listed = ", ".join(f"'{name}'" for name in lacking)
        hint = did_you_mean(lacking[0], frame.columns)
        raise DataError(f"{file}: no column{'s' if len(lacking) > 1 else ''} {listed}, which the model reads. {hint}")
    x = encode_columns(frame, info.features, missing=missing, where=str(file))
    _check_missing(x, info, file)
    return x, tuple(_notes(x, frame, info, missing, file))


def _by_position(frame: pl.DataFrame, info: DataInfo, missing: list[str], file: Path) -> tuple[Array, tuple[str, ...]]:
    width = info.input_shape[0]
    if frame.width != width:
        raise DataError(f"{file}: has {frame.width} columns, the model reads {width} (its training data had no names).")
    columns = [frame[name].cast(pl.Float64, strict=False).to_numpy() for name in frame.columns]
    x = to_float32(np.column_stack(columns).astype(np.float64), str(file))
    check_finite(x, str(file))
    return x, ()


def _check_missing(x: Array, info: DataInfo, file: Path) -> None:
    """Refuse missing numbers where the model has never learned what stands for them."""
    if info.extra.get("has_missing", True):
        return
    rows, columns = np.nonzero(np.isnan(x))
    if len(rows):
        name = (info.features or ())[columns[0]].name
        raise DataError(
            f"{file}: column '{name}' has no value in row {rows[0] + 1:,} ({len(rows):,} missing in all), and the training "
            "data had no missing values."
        )


def _notes(x: Array, frame: pl.DataFrame, info: DataInfo, missing: list[str], file: Path) -> list[str]:
    features = info.features or ()
    notes = []
    extra = [name for name in frame.columns if name not in {feature.name for feature in features}]
    if extra:
        notes.append(f"{file.name}: columns that the model does not read: {', '.join(extra)}.")
    for place, feature in enumerate(features):
        if feature.type != "category":
            continue
        text = frame[feature.name].cast(pl.String).str.strip_chars()
        present = text.is_not_null() & ~text.is_in(missing).fill_null(value=True)
        unknown = int(((x[:, place] == 0) & present.to_numpy()).sum())
        if unknown:
            rows = "1 row holds" if unknown == 1 else f"{unknown:,} rows hold"
            notes.append(f"{file.name}: column '{feature.name}': {rows} a category that training did not have.")
    return notes
