"""The vocabulary of a training split: which tokens there are, how often, and the most frequent of them."""

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

import numpy as np

from hornbook.data.storage.rows import Array
from hornbook.data.text.tokens import Tokenizer

__all__ = ["LONGEST_TOKEN", "PADDING", "UNKNOWN", "Counted", "as_rows", "counted"]

PADDING, UNKNOWN = 0, 1
"""The two tokens that are not in the list: what fills up short texts, and what is in no list."""
LONGEST_TOKEN = 100
"""Bytes of a token of the vocabulary; longer ones are unknown."""
UNKNOWN_TEXT = b"[UNK]"


@dataclass(frozen=True)
class Counted:
    """The tokens of texts.

    Attributes:
        numbers_T: The tokens of all texts one after the other, numbered as they came.
        lengths_N: How many each text has.
        names: What the numbers mean.
        counts: How often each is there.
    """

    numbers_T: Array
    lengths_N: Array
    names: list[bytes]
    counts: Array

    def chosen(self, size: int, min_count: int) -> list[int]:
        """Return the numbers of the most frequent tokens, of equally frequent ones the last by their bytes first, as Keras.

        Args:
            size: How many at most.
            min_count: How often each has to be there.
        """
        names = self.names
        counts = np.where(np.fromiter(map(_may_be_listed, names), bool, len(names)), self.counts, 0)
        if len(counts) > size:
            min_count = max(min_count, int(np.partition(counts, len(counts) - size)[len(counts) - size]))
        times, found = counts.tolist(), np.flatnonzero(counts >= min_count).tolist()
        return sorted(found, key=lambda number: (times[number], names[number]), reverse=True)[:size]

    def renumbered(self, chosen: list[int]) -> Array:
        """Return all tokens (T,) int32 by their places in the vocabulary, from 2 on, or as unknown."""
        table = np.full(len(self.names), UNKNOWN, np.int32)
        table[chosen] = np.arange(UNKNOWN + 1, UNKNOWN + 1 + len(chosen), dtype=np.int32)
        renumbered: Array = table[self.numbers_T]
        return renumbered


def counted(texts: Iterable[str], tokenizer: Tokenizer) -> Counted:
    """Return the tokens of texts."""
    known: defaultdict[bytes, int] = defaultdict(count().__next__)
    number_of, split = known.__getitem__, tokenizer.split
    numbers, lengths = array("i"), array("q")
    for text in texts:
        tokens = split(text)
        numbers.extend(map(number_of, tokens))
        lengths.append(len(tokens))
    numbers_T = np.array(numbers, np.int32)
    counts = np.bincount(numbers_T, minlength=len(known)) if len(numbers_T) else np.zeros(0, np.int64)
    return Counted(numbers_T, np.array(lengths, np.int64), list(known), counts)


def _may_be_listed(token: bytes) -> bool:
    """Return whether a token can be in the list of a saved model, which NumPy and Keras keep as text."""
    return 0 < len(token) <= LONGEST_TOKEN and b"\0" not in token and token != UNKNOWN_TEXT


def as_rows(numbers_T: Array, lengths_N: Array, length: int) -> Array:
    """Return the tokens of texts as rows (N, L) int32: the end of longer ones is cut, shorter ones are filled with 0."""
    rows = np.zeros((len(lengths_N), length), np.int32)
    end = 0
    for row, size in zip(rows, lengths_N.tolist(), strict=True):
        start, end = end, end + size
        some = numbers_T[start : min(end, start + length)]
        row[: len(some)] = some
    return rows
