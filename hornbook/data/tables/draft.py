"""A first reading of a table: which columns a recipe takes, as what, and why. What can be read in two ways is noted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from hornbook.data.tables.columns.dates import times
from hornbook.data.tables.columns.features import columns_of
from hornbook.data.tables.columns.rule import Column, as_numbers, column_of, plain_column
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.files import read_frame
from hornbook.data.tables.notation import NUMBER_LIKE, is_number
from hornbook.data.tables.overview import is_identifier_name
from hornbook.errors import DataError, UsageError
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.sources.table import Table

__all__ = ["Reading", "read_table"]

TARGETS = {"target", "label", "labels", "class", "y", "outcome", "response"}
"""Names that leave no doubt which column is to be predicted."""
WEIGHT = re.compile(r"(?i)^(?:sample|case|row|instance|survey|sampling)[ _-]?weights?$")
BIRTH = re.compile(r"(?i)birth|\bdob\b|^dob$")
NOTATIONS = ((".", None), (".", ","), (",", None), (",", "."), (".", " "), (",", " "), (".", "'"))
"""Decimal and thousands marks in the order in which they are believed."""
MOST_CATEGORIES = 100  # different texts of a column, above which each has to stand in ten rows
FEWEST_GROUPS = 10
SMALL_PLACEHOLDERS = 3
MOST_CLASSES = 1_000


@dataclass
class Reading:
    """How a table is read.

    Attributes:
        section: The recipe's `data`.
        comments: Why, by key of the section.
        task: The task and why, where the values leave it open or it is worth naming.
        notes: What can be read in two ways.
    """

    section: dict[str, Any]
    comments: dict[str, list[str]] = field(default_factory=dict)
    task: tuple[str, str] | None = None
    notes: list[str] = field(default_factory=list)

    def drop(self, name: str, why: str) -> None:
        """Leave a column out."""
        self.section.setdefault("drop", []).append(name)
        self.say("drop", f"{name} {why}")

    def type(self, name: str, type_: str, why: str) -> None:
        """Say what a column is."""
        self.section.setdefault("types", {})[name] = type_
        self.say("types", f"{name} {why}")

    def say(self, key: str, why: str) -> None:
        """Add a reason for a key."""
        self.comments.setdefault(key, []).append(why)


def read_table(section: dict[str, Any], target: str | None) -> Reading:
    """Return how a table can be read.

    Args:
        section: `data` as far as it is known: name, path, and what the user says of it.
        target: The column to predict; None where its name leaves no doubt.

    Raises:
        DataError: If the file cannot be read, or its target cannot be learned.
        UsageError: If it is not clear which column is the target.
    """
    reading = Reading(dict(section))
    dialect = Dialect.of_spec(Table.model_validate({**section, "target": target or "?"}))
    frame = read_frame(section["path"], dialect)
    if "heading" not in section:
        names = _names_of_headless(frame, dialect)
        if names:
            reading.section["heading"] = names
            reading.say("heading", "the first line is an example, so the columns have no names: give them their own")
            dialect = replace(dialect, heading=tuple(names))
            frame = read_frame(section["path"], dialect)
    name = target if target is not None else _obvious_target(frame)
    if name not in frame.columns:
        raise UsageError(f"{section['path']}: no column '{name}'. {did_you_mean(str(name), frame.columns)}")
    reading.section = {**_first(reading.section, "name", "path"), "target": name, **reading.section}
    dialect = _notation(frame, dialect, reading)
    dialect = _placeholders(frame, dialect, reading)
    _read_columns(frame.drop(name), dialect, reading)
    _read_target(frame[name], dialect, reading)
    return reading


def _first(section: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: section[key] for key in keys if key in section}


def _names_of_headless(frame: pl.DataFrame, dialect: Dialect) -> list[str]:
    """Return names for the columns of a file whose first line is an example; nothing for one that has a heading.

    It is one where numbers among the names stand over numbers, and a text among them, if there is one, occurs below.
    """
    numbers = [name for name in frame.columns if is_number(name)]
    texts = [name for name in frame.columns if not is_number(name) and name.strip()]
    if not numbers or any(plain_column(frame[name], dialect, "").drop_nulls().is_empty() for name in numbers):
        return []
    if any(as_numbers(plain_column(frame[name], dialect, "").drop_nulls(), dialect).null_count() for name in numbers):
        return []
    occurring = [name for name in texts if (frame[name].cast(pl.String).str.strip_chars() == name).any()]
    is_counted = [float(name) for name in numbers if _is_plain(name)] == list(range(len(numbers)))
    if (texts and 2 * len(occurring) < len(texts)) or (not texts and is_counted):
        return []
    return [f"column_{place}" for place in range(1, frame.width + 1)]


def _is_plain(text: str) -> bool:
    return re.fullmatch(r"\d+(?:\.\d+)?", text) is not None


def _obvious_target(frame: pl.DataFrame) -> str:
    obvious = [name for name in frame.columns if name.strip().lower() in TARGETS]
    if len(obvious) == 1:
        return obvious[0]
    listed = ", ".join(f"{name} ({_example(frame[name])})" for name in frame.columns[:40])
    more = f" … and {frame.width - 40:,} more" if frame.width > 40 else ""
    raise UsageError(f"which column is to be predicted? Say '--target NAME'. Columns: {listed}{more}.")


def _example(values: pl.Series) -> str:
    present = values.drop_nulls().head(1)
    return str(present[0]).strip()[:20] if len(present) else "empty"


def _looks(frame: pl.DataFrame, dialect: Dialect) -> dict[str, Column]:
    """Return what the columns are that a table can hold."""
    flat = [name for name, type_ in frame.schema.items() if not (type_.is_nested() or type_ in {pl.Binary, pl.Object})]
    return {column.name: column for column in columns_of(frame.select(flat), {}, dialect=dialect, where="")}


def _notation(frame: pl.DataFrame, dialect: Dialect, reading: Reading) -> Dialect:
    """Return the dialect with the marks by which most columns are numbers."""
    if {"decimal", "thousands"} & set(reading.section):
        return dialect
    texts = [column.name for column in _looks(frame, dialect).values() if column.looks in {"number?", "mixed"}]
    texts += [name for name, column in _looks(frame, dialect).items() if column.looks == "number"] if texts else []
    if not texts:
        return dialect
    counts = {}
    for decimal, thousands in NOTATIONS:
        marks = replace(dialect, decimal=decimal, thousands=thousands)
        counts[decimal, thousands] = sum(_is_number_column(frame[name], marks) for name in texts)
    best = max(counts.values())
    decimal, thousands = chosen = next(marks for marks, count in counts.items() if count == best)
    others = [marks for marks, count in counts.items() if count == best and marks[0] != decimal]
    if chosen == NOTATIONS[0]:
        return dialect
    for key, mark, usual in (("decimal", decimal, "."), ("thousands", thousands, None)):
        if mark != usual:
            reading.section[key] = mark
            reading.say(key, "numbers are written that way")
    if others:
        name = next(name for name in texts if frame[name].cast(pl.String).str.contains(r"^\d{1,3},\d{3}$").any())
        value = frame[name].filter(frame[name].str.contains(r"^\s*\d{1,3},\d{3}\s*$"))[0].strip()
        reading.notes.append(
            f"column '{name}': {value} is read as {value.replace(',', '')}; if it means {value.replace(',', '.')}, "
            "write 'decimal: \",\"' in place of 'thousands'"
        )
    return replace(dialect, decimal=decimal, thousands=thousands)


def _is_number_column(values: pl.Series, dialect: Dialect) -> bool:
    return column_of(values, "number", dialect, "", used=list).feature is not None


def _placeholders(frame: pl.DataFrame, dialect: Dialect, reading: Reading) -> Dialect:
    """Return the dialect with the few texts that stand among numbers for a missing value."""
    if "missing" in reading.section:
        return dialect
    more: dict[str, str] = {}
    for name, column in _looks(frame, dialect).items():
        if column.looks == "mixed":
            values = plain_column(frame[name], dialect, "").drop_nulls()
            wrong = values.filter(as_numbers(values, dialect).is_null() & ~values.str.contains(NUMBER_LIKE))
            texts = wrong.unique().sort().to_list()
            if 0 < len(texts) <= SMALL_PLACEHOLDERS and 2 * len(wrong) < len(values):
                more |= dict.fromkeys(texts, name)
    if not more:
        return dialect
    missing = (*dialect.missing, *more)
    reading.section["missing"] = list(missing)
    reading.say("missing", "; ".join(f"'{text}' stands among the numbers of {name}" for text, name in more.items()))
    return replace(dialect, missing=missing)


def _read_columns(frame: pl.DataFrame, dialect: Dialect, reading: Reading) -> None:
    """Say what becomes of each feature column."""
    columns, dates, groups, settled = _looks(frame, dialect), [], [], _settled(reading.section, frame)
    for name in frame.columns:
        column = columns.get(name)
        if name in settled:
            continue
        if column is None:
            reading.drop(name, f"holds {frame[name].dtype}")
            continue
        values = plain_column(frame[name], dialect, "")
        distinct, missing = values.drop_nulls().n_unique(), values.null_count()
        if column.looks == "empty":
            reading.drop(name, "is empty")
        elif distinct == 1 and not missing:
            reading.drop(name, "never changes")
        elif column.looks == "date":
            dates.append(name)
        elif _is_identifier(column, distinct, len(values) - missing):
            reading.drop(name, "says which row it is")
        elif is_identifier_name(name) and distinct >= FEWEST_GROUPS and 2 * distinct <= len(values):
            groups.append((distinct, name, missing))
        elif WEIGHT.search(name) and column.looks == "number" and "weight" not in reading.section and not missing:
            reading.section["weight"] = name
            reading.say("weight", "what each row counts, by the column's name")
        else:
            _read_feature(frame[name], column, distinct, dialect, reading)
    _read_split(frame, dates, groups, reading)


def _settled(section: Mapping[str, Any], frame: pl.DataFrame) -> set[str]:
    """Return the columns of which the user says what becomes of them."""
    named = {*section.get("drop", ()), *section.get("types", ()), section.get("weight"), _split_column(section)}
    return {*named, *frame.columns} if "columns" in section else named


def _split_column(section: Mapping[str, Any]) -> str:
    split = section.get("split")
    return str(split.get("column", "")) if isinstance(split, dict) else ""


def _is_identifier(column: Column, distinct: int, present: int) -> bool:
    numbers_rows = any("numbers the rows" in warning for warning in column.warnings)
    return numbers_rows or (is_identifier_name(column.name) and distinct == present and column.looks != "date")


def _read_feature(values: pl.Series, column: Column, distinct: int, dialect: Dialect, reading: Reading) -> None:
    """Say what becomes of a column that is neither a date nor an identifier."""
    name, looks = values.name, column.looks
    if looks == "number" and any("begin with 0" in warning for warning in column.warnings):
        if distinct <= MOST_CATEGORIES or distinct * 10 <= len(values):
            reading.type(name, "category", "holds codes that begin with 0")
        else:
            reading.drop(name, f"holds {distinct:,} different codes that begin with 0")
    elif column.feature is not None:
        return
    elif looks == "number?" and _is_number_column(values, dialect):
        reading.type(name, "number", "has a sign or unit")
    elif looks == "text":
        reading.drop(name, "is free text, which 'text' in 'types' reads")
    elif distinct <= MOST_CATEGORIES and distinct * 2 <= len(values):
        reading.type(name, "category", f"has {distinct:,} different values, not all numbers")
    elif distinct * 10 <= len(values):
        reading.type(name, "category", f"has {distinct:,} different texts, each in ten rows or so")
    else:
        reading.drop(name, f"has {distinct:,} different texts in {len(values):,} rows")


def _read_split(frame: pl.DataFrame, dates: list[str], groups: list[tuple[int, str, int]], reading: Reading) -> None:
    """Say how the rows are divided: by time, by a group, or at random; what then serves for nothing is left out."""
    moments = [name for name in dates if not BIRTH.search(name) and _is_one_way(frame[name])]
    whole = [name for _, name, missing in sorted(groups, reverse=True) if not missing]
    chosen = ""
    if "split" in reading.section:
        chosen = _split_column(reading.section)
    elif len(moments) == 1:
        chosen = moments[0]
        reading.section["split"] = {"method": "time", "column": chosen}
        reading.say("split", f"the earlier rows train, the later ones test; 'random' if {chosen} is no matter of time")
    elif whole:
        chosen = whole[0]
        reading.section["split"] = {"method": "group", "column": chosen}
        reading.say("split", f"{chosen} repeats, and rows of one are alike, so they stay together")
    if len(moments) == 1 and whole and chosen == moments[0]:
        reading.notes.append(
            f"rows of one '{whole[0]}' may be in two splits, which go by time; to keep them together: "
            f"split: {{method: group, column: {whole[0]}}}"
        )
    for name in dates:
        if name != chosen:
            _read_dates(frame[name], reading)
    for _, name, _missing in groups:
        if name != chosen:
            reading.drop(name, "says whose row it is")


def _read_dates(values: pl.Series, reading: Reading) -> None:
    """Say what becomes of a column of dates that divides nothing: a number, where there is one way to read it."""
    as_date = column_of(
        values, "date", Dialect(missing=tuple(reading.section.get("missing", Dialect().missing))), "", used=list
    )
    if as_date.refusal:
        reading.drop(values.name, "holds dates that can be read in several ways, or in none")
    else:
        reading.type(values.name, "date", "becomes days since 2000")


def _is_one_way(values: pl.Series) -> bool:
    """Return whether all of the dates are there and can be read in one way."""
    if values.null_count() or values.dtype != pl.String:
        return not values.null_count()
    texts = values.str.strip_chars()
    try:
        times(texts.unique().to_numpy(), None, "")
    except DataError:
        return False
    return bool((texts != "").all())


def _read_target(values: pl.Series, dialect: Dialect, reading: Reading) -> None:
    """Say what is learned: classes or numbers.

    Raises:
        DataError: If the values are dates, texts without end, or one value only.
    """
    name, where = values.name, str(reading.section["path"])
    if values.dtype.is_nested() or values.dtype in {pl.Binary, pl.Object}:
        raise DataError(f"{where}: the target '{name}' holds {values.dtype}, expected numbers or text.")
    plain = plain_column(values, dialect, where)
    if plain.null_count() and plain.null_count() < len(plain) and "missing_targets" not in reading.section:
        reading.section["missing_targets"] = "drop"
        why = f"{plain.null_count():,} of {len(plain):,} rows have no {name}"
        reading.say("missing_targets", why)
        reading.notes.append(f"{why}: they are left out")
    values, plain = values.filter(plain.is_not_null()), plain.drop_nulls()
    if not len(plain):
        raise DataError(f"{where}: the target '{name}' is empty.")
    column = column_of(values, None, dialect, where, used=list)
    distinct = plain.n_unique()
    if column.looks == "date":
        raise DataError(f"{where}: the target '{name}' holds dates, which are neither classes nor numbers.")
    if distinct < 2:
        raise DataError(f"{where}: the target '{name}' never changes, so there is nothing to learn.")
    if column.looks == "number?" and _is_number_column(values, dialect):
        reading.type(name, "number", "has a sign or unit")
        reading.task = ("regression", f"{name} holds numbers")
        return
    if column.looks in {"text", "identifier"} or (column.looks != "number" and distinct > MOST_CLASSES):
        raise DataError(
            f"{where}: the target '{name}' has {distinct:,} different texts in {len(plain):,} rows: too many classes "
            "to tell apart. Name another column ('--target NAME')."
        )
    if column.looks != "number":
        kind = "binary" if distinct == 2 else "multiclass"
        reading.task = (kind, f"{name} holds {_listed(plain)}")
        return
    numbers = as_numbers(plain, dialect)
    if (numbers != numbers.round()).any():
        reading.task = ("regression", f"{name} holds numbers with fractions")
    elif distinct == 2:
        reading.task = ("binary", f"{name} holds {_listed(plain)}")
    elif distinct > 20:
        reading.task = ("regression", f"{name} holds {distinct:,} different whole numbers")
    else:
        reading.task = ("multiclass", f"{name} holds {distinct} different whole numbers: {_listed(plain)}")
        reading.notes.append(f"the {distinct} values of '{name}' are classes; if they are amounts: 'task: regression'")


def _listed(values: pl.Series) -> str:
    texts: Sequence[str] = values.unique().sort().cast(pl.String).head(5).to_list()
    return ", ".join(text[:20] for text in texts) + (" …" if values.n_unique() > 5 else "")
