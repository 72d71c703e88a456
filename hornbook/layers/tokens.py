"""Layers that read token numbers, of which 0 is padding that must not change what a text means."""

from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = [
    "MaskSteps",
    "MaskedPooling",
    "PooledMask",
    "Positions",
    "PrependToken",
    "SelfAttention",
    "TokenCounts",
    "TokenMask",
]

LARGE = 1e9
PERIODS = 10_000.0
"""The longest of the waves that tell positions apart, in steps over 2π."""


@keras.saving.register_keras_serializable("hornbook")
class TokenCounts(keras.layers.Layer):
    """How often each token of a vocabulary is in a text, (B, L) → (B, V); padding does not count.

    Args:
        size: V, padding and the unknown token included.
        weighting: `count`, `binary` (1 for each token that is there), or `tf_idf` (counts times inverse document
            frequencies).
    """

    def __init__(self, size: int, weighting: str = "count", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.weighting = size, weighting

    def build(self, input_shape: Any) -> None:
        """Make the table of inverse document frequencies."""
        self.idf = None
        if self.weighting == "tf_idf":
            options: dict[str, Any] = {"initializer": "ones", "trainable": False, "dtype": "float32", "name": "idf"}
            self.idf = self.add_weight(shape=(self.size,), **options)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return (B, V)."""
        tokens = ops.cast(inputs, "int32")
        count = ops.shape(tokens)[0]
        rows = ops.broadcast_to(ops.expand_dims(ops.arange(count, dtype="int32"), -1), ops.shape(tokens))
        present = ops.cast(ops.not_equal(tokens, 0), self.compute_dtype)
        counts = ops.scatter(ops.stack([rows, tokens], axis=-1), present, (count, self.size))
        if self.weighting == "binary":
            return ops.minimum(counts, 1.0)
        return counts if self.idf is None else counts * ops.cast(self.idf, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (B, V)."""
        return (input_shape[0], self.size)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "size": self.size, "weighting": self.weighting}


@keras.saving.register_keras_serializable("hornbook")
class TokenMask(keras.layers.Layer):
    """1 for each token, 0 for padding: (B, L) → (B, L) floats."""

    def call(self, inputs: Any) -> Any:
        """Return (B, L)."""
        return ops.cast(ops.not_equal(inputs, 0), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape


@keras.saving.register_keras_serializable("hornbook")
class PrependToken(keras.layers.Layer):
    """A token of a fixed number in front of each text, (B, L) → (B, L + 1)."""

    def __init__(self, number: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number

    def call(self, inputs: Any) -> Any:
        """Return (B, L + 1)."""
        return ops.concatenate([ops.full_like(inputs[:, :1], self.number), inputs], axis=1)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape and type of the outputs."""
        return keras.KerasTensor((inputs.shape[0], inputs.shape[1] + 1), dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "number": self.number}


@keras.saving.register_keras_serializable("hornbook")
class MaskSteps(keras.layers.Layer):
    """Steps times their mask: [(B, T, C), (B, T)] → (B, T, C) with zeros for padding."""

    def call(self, inputs: Any) -> Any:
        """Return (B, T, C)."""
        x, mask = inputs
        return x * ops.expand_dims(ops.cast(mask, x.dtype), -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the steps."""
        return input_shape[0]


@keras.saving.register_keras_serializable("hornbook")
class MaskedPooling(keras.layers.Layer):
    """Steps pooled without padding, [(B, T, C), (B, T)] → (B, ⌈T / size⌉, C), or (B, C) over all; zeros of padding alone.

    Args:
        size: Steps that are pooled into one; None: all of them.
        mode: `max` or `average`.
    """

    def __init__(self, size: int | None = None, mode: str = "average", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.mode = size, mode

    def call(self, inputs: Any) -> Any:
        """Return (B, ⌈T / size⌉, C), or (B, C)."""
        x, mask = inputs
        size = self.size or x.shape[1]
        x, mask = _windows(x, size), ops.expand_dims(_windows(ops.cast(mask, x.dtype), size), -1)
        count = ops.sum(mask, axis=2)
        if self.mode == "max":
            lowest = -LARGE if x.dtype != "float16" else -6e4
            pooled = ops.max(ops.where(mask > 0, x, ops.cast(lowest, x.dtype)), axis=2) * ops.minimum(count, 1.0)
        else:
            pooled = ops.sum(x * mask, axis=2) / ops.maximum(count, 1.0)
        return pooled if self.size is not None else ops.squeeze(pooled, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (B, ⌈T / size⌉, C), or (B, C)."""
        batch, steps, channels = input_shape[0]
        return (batch, channels) if self.size is None else (batch, -(-steps // self.size), channels)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "size": self.size, "mode": self.mode}


@keras.saving.register_keras_serializable("hornbook")
class PooledMask(keras.layers.Layer):
    """The mask of pooled steps, (B, T) → (B, ⌈T / size⌉): 1 where any of them is no padding."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def call(self, inputs: Any) -> Any:
        """Return (B, ⌈T / size⌉)."""
        return ops.max(_windows(inputs, self.size), axis=2)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return (B, ⌈T / size⌉)."""
        return (input_shape[0], -(-input_shape[1] // self.size))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "size": self.size}


def _windows(x: Any, size: int) -> Any:
    """Return steps in groups, (B, T, …) → (B, ⌈T / size⌉, size, …), zeros behind the last."""
    steps, rest = x.shape[1], tuple(x.shape[2:])
    groups = -(-steps // size)
    if groups * size > steps:
        x = ops.pad(x, [(0, 0), (0, groups * size - steps), *[(0, 0)] * len(rest)])
    return ops.reshape(x, (-1, groups, size, *rest))


@keras.saving.register_keras_serializable("hornbook")
class Positions(keras.layers.Layer):
    """Where each step stands, added to it: (B, T, W) → (B, T, W).

    `learned`: W numbers for each place. `sine`: sines and cosines of 2π to 20,000π steps. Vaswani et al. (2017),
    arXiv:1706.03762, section 3.5.

    Args:
        way: `learned` or `sine`.
        seed: Seed of what learned numbers begin with.
    """

    def __init__(self, way: str = "learned", seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.way, self.seed = way, seed

    def build(self, input_shape: Any) -> None:
        """Draw the learned numbers, with a deviation of 0.02."""
        self.table = None
        if self.way == "learned":
            draws = keras.initializers.RandomNormal(stddev=0.02, seed=self.seed)
            self.table = self.add_weight(shape=tuple(input_shape[1:]), initializer=draws, name="positions")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return (B, T, W)."""
        table = waves(*inputs.shape[1:]) if self.table is None else self.table
        return inputs + ops.cast(table, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "way": self.way, "seed": self.seed}


def waves(steps: int, width: int) -> Any:
    """Return (T, W) float32: the sines of ever longer waves at even places, their cosines at odd ones."""
    places = np.arange(width)
    angles = np.arange(steps)[:, None] / PERIODS ** (2 * (places // 2) / width)
    return np.where(places % 2, np.cos(angles), np.sin(angles)).astype(np.float32)


@keras.saving.register_keras_serializable("hornbook")
class SelfAttention(keras.layers.Layer):
    """Steps that look at each other: softmax(Q Kᵀ / √d) V in each head; [(B, T, W) three times, mask (B, T)] → (B, T, W).

    Without a mask all steps are looked at. Vaswani et al. (2017), arXiv:1706.03762, section 3.2.

    Args:
        heads: Parts of W that look by themselves.
    """

    def __init__(self, heads: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads = heads

    def call(self, inputs: Any) -> Any:
        """Return (B, T, W)."""
        query, key, value = (self._in_heads(part) for part in inputs[:3])
        size = query.shape[-1]
        scores = ops.cast(ops.matmul(query, ops.swapaxes(key, 2, 3)), "float32") / size**0.5  # (B, H, T, T)
        if len(inputs) > 3:
            hidden = 1.0 - ops.cast(inputs[3], "float32")
            scores = scores - LARGE * ops.expand_dims(ops.expand_dims(hidden, 1), 1)
        shares = ops.softmax(scores, axis=-1) if scores.shape[-1] != 1 else 0.0 * scores + 1.0  # of one Keras warns
        shares = ops.cast(shares, value.dtype)
        mixed = ops.transpose(ops.matmul(shares, value), (0, 2, 1, 3))
        return ops.reshape(mixed, (-1, inputs[0].shape[1], inputs[0].shape[2]))

    def _in_heads(self, x: Any) -> Any:
        """Return (B, T, W) as (B, H, T, W / H)."""
        steps, width = x.shape[1:]
        return ops.transpose(ops.reshape(x, (-1, steps, self.heads, width // self.heads)), (0, 2, 1, 3))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the steps."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "heads": self.heads}
