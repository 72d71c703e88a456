"""Numbers kept within a range, as a layer."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["Clamp"]


@keras.saving.register_keras_serializable("hornbook")
class Clamp(keras.layers.Layer):
    """Numbers (B, K) cut off at the lowest and the highest of each.

    Args:
        low: The lowest, (K,).
        high: The highest, (K,).
    """

    def __init__(self, low: Sequence[float], high: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = list(low), list(high)

    def call(self, inputs: Any) -> Any:
        """Return the numbers within the range."""
        return self.computed(inputs, ())

    def computed(self, inputs: Any, weights: Any) -> Any:
        """Return the outputs; there are no weights."""
        return ops.minimum(ops.maximum(inputs, np.array(self.low, np.float32)), np.array(self.high, np.float32))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "low": self.low, "high": self.high}
