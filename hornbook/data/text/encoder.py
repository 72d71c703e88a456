"""How the texts of one column become token numbers: learned of a training split, kept with the run as plain facts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hornbook.data.storage.rows import Array
from hornbook.data.text.subwords import START
from hornbook.data.text.tokens import Standardize, Tokenizer, Tokens
from hornbook.data.text.vocabulary import UNKNOWN, as_rows

__all__ = ["TextEncoder", "encoded"]


def encoded(texts: Array, facts: Mapping[str, Any], name: str) -> tuple[Array, tuple[str, ...]]:
    """Return texts (N,) as token numbers (N, L) int32 by the facts that stayed with a run, and notes about them.

    Args:
        texts: The texts.
        facts: Those of a `TextEncoder`.
        name: What to call the texts in notes.
    """
    encoder = TextEncoder.of_facts(facts)
    x, lengths = encoder.encode(texts)
    cut, empty = int((lengths > encoder.length).sum()), int((lengths == 0).sum())
    is_known = (x > UNKNOWN).any(axis=1) | (x == 0).all(axis=1)
    notes = []
    if cut:
        verb = "is" if cut == 1 else "are"
        notes.append(f"{name}: {cut:,} of {len(texts):,} texts {verb} cut behind {encoder.length:,} {encoder.tokens}.")
    if empty:
        notes.append(f"{name}: {empty:,} of {len(texts):,} texts {'has' if empty == 1 else 'have'} no token.")
    if not is_known.all():
        count = int((~is_known).sum())
        verb = "has" if count == 1 else "have"
        notes.append(f"{name}: {count:,} of {len(texts):,} texts {verb} no token that training knew.")
    return x, tuple(notes)


@dataclass(frozen=True)
class TextEncoder:
    """From texts to rows of token numbers, the same as Keras's `TextVectorization` with these arguments.

    Attributes:
        tokens: What a token is.
        ngrams: Up to so many in a row are tokens too.
        standardize: What happens to a text first.
        length: Tokens of each row.
        vocabulary: Token k is ``vocabulary[k - 2]``; 0 is padding, 1 is unknown.
    """

    tokens: Tokens
    ngrams: int
    standardize: Standardize
    length: int
    vocabulary: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many different numbers there are, padding and the unknown token included."""
        return len(self.vocabulary) + UNKNOWN + 1

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """What cuts the texts."""
        pieces = [token for token in self.vocabulary if " " not in token] if self.tokens == "subwords" else ()
        return Tokenizer(self.tokens, self.ngrams, self.standardize, tuple(pieces))

    @cached_property
    def _numbers(self) -> dict[bytes, int]:
        return {token.encode(): number for number, token in enumerate(self.vocabulary, UNKNOWN + 1)}

    def encode(self, texts: Iterable[str]) -> tuple[Array, Array]:
        """Return (N, L) int32 token numbers, and how many tokens each text has before it is cut, (N,)."""
        split, number_of, length = self.tokenizer.split, self._numbers.get, self.length
        numbers, kept, lengths = list[int](), list[int](), list[int]()
        for text in texts:
            tokens = split(text)
            lengths.append(len(tokens))
            some = tokens[:length]
            kept.append(len(some))
            numbers.extend([number_of(token, UNKNOWN) for token in some])
        rows = as_rows(np.array(numbers, np.int32), np.array(kept, np.int64), length)
        return rows, np.array(lengths, np.int64)

    def text_of(self, row: Array) -> str:
        """Return the tokens of a row as text, without padding."""
        found = (int(number) for number in row if number > 0)
        joint = " " if self.tokens == "words" else ""
        text = joint.join("[UNK]" if number == UNKNOWN else self.vocabulary[number - 2] for number in found)
        return text.replace(START, " ").strip() if self.tokens == "subwords" else text

    def facts(self) -> dict[str, Any]:
        """Return everything as JSON's types; `of_facts` gives an equal encoder back."""
        return {
            "tokens": self.tokens, "ngrams": self.ngrams, "standardize": self.standardize, "length": self.length,
            "vocabulary": list(self.vocabulary),
        }  # fmt: skip

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> "TextEncoder":
        """Return the encoder of facts that stayed with a run."""
        keys = ("tokens", "ngrams", "standardize", "length")
        return cls(**{key: facts[key] for key in keys}, vocabulary=tuple(facts["vocabulary"]))
