"""Words cut into pieces inside a saved model, in front of Keras's `TextVectorization`."""

import re
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

__all__ = ["Subwords"]

WORD = r"([^\t\n\v\f\r ]+)"
PUNCTUATION = r'[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']'
"""What Keras's `TextVectorization` strips."""


@keras.saving.register_keras_serializable("hornbook")
class Subwords(keras.layers.Layer):
    """Texts with a space behind each piece of a word, (B,) → (B,); see `hornbook.data.text.subwords`.

    Args:
        pieces: The pieces.
        start: What is put in front of each word.
        standardize: What happens to a text first, as Keras's `TextVectorization` calls it; None for nothing.
    """

    def __init__(self, pieces: Sequence[str], start: str, standardize: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pieces, self.start, self.standardize = tuple(pieces), start, standardize
        by_length = sorted(self.pieces, reverse=True)  # each in front of those that it begins with
        self._pattern = f"({'|'.join([*map(re.escape, by_length), WORD[1:-2]])})"

    def call(self, inputs: Any) -> Any:
        """Return (B,)."""
        text = tf.cast(inputs, tf.string)
        if self.standardize in {"lower", "lower_and_strip_punctuation"}:
            text = tf.strings.lower(text)
        if self.standardize in {"strip_punctuation", "lower_and_strip_punctuation"}:
            text = tf.strings.regex_replace(text, PUNCTUATION, "")
        text = tf.strings.regex_replace(text, WORD, self.start + r"\1")
        return tf.strings.regex_replace(text, self._pattern, r"\1 ")

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the shape and type of the outputs."""
        return keras.KerasTensor(inputs.shape, dtype="string")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {
            **super().get_config(),
            "pieces": list(self.pieces),
            "start": self.start,
            "standardize": self.standardize,
        }
