"""Number columns as several numbers each: periodic functions, and places between quantiles."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["Periodic", "PiecewiseLinear"]


@keras.saving.register_keras_serializable("hornbook")
class Periodic(keras.layers.Layer):
    """Each of F numbers as cosines and sines of it, (B, F) → (B, F, 2k), or with phases as k cosines, (B, F, k).

    The frequencies are learned. Gorishniy et al. (2022), arXiv:2203.05556, section 3.3; with phases, Holzmüller et al.
    (2024), arXiv:2407.04491.

    Args:
        frequencies: How many for each number.
        deviation: Standard deviation of the normal distribution that they begin with.
        has_phases: Whether each cosine has a phase of its own, and there are no sines.
        seed: Seed of the draws.
    """

    def __init__(
        self,
        frequencies: int = 48,
        deviation: float = 0.01,
        has_phases: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.frequencies, self.deviation, self.has_phases, self.seed = frequencies, deviation, has_phases, seed

    def build(self, input_shape: Any) -> None:
        """Draw the frequencies, and the phases from -π to π."""
        shape = (input_shape[-1], self.frequencies)
        draws = keras.initializers.RandomNormal(stddev=self.deviation, seed=self.seed)
        self.kernel = self.add_weight(shape=shape, initializer=draws, name="frequencies")
        self.phases = None
        if self.has_phases:
            seed = None if self.seed is None else (self.seed + 1) % 2**31
            circle = keras.initializers.RandomUniform(-math.pi, math.pi, seed=seed)
            self.phases = self.add_weight(shape=shape, initializer=circle, name="phases")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return (B, F, 2k) or (B, F, k)."""
        return self.computed(inputs, [self.kernel] if self.phases is None else [self.kernel, self.phases])

    def computed(self, inputs: Any, weights: Sequence[Any]) -> Any:
        """Return the outputs by frequencies, and phases if there are any."""
        angles = 2 * math.pi * (ops.expand_dims(inputs, -1) * weights[0])
        if self.has_phases:
            return ops.cos(angles + weights[1])
        return ops.concatenate([ops.cos(angles), ops.sin(angles)], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input with the functions' axis behind."""
        return (*input_shape, self.frequencies if self.has_phases else 2 * self.frequencies)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        names = ("frequencies", "deviation", "has_phases", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("hornbook")
class PiecewiseLinear(keras.layers.Layer):
    """Each of F numbers as how far it has come through each of its bins, (B, F) → (B, F, bins).

    0 in front of a bin, 1 behind it, and a straight line within; the first goes on below and the last above. Gorishniy et
    al. (2022), arXiv:2203.05556, section 3.2.

    Args:
        bins: The most that a number has.
    """

    def __init__(self, bins: int = 48, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bins = bins

    def build(self, input_shape: Any) -> None:
        """Make the table of starts, widths and limits of bins."""
        shape = (input_shape[-1], self.bins)
        for name in ("starts", "slopes", "lows", "highs"):
            weight = self.add_weight(shape=shape, initializer="zeros", trainable=False, dtype="float32", name=name)
            setattr(self, name, weight)
        self.built = True

    def learn(self, edges: Sequence[Any]) -> None:
        """Take the edges of each number's bins, ascending; those that are the same make no bin, what is over stays 0."""
        tables = np.zeros((4, len(edges), self.bins), np.float32)
        for place, column in enumerate(edges):
            different = np.unique(np.asarray(column, np.float32))
            count = len(different) - 1
            if count < 1:
                continue
            starts, slopes, lows, highs = tables[:, place]
            starts[:count], slopes[:count] = different[:-1], 1 / np.diff(different)
            highs[:count] = 1
            lows[0], highs[count - 1] = -np.finfo(np.float32).max, np.finfo(np.float32).max
        for weight, table in zip((self.starts, self.slopes, self.lows, self.highs), tables, strict=True):
            weight.assign(table)

    def call(self, inputs: Any) -> Any:
        """Return (B, F, bins)."""
        return self.computed(inputs, [self.starts, self.slopes, self.lows, self.highs])

    def computed(self, inputs: Any, weights: Sequence[Any]) -> Any:
        """Return the outputs by starts, slopes and limits."""
        starts, slopes, lows, highs = weights
        return ops.minimum(ops.maximum((ops.expand_dims(inputs, -1) - starts) * slopes, lows), highs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input with the bins' axis behind."""
        return (*input_shape, self.bins)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "bins": self.bins}
