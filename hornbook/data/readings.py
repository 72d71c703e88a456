"""What is asked of a file beside its inputs, and what it then holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hornbook.data.storage.rows import Array, Inputs

__all__ = ["Examples", "Future", "Reading"]


@dataclass(frozen=True)
class Reading:
    """What is asked of a file beside its inputs.

    Attributes:
        array: Name of the array of inputs in a .npz file.
        preferred: Names of that array to look for first, where none is given.
        keep: Columns of a table, or arrays of a .npz file, to return as they are.
        targets: Columns of the targets, or names of their array to look for first; None: targets are not read.
        weight: Column of a table that weighs the rows, or array of a .npz file, which is kept like others if it is there.
        drops_unlabeled: Whether rows without a target are left out, where targets are read.
        missing: ``fill`` missing numbers, or ``skip`` rows with missing values; None refuses them where training had none.
        means: What to fill with: the training mean of each column.
        file_column: Which column of a list names picture files.
        scale: What a model of pictures divides its inputs by.
        folder: Where the pictures lie that a table names; None: beside the table.
    """

    array: str | None = None
    preferred: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    targets: tuple[str, ...] | None = None
    weight: str | None = None
    drops_unlabeled: bool = False
    missing: Literal["fill", "skip"] | None = None
    means: Array | None = None
    file_column: str = "file"
    scale: float | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Future:
    """The rows that a forecast is of: those after a file's series, step by step.

    Attributes:
        time: The column of times.
        times: (S·H,) texts, series by series.
        series: The column that tells series apart, or None.
        names: (S·H,) the series' names, or None.
        horizon: H, steps of each series.
        targets: Columns that are predicted.
    """

    time: str
    times: Sequence[str]
    series: str | None
    names: Sequence[str] | None
    horizon: int
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Examples:
    """What a file holds.

    Attributes:
        x: Inputs (N, …) of the model's type.
        y: Targets (N,) or (N, K) as they stand in the file; None unless they were asked for.
        kept: Values (N,) of what was to be kept, by name.
        notes: Sentences that the user should read.
        weights: (N,) float32 what each example counts; None where all count alike.
        has_gap: (N,) whether the row lacks a value that each training example has, and is to be skipped for it.
        future: Of series whose last windows these are: the rows that follow.
    """

    x: Inputs
    y: Array | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    weights: Array | None = None
    has_gap: Array | None = None
    future: Future | None = None
