"""Tables to predict on. Imported when there is one: polars costs a tenth of a second and 30 MB."""

from pathlib import Path

import numpy as np
import polars as pl

from hornbook.data.canonical import check_finite, to_float32
from hornbook.data.preprocessing import without_category
from hornbook.data.source import Array, DataInfo, Examples, Reading
from hornbook.data.tables.columns import encode_columns, target_values
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import no_heading_hint, read_frame
from hornbook.data.tables.rule import as_numbers, plain_column
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean

__all__ = ["read_table"]


def read_table(file: Path, info: DataInfo, reading: Reading) -> Examples:
    """Return a table's columns by name or, where the training data had no names, by position; and what else is asked of it.

    Raises:
        DataError: If the table does not fit the model, or lacks what is asked of it.
    """
    if info.kind != "table":
        raise DataError(f"{file}: the model expects {info.kind} inputs. Give it a .npz or .npy file.")
    dialect = Dialect.of_run(info.extra)
    names = frozenset(feature.name for feature in info.features or ())
    frame = read_frame(file, dialect, wanted=names)
    targets = reading.targets or ()
    for name in (*targets, *reading.keep):
        if name not in frame.columns:
            what = ", the target" if name in targets else ""
            raise DataError(f"{file}: no column '{name}'{what}. {did_you_mean(name, frame.columns)}".rstrip())
    y = _targets(frame, info, reading, dialect, str(file))
    kept = {name: frame[name] for name in reading.keep}
    if info.features is None:
        inputs = frame.drop(targets)
        if inputs.width != info.input_shape[0]:  # what is kept may be an input, or stand beside them
            inputs = inputs.drop(reading.keep)
        return Examples(_by_position(inputs, info, dialect, file, allow_nan=reading.missing is not None), y, kept)
    lacking = [feature.name for feature in info.features if feature.name not in frame.columns]
    if lacking:
        listed = ", ".join(f"'{name}'" for name in lacking)
        hint = did_you_mean(lacking[0], frame.columns) + no_heading_hint(frame.columns)
        raise DataError(f"{file}: no column{'s' if len(lacking) > 1 else ''} {listed}, which the model reads. {hint}")
    x, unknown = encode_columns(frame, info.features, dialect=dialect, where=str(file))
    has_gap = None
    if reading.missing is None:
        _check_missing(x, info, file)
    elif reading.missing == "skip":
        whole = [name for name in info.extra.get("whole", ()) if name in names]
        has_gap = np.zeros(frame.height, bool)
        for name in whole:
            has_gap |= plain_column(frame[name], dialect, str(file)).is_null().to_numpy()
    return Examples(x, y, kept, tuple(_notes(x, frame.drop({*targets, *kept}), info, unknown, file)), has_gap)


def _targets(frame: pl.DataFrame, info: DataInfo, reading: Reading, dialect: Dialect, where: str) -> Array | None:
    """Return the targets as they stand in the table, (N,) or (N, K); None where they are not asked for."""
    if reading.targets is None:
        return None
    is_number = info.task == "regression"
    columns = [
        target_values(frame[name], dialect=dialect, where=where, is_number=is_number) for name in reading.targets
    ]
    return columns[0] if len(columns) == 1 else np.column_stack(columns)


def _by_position(frame: pl.DataFrame, info: DataInfo, dialect: Dialect, file: Path, *, allow_nan: bool) -> Array:
    width = info.input_shape[0]
    if frame.width != width:
        raise DataError(f"{file}: has {frame.width} columns, the model reads {width} (its training data had no names).")
    columns = [as_numbers(plain_column(frame[name], dialect, str(file)), dialect).to_numpy() for name in frame.columns]
    x = to_float32(np.column_stack(columns).astype(np.float64), str(file))
    check_finite(x, str(file), allow_nan=allow_nan)
    return x


def _check_missing(x: Array, info: DataInfo, file: Path) -> None:
    """Refuse missing numbers where the model has never learned what stands for them."""
    if info.extra.get("has_missing", True):
        return
    rows, columns = np.nonzero(np.isnan(x))
    if len(rows):
        name = (info.features or ())[columns[0]].name
        raise DataError(
            f"{file}: column '{name}' has no value in row {rows[0] + 1:,} ({len(rows):,} missing in all), and the training "
            "data had no missing values. To predict and evaluate there are --missing fill and --missing skip."
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
