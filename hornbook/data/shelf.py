"""Data that was read before, for the next run on it in the same process."""

from collections import OrderedDict
from typing import Any

import numpy as np

from hornbook.data.pipeline import prepare, read
from hornbook.data.source import Source, Split, Splits
from hornbook.recipes.sources.common import DataSpec

__all__ = ["Shelf"]

ROOM = 512 * 2**20


class Shelf:
    """Loads like `hornbook.data.load`, and keeps what fits: trials of a sweep and cells of an ablation share their data.

    Runs with other seeds, and so with other splits, share what was read, unless the source draws its examples. What it
    returns cannot be written to. Files that change while it lives are not read again.

    Args:
        room: Bytes to keep; what was used longest ago goes first.
    """

    def __init__(self, room: int = ROOM) -> None:
        self.room = room
        self._kept: OrderedDict[tuple[object, ...], Source | Splits] = OrderedDict()

    def load(self, spec: DataSpec, *, seed: int, task: str | None = None, memory_budget: int | None = None) -> Splits:
        """Return the splits; arguments and errors as of `hornbook.data.load`."""
        section = (type(spec), spec.model_dump_json(), task)
        divides_by_seed = spec.reads_seed or spec.effective_split().seed is None
        key = (*section, memory_budget, seed if divides_by_seed else None)
        splits = self._find(key)
        if not isinstance(splits, Splits):
            way = (*section, memory_budget) if spec.reads_by_budget else section
            source = self._read(way, spec, seed, task, memory_budget)
            splits = prepare(source, spec, seed=seed, task=task, memory_budget=memory_budget)
            self._keep(key, splits)
        return splits

    def _read(
        self, section: tuple[object, ...], spec: DataSpec, seed: int, task: str | None, memory_budget: int | None
    ) -> Source:
        if spec.reads_seed:
            return read(spec, seed=seed, task=task, memory_budget=memory_budget)
        source = self._find(section)
        if not isinstance(source, Source):
            source = read(spec, seed=seed, task=task, memory_budget=memory_budget)
            self._keep(section, source)
        return source

    def _find(self, key: tuple[object, ...]) -> Source | Splits | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def _keep(self, key: tuple[object, ...], found: Source | Splits) -> None:
        arrays = [values for values in _values(found) if values is not None]
        if any(not isinstance(values, np.ndarray) or isinstance(values, np.memmap) for values in arrays):
            return  # these stay on disk
        for values in arrays:
            values.flags.writeable = False  # nobody changes them for those who come after
        self._kept[key] = found
        while self._kept and sum(map(_size, self._kept.values())) > self.room:
            self._kept.popitem(last=False)


def _values(found: Source | Splits) -> list[Any]:
    """Return inputs, targets and weights."""
    if isinstance(found, Source):
        weights = [found.weights, found.weights_test, found.weights_validation]
        return [found.x, found.y, found.x_test, found.y_test, found.x_validation, found.y_validation, *weights]
    parts: list[Split | None] = [found.train, found.validation, found.test]
    return [values for part in parts if part is not None for values in (part.x, part.y, part.weights)]


def _size(found: Source | Splits) -> int:
    return sum(values.nbytes for values in _values(found) if isinstance(values, np.ndarray))
