"""Brings a source's inputs to the few types that models take, and refuses what cannot be trained on.

Images become uint8 or float32, tables and sequences float32, tokens int32. NaN is a missing value in the columns of a
table with named features and an error everywhere else; infinity is an error everywhere. Inputs that exceed the memory budget
become `Rows`, which are converted as they are read.
"""

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from hornbook.data.facts import DataKind
from hornbook.data.source import Array, Source
from hornbook.data.storage.readers import is_mapped
from hornbook.data.storage.rows import Inputs, Rows, blocks, mapped, numbered_blocks
from hornbook.errors import DataError

__all__ = [
    "canonical_inputs", "check_finite", "check_lengths", "checked_weights", "converted", "extremes", "guess_kind",
    "image_type", "is_frame", "opened", "to_float32", "with_last_axis",
]  # fmt: skip

DType = np.dtype[Any]
INPUTS = ("x", "x_validation", "x_test")
DIMENSIONS: dict[DataKind, int] = {"image": 4, "table": 2, "sequence": 3, "tokens": 2}
SHAPES: dict[DataKind, str] = {
    "image": "(examples, height, width, channels)",
    "table": "(examples, columns)",
    "sequence": "(examples, steps, features)",
    "tokens": "(examples, steps)",
}


def guess_kind(x: Inputs) -> DataKind:
    """Return what inputs of this shape and type usually are.

    Raises:
        DataError: If no kind has so many dimensions.
    """
    if x.ndim == 4:
        return "image"
    if x.ndim == 3:
        return "image" if x.dtype == np.uint8 else "sequence"
    if x.ndim in {1, 2}:
        return "table"
    expected = ", ".join(f"{shape} for {kind}" for kind, shape in SHAPES.items())
    raise DataError(f"inputs have {x.ndim} dimensions {x.shape}. Expected: {expected}.")


def canonical_inputs(source: Source, *, memory_budget: int | None = None) -> Source:
    """Return the source with inputs of the types that models take, and with `scale` set for images of integers.

    Args:
        source: As loaded.
        memory_budget: Bytes above which the inputs of all splits together stay where they are, as `Rows`; None reads them
            into memory, as does a table with named features that is an array.

    Raises:
        DataError: If shapes do not fit each other or the kind, or values are not finite.
    """
    check_lengths(source)
    named: dict[str, Inputs] = {name: getattr(source, name) for name in INPUTS if getattr(source, name) is not None}
    is_table_in_memory = source.features is not None and not isinstance(source.x, Rows)
    budget = math.inf if memory_budget is None or is_table_in_memory else memory_budget
    least = 0 if source.texts and source.kind == "table" else 1  # columns, where texts come beside them
    given = {name: _with_dimensions(opened(x, budget), source.kind, name, least) for name, x in named.items()}
    for name, x in given.items():
        if x.shape[1:] != given["x"].shape[1:]:
            expected = given["x"].shape[1:]
            raise DataError(f"{name}: one example has shape {x.shape[1:]}, but in the training data {expected}.")
    types, scale = _types(given, source)
    streams = sum(math.prod(x.shape) * types[name].itemsize for name, x in given.items()) > budget
    allow_nan = source.features is not None
    arrays: dict[str, Any] = {
        name: converted(x, types[name], name, allow_nan=allow_nan, streams=streams) for name, x in given.items()
    }
    vocabulary_size = source.vocabulary_size
    if source.kind == "tokens" and vocabulary_size is None:
        vocabulary_size = max(extremes(x)[1] for x in arrays.values()) + 1
    arrays |= _weights(source)
    return replace(source, scale=scale, vocabulary_size=vocabulary_size, **arrays)


def opened(x: Inputs, budget: float) -> Inputs:
    """Return inputs as an array, or as rows where they lie in a file; read where rows cannot be read by themselves.

    Raises:
        DataError: If they can only be read as a whole, which exceeds the budget.
    """
    if not isinstance(x, Rows):
        array = np.asarray(x)
        if not is_mapped(array):
            return array
        x = Rows(array)
    if x.refusal is not None and x.base_nbytes > budget:
        raise DataError(
            f"{x.refusal}, so that it can only be read as a whole, which takes {x.base_nbytes / 1e6:,.0f} MB; the memory "
            f"budget is {budget / 1e6:,.0f} MB. Save it in row order with numpy.savez (uncompressed), or as .npy."
        )
    if x.refusal is not None:
        return x.load()
    x.verify()
    return x


def _types(given: dict[str, Inputs], source: Source) -> tuple[dict[str, DType], float | None]:
    """Return the types that the inputs shall have, and the divisor of images."""
    types, scale = {}, source.scale
    for name, x in given.items():
        if source.kind == "image":
            types[name], scale = image_type(x, scale)
        elif source.kind == "tokens":
            types[name] = _token_type(x, name)
        else:
            types[name] = np.dtype(np.float32)
        _check_numbers(x, name)
    if len(set(types.values())) > 1:
        raise DataError("the splits hold images of different types: integers in one, fractions in another.")
    return types, scale


def image_type(x: Inputs, scale: float | None) -> tuple[DType, float | None]:
    """Return uint8 for images of bytes, else float32, and their divisor."""
    if x.dtype == np.uint8:
        return x.dtype, scale or 255.0
    if x.dtype == np.bool_:
        return np.dtype(np.uint8), scale or 1.0
    if x.dtype == np.uint16:
        return np.dtype(np.float32), scale or 65535.0
    if x.dtype.kind in "iu":
        smallest, largest = extremes(x)
        if smallest >= 0 and largest <= 255:
            return np.dtype(np.uint8), scale or 255.0
    return np.dtype(np.float32), scale


def _token_type(x: Inputs, name: str) -> DType:
    if x.dtype.kind not in "iu":
        raise DataError(f"{name}: tokens are whole numbers, found {x.dtype}.")
    smallest, _ = extremes(x)
    if smallest < 0:
        raise DataError(f"{name}: tokens count from 0 (padding), found {smallest}.")
    return np.dtype(np.int32)


def extremes(x: Inputs) -> tuple[Any, Any]:
    """Return the smallest and the largest number."""
    pairs = [(block.min().item(), block.max().item()) for block in blocks(x)]
    return min(smallest for smallest, _ in pairs), max(largest for _, largest in pairs)


def converted(x: Inputs, dtype: DType, name: str, *, allow_nan: bool, streams: bool) -> Inputs:
    """Return inputs in this type, checked in one pass: as rows that are read later, or as an array."""
    is_ready = isinstance(x, np.ndarray) and x.dtype == dtype
    values = None if streams or is_ready else np.empty(x.shape, dtype)
    convert = partial(to_float32, name=name) if dtype == np.float32 else partial(_as_type, dtype=dtype)
    if values is not None or dtype.kind == "f":
        count, first = 0, ""
        for start, block in numbered_blocks(x):
            piece = to_float32(block, name, first_row=start) if dtype == np.float32 else convert(block)
            bad, place = _not_finite(piece, start, allow_nan=allow_nan)
            count, first = count + bad, first or place
            if values is not None:
                values[start : start + len(piece)] = piece
        _refuse(count, first, math.prod(x.shape), name, allow_nan=allow_nan)
    if not streams:
        return x if values is None else values
    rows = x if isinstance(x, Rows) else Rows(x)
    return rows if rows.dtype == dtype else rows.map(convert)


def _as_type(block: Array, dtype: DType) -> Array:
    return block.astype(dtype, copy=False)


def check_lengths(source: Source) -> None:
    """Raise a DataError unless inputs and targets have the same number of examples, and at least one."""
    for x_name, y_name in (("x", "y"), ("x_validation", "y_validation"), ("x_test", "y_test")):
        x, y = getattr(source, x_name), getattr(source, y_name)
        if (x is None) != (y is None):
            missing, given = (x_name, y_name) if x is None else (y_name, x_name)
            raise DataError(f"{missing} is missing, but there is {given}.")
        if x is None:
            continue
        if np.ndim(x) == 0 or np.ndim(y) == 0:
            raise DataError(f"{x_name if np.ndim(x) == 0 else y_name} is a single value. Expected one per example.")
        if len(x) != len(y):
            raise DataError(f"{x_name} has {len(x):,} examples, but {y_name} has {len(y):,} targets.")
        if len(x) == 0:
            raise DataError(f"{x_name} has no examples.")
    if source.split_by is not None and len(source.split_by) != len(source.x):
        raise DataError(f"there are {len(source.split_by):,} values to split by, but {len(source.x):,} examples.")


def _weights(source: Source) -> dict[str, Array]:
    """Return the weights of examples as float32 by their names; ones for a split that has none where another has.

    Raises:
        DataError: If one is no number from 0 on, or none is above 0.
    """
    names = {"weights": source.x, "weights_validation": source.x_validation, "weights_test": source.x_test}
    if all(getattr(source, name) is None for name in names):
        return {}
    weights: dict[str, Array] = {}
    for name, x in names.items():
        given = getattr(source, name)
        if x is None and given is not None:
            raise DataError(f"{name}: there are no examples that they could be of.")
        if x is None:
            continue
        weights[name] = np.ones(len(x), np.float32) if given is None else checked_weights(given, len(x), name)
    return weights


def checked_weights(given: Any, count: int, name: str) -> Array:
    """Return weights of so many examples as (N,) float32.

    Raises:
        DataError: If one is no number from 0 on, or none is above 0.
    """
    values = to_float32(np.asarray(given), name)
    if values.shape != (count,):
        raise DataError(f"{name}: found shape {values.shape}, expected one weight for each of {count:,} examples.")
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(wrong):
        raise DataError(
            f"{name}: {len(wrong):,} of {len(values):,} are no numbers from 0 on, the first {values[wrong[0]]:g} in row "
            f"{wrong[0] + 1}. Leave such examples out, or give them 0."
        )
    if not values.any():
        raise DataError(f"{name}: all are 0, so that no example counts.")
    return values


def _with_dimensions(x: Inputs, kind: DataKind, name: str, least: int) -> Inputs:
    """Add the axis that people leave out: channels of grey images, the feature of a series, the column of a table.

    `least` is how many numbers an example has to have.
    """
    if x.ndim == DIMENSIONS[kind] - 1 and kind != "tokens":
        x = with_last_axis(x)
    if x.ndim != DIMENSIONS[kind]:
        raise DataError(f"{name}: found shape {x.shape}, expected {SHAPES[kind]} for {kind}.")
    if not len(x) or math.prod(x.shape[1:]) < least:
        raise DataError(f"{name}: found shape {x.shape}, which holds no values.")
    return x


def with_last_axis(x: Inputs) -> Inputs:
    """Return inputs (N, …) as (N, …, 1)."""
    return mapped(x, lambda block: block[..., np.newaxis])


def to_float32(x: Array, name: str, *, first_row: int = 0) -> Array:
    """Return numbers as float32.

    Args:
        x: The numbers.
        name: What to call them in messages.
        first_row: Position of x[0] in the whole array.

    Raises:
        DataError: If the values are no numbers, or too large for float32.
    """
    if x.dtype == np.float32:
        return x
    _check_numbers(x, name)
    with np.errstate(over="ignore"):
        values = x.astype(np.float32)
    if x.dtype.kind == "f" and x.dtype.itemsize > 4:
        overflowed = np.isinf(values) & np.isfinite(x)
        if overflowed.any():
            value = x[tuple(np.argwhere(overflowed)[0])]
            raise DataError(f"{name}: {value:g} at {_position(overflowed, first_row)} is too large for float32.")
    return values


def _check_numbers(x: Inputs, name: str) -> None:
    if x.dtype.kind not in "biuf":
        raise DataError(f"{name}: found {_type_name(x.dtype)}, expected numbers.")


def check_finite(x: Inputs, name: str, *, allow_nan: bool = False) -> None:
    """Raise a DataError that counts and places values that are NaN (unless allowed) or infinite."""
    count, first = 0, ""
    for start, block in numbered_blocks(x) if x.dtype.kind == "f" else ():
        bad, place = _not_finite(block, start, allow_nan=allow_nan)
        count, first = count + bad, first or place
    _refuse(count, first, math.prod(x.shape), name, allow_nan=allow_nan)


def _not_finite(values: Array, first_row: int, *, allow_nan: bool) -> tuple[int, str]:
    """Return how many values are NaN (unless allowed) or infinite, and `(nan) at [0, 2]` of the first, if any."""
    if values.dtype.kind != "f":
        return 0, ""
    bad = np.isinf(values) if allow_nan else ~np.isfinite(values)
    count = int(np.count_nonzero(bad))
    return count, f"({values[tuple(np.argwhere(bad)[0])]}) at {_position(bad, first_row)}" if count else ""


def _refuse(count: int, first: str, size: int, name: str, *, allow_nan: bool) -> None:
    if count:
        verb = "is" if count == 1 else "are"
        what = "infinite" if allow_nan else "NaN or infinite"
        raise DataError(
            f"{name}: {count:,} of {size:,} values {verb} {what}, the first {first}. Repair or remove these examples."
        )


def _position(mask: Array, first_row: int) -> str:
    row, *others = np.argwhere(mask)[0].tolist()
    return "[" + ", ".join(str(index) for index in (row + first_row, *others)) + "]"


def _type_name(dtype: DType) -> str:
    return {"U": "text", "S": "text", "O": "objects", "M": "dates", "m": "time spans"}.get(dtype.kind, str(dtype))


def column_names(targets: Any) -> tuple[str, ...] | None:
    """Return the names of the columns of targets, where they are a data frame of several."""
    return tuple(map(str, targets.columns)) if is_frame(targets) and len(targets.columns) > 1 else None


def is_frame(value: Any) -> bool:
    """Return whether a value is a polars or pandas data frame."""
    return hasattr(value, "columns") and hasattr(value, "dtypes") and not isinstance(value, np.ndarray)
