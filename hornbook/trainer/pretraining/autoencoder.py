"""The autoencoder of one hidden layer: give back what goes in, through the layer and a decoder that is thrown away."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from hornbook.builder.randomness import derive_seed
from hornbook.trainer.pretraining.objective import Objective

__all__ = ["Autoencoder"]


class Autoencoder(Objective):
    """Mean squared error between what goes into a hidden layer and what a linear decoder makes of its outputs.

    Bengio et al. (2007); denoising: Vincent et al. (2010).

    Args:
        block: The hidden layer with what belongs to it, a dense layer first.
        clean: From the model's inputs to what goes into the layer, or None where they are that already.
        width: F, how many numbers go in.
        seed: Of noise, masks and a free decoder.
        decoder: ``tied`` for the layer's weights, transposed; ``free`` for weights of its own.
        noise: Standard deviation of noise on what goes in while training, or None.
        masking: Fraction of it that is set to zero while training, or None.
        sparsity: Penalty on the sum of the layer's absolute outputs, or None.
    """

    def __init__(
        self,
        *,
        block: Sequence[keras.layers.Layer],
        clean: Callable[[Any], Any] | None,
        width: int,
        seed: int,
        decoder: str = "tied",
        noise: float | None = None,
        masking: float | None = None,
        sparsity: float | None = None,
    ) -> None:
        super().__init__(seed=seed)
        self.block, self.clean, self.width = list(block), clean, width
        self.noise, self.masking, self.sparsity = noise, masking, sparsity
        self.decoder: Any = None
        if decoder == "free":
            initializer = keras.initializers.GlorotUniform(derive_seed(seed, "decoder"))
            self.decoder = keras.layers.Dense(width, kernel_initializer=initializer, name="decoder", dtype="float32")

    def build(self, input_shape: Any) -> None:
        """Make the decoder's weights."""
        if self.decoder is not None:
            self.decoder.build((None, self.block[0].units))
        else:
            self.bias = self.add_weight(shape=(self.width,), initializer="zeros", name="bias")

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return loss and squared error of each example: (B, …) gives (B, 2)."""
        clean_BF = ops.cast(self.clean(inputs) if self.clean is not None else inputs, "float32")
        codings_BU: Any = self._corrupted(clean_BF) if training else clean_BF
        for layer in self.block:
            codings_BU = layer(codings_BU)
        codings_BU = ops.cast(codings_BU, "float32")
        if self.decoder is not None:
            decoded_BF = self.decoder(codings_BU)
        else:
            decoded_BF = ops.matmul(codings_BU, ops.transpose(self.block[0].kernel)) + self.bias
        error_B = ops.mean(ops.square(clean_BF - decoded_BF), axis=-1)
        loss_B = error_B
        if self.sparsity:
            loss_B = error_B + self.sparsity * ops.sum(ops.abs(codings_BU), axis=-1)
        return self.columns(loss_B, error_B)

    def _corrupted(self, x_BF: Any) -> Any:
        """Return inputs with noise added and numbers masked."""
        if self.noise is not None:
            x_BF = x_BF + keras.random.normal(ops.shape(x_BF), stddev=self.noise, seed=self.seed_generator)
        if self.masking is not None:
            kept_BF = keras.random.uniform(ops.shape(x_BF), seed=self.seed_generator) >= self.masking
            x_BF = ops.where(kept_BF, x_BF, 0.0)
        return x_BF
