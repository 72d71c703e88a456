"""What a column of a table is: the one rule.

A type that the recipe gives is taken. Otherwise, of the values that are there:

- all are numbers as the table writes them: a number;
- all are true or false, in any case, or Booleans: a boolean, which is a category of two (yes and no are words like others);
- any is a number in another notation (2,5 or 1,234 or $5 or 12 %): refused, with the key that reads it;
- some are numbers and some are texts: refused, with the texts that may mean a missing value;
- all are dates or times: refused, with the key that makes numbers of them;
- all are names of picture files: refused, as such;
- texts with many different values: an identifier or free text, refused unless they are called text;
- any other texts: a category.

Whole numbers are the same with and without `.0`, Booleans the same in any spelling and from any kind of file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from hornbook.data.facts import Feature
from hornbook.data.tables.columns.dates import as_moments
from hornbook.data.tables.columns.moments import is_clock, part_names
from hornbook.data.tables.columns.numbers import PlainNumbers, code_of, numbers_rows
from hornbook.data.tables.columns.refusals import (
    Used,
    date_refusal,
    many_refusal,
    not_plain,
    picture_refusal,
    unit_refusal,
)
from hornbook.data.tables.dialect import Dialect
from hornbook.data.tables.notation import (
    BOOLEAN,
    DATE_LIKE,
    NUMBER_LIKE,
    SIGN,
    canonical,
    unit_of,
    yaml_text,
)
from hornbook.errors import DataError
from hornbook.recipes.sources.table import DateColumn

__all__ = [
    "Column",
    "as_numbers",
    "category_codes",
    "column_of",
    "plain_column",
    "rows_listed",
]

MANY_CATEGORIES = 100  # undeclared text with more different values than this is an identifier or prose
PICTURE = r"(?i)\.(?:jpe?g|png|gif|bmp|webp|tiff?)$"
FEW_ROWS = 20  # of fewer a category in each says nothing
SAMPLE = 1000  # values that say whether a column has few different ones
Type = Literal["number", "category", "date", "text", "picture"] | DateColumn


@dataclass(frozen=True)
class Column:
    """What a column is.

    Attributes:
        name: The column's name.
        looks: `number`, `boolean`, `category`, or what it looks like where it is refused.
        feature: What becomes of it; None where it is refused.
        refusal: Why it is refused and what to do; else empty.
        parts: The numbers that a column of dates becomes.
        dates: How these dates are written; empty text where they have a type of their own.
        sign: The currency or percent that each of its numbers has, or empty text where signs are written in another way;
            None for plain numbers and categories.
        warnings: What the user should know about it.
    """

    name: str
    looks: str
    feature: Feature | None = None
    refusal: str = ""
    sign: str | None = None
    warnings: tuple[str, ...] = ()
    parts: tuple[Feature, ...] = ()
    dates: str | None = None

    @property
    def features(self) -> tuple[Feature, ...]:
        """What becomes of it: a feature, several of a column of dates, none where it is refused."""
        return self.parts if self.feature is None else (self.feature,)


def column_of(
    column: pl.Series,
    declared: Type | None,
    dialect: Dialect,
    where: str,
    *,
    used: Used,
    plain: PlainNumbers | None = None,
) -> Column:
    """Return what a feature column is.

    Args:
        column: As read.
        declared: The type that the recipe gives.
        dialect: How its values are written.
        where: What to call the table in messages.
        used: Gives those of the texts that mean a missing value which the table holds; called for a message.
        plain: The column as plain numbers, where it is known to be these.

    Raises:
        DataError: If it holds what no table can train on (lists, bytes).
    """
    if plain is not None and declared in {None, "number"}:
        return _number_column(column.name, numbers_rows=plain.numbers_rows, code=plain.code)
    values, name = plain_column(column, dialect, where), column.name
    if values.null_count() == len(values):
        return Column(name, "empty", refusal=f"column '{name}' is empty. Drop it (drop: [{yaml_text(name)}]).")
    if declared == "category":
        return _declared_category(values, dialect)
    if declared == "number":
        return _declared_number(values, dialect, used)
    if declared == "picture":
        return Column(name, "picture files")
    if declared == "text":
        return Column(name, "text")
    if declared is not None:
        return _declared_date(values, DateColumn() if declared == "date" else declared, is_plain=declared == "date")
    return _loosely(values, dialect, used) if dialect.is_loose else _by_rule(values, dialect, used)


def _by_rule(values: pl.Series, dialect: Dialect, used: Used) -> Column:
    name = values.name
    if values.dtype.is_numeric():
        return _number(values, dialect)
    if values.dtype == pl.Boolean:
        return Column(name, "boolean", Feature(name, "category", _categories(values, dialect)))
    if values.dtype != pl.String:  # dates, times and durations of Parquet and data frames
        return Column(name, "date", refusal=date_refusal(values.cast(pl.String)))
    different = values.drop_nulls().unique(maintain_order=True)  # all that follows is true of these if of all
    others = different.filter(as_numbers(different, dialect).is_null())
    if not len(others):
        return _number(values, dialect)
    if others.str.contains(BOOLEAN).all() and len(others) == len(different):
        return Column(name, "boolean", Feature(name, "category", _categories(different, dialect)))
    alike = others.str.contains(NUMBER_LIKE)
    if alike.any() or len(others) < len(different):
        is_mixed = not alike.all()
        return Column(
            name, "mixed" if is_mixed else "number?", refusal=_not_plain(values, dialect, used, is_declared=False)
        )
    if different.str.contains(DATE_LIKE).all():
        return Column(name, "date", refusal=date_refusal(different))
    if different.str.contains(PICTURE).all():
        return Column(name, "picture files", refusal=picture_refusal(different))
    if unit_of(different.to_list()):
        return Column(name, "number?", refusal=unit_refusal(different))
    categories = _categories(different, dialect)
    looks = _many(values, len(categories), len(values))
    if looks:
        return Column(name, looks, refusal=many_refusal(name, looks, len(categories), len(values)))
    return Column(name, "category", Feature(name, "category", categories))


def _loosely(values: pl.Series, dialect: Dialect, used: Used) -> Column:
    """Return what early runs took a column for: a category where half of the values are no numbers."""
    name, present = values.name, values.drop_nulls()
    failed = 0 if values.dtype.is_numeric() else as_numbers(present, dialect).null_count()
    if failed and failed * 2 < len(present):
        return Column(name, "mixed", refusal=_not_plain(values, dialect, used, is_declared=False))
    if not failed:
        return _number(values, dialect)
    return Column(name, "category", Feature(name, "category", _categories(values, dialect)))


def _number(
    values: pl.Series, dialect: Dialect, sign: str | None = None, *, numbers: pl.Series | None = None
) -> Column:
    numbers = as_numbers(values, dialect, sign) if numbers is None else numbers
    has_codes = sign is None and not dialect.is_loose and values.dtype == pl.String
    code = code_of(values, numbers) if has_codes else ""
    return _number_column(values.name, numbers_rows=numbers_rows(numbers), code=code, sign=sign)


def _number_column(name: str, *, numbers_rows: bool, code: str, sign: str | None = None) -> Column:
    warnings = []
    if numbers_rows:
        warnings.append(
            f"column '{name}' numbers the rows. If it is an identifier, drop it (drop: [{yaml_text(name)}])."
        )
    if code:
        warnings.append(
            f"column '{name}' holds whole numbers that begin with 0 ('{code}'), read as numbers. "
            f"If they are codes, say so (types: {{{yaml_text(name)}: category}})."
        )
    return Column(name, "number", Feature(name, "number"), sign=sign, warnings=tuple(warnings))


def _declared_category(values: pl.Series, dialect: Dialect) -> Column:
    name, categories, warnings = values.name, _categories(values, dialect), list[str]()
    if len(categories) == len(values) >= FEW_ROWS:
        warnings.append(
            f"column '{name}' has another category in each of {len(values):,} rows, which says nothing about other rows. "
            f"Drop it (drop: [{yaml_text(name)}])."
        )
    return Column(name, "category", Feature(name, "category", categories), warnings=tuple(warnings))


def _declared_number(values: pl.Series, dialect: Dialect, used: Used) -> Column:
    """Return a column of numbers; each value may have the same currency or percent."""
    name = values.name
    if values.dtype == pl.String and as_numbers(values, dialect).null_count() > values.null_count():
        sign, fault = _sign(values)
        if fault:
            return Column(name, "number?", refusal=fault)
        if as_numbers(values, dialect, sign).null_count() == values.null_count():
            return _number(values, dialect, sign)
        return Column(name, "mixed", refusal=_not_plain(values, dialect, used, is_declared=True))
    if not (values.dtype.is_numeric() or values.dtype == pl.String):
        return Column(name, "date", refusal=f"column '{name}' holds {values.dtype}, which is no number. Drop it.")
    return _number(values, dialect)


def _declared_date(values: pl.Series, declared: DateColumn, *, is_plain: bool) -> Column:
    """Return a column of dates as the numbers that are asked for: one that is called like it, or one per part."""
    name = values.name
    _, format, problem = as_moments(values, declared.format)
    is_time_of_day = values.dtype == pl.Time or (bool(format) and is_clock(format))
    without = [part for part in declared.date if part not in {"hour", "minute"}] if is_time_of_day else []
    if problem or without:
        problem = problem or (
            f"column '{name}' holds times of day, which have no {without[0]}. Name what they have (types: "
            f"{{{yaml_text(name)}: {{date: [hour, minute]}}}})."
        )
        return Column(name, "date", refusal=problem)
    names = [wave for part in declared.date for wave in part_names(part)]
    parts = [Feature(name if is_plain else f"{name}.{part}", "number", column=name, part=part) for part in names]
    return Column(name, "date", parts=tuple(parts), dates=format)


def _sign(values: pl.Series) -> tuple[str, str]:
    """Return the currency or percent of all numbers, or why there is none that they share."""
    unit = unit_of(values.drop_nulls().unique().to_list())
    if unit:
        return unit, ""
    numbers = values.filter(values.str.contains(NUMBER_LIKE).fill_null(value=False))
    signs = numbers.str.extract(f"({SIGN})")
    different = signs.unique().to_list()
    if len(different) < 2:
        return (different[0] or "") if different else "", ""
    listed = ", ".join(sorted(sign or "none" for sign in different))
    return "", f"column '{values.name}' holds numbers with different signs ({listed}). Give all of them the same."


def plain_column(column: pl.Series, dialect: Dialect, where: str) -> pl.Series:
    """Return a column as numbers, Booleans, dates or trimmed text, with missing values as null.

    Raises:
        DataError: If it holds lists, bytes or objects.
    """
    if column.dtype.is_numeric():
        values = column.fill_nan(None) if column.dtype.is_float() else column
        return _without_sentinels(values, dialect)
    if column.dtype.is_nested() or column.dtype in {pl.Binary, pl.Object}:
        raise DataError(f"{where}: column '{column.name}' holds {column.dtype}, expected numbers or text.")
    if column.dtype not in {pl.String, pl.Categorical, pl.Enum} and not dialect.is_loose:
        return column
    if _is_plain_text(column, dialect):
        return column
    text = column.cast(pl.String).str.strip_chars()
    if dialect.is_loose:
        return _without(text, text.is_in(list(dialect.missing)))
    return _without_sentinels(_without(text, text.is_in([*dialect.missing, ""])), dialect)


def _is_plain_text(column: pl.Series, dialect: Dialect) -> bool:
    """Return whether a column of few different texts is as `plain_column` would make it, which is soon seen of these."""
    if column.dtype != pl.String or column.head(SAMPLE).n_unique() > MANY_CATEGORIES or dialect.missing_numbers:
        return False
    different = column.unique()
    absent = [*dialect.missing] if dialect.is_loose else [*dialect.missing, ""]
    return not (different.is_in(absent) | (different.str.strip_chars() != different)).any()


def _without_sentinels(values: pl.Series, dialect: Dialect) -> pl.Series:
    """Return values without the numbers that mean a missing one: -999 is -999.0, in whatever kind of file."""
    if dialect.is_loose or not dialect.missing_numbers:
        return values
    return _without(values, values.cast(pl.Float64, strict=False).is_in(dialect.missing_numbers))


def _without(values: pl.Series, absent: pl.Series) -> pl.Series:
    absent = absent.fill_null(value=False)
    return values.set(absent, None) if absent.any() else values


def as_numbers(values: pl.Series, dialect: Dialect, sign: str | None = None) -> pl.Series:
    """Return a plain column as Float64, with null for what is missing or no number in the table's notation."""
    if values.dtype != pl.String:
        return values.cast(pl.Float64)
    return digits(values, dialect, sign).cast(pl.Float64, strict=False)


def digits(values: pl.Series, dialect: Dialect, sign: str | None = None) -> pl.Series:
    """Return texts of numbers as programs write them, with null for what is none in the table's notation."""
    if sign is not None:
        values = without_sign(values, sign)
    if dialect.is_plain:
        return values
    values = _without(values, ~values.str.contains(dialect.number))
    if dialect.grouping:
        values = values.str.replace_all(dialect.grouping, "")
    return values.str.replace(dialect.decimal, ".", literal=True)


def without_sign(values: pl.Series, sign: str) -> pl.Series:
    """Return texts of numbers without their currency or percent, which each must have; (5) and −5 become -5."""
    if sign:
        values = _without(values, ~values.str.contains(sign, literal=True))
        values = values.str.replace(sign, "", literal=True)
    values = values.str.replace(r"^\((.*)\)$", "-$1")
    return values.str.replace("−", "-", literal=True).str.replace(r"^([+-]?)\s*(.*?)\s*$", "$1$2")


def category_codes(values: pl.Series, categories: Sequence[str]) -> tuple[np.ndarray, int]:
    """Return a plain column's codes (N,) float32, 0 for missing and unknown, and how many values are unknown.

    Args:
        values: A plain column.
        categories: The known ones: code k is `categories[k - 1]`.
    """
    exact = {name: code for code, name in enumerate(categories, 1)}
    alike: dict[str, int] = {}
    for name, code in exact.items():
        alike.setdefault(canonical(name), code)
    texts = values.cast(pl.String)
    different = texts.drop_nulls().unique()
    codes = [exact.get(text) or alike.get(canonical(text), 0) for text in different.to_list()]
    table = np.array([*codes, 0], np.float32)
    places = texts.cast(pl.Enum(different)).to_physical().fill_null(len(different)).to_numpy()
    coded = table[places]
    return coded, int((coded == 0).sum()) - values.null_count()


def rows_listed(rows: Sequence[int]) -> str:
    """Return `row 3`, or `rows 3, 4, 7 …`."""
    listed = ", ".join(f"{row:,}" for row in rows[:5]) + (" …" if len(rows) > 5 else "")
    return f"row{'s' if len(rows) > 1 else ''} {listed}"


def _categories(values: pl.Series, dialect: Dialect) -> tuple[str, ...]:
    """Return the different categories, sorted."""
    texts = values.cast(pl.String).drop_nulls().unique().to_list()
    return tuple(sorted(texts if dialect.is_loose else {canonical(text) for text in texts}))


def _not_plain(values: pl.Series, dialect: Dialect, used: Used, *, is_declared: bool) -> str:
    wrong = values.is_not_null() & as_numbers(values, dialect).is_null()
    return not_plain(values, wrong, used, is_declared=is_declared, is_loose=dialect.is_loose)


def _many(values: pl.Series, num_categories: int, num_rows: int) -> str:
    """Return what texts with many different values look like, or nothing where these are few."""
    if not (num_categories > MANY_CATEGORIES or (num_categories > 20 and num_categories * 2 > num_rows)):
        return ""
    words = values.drop_nulls().head(SAMPLE).str.count_matches(r"\s+").mean()
    return "text" if isinstance(words, float) and words >= 3 else "identifier"
