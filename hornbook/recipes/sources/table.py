"""Tables of your own, in CSV or Parquet files."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from hornbook.errors import Path, Problem
from hornbook.recipes.language.spec import as_tuple, register
from hornbook.recipes.sources.common import Names, Stored

__all__ = ["ColumnType", "Table"]

ColumnType = Literal["number", "category"]
FileName = Annotated[str, Field(min_length=1)]


@register
class Table(Stored):
    """A table in a CSV or Parquet file, one row per example, with one or more target columns.

    Number columns may have missing values, which become the training mean. Text columns are categories, numbered by the
    training split; missing and unknown ones share a number of their own. Hornbook, on polars.

    Example:
        data: {name: table, path: houses.csv, target: price, drop: [id]}
    """

    name: Literal["table"] = "table"
    builds = "hornbook.data.sources.table:load_table"
    data_kind = "table"
    has_split_column: ClassVar[bool] = True
    path_fields: ClassVar[frozenset[str]] = frozenset({"path", "test_path"})

    path: FileName
    """The file (.csv, .tsv, .txt or .parquet), relative to the current folder."""
    target: str | Names
    """Target column, or several: 0/1 columns are labels (multilabel), others numbers to predict together."""
    columns: Names | dict[str, ColumnType] | None = None
    """Feature columns: a list, or a mapping to `number` or `category`. Omitted: all that are not target or dropped."""
    types: dict[str, ColumnType] | None = None
    """Types of single columns, where the values alone mislead (a zip code is a category)."""
    drop: Names | None = None
    """Columns that are no features."""
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Character between the fields of a CSV file; a comma when omitted (a tab for .tsv)."""
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
    """Texts that mean a missing value."""
    test_path: FileName | None = None
    """A second file with the same columns: the test set."""

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The target columns as a tuple."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def declared_types(self) -> dict[str, ColumnType]:
        """Types of the columns for which the recipe gives one."""
        listed: dict[str, Any] = dict(self.columns) if isinstance(self.columns, dict) else {}
        return {**listed, **(self.types or {})}

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield columns with two roles."""
        split_column = self.split.column if self.split else None
        roles = dict.fromkeys(self.target_columns, "the target")
        if split_column is not None:
            if split_column in roles:
                message = f"column '{split_column}' is the target."
                yield Problem((*path, "split", "column"), message, "Split by another column.", code="data-columns")
            roles[split_column] = "what the split goes by"
        for key in ("columns", "types", "drop"):
            for column in getattr(self, key) or ():
                if column in roles:
                    message = f"column '{column}' is {roles[column]} already."
                    yield Problem((*path, key), message, "Remove it here.", code="data-columns")
        for column in self.columns or ():
            if column in (self.drop or ()):
                message = f"column '{column}' is also in 'columns'."
                yield Problem((*path, "drop"), message, "Remove one of the two.", code="data-columns")
        yield from self._idle_keys(path)

    def _idle_keys(self, path: Path) -> Iterator[Problem]:
        """Keys that could have no effect."""
        for column in self.types or ():
            if column in (self.drop or ()) or (self.columns is not None and column not in self.columns):
                message = f"column '{column}' is no feature, so its type means nothing."
                yield Problem((*path, "types"), message, "Remove it.", code="data-columns")
            elif isinstance(self.columns, dict):
                yield Problem((*path, "types"), "'columns' gives types already.", "Keep one.", code="data-columns")
        if self.separator is not None and self.path.lower().endswith((".parquet", ".pq")):
            message = "a Parquet file has no separators."
            yield Problem((*path, "separator"), message, "Remove it.", code="data-columns")
