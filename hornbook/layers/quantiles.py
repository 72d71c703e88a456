"""Columns made normally distributed by their quantiles, as a layer that holds them."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["Quantiles"]

SMALLEST = 1e-7  # share of the training rows below the lowest number, and above the highest, as scikit-learn has it
CENTRAL = ((3.3871327179, 50.434271938, 159.29113202, 59.109374720), (1.0, 17.895169469, 78.757757664, 67.187563600))
TAILS = ((1.4234372777, 2.7568153900, 1.3067284816, 0.17023821103), (1.0, 0.73700164250, 0.12021132975))
"""Numerators and denominators, lowest power first. Wichura (1988), algorithm AS 241, PPND7."""


@keras.saving.register_keras_serializable("hornbook")
class Quantiles(keras.layers.Layer):
    """Number columns (B, F) as what is normally distributed over the training rows; others stay as they are.

    A number becomes the share of the training rows below it, between two quantiles by a straight line, and that the point
    of the normal distribution with this share below it. Numbers that many rows share get the middle of their shares, the
    lowest and the highest ±5.2, as do those beyond: what scikit-learn's `QuantileTransformer` does. A missing one stays so.

    Args:
        sizes: How many quantiles each column has; 0 of a column that stays as it is.
    """

    def __init__(self, sizes: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)

    def build(self, input_shape: Any) -> None:
        """Make the table: of each column its places, and the shares below, at and above each."""
        shape = (len(self.sizes) * 2 ** _rounds(self.sizes),)
        for name in ("places", "below", "at", "above"):
            weight = self.add_weight(shape=shape, dtype="float32", initializer="zeros", trainable=False, name=name)
            setattr(self, name, weight)
        self.built = True

    def learn(self, quantiles: Sequence[Sequence[float]]) -> None:
        """Take the training split's quantiles of each column, in ascending order."""
        room = 2 ** _rounds(self.sizes)
        tables = np.stack([_table(np.asarray(column, np.float32), room) for column in quantiles], axis=1)
        for weight, table in zip((self.places, self.below, self.at, self.above), tables, strict=True):
            weight.assign(table.reshape(-1))

    @property
    def mean(self) -> Any:
        """Return the median of each column (F,), which is what its middle becomes; 0 of others."""
        tables = [np.asarray(weight).reshape(len(self.sizes), -1) for weight in (self.places, self.above)]
        middle = [int(np.searchsorted(above, 0.0)) for above in tables[1]]
        found = [places[min(place, len(places) - 1)] for places, place in zip(tables[0], middle, strict=True)]
        return np.array([number if size else 0.0 for number, size in zip(found, self.sizes, strict=True)], np.float32)

    def call(self, inputs: Any) -> Any:
        """Return (B, F) float32."""
        return self.computed(inputs, [self.places, self.below, self.at, self.above])

    def computed(self, inputs: Any, tables: Sequence[Any]) -> Any:
        """Return the outputs by a table of places, shares below, at and above; halves are subtracted from shares."""
        places, below, at, above = tables
        rounds = _rounds(self.sizes)
        room = 2**rounds
        first = np.arange(len(self.sizes), dtype=np.int32) * room
        here = ops.zeros_like(inputs, dtype="int32") + first
        for power in range(rounds - 1, -1, -1):  # the last place that is not above the number
            there = here + 2**power
            here = ops.where(ops.take(places, there) <= inputs, there, here)
        following = ops.minimum(here + 1, first + room - 1)
        low, high, start, end = (
            ops.take(table, rows)
            for table, rows in ((places, here), (places, following), (above, here), (below, following))
        )
        part = ops.where(high > low, inputs - low, 0.0) / ops.where(high > low, high - low, 1.0)
        share = start + ops.clip(part, 0.0, 1.0) * (end - start)
        share = ops.where(ops.equal(inputs, low), ops.take(at, here), share)  # symbolic tensors have no ==
        share = ops.where(inputs < low, ops.take(below, here), share)
        normal = ops.where(ops.isnan(inputs), inputs, _normal(share))
        if all(self.sizes):
            return normal
        return ops.where(np.array([size > 0 for size in self.sizes]), normal, inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "sizes": list(self.sizes)}


def _rounds(sizes: Sequence[int]) -> int:
    """Return the power of two that has room for the longest column."""
    return max(1, int(np.ceil(np.log2(max([*sizes, 2])))))


def _table(quantiles: Any, room: int) -> Any:
    """Return (4, room): different places, and the shares below, at and above each, minus a half."""
    table = np.zeros((4, room), np.float32)
    if not len(quantiles):
        return table
    shares = np.linspace(-0.5, 0.5, len(quantiles)) if len(quantiles) > 1 else np.zeros(1)
    places, first = np.unique(quantiles, return_index=True)
    last = np.append(first[1:], len(quantiles)) - 1
    below, above = shares[first], shares[last]
    at = (below + above) / 2
    if len(places) > 1:
        below[0] = at[0] = -0.5
        above[-1] = at[-1] = 0.5
    else:
        below, above = np.zeros(1), np.zeros(1)  # a constant, whatever becomes of it, says nothing
    for row, values in zip(table, (places, below, at, above), strict=True):
        row[:] = values[-1]
        row[: len(values)] = values
    return table


def _normal(share: Any) -> Any:
    """Return the point of the standard normal distribution below which a share plus a half of it lies."""
    square = 0.180625 - share * share
    tail = ops.sqrt(-ops.log(ops.maximum(0.5 - ops.abs(share), SMALLEST))) - 1.6
    outside = ops.sign(share) * _ratio(tail, *TAILS)
    return ops.where(ops.abs(share) <= 0.425, share * _ratio(square, *CENTRAL), outside)


def _ratio(x: Any, numerator: Sequence[float], denominator: Sequence[float]) -> Any:
    return _polynomial(x, numerator) / _polynomial(x, denominator)


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    value: Any = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value
