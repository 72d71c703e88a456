"""Data that was read before, for the next run on it in the same process."""

import atexit
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from threading import Thread
from typing import Any

import numpy as np

from hornbook.data.pipeline import prepare, read
from hornbook.data.source import Source, Split, Splits
from hornbook.recipes.language.spec import resolve_target
from hornbook.recipes.sections.heads import Heads
from hornbook.recipes.sources.common import DataSpec

__all__ = ["Shelf"]

ROOM = 512 * 2**20
TIDYING_S = 5.0


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
        self._begun: dict[tuple[object, ...], Future[Source]] = {}

    def begin(self, spec: DataSpec, *, seed: int, task: str | None = None, heads: Heads | None = None) -> None:
        """Begin to read in a thread, if the source gains from it; the next `load` of the same section waits for it.

        What goes wrong there goes wrong in `load`. If the process ends before, it waits while the thread tidies up.
        """
        if not spec.reads_in_threads or spec.reads_seed:
            return
        if spec.builds is not None:
            resolve_target(spec.builds)  # what is imported is imported here: two threads could meet in it half done
        future: Future[Source] = Future()

        def work() -> None:
            try:
                future.set_result(read(spec, seed=seed, task=task, heads=heads))
            except BaseException as error:
                future.set_exception(error)

        self._begun[_section(spec, task, heads)] = future
        thread = Thread(target=work, daemon=True)
        atexit.register(thread.join, TIDYING_S)  # by then its own threads take no more work
        thread.start()

    def load(
        self,
        spec: DataSpec,
        *,
        seed: int,
        task: str | None = None,
        heads: Heads | None = None,
        memory_budget: int | None = None,
    ) -> Splits:
        """Return the splits; arguments and errors as of `hornbook.data.load`."""
        section = _section(spec, task, heads)
        is_divided = spec.divides_itself and spec.limit is None
        divides_by_seed = spec.reads_seed or (spec.effective_split().seed is None and not is_divided)
        key = (*section, memory_budget, seed if divides_by_seed else None)
        splits = self._find(key)
        if not isinstance(splits, Splits):
            way = (*section, memory_budget) if spec.reads_by_budget else section
            keys: dict[str, Any] = {"seed": seed, "task": task, "heads": heads, "memory_budget": memory_budget}
            source = self._read(section, way, spec, keys)
            splits = prepare(source, spec, **keys)
            self._keep(key, splits)
        return splits

    def _read(
        self, section: tuple[object, ...], way: tuple[object, ...], spec: DataSpec, keys: dict[str, Any]
    ) -> Source:
        begun = self._begun.pop(section, None)
        if begun is not None:
            return begun.result()
        if spec.reads_seed:
            return read(spec, **keys)
        source = self._find(way)
        if not isinstance(source, Source):
            source = read(spec, **keys)
            self._keep(way, source)
        return source

    def _find(self, key: tuple[object, ...]) -> Source | Splits | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def _keep(self, key: tuple[object, ...], found: Source | Splits) -> None:
        arrays = [values for values in _values(found) if values is not None]
        if any(not isinstance(values, np.ndarray) or isinstance(values, np.memmap) for values in arrays):
            return  # these stay on disk
        if _size(found) > self.room:
            return
        for values in arrays:
            values.flags.writeable = False  # nobody changes them for those who come after
        self._kept[key] = found
        while self._kept and sum(map(_size, self._kept.values())) > self.room:
            self._kept.popitem(last=False)


def _section(spec: DataSpec, task: str | None, heads: Heads | None) -> tuple[object, ...]:
    keys = {"target", "task"}
    parts = [] if heads is None else [(name, head.model_dump_json(include=keys)) for name, head in heads.items()]
    return type(spec), spec.model_dump_json(), task, *parts


def _values(found: Source | Splits) -> list[Any]:
    """Return inputs, targets and weights."""
    if isinstance(found, Source):
        weights = [found.weights, found.weights_test, found.weights_validation]
        targets = [found.y, found.y_test, found.y_validation]
        apart = [array for y in targets for array in (y.values() if isinstance(y, Mapping) else [y])]
        return [found.x, found.x_test, found.x_validation, *apart, *weights]
    parts: list[Split | None] = [found.train, found.validation, found.test]
    return [values for part in parts if part is not None for values in (part.x, part.y, part.weights)]


def _size(found: Source | Splits) -> int:
    return sum(values.nbytes for values in _values(found) if isinstance(values, np.ndarray))
