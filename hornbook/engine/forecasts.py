"""What a forecast's errors are, step by step, beside those of forecasts that need no network."""

from typing import Any

import keras
import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array, Split
from hornbook.data.windows.baselines import naive_forecasts
from hornbook.data.windows.source import Layout
from hornbook.engine.prediction import predict_scores

__all__ = ["MODEL", "TRAINING_MEAN", "of_forecast"]

MODEL, TRAINING_MEAN = "model", "training mean"


def of_forecast(info: DataInfo, model: keras.Model, train: Split | None, split: Split | None) -> dict[str, Any]:
    """Return the errors of a model's forecasts on a split as JSON's types, and of the same steps by the baselines.

    ``figures`` has for each forecaster (`MODEL`, the last value, the season, the training mean, of several series each its
    own) the mean absolute error, the
    root mean squared error and the mean absolute scaled error; ``steps`` the first two of each step. The scaled error is the
    absolute one over the mean change of the training series over a season (over a step, without one), the mean over the
    targets; of several series both are means over all of them. Hyndman and Koehler (2006), "Another look at measures of
    forecast accuracy".

    Nothing where the split is empty, or its examples are no windows.

    Args:
        info: Facts about the data.
        model: What predicts.
        train: The training split; None leaves its mean out.
        split: What is predicted.
    """
    if "windows" not in info.extra or split is None or not len(split):
        return {}
    layout = Layout.of(info.extra["windows"])
    shape = (len(split), layout.horizon, len(layout.targets))
    forecasts = {MODEL: predict_scores(model, split.x), **naive_forecasts(split.x, layout)}
    if train is not None:
        forecasts[TRAINING_MEAN] = _training_means(train, split)
    truth = split.y.reshape(shape)
    absolute, squared = {}, {}
    for name, values in forecasts.items():
        errors = values.reshape(shape).astype(np.float64) - truth
        absolute[name], squared[name] = np.abs(errors).mean(axis=0), np.square(errors).mean(axis=0)
    return {
        "examples": len(split),
        "season": layout.season,
        "figures": {name: _figures(absolute[name], squared[name], layout.scale) for name in forecasts},
        "steps": {
            name: {
                "mean_absolute_error": absolute[name].mean(axis=1).tolist(),
                "root_mean_squared_error": np.sqrt(squared[name].mean(axis=1)).tolist(),
            }
            for name in forecasts
        },
    }


def _training_means(train: Split, split: Split) -> Array:
    """Return the mean of the training targets for each example, (N, K) float32: that of its series where it is known."""
    y_NK = train.y.reshape(len(train.y), -1).astype(np.float64)
    overall_K = y_NK.mean(axis=0)
    if train.names is None or split.names is None:
        return np.broadcast_to(overall_K.astype(np.float32), (len(split), len(overall_K)))
    names, places = np.unique(train.names.astype(str), return_inverse=True)
    sums_SK = np.stack([np.bincount(places, column) for column in y_NK.T], axis=1)
    means_SK = (sums_SK / np.bincount(places)[:, np.newaxis]).astype(np.float32)
    of_series = {name: place for place, name in enumerate(names.tolist())}
    strangers = len(names)  # series that training does not have
    chosen = [of_series.get(name, strangers) for name in split.names.tolist()]
    return np.vstack([means_SK, overall_K.astype(np.float32)])[chosen]


def _figures(absolute_HT: Array, squared_HT: Array, scale: tuple[float, ...]) -> dict[str, float]:
    figures = {
        "mean_absolute_error": float(absolute_HT.mean()),
        "root_mean_squared_error": float(np.sqrt(squared_HT.mean())),
    }
    if all(size > 0 for size in scale):
        figures["mean_absolute_scaled_error"] = float((absolute_HT.mean(axis=0) / np.array(scale)).mean())
    return figures
