"""Table files as sources. Types columns, leaves numbering the training split's categories to the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from hornbook.data.facts import Feature
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.source import Array, Inputs, Source
from hornbook.data.sources.texts import unread
from hornbook.data.storage.rows import joined
from hornbook.data.tables.columns.dates import guessed_times
from hornbook.data.tables.columns.features import (
    encode_columns,
    feature_columns,
    infer_features,
    require_columns,
    target_array,
    weights_of,
    with_targets,
)
from hornbook.data.tables.columns.numbers import plain_numbers
from hornbook.data.tables.columns.rule import plain_column, rows_listed
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import read_frame, table_name
from hornbook.data.tables.kept import KeptTable, kept_table
from hornbook.data.tables.large import is_large
from hornbook.data.tables.notation import yaml_text
from hornbook.data.tables.pictures import ColumnsOfPictures, blocks_of, pictures_of
from hornbook.data.tables.text import doubtful_heading
from hornbook.data.tables.texts import text_column
from hornbook.errors import DataError
from hornbook.recipes.sources.common import SplitSpec
from hornbook.recipes.sources.pictures import ImageList
from hornbook.recipes.sources.table import Table

__all__ = ["dialect_of", "load_table", "split_values", "table_frame"]


def load_table(spec: Table, *, seed: int, memory_budget: int | None = None, apart: bool = False) -> Source:
    """Return a table as a source: x (N, F) float32 with NaN for missing numbers and codes for categories.

    Args:
        spec: The section of the recipe.
        seed: Of no use here.
        memory_budget: A table of which a data frame would exceed it is read in parts, and its rows stay on disk; None: none
            is. See `tables.large`.
        apart: Whether targets are wanted by column: a mapping of (N,) arrays, each of a type of its own.

    Raises:
        DataError: If a file or column is missing or malformed.
    """
    where, dialect = table_name(spec.path), Dialect.of_spec(spec)
    if spec.text_columns and _are_texts_alone(spec, dialect, where):
        return _load_texts(spec, dialect, where, memory_budget)
    train = _encoded(spec, spec.path, dialect, memory_budget)
    dialect, said = train.dialect, train.said

    def targets(frame: Any, where: str) -> Any:
        read = partial(target_array, frame=frame, dialect=dialect, where=where, numbers=spec.types or ())
        return {name: read([name]) for name in spec.target_columns} if apart else read(spec.target_columns)

    x, pictures = _with_pictures(spec, spec.path, train)
    said = (*said, *pictures.notes)
    extra: dict[str, Any] = dialect.recorded() | ({"picture_columns": pictures.found} if pictures.found else {})
    names = {"train": pictures.first()}
    own: dict[str, Any] = {"texts": _texts_of(spec, train.beside, where)}
    for split, path in (("validation", spec.validation_path), ("test", spec.test_path)):
        if path is None:
            continue
        name, other = table_name(path), _encoded(spec, path, dialect, memory_budget, features=train.features)
        own[f"x_{split}"], more = _with_pictures(spec, path, other)
        said, names[split] = (*said, *other.said, *more.notes), more.first()
        own[f"y_{split}"] = targets(other.beside, name)
        own[f"weights_{split}"] = weights_of(spec.weight, other.beside, dialect, name)
        own[f"texts_{split}"] = _texts_of(spec, other.beside, name)
    return Source(
        x,
        targets(train.beside, where),
        "table",
        features=train.features,
        split_by=split_values(spec.split, train.beside, dialect, where),
        weights=weights_of(spec.weight, train.beside, dialect, where),
        target_names=spec.target_columns if len(spec.target_columns) > 1 and not apart else None,
        warnings=(
            *said,
            *train.warnings,
            *filter(None, [doubtful_heading([*train.names]) if spec.heading is None else ""]),
        ),
        extra=extra,
        blocks=() if spec.pictures is None else blocks_of(spec.picture_columns, PictureSettings.of_spec(spec.pictures)),
        names={split: files for split, files in names.items() if files is not None},
        **own,
    )


def _texts_of(spec: Table, frame: Any, where: str) -> dict[str, Array]:
    """Return the columns of texts, which are numbered once the splits are made."""
    return {name: text_column(frame[name], where) for name in spec.text_columns}


def _with_pictures(spec: Table, path: Any, table: "_Encoded | KeptTable") -> tuple[Inputs, ColumnsOfPictures]:
    """Return the rows of a table with the pixels of the pictures that it names behind them, and what is known of these."""
    if spec.pictures is None:
        return table.x, ColumnsOfPictures()
    settings = PictureSettings.of_spec(spec.pictures)
    pictures = pictures_of(path, table.beside, spec.picture_columns, settings)
    return joined([table.x, *pictures.pixels.values()]), pictures


def _are_texts_alone(spec: Table, dialect: Dialect, where: str) -> bool:
    """Return whether a table has no other inputs than texts."""
    frame = read_frame(spec.path, dialect, rows=1, may_mix=spec.may_mix)
    return {*feature_columns(spec, frame, where)} <= {*spec.text_columns}


def _load_texts(spec: Table, dialect: Dialect, where: str, memory_budget: int | None) -> Source:
    """Return a table whose only input is a column of texts, read whole.

    Raises:
        DataError: If it has two, or exceeds the memory budget.
    """
    name, *others = spec.text_columns
    if others:
        raise DataError(
            f"{where}: columns '{name}' and '{others[0]}' are texts, and nothing stands beside them: several texts are read "
            f"beside the columns of a table. Read one (columns: {{{yaml_text(name)}: text}})."
        )
    roles: dict[str, Any] = {}
    said: list[str] = []
    for split, path in (("", spec.path), ("_validation", spec.validation_path), ("_test", spec.test_path)):
        if path is None:
            continue
        where_too = table_name(path)
        if is_large(path, dialect, memory_budget):
            raise DataError(
                f"{where_too}: a table with texts is read whole, and it exceeds the memory budget of "
                f"{memory_budget or 0:,} bytes. Raise 'training.memory_budget', or cut the table."
            )
        frame, more = _labeled(read_frame(path, dialect, may_mix=spec.may_mix), spec, dialect, where_too)
        if split:
            require_columns(
                [name, *spec.target_columns, *([] if spec.weight is None else [spec.weight])], frame, where_too
            )
        else:
            roles["split_by"] = split_values(spec.split, frame, dialect, where)
        said += more
        roles[f"x{split}"] = unread(frame.height)
        roles[f"y{split}"] = target_array(spec.target_columns, frame, dialect, where_too, numbers=spec.types or ())
        roles[f"weights{split}"] = weights_of(spec.weight, frame, dialect, where_too)
        roles[f"texts{split}"] = {name: text_column(frame[name], where_too)}
    return Source(
        kind="tokens",
        target_names=spec.target_columns if len(spec.target_columns) > 1 else None,
        warnings=tuple(said),
        extra=dialect.recorded(),
        **roles,
    )


@dataclass(frozen=True)
class _Encoded:
    """A table as numbers, and the columns that are no features; the fields of `KeptTable`."""

    x: Inputs
    beside: pl.DataFrame
    names: Sequence[str]
    features: tuple[Feature, ...]
    dialect: Dialect
    warnings: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def _encoded(
    spec: Table, path: Any, dialect: Dialect, memory_budget: int | None, *, features: tuple[Feature, ...] | None = None
) -> "_Encoded | KeptTable":
    """Return a table of a recipe: the training examples, or others of whose columns `features` says what they are."""
    where = table_name(path)
    beside = [*spec.target_columns, *([] if spec.weight is None else [spec.weight])]
    beside += [*spec.picture_columns, *spec.text_columns]
    if features is None and spec.split is not None and spec.split.column is not None:
        beside.append(spec.split.column)

    def choose(frame: Any) -> list[str]:
        if features is None:
            return _columns_alone(spec, feature_columns(spec, frame, where), where)
        columns = list(dict.fromkeys(feature.source for feature in features))
        require_columns([*columns, *beside], frame, where)
        return columns

    if is_large(path, dialect, memory_budget):
        settings = spec.model_dump_json(
            include={"columns", "drop", "types", "target", "weight", "split", "missing_targets"}
        )
        declared = spec.declared_types
        return kept_table(
            path,
            dialect,
            choose=choose,
            labeled=lambda table: _labeled(table, spec, dialect, where),
            beside=beside,
            declared=declared,
            features=features,
            may_mix=spec.may_mix,
            settings=settings,
        )
    types = (
        spec.declared_types
        if features is None
        else {each.source: "date" if each.part else each.type for each in features}
    )

    def may_count(name: str) -> bool:
        return name not in {*beside, *dialect.signs} and types.get(name) in {None, "number"}

    frame = read_frame(path, dialect, may_mix=spec.may_mix, may_count=may_count)
    frame, said = _labeled(frame, spec, dialect, where)
    columns, warnings = choose(frame), tuple[str, ...]()
    plain = plain_numbers(frame, columns, dialect)
    if features is None:
        features, dialect, warnings = infer_features(
            frame.select(columns), spec.declared_types, dialect=dialect, where=where, plain=plain
        )
    x_NF, _ = encode_columns(frame, features, dialect=dialect, where=where, plain=plain)
    return _Encoded(x_NF, frame, frame.columns, features, dialect, warnings, said)


def _columns_alone(spec: Table, columns: Sequence[str], where: str) -> list[str]:
    """Return the feature columns that are no texts or files of pictures.

    Raises:
        DataError: If there is none.
    """
    left = [name for name in columns if name not in (*spec.picture_columns, *spec.text_columns)]
    if not left:
        listed = " and ".join(f"'{name}'" for name in columns)
        raise DataError(
            f"{where}: no column stands beside {listed}. Pictures alone are read as 'data: {{name: image_list, …}}', a text "
            "alone as the only one of 'columns'."
        )
    return left


def _labeled(frame: Any, spec: Table, dialect: Dialect, where: str) -> tuple[Any, tuple[str, ...]]:
    """Return the rows with targets, and a sentence about the others, where the recipe leaves these out."""
    if spec.missing_targets is None:
        return frame, ()
    require_columns(list(spec.target_columns), frame, where)
    kept, count = with_targets(frame, spec.target_columns, dialect=dialect, where=where)
    rows = "1 row" if count == 1 else f"{count:,} rows"
    return kept, ((f"left out {rows} of {frame.height:,} without a target in {where}.",) if count else ())


def table_frame(spec: Table | ImageList, *, rows: int | None = None) -> pl.DataFrame:
    """Return the training examples' table as a data frame, or its first rows; errors as of `read_frame`."""
    may_mix = spec.may_mix if isinstance(spec, Table) else None
    return read_frame(spec.path, dialect_of(spec), rows=rows, may_mix=may_mix)


def dialect_of(spec: Table | ImageList) -> Dialect:
    """Return how the table of a recipe is written."""
    if isinstance(spec, ImageList):
        return Dialect(separator=spec.separator, encoding=spec.encoding)
    return Dialect.of_spec(spec)


def split_values(split: SplitSpec | None, frame: pl.DataFrame, dialect: Dialect, where: str) -> Array | None:
    """Return the values that order or group the rows: numbers, points in time, or text; None where none are named.

    Raises:
        DataError: If a value is missing.
    """
    if split is None or split.column is None:
        return None
    column = frame[split.column]
    values = plain_column(column, dialect, where)
    missing = np.flatnonzero(values.is_null().to_numpy())
    if len(missing):
        raise DataError(
            f"{where}: column '{column.name}' has no value to split by in {rows_listed((missing + 1).tolist())}."
        )
    if split.method == "group":
        return np.array(column.cast(pl.String).str.strip_chars().to_list())
    if column.dtype != pl.String:
        return column.to_numpy()
    numbers = values.cast(pl.Float64, strict=False)
    if not numbers.null_count() and split.format is None:
        return numbers.to_numpy()
    return guessed_times(values, where).to_numpy() if dialect.is_loose else np.array(values.to_list())
