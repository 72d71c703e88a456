"""The restricted Boltzmann machine of one hidden layer: contrastive divergence as an ordinary loss."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from hornbook.trainer.pretraining.objective import Objective

__all__ = ["BoltzmannMachine", "free_energy"]


def free_energy(v_BF: Any, kernel_FU: Any, hidden_bias_U: Any, visible_bias_F: Any) -> Any:
    """Return F(v) = -a·v - Σ log(1 + exp(vW + b)) of each row, (B,). Hinton (2010), section 16.1."""
    hidden_BU = ops.matmul(v_BF, kernel_FU) + hidden_bias_U
    return -ops.sum(v_BF * visible_bias_F, axis=-1) - ops.sum(ops.softplus(hidden_BU), axis=-1)


class BoltzmannMachine(Objective):
    """F(v) - F(v_k), whose gradient is that of contrastive divergence where v_k is held constant.

    Weights and hidden biases are those of a sigmoid layer; the visible biases are thrown away. Hidden and visible units
    are sampled in every round. Hinton (2002), "Training products of experts by minimizing contrastive divergence".

    Args:
        block: The hidden layer, a dense layer first; only that is used.
        clean: From the model's inputs to what goes into the layer, or None where they are that already.
        width: F, how many numbers go in, each between 0 and 1.
        seed: Of the samples.
        steps: Rounds of Gibbs sampling: the k of CD-k.
    """

    def __init__(
        self,
        *,
        block: Sequence[keras.layers.Layer],
        clean: Callable[[Any], Any] | None,
        width: int,
        seed: int,
        steps: int = 1,
    ) -> None:
        super().__init__(seed=seed)
        self.dense, self.clean, self.width, self.steps = block[0], clean, width, steps

    def build(self, input_shape: Any) -> None:
        """Make the visible biases."""
        self.bias = self.add_weight(shape=(self.width,), initializer="zeros", name="visible_bias")

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return F(v) - F(v_k) and the squared error after one round: (B, …) gives (B, 2)."""
        v_BF = ops.cast(self.clean(inputs) if self.clean is not None else inputs, "float32")
        weights = (ops.cast(self.dense.kernel, "float32"), ops.cast(self.dense.bias, "float32"), self.bias)
        sample_BF, error_B = v_BF, None
        for _ in range(self.steps):
            sample_BF, expected_BF = self._round(sample_BF, *weights)
            if error_B is None:
                error_B = ops.mean(ops.square(v_BF - expected_BF), axis=-1)
        sample_BF = ops.stop_gradient(sample_BF)
        return self.columns(free_energy(v_BF, *weights) - free_energy(sample_BF, *weights), error_B)

    def _round(self, v_BF: Any, kernel_FU: Any, hidden_bias_U: Any, visible_bias_F: Any) -> tuple[Any, Any]:
        """Return visible units sampled after the hidden ones, and the probabilities they were sampled with."""
        hidden_BU = self._sampled(ops.sigmoid(ops.matmul(v_BF, kernel_FU) + hidden_bias_U))
        visible_BF = ops.sigmoid(ops.matmul(hidden_BU, ops.transpose(kernel_FU)) + visible_bias_F)
        return self._sampled(visible_BF), visible_BF

    def _sampled(self, probabilities: Any) -> Any:
        draws = keras.random.uniform(ops.shape(probabilities), seed=self.seed_generator)
        return ops.cast(draws < probabilities, "float32")
