"""Tables to predict on. Imported when there is one: polars costs a tenth of a second and 30 MB."""

from pathlib import Path

import numpy as np
import polars as pl

from hornbook.data.canonical import check_finite, to_float32
from hornbook.data.preprocessing import without_category
from hornbook.data.source import Array, DataInfo
from hornbook.data.tables.columns import encode_columns
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import no_heading_hint, read_frame
from hornbook.data.tables.rule import as_numbers, plain_column
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean

__all__ = ["read_table"]


def read_table(file: Path, info: DataInfo) -> tuple[Array, tuple[str, ...]]:
    """Return a table's columns by name or, where the training data had no names, by position."""
    if info.kind != "table":
        raise DataError(f"{file}: the model expects {info.kind} inputs. Give it a .npz or .npy file.")
    dialect = Dialect.of_run(info.extra)
    names = frozenset(feature.name for feature in info.features or ())
    frame = read_frame(file, dialect, wanted=names)
    if info.features is None:
        return _by_position(frame, info, dialect, file)
    lacking = [feature.name for feature in info.features if feature.name not in frame.columns]
    if lacking:
        listed = ", ".join(f"'{name}'" for name in lacking)
        hint = did_you_mean(lacking[0], frame.columns) + no_heading_hint(frame.columns)
        raise DataError(f"{file}: no column{'s' if len(lacking) > 1 else ''} {listed}, which the model reads. {hint}")
    x, unknown = encode_columns(frame, info.features, dialect=dialect, where=str(file))
    _check_missing(x, info, file)
    return x, tuple(_notes(x, frame, info, unknown, file))


def _by_position(frame: pl.DataFrame, info: DataInfo, dialect: Dialect, file: Path) -> tuple[Array, tuple[str, ...]]:
    width = info.input_shape[0]
    if frame.width != width:
        raise DataError(f"{file}: has {frame.width} columns, the model reads {width} (its training data had no names).")
    columns = [as_numbers(plain_column(frame[name], dialect, str(file)), dialect).to_numpy() for name in frame.columns]
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


def _notes(x: Array, frame: pl.DataFrame, info: DataInfo, unknown: dict[str, int], file: Path) -> list[str]:
    features = info.features or ()
    notes = []
    extra = [name for name in frame.columns if name not in {feature.name for feature in features}]
    if extra:
        notes.append(f"{file.name}: columns that the model does not read: {', '.join(extra)}.")
    whole = info.extra.get("whole", ())
    notes += [f"{file.name}: {note}" for note in without_category(x, features, whole, what="rows")]
    for name, count in unknown.items():
        if name not in whole:
            rows = "1 row holds" if count == 1 else f"{count:,} rows hold"
            notes.append(f"{file.name}: column '{name}': {rows} a category that training did not have.")
    return notes
