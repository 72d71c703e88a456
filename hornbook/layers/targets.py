"""Numbers that a network has learned on another scale, returned to their own, as a layer."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["TargetTransform"]


@keras.saving.register_keras_serializable("hornbook")
class TargetTransform(keras.layers.Layer):
    """Numbers (B, K) in their own unit from logarithms, or from points of the normal distribution.

    By quantiles each number is read off lines through knots, and lies between the lowest and the highest of them. Box and
    Cox (1964), "An analysis of transformations".

    Args:
        kind: ``log`` or ``quantile``.
        knots: Of each number (value, point of the normal distribution) in ascending order, by quantiles.
    """

    def __init__(self, kind: str, knots: Sequence[Sequence[Sequence[float]]] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.knots = [[[float(number) for number in knot] for knot in column] for column in knots]

    def call(self, inputs: Any) -> Any:
        """Return the numbers in their own unit."""
        return self.computed(inputs, ())

    def computed(self, inputs: Any, weights: Any) -> Any:
        """Return the outputs; there are no weights."""
        if self.kind == "log":
            return ops.exp(inputs)
        values, normal = self._tables()
        return _interpolated(inputs, normal, values)

    def learned(self, values: Any) -> Any:
        """Return what the network learns in the place of numbers (B, K) in their own unit."""
        values = ops.cast(values, "float32")
        if self.kind == "log":
            return ops.log(values)
        own, normal = self._tables()
        return _interpolated(values, own, normal)

    def _tables(self) -> tuple[Any, Any]:
        """Return (K, knots) values and points of the normal distribution; the last knot again where there are fewer."""
        most = max(map(len, self.knots))
        padded = [column + column[-1:] * (most - len(column)) for column in self.knots]
        values, normal = np.moveaxis(np.array(padded, np.float32), -1, 0)
        return values, normal

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "kind": self.kind, "knots": self.knots}


def _interpolated(x: Any, places: Any, heights: Any) -> Any:
    """Return (B, K) heights of lines through knots at x (B, K); the first and the last beyond them.

    Args:
        x: Where.
        places: (K, knots), ascending.
        heights: (K, knots).
    """
    widths = np.diff(places, axis=1)
    rises = np.diff(heights, axis=1)
    parts = (ops.expand_dims(x, -1) - places[:, :-1]) / np.where(widths > 0, widths, 1.0)
    return ops.sum(ops.clip(parts, 0.0, 1.0) * rises, axis=-1) + heights[:, 0]
