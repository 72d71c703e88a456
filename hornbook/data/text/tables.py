"""What a network needs to know of a column's tokens beside their numbers."""

from dataclasses import dataclass, field

from hornbook.data.storage.rows import Array

__all__ = ["TextTables"]


@dataclass(frozen=True)
class TextTables:
    """Frequencies and first embeddings of a vocabulary; the arrays are no part of its text or identity.

    Attributes:
        size: How many different numbers there are.
        idf: (V,) inverse document frequencies, log(1 + N / (1 + n)) of n among N training texts that have the token; 0 for
            padding.
        embeddings: (V, D) embeddings from a file, NaN in the rows of tokens that it has not; None without a file.
        dimension: Their D.
    """

    size: int
    idf: Array = field(repr=False, compare=False)
    embeddings: Array | None = field(default=None, repr=False, compare=False)
    dimension: int | None = None
