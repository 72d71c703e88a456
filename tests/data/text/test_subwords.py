"""Pieces of words: learned by the published algorithm, read by the longest that fits."""

import itertools
from collections import Counter

import pytest

from hornbook.data.text.subwords import START, PieceReader, learn_pieces

WORDS = {"low": 5, "lower": 2, "newest": 6, "widest": 3}  # the example of Sennrich et al.


def by_hand(words, merges):
    """The paper's listing, with ties broken by the letters."""
    spelled = {(START + word[0], *word[1:]): count for word, count in words.items()}
    found = []
    for _ in range(merges):
        pairs = Counter()
        for symbols, count in spelled.items():
            for pair in itertools.pairwise(symbols):
                pairs[pair] += count
        if not pairs or max(pairs.values()) < 2:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        found.append("".join(best))
        merged = {}
        for symbols, count in spelled.items():
            new, place = [], 0
            while place < len(symbols):
                step = 2 if symbols[place : place + 2] == best else 1
                new.append("".join(symbols[place : place + step]))
                place += step
            merged[tuple(new)] = merged.get(tuple(new), 0) + count
        spelled = merged
    return found


def test_merges_are_those_of_the_paper():
    single = {START + word[0] for word in WORDS} | {letter for word in WORDS for letter in word[1:]}
    expected = by_hand(WORDS, 8)
    pieces = learn_pieces(WORDS, len(single) + 8)
    assert set(pieces[: len(single)]) == single
    assert list(pieces[len(single) :]) == expected
    assert expected[:2] == ["es", "est"]


def test_merges_of_many_words_are_those_of_the_plain_algorithm():
    words = Counter(f"{a}{b}{c}{c}" for a in "abc" for b in ("xy", "yx", "xx") for c in ("ab", "ba", "aa", "b"))
    words = {word: count + place % 7 for place, (word, count) in enumerate(words.items())}
    single = len({START + word[0] for word in words} | {letter for word in words for letter in word[1:]})
    merged = list(dict.fromkeys(by_hand(words, 60)))
    assert list(learn_pieces(words, 10_000)[single:])[: len(merged)] == merged


def test_few_pieces_are_the_most_frequent_characters():
    assert learn_pieces({"aab": 5, "abc": 1}, 3) == ("b", START + "a", "a")  # 6, 6 and 5 times
    assert learn_pieces({"ab": 1, "cd": 3}, 10, min_count=2) == ("d", START + "c", START + "cd")


@pytest.mark.parametrize(
    ("word", "expected"),
    [("lowest", ["▁low", "est"]), ("slow", ["▁", "s", "low"]), ("lowé", ["▁low", "é"]), ("est", ["▁", "est"])],
)
def test_the_longest_piece_is_read_and_what_is_none_by_single_characters(word, expected):
    reader = PieceReader(["▁low", "▁l", "o", "w", "low", "est", "es"])
    assert [piece.decode() for piece in reader.split(word.encode())] == expected
