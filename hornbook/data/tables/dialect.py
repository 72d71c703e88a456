"""How the fields of a table are written: what a recipe says, and what a run records so that prediction reads alike."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hornbook.recipes.sources.table import Table, TableFiles

__all__ = ["Dialect"]

DEFAULT_MISSING: tuple[str, ...] = Table.model_fields["missing"].default


@dataclass(frozen=True)
class Dialect:
    """How a table's fields are written.

    Attributes:
        missing: Texts that mean a missing value, and numbers too where they are such.
        separator: Between fields; None finds it in each file.
        decimal: The decimal mark of numbers.
        thousands: What groups their digits, or None.
        encoding: Of text files.
        heading: Names of the columns of files without a heading, or None.
        sheet: Of a workbook; None for the first.
        signs: Columns of numbers with a currency or percent, which each value of the column has; empty text for none.
        dates: Columns of dates, and how they are written; empty text for those that had a type of their own.
        is_loose: Whether columns are guessed, as early runs did.
    """

    missing: tuple[str, ...] = DEFAULT_MISSING
    separator: str | None = None
    decimal: str = "."
    thousands: str | None = None
    encoding: str = "utf-8"
    heading: tuple[str, ...] | None = None
    sheet: str | None = None
    signs: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    is_loose: bool = False

    @classmethod
    def of_spec(cls, spec: TableFiles) -> "Dialect":
        """Return what a recipe says."""
        return cls(
            missing=spec.missing,
            separator=spec.separator,
            decimal=spec.decimal,
            thousands=spec.thousands,
            encoding=spec.encoding,
            heading=spec.heading,
            sheet=spec.sheet,
            is_loose=isinstance(spec, Table) and spec.reading == "loose",
        )

    @classmethod
    def of_run(cls, extra: Mapping[str, Any]) -> "Dialect":
        """Return what a run recorded; one on a table that recorded nothing about how it reads is an early one."""
        heading = extra.get("heading")
        return cls(
            missing=tuple(extra.get("missing") or DEFAULT_MISSING),
            separator=extra.get("separator"),
            decimal=extra.get("decimal", "."),
            thousands=extra.get("thousands"),
            encoding=extra.get("encoding", "utf-8"),
            heading=tuple(heading) if heading else None,
            sheet=extra.get("sheet"),
            signs=extra.get("signs", {}),
            dates=extra.get("dates", {}),
            is_loose="missing" in extra and extra.get("reading") != "strict",
        )

    def recorded(self) -> dict[str, Any]:
        """Return what a run records, of JSON's types: what `of_run` reads."""
        return {
            "reading": "loose" if self.is_loose else "strict",
            "missing": list(self.missing),
            "separator": self.separator,
            "decimal": self.decimal,
            "thousands": self.thousands,
            "encoding": self.encoding,
            "heading": list(self.heading) if self.heading else None,
            **({"sheet": self.sheet} if self.sheet is not None else {}),
            "signs": dict(self.signs),
            **({"dates": dict(self.dates)} if self.dates else {}),
        }

    @property
    def is_plain(self) -> bool:
        """Whether numbers are written as in programs."""
        return self.decimal == "." and self.thousands is None

    @property
    def grouping(self) -> str:
        """What groups digits, as a class of a regular expression: all spaces are one, and both apostrophes."""
        mark = self.thousands or ""
        alike = {" ": " \u00a0\u202f", "'": "'’"}.get(mark, re.escape(mark))
        return f"[{alike}]" if mark else ""

    @property
    def number(self) -> str:
        """What a number of this notation looks like, as a regular expression."""
        mark, group = re.escape(self.decimal), self.grouping
        whole = rf"(?:\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}}|\d+)" if group else r"\d+"
        return rf"^[+-]?(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?$"

    @property
    def missing_numbers(self) -> list[float]:
        """Numbers that mean a missing value."""
        numbers = []
        for text in self.missing:
            try:
                numbers.append(float(text))
            except ValueError:
                continue
        return [number for number in numbers if math.isfinite(number)]
