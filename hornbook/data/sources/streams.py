"""Sources that are read anew in each epoch: `tf.data.Dataset`, functions that return generators, `keras.utils.PyDataset`.

Their order, and what they draw or change from one epoch to the next, stays their own. One pass in front of training tells
what a recipe has to know: shapes, classes, statistics, how many batches an epoch has. Every later batch is held against it.
No TensorFlow here: such sources are known by what they can do.
"""

import inspect
import itertools
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array
from hornbook.data.sources.batches import (
    FORMS,
    Batch,
    Expected,
    Given,
    are_batches,
    concatenated,
    encoded,
    memory_of,
    num_examples,
    read_batch,
)
from hornbook.errors import DataError, UsageError

__all__ = ["Stream", "Whole", "is_stream"]

INFINITE = -1
UNFIT = "Take fewer examples, dataset.take(1000), or train on it as it is: hornbook.train(recipe, data=dataset)."
UNENDED = "Give 'steps_per_epoch' if it has no end, or raise 'training.memory_budget'."
MOST_BATCHES = 100_000
"""Batches that are read of a source of which nobody knows whether it ends."""
PATIENCE_S = 10.0
"""Seconds after which it is said that such a source is still being read."""


def is_stream(value: Any) -> bool:
    """Return whether a value is a source of batches, not arrays."""
    return _is_dataset(value) or _is_py_dataset(value) or inspect.isgenerator(value) or _is_function(value)


def _is_dataset(value: Any) -> bool:
    return hasattr(value, "element_spec") and callable(getattr(value, "cardinality", None))


def _is_py_dataset(value: Any) -> bool:
    return any(cls.__name__ == "PyDataset" for cls in type(value).__mro__)


def _length(source: Any) -> int | None:
    """Return the batches of a `PyDataset`; None where it has no end."""
    count = len(source) if hasattr(source, "__len__") else source.num_batches
    return None if count is None else int(count)


def _is_function(value: Any) -> bool:
    return callable(value) and not isinstance(value, type) and not hasattr(value, "__array__")


@dataclass(frozen=True)
class Whole:
    """What one pass over a source has found.

    Attributes:
        x: (N, …) inputs, by name where they are several: all of them, or those of every so manieth batch.
        y: (N, …) their targets, by name where they are several.
        weights: (N,) what each of these examples counts, or None.
        targets: (M, …) the targets of the whole pass.
    """

    x: Given
    y: Given
    weights: Array | None
    targets: Given


@dataclass
class Stream:
    """A source of batches.

    Args:
        source: A `tf.data.Dataset` of batches or of single examples, a function without arguments that returns a generator
            of batches, or a `keras.utils.PyDataset`.
        steps: Batches of an epoch, where the source has no end or is not to be read to its end: the next epoch goes on
            behind them, and the source is begun anew when it ends.
        validation: (x, y) or (x, y, weights) to validate on, or a source that is read once.

    Raises:
        UsageError: If it is a generator, which can be gone through once, or has no end and no `steps`.
    """

    source: Any
    steps: int | None = None
    validation: Any = None
    batches: int = 0
    """Batches of an epoch, once the source was read."""
    batch_size: int = 0
    """Examples of the largest one, once the source was read."""
    every: int = 1
    """Of every how manieth batch the first pass has kept the inputs."""
    expected: Expected | None = None
    """What its batches have in common, once it was read."""
    info: DataInfo | None = None
    """Facts about the data, with which targets are encoded."""
    known: Mapping[str, Any] = field(default_factory=dict)
    """What an earlier process of the run has found, where a run goes on."""
    _rest: Iterator[Batch] | None = None

    def __post_init__(self) -> None:
        if inspect.isgenerator(self.source):
            raise UsageError(
                "data: a generator can be gone through once, and each epoch needs another. Pass the function that makes it, "
                "data=batches instead of data=batches()."
            )
        if self.steps is not None and (
            isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1
        ):
            raise UsageError(f"steps_per_epoch: expected a whole number above 0, found {self.steps!r}.")
        if self.steps is None and _is_dataset(self.source) and int(self.source.cardinality()) == INFINITE:
            raise UsageError(
                "data: this dataset has no end. Give 'steps_per_epoch', or let it end: dataset.take(1000)."
            )
        if self.steps is None and _is_py_dataset(self.source) and _length(self.source) is None:
            raise UsageError("data: this PyDataset has no end (num_batches is None). Give 'steps_per_epoch'.")

    @property
    def name(self) -> str:
        """What it is called in messages."""
        if _is_dataset(self.source):
            return "tf.data.Dataset"
        return "keras.utils.PyDataset" if _is_py_dataset(self.source) else "generator"

    def gives_batches(self) -> bool:
        """Return whether the source itself makes batches; else they are made of its examples, as many as the recipe says.

        Raises:
            DataError: If a dataset's elements are neither.
        """
        if not _is_dataset(self.source):
            return True
        return are_batches(self.source.element_spec)

    def whole(self, *, batch_size: int, drop_remainder: bool, budget: float, thins: bool = True) -> Whole:
        """Return one epoch of the source as arrays; afterwards the stream knows its batches.

        Args:
            batch_size: Examples of a batch where the source gives single ones.
            drop_remainder: Whether the rest of them that fills no batch is left out.
            budget: Bytes that inputs may take in memory.
            thins: Whether, above that, the inputs of every second batch, every fourth … are kept.

        Raises:
            DataError: If the source gives nothing, what is no batch, or batches unlike each other; if it exceeds the budget
                and is not to be thinned, or nobody knows that it ends; if it has not ended after `MOST_BATCHES`.
        """
        self._batched = self.source
        if not self.gives_batches():
            self._batched = self.source.batch(batch_size, drop_remainder=drop_remainder)
        kept, targets, every = dict[int, Batch](), list[Given](), 1
        expected, number, size = None, 0, 0
        patience = time.monotonic() + PATIENCE_S
        for number, batch in enumerate(self._one_epoch(), 1):
            expected = expected or Expected.of(batch)
            expected.check(batch, where=f"batch {number} of the {self.name}")
            targets.append(batch[1])
            self.batch_size = max(self.batch_size, num_examples(batch))
            if (number - 1) % every == 0:
                kept[number - 1] = batch
                size += memory_of(batch[0])
            if not self._ends():
                patience = self._unended(number, patience, thins=thins)
            while size > budget and len(kept) > 1:
                if not thins or not self._ends():
                    raise DataError(
                        f"data: after {number:,} batches the {self.name} has not ended, and its inputs take more than the "
                        f"{budget / 1e6:,.0f} MB that they may. {UNENDED if thins else UNFIT}"
                    )
                every *= 2
                kept = {place: part for place, part in kept.items() if place % every == 0}
                size = sum(memory_of(part[0]) for part in kept.values())
        if expected is None:
            raise DataError(f"data: the {self.name} gave no batch at all.")
        if self.steps is not None and number < self.steps:
            raise DataError(
                f"data: the {self.name} ends after {number} batches, before the {self.steps} of 'steps_per_epoch'."
            )
        self.batches, self.every, self.expected = number, every, expected
        x = concatenated([part[0] for part in kept.values()])
        y = concatenated([part[1] for part in kept.values()])
        weights = [part[2] for part in kept.values() if part[2] is not None]
        return Whole(x, y, np.concatenate(weights) if weights else None, concatenated(targets))

    def _unended(self, number: int, patience: float, *, thins: bool) -> float:
        """Say, or refuse, how much was read of a source that may have no end; return when that is to be looked at again."""
        advice = "give 'steps_per_epoch', the batches of an epoch" if thins else "let it end"
        if number >= MOST_BATCHES:
            raise DataError(
                f"data: after {number:,} batches the {self.name} has not ended. If it never does, {advice}."
            )
        if time.monotonic() < patience:
            return patience
        told = f"data: the {self.name} has given {number:,} batches and has not ended. If it never does, {advice}."
        warnings.warn(told, stacklevel=2)
        return math.inf

    def _ends(self) -> bool:
        """Return whether it is known that an epoch has an end."""
        if self.steps is not None or _is_py_dataset(self.source):
            return True
        return _is_dataset(self.source) and int(self.source.cardinality()) >= 0

    def epoch(self) -> Iterator[tuple[Array, Array, Array | None]]:
        """Yield the batches of the next epoch, as the network reads them.

        Raises:
            DataError: If one is unlike those of the first pass, or there are more or fewer than in it.
        """
        expected, info = self.expected, self.info
        if expected is None or info is None:
            raise ValueError("the stream was not read yet")
        batches, count = self._one_epoch(), 0
        batch = next(batches, None)
        while batch is not None:
            count += 1
            where = f"batch {count} of the {self.name}"
            expected.check(batch, where=where)
            read, batch = encoded(batch, info, where=where), next(batches, None)
            if batch is not None and count == self.batches:
                raise DataError(
                    f"data: the {self.name} gives more than the {count} batches of its first pass. {UNEVEN}"
                )
            yield read
        if count < self.batches:
            message = f"data: the {self.name} ended after {count} of the {self.batches} batches of its first pass."
            raise DataError(f"{message} {UNEVEN}")

    def _one_epoch(self) -> Iterator[Batch]:
        """Yield one epoch as the source gives it: to its end, or the next `steps` batches of it, again and again."""
        if self.steps is None:
            yield from self._once()
            return
        for _ in range(self.steps):
            batch = next(self._rest, None) if self._rest is not None else None
            if batch is None:
                self._rest = self._once()
                batch = next(self._rest, None)
            if batch is None:
                return
            yield batch

    def _once(self) -> Iterator[Batch]:
        """Yield the batches of the source from its beginning to its end."""
        if _is_py_dataset(self.source):
            begin, end = (getattr(self.source, name, None) for name in ("on_epoch_begin", "on_epoch_end"))
            if begin is not None:
                begin()
            count = _length(self.source)
            places = itertools.count() if count is None else range(count)
            elements: Any = (self.source[place] for place in places)
            yield from (self._batch(element, number) for number, element in enumerate(elements, 1))
            if end is not None:
                end()
            return
        elements = self._batched if _is_dataset(self.source) else _generated(self.source)
        for number, element in enumerate(elements, 1):
            yield self._batch(element, number)

    def _batch(self, element: Any, number: int) -> Batch:
        return read_batch(element, where=f"data: batch {number} of the {self.name}")


UNEVEN = "Give 'steps_per_epoch', so that an epoch has as many each time."


def _generated(function: Callable[[], Any]) -> Iterator[Any]:
    """Return an iterator over what a function makes.

    Raises:
        UsageError: If it takes arguments, or makes nothing to go through.
    """
    try:
        made = function()
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise UsageError(f"data: '{name}' is called without arguments for each epoch: {error}.") from error
    if not hasattr(made, "__iter__"):
        raise UsageError(f"data: the function returned {type(made).__name__}, expected a generator of {FORMS}.")
    return iter(made)
