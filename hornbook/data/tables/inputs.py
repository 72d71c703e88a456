"""Tables to predict on. Imported when there is one: polars costs a tenth of a second and 30 MB."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hornbook.data.canonical import check_finite, to_float32
from hornbook.data.facts import DataInfo
from hornbook.data.preprocessing import without_category
from hornbook.data.readings import Examples, Reading
from hornbook.data.source import Array, Inputs
from hornbook.data.storage.files import existing_files, is_pattern
from hornbook.data.storage.rows import in_memory, joined, numbered_blocks
from hornbook.data.storage.stored import open_npy
from hornbook.data.tables.columns.features import encode_columns, target_array, weights_of, with_targets
from hornbook.data.tables.columns.rule import as_numbers, plain_column
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import table_name
from hornbook.data.tables.large import ROWS_FILE, LargeTable, encode_table, opened_table
from hornbook.data.tables.pictures import pictures_to_predict
from hornbook.data.tables.text import no_heading_hint
from hornbook.data.tables.texts import text_column
from hornbook.data.text.encoder import encoded
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean

__all__ = ["beside_inputs", "fit_frame", "read_table"]


def read_table(path: str | Path, info: DataInfo, reading: Reading, *, memory_budget: int | None = None) -> Examples:
    """Return a table's columns by name or, where the training data had no names, by position; and what else is asked of it.

    Raises:
        DataError: If the table does not fit the model, or lacks what is asked of it.
    """
    if info.kind != "table":
        raise DataError(f"{path}: the model expects {info.kind} inputs. Give it a .npz or .npy file.")
    names = frozenset([column.name for column in info.columns()] + [block.name for block in info.blocks])
    numbers = {column.name for column in info.columns() if column.type == "number"}
    keys: dict[str, Any] = {"wanted": names, "may_mix": lambda name: name not in numbers}
    called = str(path) if is_pattern(path) else Path(path).name
    with opened_table(path, Dialect.of_run(info.extra), memory_budget=memory_budget, **keys) as table:
        examples = _fitted(table, info, reading, where=table_name(path), name=called)
        if not info.blocks:
            return examples
        frame = table
        if reading.targets and reading.drops_unlabeled:
            frame, _ = with_targets(table, reading.targets, dialect=Dialect.of_run(info.extra), where=table_name(path))
        return _with_blocks(examples, frame, info, reading, path, memory_budget=memory_budget)


def _with_blocks(
    examples: Examples,
    frame: pl.DataFrame | LargeTable,
    info: DataInfo,
    reading: Reading,
    path: str | Path,
    *,
    memory_budget: int | None,
) -> Examples:
    """Return examples of the columns with the pictures behind them that the table names, and its texts."""
    file = existing_files(path)[0] if reading.folder is None else reading.folder / Path(path).name
    beside, lacks, notes = pictures_to_predict(
        frame, info, file, memory_budget=memory_budget, skips=reading.missing == "skip"
    )
    texts, more = _texts(frame, info, file.name)
    beside |= texts
    notes += more
    x: Inputs = joined([examples.x, *(beside[block.name] for block in info.blocks)])
    if memory_budget is None or x.nbytes <= memory_budget:
        x = in_memory(x)
    has_gap = lacks if examples.has_gap is None else examples.has_gap | lacks
    return replace(
        examples, x=x, notes=(*examples.notes, *notes), has_gap=has_gap if reading.missing == "skip" else None
    )


def _texts(frame: pl.DataFrame | LargeTable, info: DataInfo, where: str) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Return the token numbers of the columns of texts by name, and notes."""
    found, notes = dict[str, Array](), list[str]()
    for name in info.texts_beside:
        texts = text_column(frame[name], where)
        found[name], more = encoded(texts, info.extra["texts"][name], f"{where}: column '{name}'")
        notes += more
    return found, tuple(notes)


def fit_frame(
    frame: pl.DataFrame | LargeTable,
    info: DataInfo,
    reading: Reading,
    *,
    where: str,
    name: str,
    pixels: Mapping[str, Array] | None = None,
) -> Examples:
    """Return what `read_table` returns, for a table that is open.

    Args:
        frame: Columns of text, or of types; the inputs of one that is not in memory stay on disk.
        info: Facts about the data that the model was trained on.
        reading: What is asked beside the inputs.
        where: What to call the table in errors.
        name: The same in notes.
        pixels: (N, H, W, C) of each column of pictures, which is in the frame for its name alone; None: none were read.

    Raises:
        DataError: If the table does not fit the model, or lacks what is asked of it.
    """
    readable = {*info.texts_beside, *(info.pictures_beside if pixels is not None else ())}
    others = [block.name for block in info.blocks if block.name not in readable]
    if others:
        listed = ", ".join(map(repr, others))
        raise DataError(
            f"{where}: the model reads {listed} beside the columns, which rows alone do not hold. Predict on a file: "
            "'hornbook predict'."
        )
    examples = _fitted(frame, info, reading, where=where, name=name)
    if not info.blocks:
        return examples
    texts, notes = _texts(frame, info, name)
    beside = {**texts, **(pixels or {})}
    x = in_memory(joined([examples.x, *(beside[block.name] for block in info.blocks)]))
    return replace(examples, x=x, notes=(*examples.notes, *notes))


def _fitted(frame: pl.DataFrame | LargeTable, info: DataInfo, reading: Reading, *, where: str, name: str) -> Examples:
    """Return the columns that the model reads; what stands beside them comes later. Arguments as of `fit_frame`."""
    dialect = Dialect.of_run(info.extra)
    targets = reading.targets or ()
    more: list[str] = []
    if targets and reading.drops_unlabeled and {*targets} <= {*frame.columns}:
        count = frame.height
        frame, unlabeled = with_targets(frame, targets, dialect=dialect, where=where)
        more = [f"{name}: left out {unlabeled:,} of {count:,} rows, which have no target."] if unlabeled else []
    y, kept = beside_inputs(frame, info, reading, dialect, where)
    if info.features is None:
        inputs = (frame.select(frame.columns) if isinstance(frame, LargeTable) else frame).drop(targets)
        if inputs.width != info.input_shape[0]:  # what is kept may be an input, or stand beside them
            inputs = inputs.drop(reading.keep)
        return Examples(
            _by_position(inputs, info, dialect, where, allow_nan=reading.missing is not None), y, kept, tuple(more)
        )
    names = [column.name for column in info.columns()]
    lacking = [column for column in [*names, *(block.name for block in info.blocks)] if column not in frame.columns]
    if lacking:
        listed = ", ".join(f"'{column}'" for column in lacking)
        hint = did_you_mean(lacking[0], frame.columns) + no_heading_hint(frame.columns)
        raise DataError(
            f"{where}: no column{'s' if len(lacking) > 1 else ''} {listed}, which the model reads. {hint}".rstrip()
        )
    x: Inputs
    unknown: Mapping[str, int] = {}
    if not names:  # texts alone, by name
        x = np.zeros((frame.height, 0), np.float32)
    elif isinstance(frame, LargeTable):
        table = encode_table(frame, names, {}, dialect=dialect, where=where, features=info.features)
        x, unknown = open_npy(frame.folder / ROWS_FILE), table.unknown
    else:
        x, unknown = encode_columns(frame, info.features, dialect=dialect, where=where)
    has_gap = None
    if reading.missing is None:
        _check_missing(x, info, where)
    elif reading.missing == "skip":
        has_gap = np.zeros(frame.height, bool)
        for column in info.extra.get("whole", ()):
            if column in names:
                has_gap |= plain_column(frame[column], dialect, where).is_null().to_numpy()
    beside = {block.name for block in info.blocks}
    notes = _notes(x, frame.drop({*targets, *kept, *beside}), info, unknown, name)
    return Examples(x, y, kept, (*more, *notes), has_gap=has_gap)


def beside_inputs(
    frame: pl.DataFrame | LargeTable, info: DataInfo, reading: Reading, dialect: Dialect, where: str
) -> tuple[Array | None, dict[str, pl.Series]]:
    """Return the targets as they stand in the table, (N,) or (N, K), None where they are not asked for; and what is kept.

    Raises:
        DataError: If there is no such column.
    """
    for column in (*(reading.targets or ()), *reading.keep):
        if column not in frame.columns:
            what = ", the target" if column in (reading.targets or ()) else ""
            raise DataError(f"{where}: no column '{column}'{what}. {did_you_mean(column, frame.columns)}".rstrip())
    kept = {column: frame[column] for column in reading.keep}
    if reading.weight is not None and reading.weight in frame.columns:
        kept[reading.weight] = pl.Series(weights_of(reading.weight, frame, dialect, where))
    if reading.targets is None:
        return None, kept
    numbers = reading.targets if info.task == "regression" else ()
    return target_array(reading.targets, frame, dialect, where, numbers=numbers), kept


def _by_position(frame: pl.DataFrame, info: DataInfo, dialect: Dialect, where: str, *, allow_nan: bool) -> Array:
    width = info.input_shape[0]
    if frame.width != width:
        raise DataError(
            f"{where}: has {frame.width} columns, the model reads {width} (its training data had no names)."
        )
    columns = [as_numbers(plain_column(frame[name], dialect, where), dialect).to_numpy() for name in frame.columns]
    x = to_float32(np.column_stack(columns).astype(np.float64), where)
    check_finite(x, where, allow_nan=allow_nan)
    return x


def _check_missing(x: Inputs, info: DataInfo, where: str) -> None:
    """Refuse missing numbers where the model has never learned what stands for them."""
    if info.extra.get("has_missing", True):
        return
    count, first = 0, (0, 0)
    for start, block in numbered_blocks(x):
        rows, columns = np.nonzero(np.isnan(block))
        if len(rows) and not count:
            first = start + int(rows[0]), int(columns[0])
        count += len(rows)
    if count:
        name = (info.features or ())[first[1]].source
        raise DataError(
            f"{where}: column '{name}' has no value in row {first[0] + 1:,} ({count:,} missing in all), and the training "
            "data had no missing values. To predict and evaluate there are --missing fill and --missing skip."
        )


def _notes(x: Inputs, frame: pl.DataFrame, info: DataInfo, unknown: Mapping[str, int], table: str) -> list[str]:
    features = info.features or ()
    notes = []
    read = {feature.source for feature in features}
    extra = [name for name in frame.columns if name not in read]
    if extra:
        notes.append(f"{table}: columns that the model does not read: {', '.join(extra)}.")
    whole = info.extra.get("whole", ())
    notes += [f"{table}: {note}" for note in without_category(x, features, whole, what="rows")]
    for name, count in unknown.items():
        if name not in whole:
            rows = "1 row holds" if count == 1 else f"{count:,} rows hold"
            notes.append(f"{table}: column '{name}': {rows} a category that training did not have.")
    return notes
