"""Forecasts of a run: the columns of what follows a file, and windows of a split with what followed them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hornbook.data.readings import Future
from hornbook.data.source import Array, Split
from hornbook.data.windows.baselines import SEASONAL, naive_forecasts
from hornbook.data.windows.source import Layout
from hornbook.display.forecasts import MODEL, Forecast, shown_name
from hornbook.errors import UsageError
from hornbook.inference.trained import Trained
from hornbook.inference.uncertainty import Uncertainty

__all__ = ["future_arrays", "future_columns", "shown_forecasts"]

SHOWN_HORIZONS, FEWEST_SHOWN = 4, 30
"""So many horizons of a window, or steps, a picture shows: the last ones."""


def future_columns(scores: Array, future: Future, uncertainty: Uncertainty | None = None) -> dict[str, Any]:
    """Return the columns of a CSV with a row for each step after each series: time, series, a prediction per target.

    Args:
        scores: (S, H·T), step by step.
        future: Which rows these are.
        uncertainty: How far samples differ; a standard deviation per target then.
    """
    width = len(future.targets)
    columns: dict[str, Any] = {future.time: list(future.times)}
    if future.series is not None and future.names is not None:
        columns[future.series] = list(future.names)
    found = {"prediction": scores} | ({"std": uncertainty.std} if uncertainty is not None else {})
    for kind, values in found.items():
        rows = np.asarray(values, np.float32).reshape(-1, width)
        for place, target in enumerate(future.targets):
            name = kind if width == 1 else f"{kind}_{target}"
            if name in columns:
                raise UsageError(f"the predictions have a column '{name}', and so has the file. Rename it in the file.")
            columns[name] = rows[:, place]
    return columns


def future_arrays(future: Future) -> Mapping[str, Any]:
    """Return the arrays of a .npz file that say which rows the scores (S, H·T) are of: (S, H) times, (S,) series."""
    times = np.array(future.times, np.str_).reshape(-1, future.horizon)
    if future.series is None or future.names is None:
        return {"times": times}
    return {"times": times, "series": np.array(future.names[:: future.horizon], np.str_)}


def shown_forecasts(trained: Trained, split: Split, scores: Array) -> tuple[Forecast, ...]:
    """Return the windows of a split to draw: one with an error in the middle, and the one with the largest; none of others.

    Of several targets the first is shown.
    """
    if "windows" not in trained.info.extra or not len(split):
        return ()
    layout = Layout.of(trained.info.extra["windows"])
    width, target = len(layout.targets), layout.targets[0]
    truth, predicted = (values.reshape(len(split), -1) for values in (split.y, scores))
    errors = np.abs(predicted - truth).mean(axis=1)
    order = np.argsort(np.where(np.isfinite(errors), errors, -1.0), kind="stable")
    titles = {int(order[len(order) // 2]): "a window with an error in the middle of all"}
    titles.setdefault(int(order[-1]), "the window with the largest error")
    most, shown = max(SHOWN_HORIZONS * layout.horizon, FEWEST_SHOWN), []
    for place, title in titles.items():
        x = split.x[np.array([place])]
        past = x[0, -most:, layout.inputs.index(target)] if target in layout.inputs else np.zeros(0)
        naive = naive_forecasts(x, layout)
        forecasts = {MODEL: predicted[place]}
        if SEASONAL in naive:
            forecasts[shown_name(SEASONAL, layout.season)] = naive[SEASONAL][0]
        shown.append(
            Forecast(
                target,
                f"{title}, number {place:,} of the split",
                tuple(map(float, past)),
                tuple(map(float, truth[place, ::width])),
                {name: tuple(map(float, values[::width])) for name, values in forecasts.items()},
            )
        )
    return tuple(shown)
