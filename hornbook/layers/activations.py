"""Activations that Keras lacks, as serializable layers."""

from typing import Any

import keras
from keras import ops

from hornbook.upstream import with_logits

__all__ = ["ApproximateGelu", "Parametric", "RandomizedLeakyReLU", "Step", "gelu", "step"]

FUNCTIONS = {"selu": ops.selu, "mish": lambda x: x * ops.tanh(ops.softplus(x))}
"""What can be made parametric, by Keras's names."""


def step(logits: Any) -> Any:
    """Return 1.0 where the input is 0 or more, otherwise 0.0, in the input's type."""
    return ops.cast(logits >= 0, logits.dtype)


@keras.saving.register_keras_serializable("hornbook")
class Step(keras.layers.Layer):
    """The perceptron's activation, the Heaviside function: 1 from 0 on, otherwise 0. Rosenblatt (1958).

    The weighted sum stays attached to the output, the way Keras does it for softmax, so that the perceptron loss finds it.
    """

    def call(self, inputs: Any) -> Any:
        """Return 0 or 1 per unit, in the shape of `inputs`."""
        return with_logits(step(inputs), inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape


@keras.saving.register_keras_serializable("hornbook")
class RandomizedLeakyReLU(keras.layers.Layer):
    """Leaky ReLU with a slope drawn uniformly per element while training, and its mean otherwise.

    Xu et al. (2015), arXiv:1505.00853.

    Args:
        lower: Smallest slope.
        upper: Largest slope.
        seed: Seed of the slopes.
    """

    def __init__(self, lower: float = 0.125, upper: float = 1 / 3, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lower = lower
        self.upper = upper
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the activation in the shape of `inputs`."""
        slopes: Any = (self.lower + self.upper) / 2
        if training:
            slopes = keras.random.uniform(
                ops.shape(inputs), self.lower, self.upper, dtype=inputs.dtype, seed=self.seed_generator
            )
        return ops.where(inputs >= 0, inputs, slopes * inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "lower": self.lower, "upper": self.upper, "seed": self.seed}


@keras.saving.register_keras_serializable("hornbook")
class ApproximateGelu(keras.layers.Layer):
    """GELU by its tanh approximation, which is faster and exports everywhere. Hendrycks and Gimpel (2016)."""

    def call(self, inputs: Any) -> Any:
        """Return the activation in the shape of `inputs`."""
        return ops.gelu(inputs, approximate=True)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape


@keras.saving.register_keras_serializable("hornbook")
class Parametric(keras.layers.Layer):
    """z + α(f(z) - z) with a learned α for each unit of the last axis, 1 at the start.

    Holzmüller et al. (2024), arXiv:2407.04491.

    Args:
        activation: Which f: ``selu`` or ``mish``.
    """

    def __init__(self, activation: str = "selu", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activation
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make the α of each unit."""
        self.alpha = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="alpha")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the activation in the shape of `inputs`."""
        return self.computed(inputs, [ops.cast(self.alpha, inputs.dtype)])

    def computed(self, inputs: Any, weights: Any) -> Any:
        """Return the outputs by the α of each unit."""
        return inputs + (FUNCTIONS[self.activation](inputs) - inputs) * weights[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "activation": self.activation}


def gelu(approximate: bool = False, **kwargs: Any) -> keras.layers.Layer:
    """Return GELU as a layer: Keras's own where the exact form is wanted."""
    return ApproximateGelu(**kwargs) if approximate else keras.layers.Activation("gelu", **kwargs)
