"""Pictures of your own, in files: a folder for each class, or a list of files with their targets."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hornbook.errors import Path, Problem
from hornbook.recipes.language.spec import register
from hornbook.recipes.sources.common import Encoding, Names, Stored
from hornbook.recipes.sources.decoding import PictureReading

__all__ = ["ImageFolder", "ImageList", "Pictures"]

FileName = Annotated[str, Field(min_length=1)]


class Pictures(PictureReading, Stored):
    """The keys that all sources of picture files share."""

    data_kind = "image"
    reads_in_threads: ClassVar[bool] = True
    largest_input: ClassVar[float | None] = 255.0

    unreadable: Literal["error", "skip"] = "error"
    """Whether files that cannot be read are an error that names them all, or are left out and named."""
    duplicates: Literal["report", "together"] = "report"
    """Pictures that are the same, or nearly, in two splits: named in a warning, or kept together in one split."""

    @property
    def known_input_size(self) -> int | None:  # type: ignore[override]  # of the class for other sources
        """Numbers of a picture."""
        height, width = self.height_and_width
        return height * width * self.channels

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield two answers to what stays together."""
        method = self.split.method if self.split is not None else None
        if self.duplicates == "together" and method in {"group", "time"}:
            message = f"split.method '{method}' says already which pictures stay together."
            yield Problem((*path, "duplicates"), message, "Use 'report', or another method.", code="data-split")


@register
class ImageFolder(Pictures):
    """Pictures in folders: one folder for each class; or `train`, `validation` and `test` with such folders in them.

    Reads JPEG, PNG, GIF (its first frame), BMP, WebP, TIFF and PPM of any size and kind; what was converted is said. The
    classes are in the order of the folders' names. `validation` may also be called `val` or `valid`. Pixels are decoded
    once and kept in a cache (HORNBOOK_CACHE, else ~/.cache/hornbook), which `hornbook runs prune` frees. Hornbook, on
    Pillow.

    Example:
        data: {name: image_folder, path: flowers, size: [96, 96]}
    """

    name: Literal["image_folder"] = "image_folder"
    builds = "hornbook.data.sources.pictures:load_image_folder"
    path_fields: ClassVar[frozenset[str]] = frozenset({"path"})

    path: FileName
    """The folder, relative to the current one."""

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield a task for which folders are no targets."""
        yield from super().problems(task=task, path=path)
        if task in {"regression", "multilabel"}:
            message = f"folders are classes, but the task is {task}."
            yield Problem((*path, "name"), message, "Use 'image_list', or remove 'task'.", code="data-classes")


@register
class ImageList(Pictures):
    """Pictures that a table lists, with targets of any kind: classes, several labels, one number or several.

    The table is a CSV or Parquet file with a column of paths, relative to the table's own folder, and target columns as of
    `table`. Pictures are read as by `image_folder`. Hornbook, on Pillow and polars.

    Example:
        data: {name: image_list, path: labels.csv, file: path, target: price, size: 96, fit: pad}
    """

    name: Literal["image_list"] = "image_list"
    builds = "hornbook.data.sources.pictures:load_image_list"
    has_split_column: ClassVar[bool] = True
    path_fields: ClassVar[frozenset[str]] = frozenset({"path"})

    path: FileName
    """The table (.csv, .tsv, .txt or .parquet), relative to the current folder."""
    file: Annotated[str, Field(min_length=1)] = "file"
    """The column with the pictures' paths."""
    target: str | Names
    """Target column, or several: 0/1 columns are labels (multilabel), others numbers to predict together."""
    weight: Annotated[str, Field(min_length=1)] | None = None
    """A column of each picture's weight in loss and metrics, a number of at least 0."""
    splits: Annotated[str, Field(min_length=1)] | None = None
    """A column that says of each picture whether it is for `train`, `validation` (`val`, `valid`) or `test`."""
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Character between the fields of a CSV file; omitted: the only one that splits all rows alike."""
    encoding: Encoding = "utf-8"
    """How the text of a CSV file is encoded, by Python's names."""

    @property
    def target_columns(self) -> tuple[str, ...]:
        """The target columns as a tuple."""
        return (self.target,) if isinstance(self.target, str) else self.target

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield columns with two roles."""
        yield from super().problems(task=task, path=path)
        roles = {self.file: "the pictures' paths"}
        column = self.split.column if self.split is not None else None
        named = [
            ("splits", self.splits),
            ("split.column", column),
            ("weight", self.weight),
            *(("target", name) for name in self.target_columns),
        ]
        for key, name in named:
            if name in roles:
                message = f"column '{name}' is {roles[name]} already."
                yield Problem((*path, *key.split(".")), message, "Name another one.", code="data-columns")
            elif name is not None:
                roles[name] = f"the column of '{key}'"
        if self.splits is not None and self.split is not None and self.split.folds is not None:
            message = "the list says itself which pictures are for the test."
            yield Problem((*path, "splits"), message, "Remove it, or 'folds' and 'fold'.", code="data-split")
