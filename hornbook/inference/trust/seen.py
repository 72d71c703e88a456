"""Which examples a run has learned from, whichever run looks: of a table by what its columns hold, not by their codes."""

import hashlib

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array, Inputs, Splits
from hornbook.data.storage.rows import numbered_blocks, select

__all__ = ["Keys", "recoded", "seen_by"]


def recoded(x: Inputs, source: DataInfo, wanted: DataInfo) -> Inputs:
    """Return rows of one run's data as another run reads them: its columns and numbers of categories."""
    if source.features is None or wanted.features is None or source.features == wanted.features:
        return x
    places = {feature.name: place for place, feature in enumerate(source.features)}
    rows = np.asarray(select(x, slice(None)))
    columns = []
    for feature in wanted.features:
        column = rows[:, places[feature.name]]
        known = source.features[places[feature.name]].categories
        if feature.type == "category" and known != feature.categories:
            numbers = {name: number for number, name in enumerate(feature.categories, 1)}
            column = np.array([0, *(numbers.get(name, 0) for name in known)], np.float32)[column.astype(int)]
        columns.append(column)
    return np.column_stack([*columns, rows[:, source.width :]]).astype(np.float32)


class Keys:
    """Which examples there are, so that those of another run's division are known again."""

    def __init__(self) -> None:
        self.whole: set[bytes] = set()
        self.numbers: set[bytes] = set()
        self.numbers_with_gaps: set[bytes] = set()

    def add(self, x: Inputs, y: Array, info: DataInfo) -> None:
        """Remember examples."""
        for whole, numbers, has_gap in _keys(x, y, info):
            self.whole.add(whole)
            self.numbers.add(numbers)
            if has_gap:
                self.numbers_with_gaps.add(numbers)

    def among(self, x: Inputs, y: Array, info: DataInfo) -> Array:
        """Return (N,) whether each example is among those that are remembered; also where a category is not known to one."""
        return np.array(
            [
                whole in self.whole or numbers in (self.numbers if has_gap else self.numbers_with_gaps)
                for whole, numbers, has_gap in _keys(x, y, info)
            ]
        )


def _keys(x: Inputs, y: Array, info: DataInfo) -> list[tuple[bytes, bytes, bool]]:
    """Return for each example what it is, what its numbers are, and whether a category is missing or unknown."""
    features = sorted(enumerate(info.features or ()), key=lambda pair: pair[1].name)
    categories = [
        (place, [b"", *(name.encode() for name in each.categories)]) for place, each in features if each.categories
    ]
    numbers = [place for place, each in features if not each.categories]
    found = []
    for start, block in numbered_blocks(x):
        plain = np.ascontiguousarray(block[:, numbers] if categories else block)
        for row, values in enumerate(plain):
            target = np.asarray(y[start + row]).tobytes()
            texts = [names[int(block[row, place])] for place, names in categories]
            found.append((_digest(values.tobytes(), target, *texts), _digest(values.tobytes(), target), b"" in texts))
    return found


def _digest(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"\0".join(parts), digest_size=16).digest()


def seen_by(info: DataInfo, splits: Splits, split: str) -> Keys:
    """Return the examples that a run has learned from: those trained on, and for a test those that chose its best epoch."""
    keys = Keys()
    for name in ("train", "validation") if split == "test" else ("train",):
        part = getattr(splits, name)
        if part is not None and len(part):
            keys.add(part.x, part.y, info)
    return keys
