"""What a recipe's data holds, in words: `hornbook check --load-data`."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hornbook.data.source import Splits
from hornbook.data.targets.leaks import leaking_column
from hornbook.data.windows.source import describe_windows
from hornbook.errors import DataError
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sources.table import Table

if TYPE_CHECKING:
    from hornbook.data.tables.overview import ColumnLine

__all__ = ["Survey", "survey"]


@dataclass(frozen=True)
class Survey:
    """What reading the data has shown.

    Attributes:
        summary: The examples in one line; None where they cannot be used.
        spans: First and last moment of each split by time.
        columns: What becomes of each column of a table; none where the file cannot be read.
        pictures: Lines about picture files: their kinds and sizes, what was converted, the classes of each split.
        texts: Lines about columns of texts: vocabulary, lengths, what was cut.
    """

    summary: str | None
    spans: dict[str, tuple[str, str]]
    columns: "tuple[ColumnLine, ...]"
    pictures: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


def survey(recipe: Recipe, splits: Splits | None) -> Survey:
    """Return what the data of a recipe shows; splits are None where it cannot be used."""
    columns: tuple[ColumnLine, ...] = ()
    if isinstance(recipe.data, Table):
        from hornbook.data.tables.overview import overview  # polars: a tenth of a second and 30 MB

        try:
            columns = tuple(overview(recipe.data))
        except DataError:
            columns = ()  # the probe says why
    if splits is None:
        return Survey(None, {}, columns)
    info = splits.info
    leak = leaking_column(splits)
    if leak is not None:
        name, best, following = leak
        skill = f"skill {best:.3f} of 1, the next best column {following:.3f}"
        note = f"a leak: tells the target by itself ({skill}): is it known before the target is?"
        columns = tuple(replace(each, notes=(*each.notes, note)) if each.name == name else each for each in columns)
    pictures, texts = tuple(info.describe_pictures(every_class=True)), tuple(info.describe_texts())
    more = "; ".join(filter(None, [f"{info.name}: {info.describe()}", describe_windows(info)]))
    return Survey(more, info.extra.get("spans", {}), columns, pictures, texts)
