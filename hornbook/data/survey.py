"""What a recipe's data holds, and what only the data can tell about the recipe: `hornbook check --load-data`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hornbook.data.load import load_data
from hornbook.errors import DataError, Problem, RecipeError
from hornbook.recipes.load import locate
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.resolve import resolve
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
        columns: What becomes of each column of a table.
        problems: What is wrong or unwise, placed in the recipe's text.
    """

    summary: str | None
    spans: dict[str, tuple[str, str]]
    columns: "tuple[ColumnLine, ...]"
    problems: tuple[Problem, ...]


def survey(recipe: Recipe) -> Survey:
    """Read a recipe's data and return what it shows. Data that cannot be used is a problem, not an error."""
    columns: tuple[ColumnLine, ...] = ()
    summary, spans = None, {}
    try:
        if isinstance(recipe.data, Table):
            from hornbook.data.tables.overview import overview  # polars: a tenth of a second and 30 MB

            columns = tuple(overview(recipe.data))
        splits = load_data(recipe).splits
        summary = f"{splits.info.name}: {splits.info.describe()}"
        spans = splits.info.extra.get("spans", {})
        problems = [Problem(("data",), text, severity="warning", code="data") for text in splits.info.warnings]
        _, found = resolve(recipe, splits.info, is_standardized=splits.preprocessing.variance is not None)
        problems += found
    except RecipeError as error:
        problems = list(error.problems)
    except DataError as error:
        problems = [Problem(("data",), str(error), code="data")]
    placed = locate(problems, recipe.document) if recipe.document is not None else problems
    return Survey(summary, spans, columns, tuple(placed))
