"""Subwords: pieces of words that are learned by merging the most frequent pairs, and of which the longest that fits is read.

Sennrich et al. (2016), arXiv:1508.07909, for the merges; Wu et al. (2016), arXiv:1609.08144, for reading the longest.
"""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

__all__ = ["LONGEST_WORD", "START", "PieceReader", "learn_pieces"]

START = "\u2581"
"""What a word begins with, so that pieces at its start are others than those within."""
MOST_WORDS = 100_000
"""Different words that pieces are learned of: the most frequent."""
LONGEST_WORD = 100
"""Bytes of a word, its start included, beyond which it is not cut, and is unknown."""
MOST_KEPT = 1_000_000
"""Words whose pieces are remembered."""

Pair = tuple[str, str]


def learn_pieces(words: Mapping[str, int], size: int, *, min_count: int = 1) -> tuple[str, ...]:
    """Return pieces of words: their characters, and what merging the most frequent pair of pieces again and again makes.

    Args:
        words: How often each word is there.
        size: How many pieces at most; characters come first, the most frequent ones.
        min_count: How often a piece has to be there; of merged ones at least twice.
    """
    chosen = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]
    spelled = [[START + word[0], *word[1:]] for word, _ in chosen]
    counts = [count for _, count in chosen]
    single: Counter[str] = Counter()
    for symbols, count in zip(spelled, counts, strict=True):
        for symbol in symbols:
            single[symbol] += count
    frequent = sorted(single.items(), key=lambda item: (-item[1], item[0]))
    pieces = dict.fromkeys([symbol for symbol, count in frequent if count >= min_count][:size])
    for merged in _merges(spelled, counts, least=max(2, min_count)):
        if len(pieces) >= size:
            break
        pieces[merged] = None
    return tuple(pieces)


def _merges(spelled: list[list[str]], counts: list[int], *, least: int) -> Iterable[str]:
    """Yield what the most frequent pair makes, of equally frequent ones the first by its letters, until one is too rare."""
    totals: dict[Pair, int] = defaultdict(int)
    places: dict[Pair, set[int]] = defaultdict(set)
    for place, symbols in enumerate(spelled):
        for pair in itertools.pairwise(symbols):
            totals[pair] += counts[place]
            places[pair].add(place)
    waiting = [(-total, pair) for pair, total in totals.items()]
    heapq.heapify(waiting)
    while waiting:
        total, pair = heapq.heappop(waiting)
        if totals.get(pair, 0) != -total:
            continue  # it has changed, and waits with another total
        if -total < least:
            return
        yield pair[0] + pair[1]
        changed: set[Pair] = set()
        for place in places.pop(pair):
            symbols, count = spelled[place], counts[place]
            merged = _merged(symbols, pair)
            for old in itertools.pairwise(symbols):
                totals[old] -= count
                changed.add(old)
            for new in itertools.pairwise(merged):
                totals[new] += count
                places[new].add(place)
                changed.add(new)
            spelled[place] = merged
        for each in changed:
            if totals[each] > 0:
                heapq.heappush(waiting, (-totals[each], each))


def _merged(symbols: list[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    place = 0
    while place < len(symbols):
        if place + 1 < len(symbols) and (symbols[place], symbols[place + 1]) == pair:
            merged.append(pair[0] + pair[1])
            place += 2
        else:
            merged.append(symbols[place])
            place += 1
    return merged


class PieceReader:
    """Cuts words into pieces: from the left, the longest that there is, else a single character.

    Args:
        pieces: The pieces.
    """

    def __init__(self, pieces: Collection[str]) -> None:
        self._pieces = frozenset(pieces)
        self._longest = max(map(len, self._pieces), default=1)
        self._known: dict[bytes, list[bytes]] = {}

    def split(self, word: bytes) -> list[bytes]:
        """Return the pieces of a word; a very long one is not cut."""
        found = self._known.get(word)
        if len(word) + len(START.encode()) > LONGEST_WORD:
            return [START.encode() + word]
        if found is None:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            found = self._known[word] = [piece.encode() for piece in self._cut(START + word.decode())]
        return found

    def _cut(self, text: str) -> list[str]:
        found, start = [], 0
        while start < len(text):
            ends = range(min(start + self._longest, len(text)), start + 1, -1)
            end = next((end for end in ends if text[start:end] in self._pieces), start + 1)
            found.append(text[start:end])
            start = end
        return found
