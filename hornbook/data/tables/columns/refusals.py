"""Why a column of a table is refused, and what to do: the sentences of the rule."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from hornbook.data.tables.notation import NUMBER_LIKE, in_list, notation_keys, yaml_text

__all__ = ["Used", "date_refusal", "many_refusal", "not_plain", "picture_refusal", "unit_refusal"]

FEW_PLACEHOLDERS = 3  # so many different texts among numbers may stand for a missing value
SAMPLE = 1000  # values looked at to word a message
Used = Callable[[], Sequence[str]]


def unit_refusal(present: pl.Series) -> str:
    """Return what to do with numbers that have a unit."""
    name = present.name
    return (
        f"column '{name}' holds numbers with a unit ('{present[0]}'). To read numbers say so "
        f"(types: {{{yaml_text(name)}: number}}); for categories: types: {{{yaml_text(name)}: category}}."
    )


def not_plain(values: pl.Series, wrong: pl.Series, used: Used, *, is_declared: bool, is_loose: bool) -> str:
    """Return why a column with texts that are no numbers in the table's notation is refused, and what to do.

    Args:
        values: A plain column.
        wrong: Which of its values are no numbers.
        used: Gives the texts that mean a missing value, and that the table holds.
        is_declared: Whether the recipe says that it holds numbers.
        is_loose: Whether columns are guessed, as early runs did.
    """
    name = values.name
    alike = wrong & values.str.contains(NUMBER_LIKE).fill_null(value=False)
    texts = wrong & ~alike
    category = "" if is_declared else f"types: {{{yaml_text(name)}: category}}"
    if alike.any() and not is_loose:
        row, count = int(np.flatnonzero(alike.to_numpy())[0]), int(alike.sum())
        what, advice = notation_keys(values.filter(alike).head(SAMPLE).to_list(), None if is_declared else name)
        others = f" (and {count - 1:,} more)" if count > 1 else ""
        rest = f"; for categories: {category}." if category else "."
        return f"column '{name}': {values[row]!r} in row {row + 1:,} is a number with {what}{others}. {advice}{rest}"
    row, count = int(np.flatnonzero(texts.to_numpy())[0]), int(texts.sum())
    others = f" (and {count - 1:,} more)" if count > 1 else ""
    different = values.filter(texts).unique().sort().to_list()
    start = f"column '{name}': {values[row]!r} in row {row + 1:,} is no number{others}."
    if len(different) > FEW_PLACEHOLDERS:
        return f"{start} Repair it" + (f", or say that they are categories ({category})." if category else ".")
    advice = f"If it means a missing value, say so (missing: {in_list([*different, *used()])})"
    return f"{start} {advice}" + (f"; if all are categories: {category}." if category else ".")


def date_refusal(values: pl.Series) -> str:
    """Return what to do with dates or times."""
    name = values.name
    return (
        f"column '{name}' holds dates or times ('{values.drop_nulls()[0]}'). To read them as numbers say so (types: "
        f"{{{yaml_text(name)}: date}}, or {{date: [month, weekday]}}); otherwise drop it (drop: [{yaml_text(name)}])."
    )


def picture_refusal(present: pl.Series) -> str:
    """Return what to do with names of pictures."""
    name = yaml_text(present.name)
    return (
        f"column '{present.name}' names picture files ('{present[0]}'). To read them beside other columns say so (types: "
        f"{{{name}: picture}}, pictures: {{size: 64}}); to train on them alone use 'data: {{name: image_list, file: {name}, "
        f"…}}'; otherwise drop it (drop: [{name}])."
    )


def many_refusal(name: str, looks: str, num_categories: int, num_rows: int) -> str:
    """Return what to do with texts that are nearly all different; `looks` is ``text`` or ``identifier``."""
    start = f"column '{name}' has {num_categories:,} different texts in {num_rows:,} rows, which looks like"
    if looks == "text":
        return (
            f"{start} free text. To read its words say so (types: {{{yaml_text(name)}: text}}); otherwise drop it (drop: "
            f"[{yaml_text(name)}]), or read it as categories (types: {{{yaml_text(name)}: category}})."
        )
    return (
        f"{start} an identifier. Drop it (drop: [{yaml_text(name)}]), or say what it is (types: "
        f"{{{yaml_text(name)}: category}}; text: types: {{{yaml_text(name)}: text}})."
    )
