"""Series in time, cut into windows and what follows each: of a table, or drawn from a seed."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from hornbook.errors import Path, Problem
from hornbook.recipes.language.spec import PositiveInt, register
from hornbook.recipes.sources.common import DataSpec, Names
from hornbook.recipes.sources.table import DateParts, TableFiles

__all__ = ["STEP", "Windowed", "Windows"]

STEP = re.compile(r"\s*([1-9][0-9]*)\s*(s|seconds?|min|minutes?|h|hours?|d|days?|w|weeks?|months?|years?)\s*")
"""A step in time as people write it."""
Season = Annotated[int, Field(ge=2)]
SPLIT_KEYS = ("column", "format", "folds", "fold", "seed")
"""Keys of a split that mean nothing where it is by time alone."""


class Windowed(DataSpec):
    """The keys of sources that cut series in time into windows: so many steps as inputs, those after them as targets.

    Splits follow each other in time, and no step of one is in another: windows that lie across a border are left out.
    """

    data_kind = "sequence"
    task_hint = "regression"
    divides_itself: ClassVar[bool] = True

    window: PositiveInt
    """Steps that the network sees."""
    horizon: PositiveInt = 1
    """Steps after the window that are predicted, each a target of its own."""
    stride: PositiveInt = 1
    """Steps from one window to the next."""
    calendar: DateParts | None = None
    """Parts of each step's date and time as further inputs: `[hour, weekday]`; those that repeat are a sine and a cosine."""
    season: Season | None = None
    """Steps after which the series repeats, for the seasonal baseline; omitted: a day of hours or minutes, a week of days, a
    year of weeks, months or quarters."""
    scaling: Literal["global", "series"] = "global"
    """Whether inputs and targets are standardized by the mean and deviation of all series, or each by its own; both are of
    the training split alone, and inside the model."""

    @property
    def series_column(self) -> str | None:
        """The column that tells series apart; None where there is one series."""
        return None

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield splits that are not by time, tasks that predict no numbers, and seasons that no window holds."""
        if task not in {None, "regression"}:
            message = f"what follows a window are numbers, but the task is {task}."
            yield Problem(("task",), message, "Remove it.", code="windows")
        if self.split is not None:
            place = (*path, "split")
            if self.split.method not in {None, "time"}:
                message = (
                    f"windows are split by time, so that none is predicted from its future, not '{self.split.method}'."
                )
                yield Problem((*place, "method"), message, "Remove it.", code="windows")
            for key in SPLIT_KEYS:
                if getattr(self.split, key) is not None:
                    message = "means nothing where the splits follow each other in time."
                    yield Problem((*place, key), message, "Remove it.", code="windows")
        if self.season is not None and self.season > self.window:
            message = f"no window of {self.window} steps holds a season of {self.season}, which the baseline repeats."
            yield Problem((*path, "season"), message, f"Remove it, or use 'window: {self.season}'.", code="windows")
        if self.scaling == "series" and self.series_column is None:
            message = "there is one series only, so that its own scale is the scale of all."
            yield Problem((*path, "scaling"), message, "Remove it, or name the column: 'series'.", code="windows")


@register
class Windows(Windowed, TableFiles):
    """Series in a table, a row per step and series, cut into windows; the network predicts what follows each.

    Rows are sorted by time. The step is the commonest one; windows across gaps and rows without a value are left out
    (it is said how many); a time that is there twice is refused. `split` counts steps in time: the last 20 % are the
    test split, the last 10 % of the rest validation, the same for all series. `predict` continues the series of a file.
    Hornbook; Géron, "Hands-On Machine Learning", ch. 15.

    Example:
        data: {name: windows, path: load.csv, time: hour, target: load, window: 168, horizon: 24}
    """

    name: Literal["windows"] = "windows"
    builds = "hornbook.data.sources.windows:load_windows"

    time: str
    """Column of dates, times or numbers that says when each row was."""
    series: str | None = None
    """Column that tells several series apart; omitted: there is one."""
    inputs: Names | None = None
    """Number columns that the network sees; omitted: the targets' own past."""
    frequency: str | float | None = None
    """The step from a row to the next: `15 minutes`, `1 hour`, `1 day`, `1 month`, or a number where `time` holds numbers;
    omitted: the commonest."""
    format: Annotated[str, Field(pattern="%")] | None = None
    """How times are written, where they can be read in several ways: `'%m/%d/%Y'` (codes of strptime)."""

    @field_validator("frequency", mode="before")
    @classmethod
    def _is_step(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            if value <= 0:
                raise ValueError(f"a step is above 0, found {value}")
            return float(value)
        if value is not None and not (isinstance(value, str) and STEP.fullmatch(value)):
            raise ValueError(
                f"expected a step such as '1 hour', '15 minutes', '1 day', '1 month' or 0.5, found {value!r}"
            )
        return value

    @property
    def series_column(self) -> str | None:
        """The column that tells series apart."""
        return self.series

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The number columns that the network sees."""
        return self.target_columns if self.inputs is None else self.inputs

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield what `Windowed` does, and columns with two roles."""
        yield from super().problems(task=task, path=path)
        if self.series == self.time:
            message = f"column '{self.time}' is the time already."
            yield Problem((*path, "series"), message, "Name the column that tells series apart.", code="data-columns")
        roles = {self.series: "what tells series apart", self.time: "the time"}
        hints = {"target": "Predict another column.", "inputs": "Remove it here; 'calendar' makes inputs of the time."}
        for key, columns in (("target", self.target_columns), ("inputs", self.inputs or ())):
            for column in dict.fromkeys(columns):
                if column in roles:
                    yield Problem(
                        (*path, key), f"column '{column}' is {roles[column]}.", hints[key], code="data-columns"
                    )
                if columns.count(column) > 1:
                    message = f"column '{column}' is listed {columns.count(column)} times."
                    yield Problem((*path, key), message, "List it once.", code="data-columns")
        yield from self.reading_problems(path)
