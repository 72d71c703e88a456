"""Losses that Keras lacks, or has for one-hot rows only."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from hornbook.layers.activations import step
from hornbook.upstream import logits_of

__all__ = [
    "KLDivergenceLoss",
    "OneHotLoss",
    "PerceptronLoss",
    "StandardizedLoss",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
]


@keras.saving.register_keras_serializable("hornbook")
class PerceptronLoss(keras.losses.Loss):
    """(step(z) - y)·z with the bracket held constant: the gradient for the weights is (ŷ - y)x.

    With gradient descent over single examples that is Rosenblatt's rule, also from zero weights, where the hinge form
    max(0, -y·z) has no gradient. Rosenblatt (1958); Géron, ch. 10, equation 10-3.

    Args:
        from_logits: Whether predictions are weighted sums; otherwise they are the outputs of a `Step` layer, which
            carries its weighted sums along.
    """

    def __init__(self, from_logits: bool = False, name: str = "perceptron", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.from_logits = from_logits

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example: targets and predictions (B, 1) give (B,)."""
        logits = y_pred if self.from_logits else logits_of(y_pred)
        error = ops.stop_gradient(step(logits) - ops.cast(y_true, logits.dtype))
        return ops.mean(error * logits, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "from_logits": self.from_logits}


@keras.saving.register_keras_serializable("hornbook")
class StandardizedLoss(keras.losses.Loss):
    """A loss of targets and predictions in deviations from the mean, given both in their own unit.

    Args:
        loss: What is computed there.
        mean: Mean of each target, (K,).
        deviation: Standard deviation of each target, (K,).
        transform: The layer whose scale these are on; None where that is the targets' own.
    """

    def __init__(
        self,
        loss: Any,
        mean: Sequence[float],
        deviation: Sequence[float],
        transform: Any = None,
        name: str = "loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.loss = keras.losses.deserialize(loss) if isinstance(loss, dict) else loss
        self.mean, self.deviation = list(mean), list(deviation)
        self.transform = keras.layers.deserialize(transform) if isinstance(transform, dict) else transform

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example: targets and predictions (B, K) give (B,)."""
        mean, deviation = (ops.convert_to_tensor(values, "float32") for values in (self.mean, self.deviation))
        learned = (lambda values: ops.cast(values, "float32")) if self.transform is None else self.transform.learned
        true, predicted = ((learned(values) - mean) / deviation for values in (y_true, y_pred))
        return self.loss.call(true, predicted)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        config: dict[str, Any] = {
            "loss": keras.losses.serialize(self.loss), "mean": self.mean, "deviation": self.deviation,
        }  # fmt: skip
        if self.transform is not None:
            config["transform"] = keras.layers.serialize(self.transform)
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("hornbook")
class OneHotLoss(keras.losses.Loss):
    """A loss of one-hot rows, given class numbers.

    Args:
        loss: What is computed of rows (B, K) and predictions (B, K).
    """

    def __init__(self, loss: Any, name: str = "loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.loss = keras.losses.deserialize(loss) if isinstance(loss, dict) else loss

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example: class numbers (B,) or (B, 1) and predictions (B, K) give (B,)."""
        numbers = ops.cast(ops.reshape(y_true, [-1]), "int32")
        return self.loss.call(ops.one_hot(numbers, y_pred.shape[-1], dtype=y_pred.dtype), y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "loss": keras.losses.serialize(self.loss)}


@keras.saving.register_keras_serializable("hornbook")
class KLDivergenceLoss(keras.losses.Loss):
    """Sum of target·log(target/prediction) over distributions; before the softmax without its clipping.

    Args:
        from_logits: Whether predictions are weighted sums; otherwise they are distributions, and it is Keras's loss.
    """

    def __init__(self, from_logits: bool = False, name: str = "kl_divergence", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.from_logits = from_logits

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example: targets and predictions (B, K) give (B,)."""
        if not self.from_logits:
            return keras.losses.kl_divergence(y_true, y_pred)
        target = ops.cast(y_true, y_pred.dtype)
        log_target = ops.log(ops.where(target > 0, target, 1.0))
        return ops.sum(target * (log_target - ops.log_softmax(y_pred)), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "from_logits": self.from_logits}


def categorical_crossentropy(label_smoothing: float = 0.0, from_logits: bool = False) -> keras.losses.Loss:
    """Return the cross-entropy of class numbers."""
    if not label_smoothing:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    loss = keras.losses.CategoricalCrossentropy(from_logits=from_logits, label_smoothing=label_smoothing)
    return OneHotLoss(loss, name="categorical_crossentropy")


def categorical_focal_crossentropy(
    alpha: float = 0.25, gamma: float = 2.0, label_smoothing: float = 0.0, from_logits: bool = False
) -> keras.losses.Loss:
    """Return Keras's focal cross-entropy of several classes, for class numbers."""
    loss = keras.losses.CategoricalFocalCrossentropy(
        alpha=alpha, gamma=gamma, label_smoothing=label_smoothing, from_logits=from_logits
    )
    return OneHotLoss(loss, name="categorical_focal_crossentropy")


def categorical_hinge() -> keras.losses.Loss:
    """Return Keras's hinge loss of several classes, for class numbers."""
    return OneHotLoss(keras.losses.CategoricalHinge(), name="categorical_hinge")
