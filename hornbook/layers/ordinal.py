"""Probabilities of classes that have an order, as a layer."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["OrderedClasses"]


@keras.saving.register_keras_serializable("hornbook")
class OrderedClasses(keras.layers.Layer):
    """Logarithms of the probabilities (B, K) of ordered classes from one score (B, 1).

    A class's probability is that a logistic variable around the score lies between the class's two thresholds, which are
    learned and stay in order: of two classes the nearer one is never less likely than the farther. The proportional odds
    model: McCullagh (1980), "Regression models for ordinal data"; as the last layer of a network: Cao et al. (2020),
    arXiv:1901.07884, section 3.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def build(self, input_shape: Any) -> None:
        """Make the first threshold and the gaps behind it; all classes are as likely where the score is 0."""
        shares = np.arange(1, self.num_classes) / self.num_classes
        thresholds = np.log(shares / (1 - shares))
        start = np.concatenate([thresholds[:1], np.log(np.expm1(np.diff(thresholds)))])
        self.bias = self.add_weight(shape=start.shape, dtype="float32", initializer="zeros", name="bias")
        self.bias.assign(start.astype(np.float32))
        self.built = True

    @property
    def thresholds(self) -> Any:
        """Return the thresholds between the classes (K - 1,), ascending."""
        return np.asarray(_parts(np.asarray(self.bias))[0])

    def call(self, inputs: Any) -> Any:
        """Return (B, K) from scores (B, 1)."""
        return self.computed(inputs, [ops.convert_to_tensor(self.bias)])

    def computed(self, inputs: Any, weights: Sequence[Any]) -> Any:
        """Return the outputs by the first threshold and the gaps, before they are made positive."""
        thresholds, gaps = _parts(weights[0])
        beyond = inputs - thresholds
        below, above = ops.log_sigmoid(-beyond), ops.log_sigmoid(beyond)  # up to class k, and beyond it
        if self.num_classes == 2:
            return ops.concatenate([below, above], axis=-1)
        between = np.log(-np.expm1(-gaps)) if _is_array(gaps) else ops.log(-ops.expm1(-gaps))
        inner = below[:, 1:] + above[:, :-1] + between
        return ops.concatenate([below[:, :1], inner, above[:, -1:]], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (B, K)."""
        return (*input_shape[:-1], self.num_classes)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "num_classes": self.num_classes}


def _is_array(values: Any) -> bool:
    return isinstance(values, np.ndarray)


def _parts(raw: Any) -> tuple[Any, Any]:
    """Return the thresholds (K - 1,) and the gaps between them (K - 2,)."""
    if _is_array(raw):
        gaps = np.logaddexp(0, raw[1:]) + np.float32(1e-6)
        return np.cumsum(np.concatenate([raw[:1], gaps])), gaps
    gaps = ops.softplus(raw[1:]) + 1e-6
    return ops.cumsum(ops.concatenate([raw[:1], gaps])), gaps
