"""The texts of splits as token numbers, by the vocabulary of the training split; and what is to be said about them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hornbook.data.storage.rows import Array
from hornbook.data.text.embeddings import read_embeddings
from hornbook.data.text.encoder import TextEncoder
from hornbook.data.text.subwords import LONGEST_WORD, START, learn_pieces
from hornbook.data.text.tables import TextTables
from hornbook.data.text.tokens import Tokenizer
from hornbook.data.text.vocabulary import UNKNOWN, Counted, as_rows, counted
from hornbook.errors import DataError
from hornbook.recipes.sources.texts import TextSettings

__all__ = ["EncodedTexts", "encode_splits"]

NOUNS = {"train": "training"}
MANY_CAPITALS = 0.01
"""Share of tokens with capital letters other than A to Z from which on a warning says that they stay."""


@dataclass(frozen=True)
class EncodedTexts:
    """A column of texts as token numbers.

    Attributes:
        rows: (N, L) int32 of each split.
        encoder: What made them of the texts.
        tables: What the network needs to know.
        facts: What stays with the run: the encoder, and counts per split.
        warnings: Sentences the user should read.
    """

    rows: Mapping[str, Array]
    encoder: TextEncoder
    tables: TextTables
    facts: Mapping[str, Any]
    warnings: tuple[str, ...]


def encode_splits(
    texts: Mapping[str, Array], settings: TextSettings, name: str, *, memory_budget: int | None = None
) -> EncodedTexts:
    """Return the texts of all splits as token numbers.

    Args:
        texts: (N,) texts of `train`, which the vocabulary is learned of, and of other splits.
        settings: What tokens are, and how many are kept.
        name: What the column is called.
        memory_budget: Bytes that the token numbers may take.

    Raises:
        DataError: If no training text has a token, the numbers exceed the budget, or embeddings cannot be read.
    """
    size, min_count = settings.vocabulary - UNKNOWN - 1, settings.min_count
    tokenizer = Tokenizer(settings.tokens, settings.ngrams, settings.standardize)
    if settings.tokens == "subwords":
        tokenizer, min_count = replace(tokenizer, pieces=_pieces(texts["train"], settings, size)), 1
    train = counted(texts["train"], tokenizer)
    chosen = train.chosen(size, min_count)
    if not chosen:
        raise DataError(
            f"column '{name}': none of {len(train.lengths_N):,} training texts has a token that occurs "
            f"{settings.min_count:,} times. Are they empty, or is 'text.min_count' too high?"
        )
    length = _length(settings.length, train.lengths_N)
    count = sum(map(len, texts.values()))
    needed = 4 * length * count
    if memory_budget is not None and needed > memory_budget:
        raise DataError(
            f"column '{name}': {length:,} tokens of {count:,} texts take {needed / 1e6:,.0f} MB, and "
            f"the memory budget is {memory_budget / 1e6:,.0f} MB. Keep fewer: 'data.text.length=200'."
        )
    vocabulary = tuple(train.names[number].decode() for number in chosen)
    encoder = TextEncoder(settings.tokens, settings.ngrams, settings.standardize, length, vocabulary)
    rows = {"train": as_rows(train.renumbered(chosen), train.lengths_N, length)}
    lengths = {"train": train.lengths_N}
    for split in texts:
        if split != "train":
            rows[split], lengths[split] = encoder.encode(texts[split])
    embeddings, said = _embeddings(settings, encoder, name)
    tables = TextTables(
        encoder.size,
        _idf(rows["train"], encoder.size),
        embeddings,
        None if embeddings is None else int(embeddings.shape[1]),
    )
    facts = {
        **encoder.facts(),
        "distinct": len(train.names),
        "longest": int(train.lengths_N.max()),
        "lengths": [int(each) for each in np.quantile(train.lengths_N, [0.5, 0.95], method="inverted_cdf")],
        "cut": {split: int((each > length).sum()) for split, each in lengths.items()},
        "empty": {split: int((each == 0).sum()) for split, each in lengths.items()},
        "unknown": {split: _unknown(each) for split, each in rows.items()},
        **({} if said is None else {"embeddings": said}),
    }
    warnings = (*_empty(facts, texts, name), *_capitals(train, settings, name))
    return EncodedTexts(rows, encoder, tables, facts, warnings)


def _pieces(texts: Array, settings: TextSettings, size: int) -> tuple[str, ...]:
    """Return the pieces that words of training texts are cut into."""
    words = counted(texts, Tokenizer("words", 1, settings.standardize))
    counts = {
        word.decode(): int(count)
        for word, count in zip(words.names, words.counts, strict=True)
        if len(word) + len(START.encode()) <= LONGEST_WORD and b"\0" not in word
    }
    return learn_pieces(counts, size, min_count=settings.min_count)


def _length(wanted: float, lengths_N: Array) -> int:
    """Return how many tokens are kept: as many as wanted, or as that share of the texts has."""
    if isinstance(wanted, int):
        return wanted
    return max(1, int(np.quantile(lengths_N, wanted, method="inverted_cdf")))


def _idf(rows_NL: Array, size: int) -> Array:
    """Return inverse document frequencies as Keras's `TextVectorization` has them, 0 for padding."""
    ordered = np.sort(rows_NL, axis=1)
    is_first = np.ones(ordered.shape, bool)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    documents = np.bincount(ordered[is_first], minlength=size)
    idf = np.log(1 + len(rows_NL) / (1 + documents))
    idf[0] = 0.0
    return idf.astype(np.float32)


def _unknown(rows_NL: Array) -> float:
    """Return the share of unknown tokens."""
    present = int(np.count_nonzero(rows_NL))
    return float((rows_NL == UNKNOWN).sum() / present) if present else 0.0


def _embeddings(settings: TextSettings, encoder: TextEncoder, name: str) -> tuple[Array | None, dict[str, Any] | None]:
    """Return (V, D) embeddings with NaN where the file has none, and what is to be said of them."""
    if settings.embeddings is None:
        return None, None
    rows, is_there = read_embeddings(settings.embeddings, encoder.vocabulary)
    if not is_there.any():
        raise DataError(
            f"data.text.embeddings: {settings.embeddings} has none of the {len(encoder.vocabulary):,} tokens of '{name}', "
            f"such as '{encoder.vocabulary[0]}'."
        )
    whole = np.full((encoder.size, rows.shape[1]), math.nan, np.float32)
    whole[UNKNOWN + 1 :][is_there] = rows[is_there]
    said = {"file": settings.embeddings, "found": int(is_there.sum()), "dimension": int(rows.shape[1])}
    return whole, said


def _empty(facts: Mapping[str, Any], texts: Mapping[str, Array], name: str) -> list[str]:
    """Return a warning about texts without a token."""
    said = []
    for split, count in facts["empty"].items():
        noun, verb = f"{NOUNS.get(split, split)} texts", "has" if count == 1 else "have"
        why = "a prediction for such a text says nothing about it."
        said += [f"column '{name}': {count:,} of {len(texts[split]):,} {noun} {verb} no token; {why}"] if count else []
    return said


def _capitals(train: Counted, settings: TextSettings, name: str) -> list[str]:
    """Return a warning where many capital letters stay that are none of A to Z."""
    if not settings.standardize.startswith("lower") or not len(train.numbers_T):
        return []
    names = [each.decode() for each in train.names]
    capital = [place for place, text in enumerate(names) if not text.isascii() and text != text.lower()]
    share = float(train.counts[capital].sum() / len(train.numbers_T))
    if share < MANY_CAPITALS:
        return []
    example = names[max(capital, key=lambda place: train.counts[place])]
    return [
        f"column '{name}': {share:.1%} of the tokens have capital letters other than A to Z, which stay ('{example}'): "
        "lower case them yourself if they are to count as one."
    ]
