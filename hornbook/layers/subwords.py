"""Words cut into pieces inside a saved model, in front of Keras's `TextVectorization`."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

__all__ = ["Subwords"]

PUNCTUATION = r'[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']'
"""What Keras's `TextVectorization` strips."""
REST = 1 << 30


@keras.saving.register_keras_serializable("hornbook")
class Subwords(keras.layers.Layer):
    """Texts with a space behind each piece of a word, (B,) → (B,); see `hornbook.data.text.subwords`.

    From the left, the longest piece that there is, else a single character.

    Args:
        pieces: The pieces.
        start: What is put in front of each word.
        longest: Bytes of a word, its start included, beyond which it is not cut.
        standardize: What happens to a text first, as Keras's `TextVectorization` calls it; None for nothing.
    """

    def __init__(
        self, pieces: Sequence[str], start: str, longest: int, standardize: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pieces, self.start, self.longest, self.standardize = tuple(pieces), start, longest, standardize
        self._sizes = sorted({len(piece) for piece in self.pieces} - {1})
        with tf.init_scope():
            keys = tf.constant([piece.encode() for piece in self.pieces])
            rows = tf.lookup.KeyValueTensorInitializer(keys, tf.ones(len(self.pieces), tf.int32))
            self._table = tf.lookup.StaticHashTable(rows, 0)

    def call(self, inputs: Any) -> Any:
        """Return (B,)."""
        text = tf.cast(inputs, tf.string)
        if self.standardize in {"lower", "lower_and_strip_punctuation"}:
            text = tf.strings.lower(text)
        if self.standardize in {"strip_punctuation", "lower_and_strip_punctuation"}:
            text = tf.strings.regex_replace(text, PUNCTUATION, "")
        words = tf.strings.split(text)
        whole = tf.strings.join([self.start, words.flat_values])
        is_short = tf.strings.length(whole) <= self.longest
        rest, done = tf.where(is_short, whole, ""), tf.where(is_short, "", whole)
        _, done = tf.while_loop(lambda rest, _: tf.reduce_any(tf.not_equal(rest, "")), self._next, (rest, done))
        return tf.strings.reduce_join(words.with_flat_values(done), axis=-1, separator=" ")

    def _next(self, rest: Any, done: Any) -> tuple[Any, Any]:
        """Return words without their next piece, and what is done with it."""
        count = tf.strings.length(rest, unit="UTF8_CHAR")
        best = tf.minimum(count, 1)
        for size in self._sizes:
            candidate = tf.strings.substr(rest, 0, size, unit="UTF8_CHAR")
            is_there = tf.logical_and(self._table.lookup(candidate) > 0, count >= size)
            best = tf.where(is_there, size, best)
        piece = tf.strings.substr(rest, tf.zeros_like(best), best, unit="UTF8_CHAR")
        rest = tf.strings.substr(rest, best, tf.fill(tf.shape(best), REST), unit="UTF8_CHAR")
        return rest, tf.strings.join([done, piece], separator=" ")

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape and type of the outputs."""
        return keras.KerasTensor(inputs.shape, dtype="string")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        own = {
            "pieces": list(self.pieces),
            "start": self.start,
            "longest": self.longest,
            "standardize": self.standardize,
        }
        return {**super().get_config(), **own}
