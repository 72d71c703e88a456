"""Your own data: NumPy files, tables in CSV or Parquet, and arrays passed in Python."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from hornbook.errors import Path, Problem
from hornbook.recipes.language.spec import register
from hornbook.recipes.sources.common import Names, Stored, as_tuple

__all__ = ["Arrays", "ColumnType", "Npy", "Npz", "Table"]

ColumnType = Literal["number", "category"]
FileName = Annotated[str, Field(min_length=1)]
KnownKind = Literal["image", "table", "sequence", "tokens"]


@register
class Npz(Stored):
    """Arrays in a NumPy .npz file, written with `numpy.savez(path, x=…, y=…)`.

    For data of your own that is prepared in Python. Understands the keys x and y, or x_train and y_train with optional
    x_validation, y_validation, x_test, y_test. What the inputs are follows from their shape: (N, H, W, C) images, (N, H, W)
    of bytes grey images, (N, T, F) sequences, (N, F) a table; `input_kind` overrides it. Inputs above the memory budget are
    read from the file while training, unless it is compressed (`numpy.savez_compressed`). Pickled objects are refused.
    NumPy documentation, `numpy.lib.format`.

    Example:
        data: {name: npz, path: measurements.npz, inputs: x, targets: y}
    """

    name: Literal["npz"] = "npz"
    builds: ClassVar[str | None] = "hornbook.data.sources.arrays:load_npz"
    has_split_column: ClassVar[bool] = True
    path_fields: ClassVar[frozenset[str]] = frozenset({"path"})

    path: FileName
    """The file, relative to the current folder."""
    inputs: str | None = None
    """Name of the array of inputs; x or x_train when omitted."""
    targets: str | None = None
    """Name of the array of targets; y or y_train when omitted."""
    test_inputs: str | None = None
    """Name of the array of test inputs; x_test, if there is one, when omitted."""
    test_targets: str | None = None
    """Name of the array of test targets; y_test, if there is one, when omitted."""
    input_kind: KnownKind | None = None
    """What the inputs are, where their shape does not say it: whole numbers in rows may be `tokens`."""
    class_names: Names | None = None
    """Names of the classes 0, 1, …"""

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield the shared problems, and a test set of which only half is named."""
        yield from super().problems(task=task, path=path)
        yield from _half_a_test_set(self, path)


@register
class Npy(Stored):
    """Arrays in NumPy .npy files of their own, written with `numpy.save(path, x)`.

    For data that does not fit into memory: a .npy file can be written in pieces (`numpy.lib.format.open_memmap`), and
    inputs above the memory budget are read from it while training. What the inputs are follows from their shape, as in
    `npz`. Pickled objects are refused. NumPy documentation, `numpy.lib.format`.

    Example:
        data: {name: npy, inputs: x.npy, targets: y.npy}
    """

    name: Literal["npy"] = "npy"
    builds: ClassVar[str | None] = "hornbook.data.sources.arrays:load_npy"
    path_fields: ClassVar[frozenset[str]] = frozenset({"inputs", "targets", "test_inputs", "test_targets"})

    inputs: FileName
    """The file of inputs, one example per row, relative to the current folder."""
    targets: FileName
    """The file of targets."""
    test_inputs: FileName | None = None
    """A file of test inputs; with `test_targets`."""
    test_targets: FileName | None = None
    """A file of test targets; with `test_inputs`."""
    input_kind: KnownKind | None = None
    """What the inputs are, where their shape does not say it: whole numbers in rows may be `tokens`."""
    class_names: Names | None = None
    """Names of the classes 0, 1, …"""

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield the shared problems, and a test set of which only half is named."""
        yield from super().problems(task=task, path=path)
        yield from _half_a_test_set(self, path)


def _half_a_test_set(spec: Npz | Npy, path: Path) -> Iterator[Problem]:
    if (spec.test_inputs is None) != (spec.test_targets is None):
        given, other = ("test_inputs", "test_targets") if spec.test_inputs else ("test_targets", "test_inputs")
        yield Problem((*path, given), f"'{other}' is missing.", "Name both or neither.", code="data-columns")


@register
class Table(Stored):
    """A table in a CSV or Parquet file, one row per example, with one or more target columns.

    Number columns may have missing values, which become the training mean. Text columns are categories, numbered by the
    training split; missing and unknown ones share a number of their own. Hornbook, on polars.

    Example:
        data: {name: table, path: houses.csv, target: price, drop: [id]}
    """

    name: Literal["table"] = "table"
    builds: ClassVar[str | None] = "hornbook.data.sources.table:load_table"
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
        """Yield the shared problems, and columns with two roles."""
        yield from super().problems(task=task, path=path)
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


@register
class Arrays(Stored):
    """Arrays passed in Python: `hornbook.train(recipe, data=(x, y))`.

    Names in a recipe that its data is not in a file; the shared keys (split, classes, limit …) apply to the arrays. Cannot
    be loaded from the command line. Hornbook.

    Example:
        data: {name: arrays, split: {validation: 0.2}}
    """

    name: Literal["arrays"] = "arrays"
    builds: ClassVar[str | None] = "hornbook.data.sources.arrays:refuse_to_load"
    has_split_column: ClassVar[bool] = True
