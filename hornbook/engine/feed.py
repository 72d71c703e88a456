"""How examples reach the device: resident arrays, or blocks streamed from disk in the same order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from hornbook.data.source import Array, Split
from hornbook.data.storage.rows import Rows
from hornbook.engine.device import on_device

__all__ = ["Block", "Feed", "Resident", "Streamed", "make_feed"]

BLOCK_BYTES = 2**25
LARGEST_BLOCK = 2**28
BUDGET_SHARE = 4
"""A block takes a quarter of the memory budget, three may be there: the larger, the closer together its rows in the file."""


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


def make_feed(split: Split, targets: Array, batch_size: int, *, memory_budget: int = 0) -> Feed:
    """Return the feed of a split: streamed where its inputs stay on disk, otherwise resident."""
    if isinstance(split.x, np.ndarray) and not isinstance(split.x, np.memmap):
        return Resident(split.x, targets, batch_size, split.weights)
    block_bytes = min(max(BLOCK_BYTES, memory_budget // BUDGET_SHARE), max(BLOCK_BYTES, LARGEST_BLOCK))
    return Streamed(split.x, targets, batch_size, split.weights, block_bytes=block_bytes)


class Resident:
    """All examples live on the device as they are; batches are gathered there."""

    def __init__(self, x: Array, targets: Array, batch_size: int, weights: Array | None = None) -> None:
        self.inputs, self.targets = on_device(x), tf.constant(targets)
        self.weights = () if weights is None else (tf.constant(weights),)
        self.full_batches = len(x) // batch_size
        self.batch_size = batch_size

    def blocks(self, order: Array, start: int) -> Iterator[Block]:
        """Yield everything as one block."""
        yield Block(self.inputs, self.targets, tf.constant(order), 0, self.full_batches, self.weights)

    def rest(self, order: Array) -> tuple[Any, Any, Any, tuple[Any, ...]]:
        """Return all examples and the rows of the last batch."""
        return self.inputs, self.targets, tf.constant(order[self.full_batches * self.batch_size :]), self.weights


class Streamed:
    """Examples stay on disk; a thread reads the next block while one is trained on.

    A block holds its examples in the order in which they are stored, and `order` says where each is: sorting them on the
    way would take as long as reading them.
    """

    def __init__(
        self, x: Any, targets: Array, batch_size: int, weights: Array | None = None, *, block_bytes: int
    ) -> None:
        self.x = x if isinstance(x, Rows) else Rows(x)
        self.y, self.weights = targets, weights
        self.batch_size = batch_size
        self.full_batches = len(x) // batch_size
        row_bytes = max(int(x.nbytes) // max(len(x), 1), 1)
        self.block_batches = min(max(block_bytes // (row_bytes * batch_size), 1), max(self.full_batches, 1))

    def _read(self, rows: Array, first: int, end: int) -> Block:
        inputs, places = self.x.gather(rows)
        by_place = np.empty_like(rows)
        by_place[places] = rows
        weights = () if self.weights is None else (tf.constant(self.weights[by_place]),)
        order = tf.constant(places.astype(np.int32))
        return Block(on_device(inputs), tf.constant(self.y[by_place]), order, first, end, weights)

    def blocks(self, order: Array, start: int) -> Iterator[Block]:
        """Yield blocks of one size, the last one filled up with rows that no batch reads, so that one program fits all."""
        size = self.block_batches * self.batch_size

        def read(first: int) -> Block:
            rows = np.resize(order[first * self.batch_size :][:size], size)
            return self._read(rows, first, min(first + self.block_batches, self.full_batches))

        with ThreadPoolExecutor(1) as reader:
            following = None
            for first in range(start, self.full_batches, self.block_batches):
                block = read(first) if following is None else following.result()
                more = first + self.block_batches
                following = reader.submit(read, more) if more < self.full_batches else None
                yield block
                del block  # its memory is free before the one after the next is read

    def rest(self, order: Array) -> tuple[Any, Any, Any, tuple[Any, ...]]:
        """Return the examples of the last batch alone."""
        rows = order[self.full_batches * self.batch_size :]
        block = self._read(rows, 0, 0)
        return block.inputs, block.targets, block.order, block.weights
