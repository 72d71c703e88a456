"""A stripped model as a function of raw inputs, with names and types that a program outside sees."""

from typing import Any

import keras
import tensorflow as tf

__all__ = ["INPUT", "function_of", "output_name"]

INPUT = "input"


def output_name(task: str) -> str:
    """Return what a model's outputs are called."""
    return "values" if task == "regression" else "probabilities"


def function_of(model: keras.Model, *, dtype: str, output: str) -> Any:
    """Return (B, …) raw inputs → {output: (B, K) float32} as a TensorFlow function with one signature.

    Args:
        model: What `stripped` returned.
        dtype: The type of the raw inputs; pictures are uint8.
        output: The name of the outputs.
    """
    spec = tf.TensorSpec(model.inputs[0].shape, dtype, name=INPUT)

    def serve(input: Any) -> Any:
        scores = model(tf.cast(input, model.inputs[0].dtype), training=False)
        return {output: tf.cast(scores, tf.float32)}

    return tf.function(serve, input_signature=[spec], autograph=False)
