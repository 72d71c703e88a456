"""What a pretraining phase minimizes, as a layer that gives the loss of each example: no targets are needed."""

from typing import Any, ClassVar

import keras
from keras import ops

__all__ = ["Figure", "Objective", "OutputLoss"]


class Objective(keras.layers.Layer):
    """Base of the layers that a pretraining phase's model consists of: inputs (B, …) → (B, 2).

    The first column is the loss of each example, the second a figure that people can read. Layers of the main model are
    used inside, so that their weights learn in place. It is never saved.
    """

    figure: ClassVar[str] = "reconstruction_error"
    """What the history calls the second column's mean."""

    def __init__(self, *, seed: int) -> None:
        super().__init__(name="objective", dtype="float32")
        self.seed_generator = keras.random.SeedGenerator(seed)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (B, 2)."""
        return (input_shape[0], 2)

    def columns(self, loss_B: Any, figure_B: Any) -> Any:
        """Return the two columns in float32."""
        return ops.stack([ops.cast(loss_B, "float32"), ops.cast(figure_B, "float32")], axis=1)


class OutputLoss(keras.losses.Loss):
    """The mean of the first column of what an `Objective` returns; the targets are not looked at."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example: (B, 2) gives (B,)."""
        return y_pred[:, 0]


class Figure(keras.metrics.Mean):
    """The mean of the second column."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch of an `Objective`'s outputs (B, 2)."""
        super().update_state(y_pred[:, 1], sample_weight=sample_weight)
