"""Numbers of many series, each on its own scale, as layers that hold the scales."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["FromSeriesScale", "SeriesLoss", "SeriesNumber", "ToSeriesScale"]


class _Tables(keras.layers.Layer):
    """A mean and a deviation for each column of each series.

    Args:
        series: How many series there are.
        columns: How many columns a step has.
    """

    def __init__(self, series: int, columns: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.series, self.columns = series, columns

    def build(self, input_shape: Any) -> None:
        """Make the tables: mean 0 and deviation 1."""
        shape = (self.series, self.columns)
        options: dict[str, Any] = {"shape": shape, "dtype": "float32", "trainable": False}
        self.mean = self.add_weight(initializer="zeros", name="mean", **options)
        self.deviation = self.add_weight(initializer="ones", name="deviation", **options)
        self.built = True

    def learn(self, mean: Sequence[Sequence[float]], deviation: Sequence[Sequence[float]]) -> None:
        """Take the training split's mean and deviation of each series, (series, columns)."""
        self.mean.assign(np.asarray(mean, np.float32))
        self.deviation.assign(np.asarray(deviation, np.float32))

    def call(self, inputs: Any) -> Any:
        """Return the numbers on another scale."""
        return self.computed(inputs, [self.mean, self.deviation])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "series": self.series, "columns": self.columns}


@keras.saving.register_keras_serializable("hornbook")
class SeriesNumber(keras.layers.Layer):
    """The number of the series (B, 1) that windows (B, W, F + 1) are of: their last number."""

    def call(self, inputs: Any) -> Any:
        """Return the number of each window's series."""
        return self.computed(inputs, ())

    def computed(self, inputs: Any, weights: Any) -> Any:
        """Return the outputs; there are no weights."""
        return inputs[:, 0, -1:]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of a column."""
        return (input_shape[0], 1)


@keras.saving.register_keras_serializable("hornbook")
class ToSeriesScale(_Tables):
    """Windows (B, W, F + 1), whose last number is that of the series, as (B, W, F) in deviations from the series' mean."""

    def computed(self, inputs: Any, tables: Sequence[Any]) -> Any:
        """Return the outputs by a table of means and one of deviations."""
        mean, deviation = (ops.expand_dims(table, 1) for table in _rows(inputs[:, 0, -1], tables))
        return (inputs[..., :-1] - mean) / deviation

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input without the series' number."""
        return (*input_shape[:-1], input_shape[-1] - 1)


@keras.saving.register_keras_serializable("hornbook")
class FromSeriesScale(_Tables):
    """Scores (B, K) and behind them the series' number, (B, K + 1), as numbers (B, K) in the targets' unit.

    Scores of one step follow each other, so that a column comes again after as many as a step has.
    """

    def computed(self, inputs: Any, tables: Sequence[Any]) -> Any:
        """Return the outputs by a table of means and one of deviations."""
        mean, deviation = self._of_scores(inputs, tables)
        return inputs[:, :-1] * deviation + mean

    def learned(self, values: Any, scores: Any) -> Any:
        """Return targets (B, K) in their own unit on the scale of the scores (B, K + 1)."""
        mean, deviation = self._of_scores(scores, [self.mean, self.deviation])
        return (ops.cast(values, "float32") - mean) / deviation

    def _of_scores(self, scores: Any, tables: Sequence[Any]) -> tuple[Any, Any]:
        steps = (scores.shape[-1] - 1) // self.columns
        mean, deviation = (ops.tile(table, (1, steps)) for table in _rows(scores[:, -1], tables))
        return mean, deviation

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input without the series' number."""
        return (*input_shape[:-1], input_shape[-1] - 1)


def _rows(numbers_B: Any, tables: Sequence[Any]) -> list[Any]:
    """Return the row of each table for each series' number."""
    places = ops.cast(numbers_B, "int32")
    return [ops.take(table, places, axis=0) for table in tables]


@keras.saving.register_keras_serializable("hornbook")
class SeriesLoss(keras.losses.Loss):
    """A loss of targets and scores on the scale of each series, given targets in their own unit.

    Args:
        loss: What is computed there.
        layer: The layer that knows the scales.
    """

    def __init__(self, loss: Any, layer: Any, name: str = "loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.loss = keras.losses.deserialize(loss) if isinstance(loss, dict) else loss
        self.layer = keras.layers.deserialize(layer) if isinstance(layer, dict) else layer

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example (B,): targets (B, K), scores and number of the series (B, K + 1)."""
        if y_pred.shape[-1] == y_true.shape[-1]:
            return self.loss.call(y_true, y_pred)
        return self.loss.call(self.layer.learned(y_true, y_pred), y_pred[:, :-1])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        layer = keras.layers.serialize(self.layer)
        return {**super().get_config(), "loss": keras.losses.serialize(self.loss), "layer": layer}
