"""Splits that were loaded before, for the next run on the same data in the same process."""

from collections import OrderedDict

from hornbook.data.pipeline import load
from hornbook.data.rows import Rows
from hornbook.data.source import Split, Splits
from hornbook.recipes.data_common import DataSpec

__all__ = ["Shelf"]

ROOM = 512 * 2**20


class Shelf:
    """Loads like `hornbook.data.load`, and keeps what fits: trials of a sweep and cells of an ablation share their data.

    What it returns cannot be written to. Files that change while it lives are not read again.

    Args:
        room: Bytes to keep; what was used longest ago goes first.
    """

    def __init__(self, room: int = ROOM) -> None:
        self.room = room
        self._kept: OrderedDict[tuple[object, ...], Splits] = OrderedDict()

    def load(self, spec: DataSpec, *, seed: int, task: str | None = None, memory_budget: int | None = None) -> Splits:
        """Return the splits; arguments and errors as of `hornbook.data.load`."""
        key = (type(spec), spec.model_dump_json(), seed, task, memory_budget)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        splits = load(spec, seed=seed, task=task, memory_budget=memory_budget)
        parts = [splits.train, splits.validation, splits.test]
        if any(part is not None and isinstance(part.x, Rows) for part in parts):
            return splits  # these stay on disk
        for part in parts:
            _seal(part)
        self._kept[key] = splits
        while self._kept and sum(map(_size, self._kept.values())) > self.room:
            self._kept.popitem(last=False)
        return splits


def _seal(part: Split | None) -> None:
    """Let nobody change a split for those who come after."""
    for values in (part.x, part.y) if part is not None else ():
        if not isinstance(values, Rows):
            values.flags.writeable = False


def _size(splits: Splits) -> int:
    parts = (splits.train, splits.validation, splits.test)
    return sum(part.x.nbytes + part.y.nbytes for part in parts if part is not None)
