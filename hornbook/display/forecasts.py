"""Forecasts as text and pictures: their errors beside those of baselines, all steps together and step by step."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hornbook.display.chart import AXIS, PLAIN, QUIET, SERIES
from hornbook.display.lines import Line, LineChart
from hornbook.display.text import epoch_figure

__all__ = ["Forecast", "figure_lines", "figure_rows", "forecast_picture", "shown_name", "step_lines", "steps_picture"]

KEYS = {
    "mean_absolute_error": "MAE", "root_mean_squared_error": "RMSE", "mean_absolute_scaled_error": "MASE",
}  # fmt: skip
MOST_STEPS = 24
"""Steps that a text shows; of more, some evenly chosen, the first and the last among them."""
MODEL = "model"
LARGEST = 1e8
"""From where on an error is written with a power of ten."""
SIZE = (960, 340)


@dataclass(frozen=True)
class Forecast:
    """One window with what followed it.

    Attributes:
        target: What is predicted.
        title: Which window it is, and when it ends.
        past: What the model saw of the target; empty where it is no input.
        truth: What followed.
        forecasts: By name, the model's first.
    """

    target: str
    title: str
    past: tuple[float, ...]
    truth: tuple[float, ...]
    forecasts: Mapping[str, tuple[float, ...]]


def shown_name(name: str, season: int | None) -> str:
    """Return what a forecaster is called: ``season of 24`` of the seasonal baseline."""
    return f"season of {season}" if name == "seasonal" else name


@dataclass(frozen=True)
class FigureRows:
    """A table of errors: the names of its columns, and (forecaster, values) of its rows."""

    keys: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


def figure_rows(record: Mapping[str, Any]) -> FigureRows:
    """Return the errors over all steps, the model's and the baselines'."""
    figures = record.get("figures", {})
    keys = tuple(key for key in KEYS if any(key in each for each in figures.values()))
    rows = (
        (shown_name(name, record.get("season")), tuple(each.get(key) for key in keys)) for name, each in figures.items()
    )
    return FigureRows(keys, tuple(rows))


def figure_lines(record: Mapping[str, Any]) -> list[str]:
    """Return a table of the errors over all steps, the model's and the baselines'; nothing without any."""
    if not record:
        return []
    table = figure_rows(record)
    width = max(len("forecast"), *(len(name) for name, _ in table.rows))
    lines = [f"{'forecast':<{width}}" + "".join(f"{KEYS[key]:>10}" for key in table.keys)]
    for name, values in table.rows:
        lines.append(f"{name:<{width}}" + "".join(f"{_text(value):>10}" for value in values))
    return lines


def step_lines(record: Mapping[str, Any]) -> list[str]:
    """Return a table of the mean absolute errors step by step; nothing where there is one step."""
    if not record or len(record["steps"][MODEL]["mean_absolute_error"]) < 2:
        return []
    by_name = _absolute_errors(record)
    count = len(by_name[MODEL])
    most = min(count, MOST_STEPS)
    places = sorted({round(place * (count - 1) / (most - 1)) for place in range(most)})
    lines = ["MAE at step" + "".join(f"{name:>15}" for name in by_name)]
    for place in places:
        lines.append(f"{place + 1:>11}" + "".join(f"{_text(values[place]):>15}" for values in by_name.values()))
    return lines


def _absolute_errors(record: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the mean absolute error of each step by forecaster; one that was not finite is NaN."""
    return {
        shown_name(name, record["season"]): [
            math.nan if value is None else value for value in steps["mean_absolute_error"]
        ]
        for name, steps in record["steps"].items()
    }


def _text(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    return f"{value:,.0f}" if 1000 <= abs(value) < LARGEST else epoch_figure(value)


def forecast_picture(forecast: Forecast, place: int) -> str:
    """Return a window in grey, what followed it, and the forecasts, over the steps before and after its end."""
    before = tuple(float(step) for step in range(1 - len(forecast.past), 1))
    after = tuple(float(step) for step in range(1, len(forecast.truth) + 1))
    ends = forecast.past[-1:]
    x, start = ((0.0, *after), ends) if ends else (after, ())
    lines = [Line(before, forecast.past, QUIET)] if ends else []
    lines += [
        Line(x, (*start, *values), _color(name), label=name, is_dashed=name != MODEL)
        for name, values in reversed([*forecast.forecasts.items()])
    ]
    lines.insert(len(lines) - 1, Line(x, (*start, *forecast.truth), SERIES[0], label="what followed"))
    known = [value for line in lines for value in line.y]
    room = 0.06 * (max(known) - min(known) or 1.0)
    limits = (min(known) - room, max(known) + room)
    label = (
        f"{forecast.target}: {forecast.title}, with what followed and the forecasts of {', '.join(forecast.forecasts)}"
    )
    chart = LineChart(tuple(lines), "steps from the end of the window", forecast.target, limits, size=SIZE)
    return chart.svg(f"forecast-{place + 1}", label)


def steps_picture(record: Mapping[str, Any]) -> str:
    """Return the mean absolute error over the steps ahead, the model's and the baselines'; empty for a single step."""
    by_name = _absolute_errors(record)
    count = len(by_name[MODEL])
    if count < 2:
        return ""
    steps = tuple(float(step) for step in range(1, count + 1))
    lines = tuple(
        Line(steps, values, _color(name), label=name, is_dashed=name != MODEL)
        for name, values in reversed([*by_name.items()])
    )
    highest = max((value for values in by_name.values() for value in values if math.isfinite(value)), default=1.0)
    chart = LineChart(lines, "steps ahead", "mean absolute error", (0.0, 1.05 * highest or 1.0), size=SIZE)
    said = ", ".join(f"{name} {values[0]:.4g} to {values[-1]:.4g}" for name, values in by_name.items())
    return chart.svg("forecast-steps", f"Mean absolute error from the first step ahead to the last: {said}")


def _color(name: str) -> str:
    """Return the color of a forecaster, the same in all pictures."""
    colors = {MODEL: PLAIN, "last value": SERIES[4], "training mean": AXIS}
    return colors.get(name, SERIES[2])
