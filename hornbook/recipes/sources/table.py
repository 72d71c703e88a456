"""Tables of your own: CSV, JSON lines, Parquet, Excel."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from hornbook.errors import Path, Problem
from hornbook.recipes.language.spec import Spec, as_tuple, register, resolve_target
from hornbook.recipes.sources.common import Encoding, Names, Stored
from hornbook.recipes.sources.decoding import PictureReading
from hornbook.recipes.sources.texts import TextSettings

__all__ = ["ColumnType", "DateColumn", "DateParts", "Table", "TableFiles", "Type"]

ColumnType = Literal["number", "category", "date", "text", "picture"]
DatePart = Literal["elapsed", "year", "month", "day", "weekday", "day_of_year", "hour", "minute"]
FileName = Annotated[str, Field(min_length=1)]
FileNames = FileName | Annotated[tuple[FileName, ...], BeforeValidator(as_tuple), Field(min_length=1)]

CODES = re.compile(r"%\.f|%.?")
KNOWN_CODES = frozenset("%" + code for code in "YymdbBjHMSIpz%") | {"%.f"}
"""What polars and Python read alike, so that a run and what is exported of it read the same."""


def _each_once(parts: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((part for place, part in enumerate(parts) if part in parts[:place]), None)
    if twice is not None:
        raise ValueError(f"part {twice!r} is listed twice; list it once")
    return parts


DateParts = Annotated[tuple[DatePart, ...], BeforeValidator(as_tuple), Field(min_length=1), AfterValidator(_each_once)]


class DateColumn(Spec):
    """A column of dates or times, and which numbers it becomes.

    `elapsed` (days since 2000-01-01) and `year` are numbers; `month`, `day`, `weekday`, `day_of_year`, `hour` and `minute`
    repeat, and are a sine and a cosine each, so that December is next to January. Hornbook.
    """

    date: DateParts = ("elapsed",)
    """The parts, in order: [month, weekday]."""
    format: str | None = None
    """How the dates are written, in the codes of strptime, where they could be read in several ways: '%m/%d/%Y'."""

    @field_validator("format")
    @classmethod
    def _has_known_codes(cls, value: str | None) -> str | None:
        codes = CODES.findall(value or "")
        unknown = [code for code in codes if code not in KNOWN_CODES]
        if value is not None and (unknown or not codes):
            what = f"{unknown[0]!r} is no code" if unknown else f"{value!r} has no code"
            raise ValueError(f"{what} of a date; expected those of strptime: {' '.join(sorted(KNOWN_CODES - {'%%'}))}")
        has_date = bool({"%d", "%m", "%b", "%B", "%j"} & {*codes})
        if value is not None and has_date and not {"%Y", "%y"} & {*codes}:
            raise ValueError(f"{value!r} has no year; expected %Y or %y, or the time of day alone")
        return value


Type = ColumnType | DateColumn
OF_KIND = (
    ("a Parquet file", (".parquet", ".pq"), ("separator", "encoding", "heading", "sheet")),
    ("an Excel file", (".xlsx",), ("separator", "encoding", "heading")),
    ("a file of JSON lines", tuple(end + gz for end in (".jsonl", ".ndjson") for gz in ("", ".gz", ".zst")),
     ("separator", "encoding", "heading", "sheet")),
    ("a text file", tuple(end + gz for end in (".csv", ".tsv", ".txt") for gz in ("", ".gz", ".zst")), ("sheet",)),
)  # fmt: skip
"""Keys that mean nothing where all files are of a kind."""


class TableFiles(Stored):
    """The keys of sources that read tables: where they are, what is predicted, how fields are written."""

    path_fields: ClassVar[frozenset[str]] = frozenset({"path"})

    path: FileNames
    """The file (.csv, .tsv, .txt, .jsonl, .parquet, .xlsx; text also .gz or .zst), a pattern `data/*.csv`, or several."""
    target: str | Names
    """Target column, or several."""
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Character between the fields of a CSV file; omitted: the only one that splits all rows alike."""
    decimal: Literal[".", ","] = "."
    """Decimal mark of the table's numbers."""
    thousands: Literal[".", ",", " ", "'"] | None = None
    """What groups the digits of the table's numbers."""
    missing: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = (
        "",
        "NA",
        "N/A",
        "NaN",
        "nan",
        "null",
        "NULL",
        "?",
    )
    """Texts that mean a missing value; a list of your own replaces these."""
    encoding: Encoding = "utf-8"
    """How the text of a CSV file is encoded, by Python's names."""
    heading: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)] | None = None
    """Names of all columns of a CSV file that has no heading."""
    sheet: Annotated[str, Field(min_length=1)] | None = None
    """Name of the sheet of an .xlsx file; omitted: the first."""

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The target columns as a tuple."""
        return (self.target,) if isinstance(self.target, str) else self.target

    def reading_problems(self, path: Path) -> Iterator[Problem]:
        """Yield keys that say how a file is written, of files of which they mean nothing."""
        for what, ends, keys in OF_KIND:
            is_of_kind = all(file.lower().endswith(ends) for file in self.paths().values())
            for key in keys if is_of_kind else ():
                if key in self.model_fields_set and getattr(self, key) not in {None, "utf-8"}:
                    yield Problem((*path, key), f"{what} has no {key} to name.", "Remove it.", code="data-columns")
        if self.thousands is not None and self.thousands in {self.decimal, self.separator}:
            other = "decimal" if self.thousands == self.decimal else "separator"
            message = f"{self.thousands!r} is the {other} already."
            yield Problem((*path, "thousands"), message, "Remove it.", code="data-columns")
        for name in self.heading or ():
            if (self.heading or ()).count(name) > 1:
                message = f"column '{name}' is named twice."
                yield Problem((*path, "heading"), message, "Name each column once.", code="data-columns")
                break


@register
class Table(TableFiles):
    """A table in one file or several, one row per example, with one or more target columns.

    Number columns may have missing values, which become the training mean. Text columns are categories, numbered by the
    training split; missing and unknown ones share a number of their own. A column that could be either is refused, with
    the key that says what it is; `hornbook check --load-data` shows what each column is. Hornbook, on polars.

    Example:
        data: {name: table, path: houses.csv, target: price, drop: [id]}
    """

    name: Literal["table"] = "table"
    builds = "hornbook.data.sources.table:load_table"
    has_split_column: ClassVar[bool] = True
    reads_by_budget: ClassVar[bool] = True
    reads_targets_apart: ClassVar[bool] = True
    path_fields: ClassVar[frozenset[str]] = frozenset({"path", "validation_path", "test_path"})

    target: str | Names
    """Target column, or several: 0/1 columns are labels (multilabel), others numbers to predict together. With `heads` it
    may be omitted: each head names its own."""
    columns: Names | dict[str, Type] | None = None
    """Feature columns: a list, or a mapping to types. Omitted: all that are not target or dropped."""
    types: dict[str, Type] | None = None
    """Types of single columns: `number`, `category`, `text`, `date` (days since 2000), `{date: [month]}`: its parts, or
    `picture`: paths of picture files, relative to the table's own folder."""
    pictures: PictureReading | None = None
    """How the pictures of such columns are read: `{size: 64, channels: 3, fit: crop, background: white}`."""
    weight: str | None = None
    """Column of each row's weight in loss and metrics, a number of at least 0; it is no feature."""
    missing_targets: Literal["drop"] | None = None
    """`drop`: leave out rows without a target, and say how many; omitted: refuse them."""
    drop: Names | None = None
    """Columns that are no features."""
    reading: Literal["strict", "loose"] | None = None
    """Whether columns that can be read in several ways are refused, as usual; or guessed (`loose`), as in early runs."""
    text: TextSettings | None = None
    """Which tokens columns of texts become; omitted: words, see `text_folder`."""
    validation_path: FileNames | None = None
    """File, pattern or list with the same columns: the validation set."""
    test_path: FileNames | None = None
    """File, pattern or list with the same columns: the test set."""

    def load_source(self, *, seed: int, memory_budget: int | None = None, apart: bool = False) -> Any:
        """Return the table as a `hornbook.data.Source`, read in parts where it exceeds the budget.

        Args:
            seed: The recipe's seed.
            memory_budget: Bytes.
            apart: Whether targets are wanted as a mapping of columns by name, in place of one array.

        Raises:
            DataError: If the data is missing or malformed.
        """
        return resolve_target(self.builds)(self, seed=seed, memory_budget=memory_budget, apart=apart)

    @property
    def task_hint(self) -> Any:  # type: ignore[override]  # of the class for other sources
        """`regression` where the recipe calls each target a number."""
        return "regression" if all((self.types or {}).get(name) == "number" for name in self.target_columns) else None

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns that the recipe calls texts."""
        return tuple(name for name, type_ in self.declared_types.items() if type_ == "text")

    @property
    def data_kind(self) -> Any:  # type: ignore[override]  # of the class for other sources
        """`table`, or unknown where columns are texts, which may be all that is read."""
        return None if self.text_columns else "table"

    @property
    def declared_types(self) -> dict[str, Type]:
        """Types of the columns for which the recipe gives one."""
        listed: dict[str, Any] = dict(self.columns) if isinstance(self.columns, dict) else {}
        return {**listed, **(self.types or {})}

    @property
    def picture_columns(self) -> tuple[str, ...]:
        """The columns of paths of pictures."""
        return tuple(name for name, type_ in self.declared_types.items() if type_ == "picture")

    @property
    def known_blocks(self) -> dict[str, str]:  # type: ignore[override]  # of the class for other sources
        """What stands beside the columns."""
        return dict.fromkeys(self.picture_columns, "picture")

    def may_mix(self, column: str) -> bool:
        """Return whether a column may hold numbers in one file and texts in another: a category, or one that is unread."""
        others = {*self.target_columns, self.weight, self.split.column if self.split else None}
        is_unread = column in (self.drop or ()) or (self.columns is not None and column not in {*self.columns, *others})
        return is_unread or self.declared_types.get(column) in {"category", "text"}

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield columns with two roles."""
        split_column = self.split.column if self.split else None
        roles = dict.fromkeys(self.target_columns, "the target")
        if split_column is not None:
            if split_column in roles:
                message = f"column '{split_column}' is the target."
                yield Problem((*path, "split", "column"), message, "Split by another column.", code="data-columns")
            roles[split_column] = "what the split goes by"
        if self.weight is not None:
            if self.weight in roles:
                message = f"column '{self.weight}' is {roles[self.weight]} already."
                yield Problem((*path, "weight"), message, "Weigh by another column.", code="data-columns")
            roles[self.weight] = "the rows' weight"
        for key in ("columns", "types", "drop"):
            for column in getattr(self, key) or ():
                if key == "types" and column in self.target_columns:
                    yield from self._target_type(column, task, path)
                elif column in roles:
                    message = f"column '{column}' is {roles[column]} already."
                    yield Problem((*path, key), message, "Remove it here.", code="data-columns")
        for column in self.columns or ():
            if column in (self.drop or ()):
                message = f"column '{column}' is also in 'columns'."
                yield Problem((*path, "drop"), message, "Remove one of the two.", code="data-columns")
        yield from self._idle_keys(path)
        yield from self.reading_problems(path)
        if self.text is not None and not self.text_columns:
            message = "is about columns of texts, and none is called so."
            hint = "Say which is (types: {review: text}), or remove it."
            yield Problem((*path, "text"), message, hint, code="data-columns")

    def _target_type(self, column: str, task: str | None, path: Path) -> Iterator[Problem]:
        """A target may be called a number, where its values need the word."""
        type_ = (self.types or {})[column]
        if type_ not in {"number", "category"}:
            message = f"the target '{column}' cannot be a {type_ if isinstance(type_, str) else 'date'}."
            yield Problem((*path, "types", column), message, "Give it as a number.", code="data-columns")
        elif type_ == "category":
            message = f"the target '{column}' is told apart by the task."
            yield Problem((*path, "types", column), message, "Say 'task: multiclass'.", code="data-columns")
        elif task not in {None, "regression"}:
            message = f"the target '{column}' is a number, but the task is {task}."
            yield Problem((*path, "types", column), message, "Remove one of the two.", code="data-columns")

    def _idle_keys(self, path: Path) -> Iterator[Problem]:
        """Keys that could have no effect, or lack another."""
        if self.picture_columns and self.pictures is None:
            message = f"the pictures of '{self.picture_columns[0]}' need a size that all of them get."
            hint = "Write for instance 'pictures: {size: 64}'."
            yield Problem(
                (*path, "columns" if isinstance(self.columns, dict) else "types"), message, hint, code="data-columns"
            )
        elif self.pictures is not None and not self.picture_columns:
            message, hint = "no column holds pictures.", "Name one: 'types: {photo: picture}'. Or remove it."
            yield Problem((*path, "pictures"), message, hint, code="data-columns")
        for column in self.types or ():
            if column in self.target_columns:
                continue
            if column in (self.drop or ()) or (self.columns is not None and column not in self.columns):
                message = f"column '{column}' is no feature, so its type means nothing."
                yield Problem((*path, "types"), message, "Remove it.", code="data-columns")
            elif isinstance(self.columns, dict):
                yield Problem((*path, "types"), "'columns' gives types already.", "Keep one.", code="data-columns")
