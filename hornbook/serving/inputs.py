"""Rows and numbers of a request → inputs of a model: JSON becomes the table or array that `predict` reads from a file."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from hornbook.data.facts import DataInfo
from hornbook.data.inputs.files import fit_inputs
from hornbook.data.readings import Reading
from hornbook.data.source import Array
from hornbook.data.storage.rows import in_memory
from hornbook.data.tables.inputs import fit_frame
from hornbook.data.tables.plain import PlainRows
from hornbook.data.text.given import are_texts
from hornbook.serving.errors import RequestError
from hornbook.serving.pictures import MOST_PICTURES, Fitted, pixels_beside

__all__ = ["Fitted", "body_of", "of_frame", "of_numbers"]

READING = Reading()
MOST_EXTRA = 20  # columns that the model does not read and a note names
WORDS = {int: "numbers", float: "numbers", str: "texts", bool: "true or false"}


def of_rows(rows: Any, info: DataInfo, *, most: int, plain: PlainRows | None = None) -> Fitted:
    """Return rows by column name, a mapping each.

    Raises:
        RequestError: If they are no such rows, or too many.
        DataError: If their values do not fit the model.
    """
    if info.kind != "table" or info.features is None:
        what = "columns without names" if info.kind == "table" else f"{info.kind} inputs"
        raise RequestError(400, f'rows: the model reads {what}. Send numbers: {{"inputs": [[…], …]}}.')
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RequestError(
            400, 'rows: a list of mappings is expected, of column names to values: [{"column": value, …}, …].'
        )
    _check_count(len(rows), min(most, MOST_PICTURES) if info.pictures_beside else most, "rows")
    x = plain.read(rows) if plain is not None else None
    if x is not None:
        return x, ()
    names = [*(column.name for column in info.columns()), *info.texts_beside, *info.pictures_beside]
    known, first = set(names), rows[0]
    extra: dict[str, None] = {}
    for number, row in enumerate(rows, 1):
        for name in names:
            if (name in row) != (name in first):
                place = 1 if name in row else number
                raise RequestError(
                    400, f"rows: row {place:,} has no '{name}', which others have. Missing values are null."
                )
        if len(row) > len(names) and len(extra) < MOST_EXTRA:
            extra.update(dict.fromkeys(islice((name for name in row if name not in known), MOST_EXTRA)))
    columns: dict[str, pl.Series] = {}
    for feature in info.columns():
        if feature.name in rows[0]:
            values = [row[feature.name] for row in rows]
            columns[feature.name] = _column(feature.name, values, is_category=feature.type == "category")
    for name in info.texts_beside:
        if name in rows[0]:
            columns[name] = _column(name, [row[name] for row in rows], is_category=True)
    for name in islice(extra, MOST_EXTRA):
        columns[name] = pl.Series(name, [None] * len(rows), dtype=pl.String)
    pictures = {name: [row[name] for row in rows] for name in info.pictures_beside if name in rows[0]}
    return of_frame(pl.DataFrame(columns), info, pictures)


def of_frame(frame: pl.DataFrame, info: DataInfo, pictures: Mapping[str, Sequence[Any]]) -> Fitted:
    """Return a table of columns by name.

    Args:
        frame: The columns of values and texts.
        info: Facts about the data that the model was trained on.
        pictures: The values of columns of pictures, as of `pixels_beside`.

    Raises:
        RequestError: If a picture cannot be read.
        DataError: If values do not fit the model.
    """
    notes: dict[str, None] = {}
    pixels = {name: pixels_beside(values, name, info, notes) for name, values in pictures.items()}
    frame = frame.with_columns(pl.lit(None, pl.String).alias(name) for name in pictures)
    examples = fit_frame(frame, info, READING, where="rows", name="rows", pixels=pixels)
    return in_memory(examples.x), (*examples.notes, *notes)


def of_numbers(values: Any, info: DataInfo, *, most: int) -> Fitted:
    """Return raw inputs: an array, or numbers in lists of lists; of a model of texts also a list of these.

    Raises:
        RequestError: If they are no numbers, or too many.
        DataError: If they do not fit the model.
    """
    if info.blocks:
        kinds = {"texts": info.texts_beside, "pictures": info.pictures_beside}
        what = " and ".join(kind for kind, columns in kinds.items() if columns)
        raise RequestError(
            400, f'inputs: the model reads {what} beside numbers. Send rows: {{"rows": [{{"column": value, …}}, …]}}.'
        )
    if "texts" in info.extra and are_texts(values):
        _check_count(len(values), most, "inputs")
        fitted, notes = fit_inputs(np.asarray(values, object), info, where="inputs")
        return in_memory(fitted), notes
    x = values if isinstance(values, np.ndarray) else _array(values)
    if x.ndim:
        _check_count(len(x), most, "inputs")
    if x.ndim == 0 or 0 in x.shape[1:]:
        raise RequestError(
            400,
            f"inputs: found {'a single value' if x.ndim == 0 else f'shape {x.shape}'}, expected a list of examples.",
        )
    fitted, notes = fit_inputs(x, info)
    return in_memory(fitted), notes


def _array(values: Any) -> Array:
    if not isinstance(values, list):
        raise RequestError(400, "inputs: a list of examples is expected, each a number or lists of numbers.")
    try:
        x = np.asarray(values)
    except (ValueError, OverflowError, RecursionError):
        raise RequestError(400, "inputs: lists of different lengths. All examples need the same shape.") from None
    if x.dtype.kind == "O" and all(value is None or isinstance(value, int | float) for value in x.flat):
        x = x.astype(np.float64)  # null is a number that is missing
    if x.dtype.kind not in "biuf":
        raise RequestError(400, "inputs: only numbers are expected in the lists, and there is something else.")
    return x


def _check_count(count: int, most: int, what: str) -> None:
    if not count:
        raise RequestError(400, f"{what}: there are none.")
    if count > most:
        raise RequestError(413, f"{what}: {count:,} of them, at most {most:,} are taken at once. Send them in parts.")


def _column(name: str, values: Sequence[Any], *, is_category: bool) -> pl.Series:
    """Return a column of the type that its values have in JSON; text alone is read as in a CSV file."""
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds <= WORDS.keys():
        row = next(number for number, value in enumerate(values, 1) if type(value) not in {*WORDS, type(None)})
        raise RequestError(400, f"rows: column '{name}' holds a list or mapping in row {row:,}. Expected one value.")
    if kinds <= {int, float} and kinds:
        is_whole = kinds == {int} and all(value is None or -(2**63) <= value < 2**63 for value in values)
        if is_whole:
            return pl.Series(name, values, dtype=pl.Int64)
        return pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if not kinds <= {str} and not is_category:
        found = " and ".join(sorted({WORDS[kind] for kind in kinds}))
        raise RequestError(400, f"rows: column '{name}' holds {found}. Write all of its values alike.")
    return pl.Series(name, [None if value is None else _text(value) for value in values], dtype=pl.String)


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def body_of(tree: Any, info: DataInfo, *, most: int, plain: PlainRows | None = None) -> Fitted:
    """Return the inputs of a request's JSON: `rows` by column name, or `inputs`.

    Raises:
        RequestError: If it has neither, or both.
        DataError: If they do not fit the model.
    """
    if not isinstance(tree, Mapping) or len(tree) != 1 or not {*tree} <= {"rows", "inputs"}:
        expected = '{"rows": [{"column": value, …}, …]}' if info.features is not None else '{"inputs": [[…], …]}'
        raise RequestError(400, f"a mapping with rows or inputs alone is expected: {expected}.")
    if "rows" in tree:
        return of_rows(tree["rows"], info, most=most, plain=plain)
    return of_numbers(tree["inputs"], info, most=most)
