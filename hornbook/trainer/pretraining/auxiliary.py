"""Auxiliary tasks whose labels are free: rotated images, corrupted examples. All layers below the head learn together."""

from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from hornbook.builder.randomness import derive_seed
from hornbook.trainer.pretraining.objective import Objective

__all__ = ["Corruption", "Rotation"]


class _Auxiliary(Objective):
    """Cross-entropy of a task that changes its inputs and knows how it changed them.

    Args:
        body: From the model's inputs to the features that its head reads.
        seed: Of the changes and of the task's own head.
    """

    figure: ClassVar[str] = "accuracy"
    num_classes: ClassVar[int] = 2

    def __init__(self, *, body: keras.Model, seed: int) -> None:
        super().__init__(seed=seed)
        self.body = body
        initializer = keras.initializers.GlorotUniform(derive_seed(seed, "head"))
        self.head = keras.layers.Dense(self.num_classes, kernel_initializer=initializer, name="head", dtype="float32")

    def build(self, input_shape: Any) -> None:
        """Make the head's weights."""
        self.head.build(self.body.output_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return cross-entropy and hits of each example: (B, …) gives (B, 2)."""
        changed, labels_B = self.change(inputs)
        logits_BK = self.head(ops.cast(self.body(changed, training=training), "float32"))
        loss_B = ops.sparse_categorical_crossentropy(labels_B, logits_BK, from_logits=True)
        hits_B = ops.equal(ops.argmax(logits_BK, axis=-1), ops.cast(labels_B, "int32"))
        return self.columns(loss_B, hits_B)

    def change(self, inputs: Any) -> tuple[Any, Any]:
        """Return changed inputs (B, …) and, as int32 (B,), what was done to each."""
        raise NotImplementedError


class Rotation(_Auxiliary):
    """By how many quarter turns was the image rotated? Gidaris et al. (2018)."""

    num_classes: ClassVar[int] = 4

    def change(self, inputs: Any) -> tuple[Any, Any]:
        """Return images (B, H, W, C) turned by 0 to 3 quarters, and by how many."""
        size = ops.shape(inputs)[0]
        turns_B = ops.cast(ops.floor(4 * keras.random.uniform((size,), seed=self.seed_generator)), "int32")
        turns_B = ops.minimum(turns_B, 3)
        _, height, width, channels = inputs.shape
        places = np.arange(height * width).reshape(height, width)
        sources = np.stack([np.rot90(places, turns).reshape(-1) for turns in range(4)]).astype(np.int32)
        source_BP1 = ops.expand_dims(ops.take(sources, turns_B, axis=0), -1)  # P pixels
        pixels_BPC = ops.reshape(inputs, (-1, height * width, channels))
        turned_BPC = ops.take_along_axis(pixels_BPC, source_BP1, axis=1)
        return ops.reshape(turned_BPC, (-1, height, width, channels)), turns_B


class Corruption(_Auxiliary):
    """Is the example real, or were values swapped in from another example of the batch? Yoon et al. (2020).

    Args:
        body: As above.
        seed: As above.
        rate: Fraction of a corrupted example's values that come from the other one.
    """

    def __init__(self, *, body: keras.Model, seed: int, rate: float) -> None:
        super().__init__(body=body, seed=seed)
        self.rate = rate

    def change(self, inputs: Any) -> tuple[Any, Any]:
        """Return inputs (B, …), about half of them corrupted, and 1 for those."""
        size, draw = ops.shape(inputs)[0], keras.random.uniform
        labels_B = ops.cast(draw((size,), seed=self.seed_generator) < 0.5, "int32")
        others_B = ops.floor(draw((size,), seed=self.seed_generator) * ops.cast(size, "float32"))
        others = ops.take(inputs, ops.minimum(ops.cast(others_B, "int32"), size - 1), axis=0)
        is_swapped = draw(ops.shape(inputs), seed=self.seed_generator) < self.rate
        is_corrupted = ops.reshape(ops.equal(labels_B, 1), (-1, *(1 for _ in inputs.shape[1:])))
        return ops.where(ops.logical_and(is_swapped, is_corrupted), others, inputs), labels_B
