"""Numbers times learned ones, each with a factor of its own."""

from collections.abc import Sequence
from typing import Any

import keras

__all__ = ["Scale"]


@keras.saving.register_keras_serializable("hornbook")
class Scale(keras.layers.Layer):
    """Each number of an example times a learned one, which starts as 1, and plus a bias if asked for: (B, …) → (B, …).

    As Keras's EinsumDense with ``bf,f->bf``, whose gradient is a product of matrices and takes five times as long.

    Args:
        use_bias: Whether there is a bias for each number.
        bias_initializer: What the biases start as.
    """

    def __init__(self, use_bias: bool = False, bias_initializer: Any = "zeros", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_bias = use_bias
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.bias = None

    def build(self, input_shape: Any) -> None:
        """Make the factors and the biases."""
        shape = tuple(input_shape[1:])
        self.kernel = self.add_weight(shape=shape, initializer="ones", name="kernel")
        if self.use_bias:
            self.bias = self.add_weight(shape=shape, initializer=self.bias_initializer, name="bias")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the products, in the shape of `inputs`."""
        return self.computed(inputs, [self.kernel] if self.bias is None else [self.kernel, self.bias])

    def computed(self, inputs: Any, weights: Sequence[Any]) -> Any:
        """Return the outputs by factors, and biases if there are any."""
        kernel, *bias = weights
        outputs = inputs * kernel
        return outputs + bias[0] if bias else outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        start = keras.initializers.serialize(self.bias_initializer)
        return {**super().get_config(), "use_bias": self.use_bias, "bias_initializer": start}
