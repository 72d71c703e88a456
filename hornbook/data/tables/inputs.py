"""Tables to predict on. Imported when there is one: polars costs a tenth of a second and 30 MB."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hornbook.data.canonical import check_finite, to_float32
from hornbook.data.preprocessing import without_category
from hornbook.data.source import Array, DataInfo
from hornbook.data.tables.columns import DEFAULT_MISSING, encode_columns
from hornbook.data.tables.files import read_frame
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean

__all__ = ["read_table"]


def read_table(file: Path, info: DataInfo) -> tuple[Array, tuple[str, ...]]:
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
    whole = info.extra.get("whole", ())
    notes += [f"{file.name}: {note}" for note in without_category(x, features, whole, what="rows")]
    for place, feature in enumerate(features):
        if feature.type != "category" or feature.name in whole:
            continue
        text = frame[feature.name].cast(pl.String).str.strip_chars()
        present = text.is_not_null() & ~text.is_in(missing).fill_null(value=True)
        unknown = int(((x[:, place] == 0) & present.to_numpy()).sum())
        if unknown:
            rows = "1 row holds" if unknown == 1 else f"{unknown:,} rows hold"
            notes.append(f"{file.name}: column '{feature.name}': {rows} a category that training did not have.")
    return notes
