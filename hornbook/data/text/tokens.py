"""A text → its tokens, the same that Keras's `TextVectorization` finds: bytes of UTF-8, of which only ASCII is changed."""

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

from hornbook.data.text.subwords import PieceReader

__all__ = ["Standardize", "Tokenizer", "Tokens"]

Tokens = Literal["words", "characters", "subwords"]
Standardize = Literal["lower_and_strip_punctuation", "lower", "strip_punctuation", "none"]
PUNCTUATION = b"!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"
LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Tokenizer:
    """How texts are cut into tokens.

    Attributes:
        tokens: `words` (between the six white-space characters of ASCII), `subwords` (their pieces) or `characters` (code
            points).
        ngrams: Up to so many tokens in a row are tokens too.
        standardize: What happens first; lower case is of A to Z, punctuation is ASCII's.
        pieces: What subwords there are.
    """

    tokens: Tokens = "words"
    ngrams: int = 1
    standardize: Standardize = "lower_and_strip_punctuation"
    pieces: tuple[str, ...] = ()

    @cached_property
    def _reader(self) -> PieceReader:
        return PieceReader(self.pieces)

    def split(self, text: str) -> list[bytes]:
        """Return the tokens of a text in order: all single ones, then all pairs, and so on.

        What no encoding has, half of a pair of UTF-16, becomes a question mark.
        """
        data = self._standardized(text.encode("utf-8", "replace"))
        if self.tokens == "words":
            found = data.split()  # by space, tab, line feed, carriage return, vertical tab, form feed
        elif self.tokens == "subwords":
            found = [piece for word in data.split() for piece in self._reader.split(word)]
        else:
            found = [character.encode() for character in data.decode()]
        if self.ngrams == 1:
            return found
        pieces = (zip(*(found[start:] for start in range(size)), strict=False) for size in range(2, self.ngrams + 1))
        return [*found, *map(b" ".join, chain.from_iterable(pieces))]

    def _standardized(self, data: bytes) -> bytes:
        if self.standardize == "lower_and_strip_punctuation":
            return data.translate(LOWER, PUNCTUATION)
        if self.standardize == "lower":
            return data.translate(LOWER)
        return data.translate(None, PUNCTUATION) if self.standardize == "strip_punctuation" else data
