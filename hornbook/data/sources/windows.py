"""Tables of series as windows and what follows each."""

from dataclasses import replace

from hornbook.data.source import Source
from hornbook.data.tables.dialect import Dialect
from hornbook.data.windows.reading import Roles, read_series
from hornbook.data.windows.source import Layout, windows_source
from hornbook.data.windows.steps import Step
from hornbook.recipes.sources.windows import Windows

__all__ = ["load_windows"]

UNKNOWN = Step("number", 1)  # until the times are read


def load_windows(spec: Windows, *, seed: int) -> Source:
    """Return the windows of a table: x (N, window, F) float32, a view of the rows, and y (N, horizon·targets) float32.

    Args:
        spec: The section of the recipe.
        seed: Of no use here.

    Raises:
        DataError: If a file or column is missing or malformed, times are none, or a split holds no window.
    """
    dialect = Dialect.of_spec(spec)
    roles = Roles(spec.time, spec.series, (*spec.input_columns, *spec.target_columns), spec.format)
    series, format, notes = read_series(spec.path, roles, dialect)
    layout = Layout(
        spec.time, spec.series, spec.input_columns, spec.target_columns, spec.window, spec.horizon, spec.stride, UNKNOWN,
        calendar=spec.calendar or (), format=format,
    )  # fmt: skip
    source = windows_source(spec, series, layout, notes)
    return replace(source, extra={**dialect.recorded(), **source.extra})
