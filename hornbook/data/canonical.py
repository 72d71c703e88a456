"""Brings a source's inputs to the few types that models take, and refuses what cannot be trained on.

Images become uint8 or float32, tables and sequences float32, tokens int32. NaN is a missing value in the columns of a
table with named features and an error everywhere else; infinity is an error everywhere.
"""

from dataclasses import replace

import numpy as np

from hornbook.data.source import Array, DataKind, Source
from hornbook.errors import DataError

__all__ = ["canonical_inputs", "check_finite", "check_lengths", "guess_kind", "to_float32"]

DIMENSIONS: dict[DataKind, int] = {"image": 4, "table": 2, "sequence": 3, "tokens": 2}
SHAPES: dict[DataKind, str] = {
    "image": "(examples, height, width, channels)",
    "table": "(examples, columns)",
    "sequence": "(examples, steps, features)",
    "tokens": "(examples, steps)",
}


def guess_kind(x: Array) -> DataKind:
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


def canonical_inputs(source: Source) -> Source:
    """Return the source with inputs of the types that models take, and with `scale` set for images of integers.

    Raises:
        DataError: If shapes do not fit each other or the kind, or values are not finite.
    """
    check_lengths(source)
    allow_nan = source.features is not None
    converted: dict[str, Array | None] = {}
    scale = source.scale
    for name in ("x", "x_validation", "x_test"):
        x = getattr(source, name)
        if x is None:
            continue
        x = _with_dimensions(np.asarray(x), source.kind, name)
        first = converted.get("x")
        if first is not None and x.shape[1:] != first.shape[1:]:
            raise DataError(f"{name}: one example has shape {x.shape[1:]}, but in the training data {first.shape[1:]}.")
        if source.kind == "image":
            x, scale = _image(x, scale, name)
        elif source.kind == "tokens":
            x = _tokens(x, name)
        else:
            x = to_float32(x, name)
        check_finite(x, name, allow_nan=allow_nan)
        converted[name] = x
    if len({x.dtype for x in converted.values() if x is not None}) > 1:
        raise DataError("the splits hold images of different types: integers in one, fractions in another.")
    return replace(source, scale=scale, **converted)  # type: ignore[arg-type]


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


def _with_dimensions(x: Array, kind: DataKind, name: str) -> Array:
    """Add the axis that people leave out: channels of grey images, the feature of a series, the column of a table."""
    if x.ndim == DIMENSIONS[kind] - 1 and kind != "tokens":
        x = x[..., np.newaxis]
    if x.ndim != DIMENSIONS[kind]:
        raise DataError(f"{name}: found shape {x.shape}, expected {SHAPES[kind]} for {kind}.")
    if 0 in x.shape:
        raise DataError(f"{name}: found shape {x.shape}, which holds no values.")
    return x


def _image(x: Array, scale: float | None, name: str) -> tuple[Array, float | None]:
    """Return images as uint8 where they are bytes, else as float32, and their divisor."""
    if x.dtype == np.uint8:
        return x, scale or 255.0
    if x.dtype == np.bool_:
        return x.astype(np.uint8), scale or 1.0
    if x.dtype == np.uint16:
        return x.astype(np.float32), scale or 65535.0
    if x.dtype.kind in "iu" and x.min() >= 0 and x.max() <= 255:
        return x.astype(np.uint8), scale or 255.0
    return to_float32(x, name), scale


def _tokens(x: Array, name: str) -> Array:
    if x.dtype.kind not in "iu":
        raise DataError(f"{name}: tokens are whole numbers, found {x.dtype}.")
    if x.min() < 0:
        raise DataError(f"{name}: tokens count from 0 (padding), found {x.min()}.")
    return x.astype(np.int32)


def to_float32(x: Array, name: str) -> Array:
    """Return numbers as float32.

    Raises:
        DataError: If the values are no numbers, or too large for float32.
    """
    if x.dtype == np.float32:
        return x
    if x.dtype.kind not in "biuf":
        raise DataError(f"{name}: found {_type_name(x)}, expected numbers.")
    with np.errstate(over="ignore"):
        converted = x.astype(np.float32)
    if x.dtype.kind == "f" and x.dtype.itemsize > 4:
        overflowed = np.isinf(converted) & np.isfinite(x)
        if overflowed.any():
            place = _position(overflowed)
            raise DataError(f"{name}: {x[tuple(np.argwhere(overflowed)[0])]:g} at {place} is too large for float32.")
    return converted


def check_finite(values: Array, name: str, *, allow_nan: bool = False) -> None:
    """Raise a DataError that counts and places values that are NaN (unless allowed) or infinite."""
    if values.dtype.kind != "f":
        return
    bad = np.isinf(values) if allow_nan else ~np.isfinite(values)
    count = int(bad.sum())
    if count:
        first = values[tuple(np.argwhere(bad)[0])]
        verb = "is" if count == 1 else "are"
        what = "infinite" if allow_nan else "NaN or infinite"
        raise DataError(
            f"{name}: {count:,} of {values.size:,} values {verb} {what}, the first ({first}) at {_position(bad)}. "
            "Repair or remove these examples."
        )


def _position(mask: Array) -> str:
    return "[" + ", ".join(str(index) for index in np.argwhere(mask)[0]) + "]"


def _type_name(x: Array) -> str:
    return {"U": "text", "S": "text", "O": "objects", "M": "dates", "m": "time spans"}.get(x.dtype.kind, str(x.dtype))
