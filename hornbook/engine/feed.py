"""How examples reach the device: resident arrays, or blocks streamed from disk in the same order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from hornbook.data.source import Array, Split

__all__ = ["Block", "Feed", "Resident", "Streamed", "make_feed"]

BLOCK_BYTES = 2**25


@dataclass(frozen=True)
class Block:
    """Examples on the device and the batches to train on them.

    Attributes:
        inputs: (R, …) examples.
        targets: (R, …) their targets.
        order: (≥ batches·B,) int32: row of each example of batch `base`, `base` + 1 …
        base: The first batch that `order` speaks of.
        end: The batch after the last one of this block.
        weights: (R,) float32, what each example counts; nothing where all count alike.
    """

    inputs: Any
    targets: Any
    order: Any
    base: int
    end: int
    weights: tuple[Any, ...] = ()


class Feed(Protocol):
    """What the engine needs of a training split."""

    def blocks(self, order: Array, start: int) -> Iterator[Block]:
        """Yield the full batches from `start` on, in blocks."""

    def rest(self, order: Array) -> tuple[Any, Any, Any, tuple[Any, ...]]:
        """Return (inputs, targets, index, weights as of a block) of the smaller last batch."""


def make_feed(split: Split, targets: Array, batch_size: int) -> Feed:
    """Return the feed of a split: streamed where its inputs stay on disk, otherwise resident."""
    if isinstance(split.x, np.ndarray) and not isinstance(split.x, np.memmap):
        return Resident(split.x, targets, batch_size, split.weights)
    return Streamed(split.x, targets, batch_size, split.weights)


class Resident:
    """All examples live on the device as they are; batches are gathered there.

    Attributes:
        array: The inputs as an array, which shares its memory with the device where that is the CPU.
    """

    def __init__(self, x: Array, targets: Array, batch_size: int, weights: Array | None = None) -> None:
        self.array = x if tf.config.list_physical_devices("GPU") else _aligned(x)
        self.inputs, self.targets = _on_device(self.array), tf.constant(targets)
        self.weights = () if weights is None else (tf.constant(weights),)
        self.full_batches = len(x) // batch_size
        self.batch_size = batch_size

    def blocks(self, order: Array, start: int) -> Iterator[Block]:
        """Yield everything as one block."""
        yield Block(self.inputs, self.targets, tf.constant(order), 0, self.full_batches, self.weights)

    def rest(self, order: Array) -> tuple[Any, Any, Any, tuple[Any, ...]]:
        """Return all examples and the rows of the last batch."""
        return self.inputs, self.targets, tf.constant(order[self.full_batches * self.batch_size :]), self.weights


def _aligned(x: Array) -> Array:
    """Return a copy of an array that begins where TensorFlow's kernels want it to: at a multiple of 64 bytes."""
    room = np.empty(x.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    copy = room[start : start + x.nbytes].view(x.dtype).reshape(x.shape)
    copy[...] = x
    return copy


def _on_device(x: Array) -> Any:
    """Return a tensor of an array: on the CPU one that shares its memory, where `tf.constant` would copy it twice."""
    if tf.config.list_physical_devices("GPU") or x.dtype == bool or not x.size:
        return tf.constant(x)
    return tf.experimental.dlpack.from_dlpack(x.__dlpack__())


class Streamed:
    """Examples stay on disk; `tf.data` reads the next block while one is trained on."""

    def __init__(self, x: Any, targets: Array, batch_size: int, weights: Array | None = None) -> None:
        self.x, self.y, self.weights = x, targets, weights
        self.batch_size = batch_size
        self.full_batches = len(x) // batch_size
        row_bytes = max(int(x.nbytes) // max(len(x), 1), 1)
        self.block_batches = min(max(BLOCK_BYTES // (row_bytes * batch_size), 1), max(self.full_batches, 1))

    def _take(self, rows: Array) -> tuple[Array, Array]:
        return np.asarray(self.x[rows]), self.y[rows]

    def _weights(self, rows: Array) -> tuple[Any, ...]:
        return () if self.weights is None else (tf.constant(self.weights[rows]),)

    def blocks(self, order: Array, start: int) -> Iterator[Block]:
        """Yield blocks of one size, the last one filled up with rows that no batch reads, so that one program fits all."""
        size = self.block_batches * self.batch_size
        firsts = range(start, self.full_batches, self.block_batches)

        def read() -> Iterator[tuple[Array, Array]]:
            for first in firsts:
                rows = order[first * self.batch_size :][:size]
                yield self._take(np.resize(rows, size))

        x, y = self._take(order[:1])
        signature = (tf.TensorSpec((size, *x.shape[1:]), x.dtype), tf.TensorSpec((size, *y.shape[1:]), y.dtype))
        dataset = tf.data.Dataset.from_generator(read, output_signature=signature).prefetch(1)
        rows = tf.range(size, dtype=tf.int32)
        for first, (inputs, targets) in zip(firsts, dataset, strict=True):
            own = np.resize(order[first * self.batch_size :][:size], size)
            end = min(first + self.block_batches, self.full_batches)
            yield Block(inputs, targets, rows, first, end, self._weights(own))

    def rest(self, order: Array) -> tuple[Any, Any, Any, tuple[Any, ...]]:
        """Return the examples of the last batch alone."""
        own = order[self.full_batches * self.batch_size :]
        x, y = self._take(own)
        return tf.constant(x), tf.constant(y), tf.range(len(x), dtype=tf.int32), self._weights(own)
