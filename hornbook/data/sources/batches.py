"""Batches as Python's sources give them: what is one, what all of a source have in common, how the network reads them.

Inputs are one array or several by name, of numbers or texts; targets one array, or several by name for several heads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.several import GROUPS, packed
from hornbook.data.source import Array
from hornbook.data.targets.labels import known_targets
from hornbook.data.text.encoder import encoded as token_numbers
from hornbook.data.text.given import as_array, numbers_or_texts
from hornbook.errors import DataError
from hornbook.recipes.sources.arrays import Arrays

__all__ = [
    "FORMS", "NAMED", "Batch", "Expected", "Given", "are_batches", "concatenated", "encoded", "known_of_heads",
    "memory_of", "num_examples", "read_batch",
]  # fmt: skip

Given = Array | Mapping[str, Array]
"""Inputs or targets: one array, or several by name."""
Batch = tuple[Given, Given, Array | None]
FORMS = "(inputs, targets) or (inputs, targets, sample weights)"
NAMED = "Give them names: {'one': …, 'other': …} in the place of one array."
UNNAMED = ""
"""The name of inputs or targets that are one array."""


def read_batch(element: Any, *, where: str) -> Batch:
    """Return what a source yields as arrays; bytes that are texts become str.

    Args:
        element: A tuple of inputs, targets, and perhaps weights.
        where: What to call it in messages.

    Raises:
        DataError: If it is no batch of inputs and targets.
    """
    if not isinstance(element, tuple | list) or len(element) not in {2, 3}:
        raise DataError(f"{where} is {_told(element)}, expected {FORMS}.")
    x, y = (_given(part, noun, where) for part, noun in zip(element[:2], ("inputs", "targets"), strict=True))
    weights = None if len(element) == 2 or element[2] is None else _array(element[2], f"{where}: weights")
    x = (
        {name: numbers_or_texts(array, f"{where}: '{name}'") for name, array in x.items()}
        if isinstance(x, Mapping)
        else numbers_or_texts(x, where)
    )
    arrays = [*_parts(x).values(), *_parts(y).values()]
    count = len(arrays[0]) if arrays[0].ndim else 0
    least = 1 if _is_named(x) or arrays[0].dtype.kind == "O" else 2
    has_axes = all(part.ndim >= least for part in _parts(x).values()) and all(part.ndim for part in arrays)
    if not has_axes or not count or any(len(part) != count for part in arrays):
        advice = "the first axis of all" if _is_named(x) or _is_named(y) else "the first axis of both"
        more = ", and inputs have one more" if least == 2 else ""
        raise DataError(
            f"{where} has inputs of shape {_shapes(x)} and targets of shape {_shapes(y)}: {advice} counts examples, at "
            f"least one{more}."
        )
    if weights is not None and weights.shape != (count,):
        raise DataError(f"{where} has weights of shape {weights.shape} for {count} examples.")
    return x, y, weights


def are_batches(spec: Any) -> bool:
    """Return whether elements of a dataset are batches, by its `element_spec`; else they are single examples.

    Raises:
        DataError: If they are neither, or can be read as both.
    """
    if not isinstance(spec, tuple) or len(spec) not in {2, 3}:
        raise DataError(f"data: the dataset holds {_told(spec)}, expected {FORMS}.")
    inputs, targets = ([*_parts(part).values()] for part in spec[:2])
    several = next((part for part in (*inputs, *targets) if isinstance(part, tuple | list | Mapping)), None)
    if several is not None:
        raise DataError(f"data: the dataset holds {len(several)} arrays in the place of one. {NAMED}")
    tensors = [*inputs, *targets, *spec[2:]]
    if not inputs or not targets or any(not hasattr(part, "shape") for part in tensors):
        raise DataError(f"data: the dataset holds {_told(spec)}, expected {FORMS}.")
    if any(part.shape.rank is None for part in (*inputs, *targets)):
        raise DataError("data: the dataset does not say how many axes its tensors have. Set them by set_shape.")
    shapes = [part.shape.as_list() for part in (*inputs, *targets)]
    is_named = _is_named(spec[0])
    least = 1 if is_named or inputs[0].dtype.name == "string" else 2
    has_axes = all(len(shape) >= least for shape in shapes[: len(inputs)]) and all(shapes)
    if not has_axes or len({shape[0] for shape in shapes}) > 1:
        return False
    are_texts = any(part.dtype.name == "string" for part in inputs)  # one of which no example has several
    if is_named and not are_texts and shapes[0][0] is not None and all(len(shape) == 1 for shape in shapes):
        raise DataError(
            f"data: the dataset holds inputs and targets of {shapes[0][0]} numbers each: one example, or a batch of "
            f"{shapes[0][0]}? Make batches of it: 'dataset.batch(32)', or 'dataset.unbatch().batch(32)'."
        )
    return True


def _is_named(given: Any) -> bool:
    return isinstance(given, Mapping)


def _parts(given: Any) -> dict[str, Any]:
    """Return the arrays by name."""
    return dict(given) if isinstance(given, Mapping) else {UNNAMED: given}


def _given(part: Any, noun: str, where: str) -> Given:
    """Return inputs or targets as arrays.

    Raises:
        DataError: If they are missing, or several without names.
    """
    if part is None or (isinstance(part, Mapping) and not part):
        raise DataError(f"{where} has no {noun}, expected {FORMS}.")
    if isinstance(part, Mapping):
        odd = [name for name in part if not isinstance(name, str) or not name]
        if odd:
            raise DataError(f"{where}: a name of {noun} is text, found {odd[0]!r}.")
        return {name: _array(value, f"{where}: '{name}'") for name, value in part.items()}
    if isinstance(part, tuple | list) and part and hasattr(part[0], "shape"):
        raise DataError(f"{where} holds several arrays of {noun}. {NAMED}")
    return _array(part, f"{where}: {noun}")


def _array(value: Any, where: str) -> Array:
    try:
        return as_array(value)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where} cannot be read as an array: {error}.") from error


def _shapes(given: Given) -> str:
    if not _is_named(given):
        return str(_parts(given)[UNNAMED].shape)
    return ", ".join(f"{array.shape} of '{name}'" for name, array in _parts(given).items())


def _told(element: Any) -> str:
    """Return what something is, for people."""
    if isinstance(element, Mapping):
        return f"a mapping of {', '.join(map(str, element))}"
    return f"{len(element)} values" if isinstance(element, tuple | list) else f"one value ({type(element).__name__})"


def concatenated(batches: Sequence[Given]) -> Given:
    """Return batches of inputs or targets as one."""
    parts = [_parts(batch) for batch in batches]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return whole if isinstance(batches[0], Mapping) else whole[UNNAMED]


def num_examples(batch: Batch) -> int:
    """Return how many examples a batch has."""
    return len(next(iter(_parts(batch[1]).values())))


def memory_of(given: Given) -> int:
    """Return the bytes of inputs; those of texts are an estimate."""
    arrays = _parts(given).values()
    return sum(array.nbytes + (sum(map(len, array)) if array.dtype.kind == "O" else 0) for array in arrays)


@dataclass(frozen=True)
class Expected:
    """What all batches of a source have in common.

    Attributes:
        inputs: Of each input by name, the shape of an example, and what it holds: bytes, as pictures do, numbers or texts.
        targets: The shape of a target, by name.
        is_weighted: Whether examples have weights.
    """

    inputs: Mapping[str, tuple[tuple[int, ...], str]]
    targets: Mapping[str, tuple[int, ...]]
    is_weighted: bool

    @classmethod
    def of(cls, batch: Batch) -> "Expected":
        """Return what a first batch has."""
        x, y, weights = batch
        inputs = {name: (part.shape[1:], _held(part)) for name, part in _parts(x).items()}
        return cls(inputs, {name: part.shape[1:] for name, part in _parts(y).items()}, weights is not None)

    def check(self, batch: Batch, *, where: str) -> None:
        """Refuse a batch that is unlike the first one.

        Raises:
            DataError: If it is.
        """
        x, y, weights = batch
        shapes = {name: shape for name, (shape, _) in self.inputs.items()}
        for noun, given, wanted in (("inputs", _parts(x), shapes), ("targets", _parts(y), self.targets)):
            if {*given} != {*wanted}:
                found, first = (", ".join(map(repr, names)) or "one array" for names in (given, wanted))
                raise DataError(f"data: {where} has the {noun} {found}, and the first batch {first}.")
            for name, part in given.items():
                if part.shape[1:] != wanted[name]:
                    what = f"'{name}'" if name else f"the {noun}"
                    raise DataError(
                        f"data: {where}: one of {what} has shape {part.shape[1:]}, in the first batch {wanted[name]}."
                    )
        if (weights is not None) != self.is_weighted:
            has, first = ("weights", "none") if weights is not None else ("no weights", "some")
            raise DataError(f"data: {where} has {has}, and the first batch has {first}.")
        for name, part in _parts(x).items():
            what = f"{where}: '{name}'" if name else where
            if _held(part) != self.inputs[name][1]:
                kind = "text" if _held(part) == "texts" else part.dtype
                were = "no bytes" if _held(part) == "bytes" else self.inputs[name][1]
                raise DataError(f"data: {what} has inputs of type {kind}, and in the first batch they were {were}.")
            if part.dtype.kind == "f" and not np.isfinite(part).all():
                raise DataError(f"data: {what} has inputs that are not finite numbers.")


def _held(part: Array) -> str:
    """Return what inputs are made of: ``texts``, ``bytes`` or ``numbers``."""
    if part.dtype.kind == "O":
        return "texts"
    return "bytes" if part.dtype == np.uint8 else "numbers"


def encoded(batch: Batch, info: DataInfo, *, where: str) -> tuple[Array, Array, Array | None]:
    """Return a batch as the network reads it: inputs as rows of its type, class numbers or float targets.

    Raises:
        DataError: If the network does not know such inputs or targets.
    """
    x, y, weights = batch
    targets = known_of_heads(y, info, where=f"data: {where}")
    if GROUPS in info.extra:
        return packed(_parts(x), info, f"data: {where}")[0].load(), targets, weights
    inputs = _parts(x)[UNNAMED]
    if "texts" in info.extra:
        ((name, facts),) = info.extra["texts"].items()
        return token_numbers(inputs, facts, name)[0], targets, weights
    dtype = np.dtype(info.input_dtype)
    if dtype == np.uint8 and inputs.dtype != np.uint8 and (inputs.min() < 0 or inputs.max() > 255):
        raise DataError(
            f"data: {where} has pixels from {inputs.min()} to {inputs.max()}; those of the first pass were 0 to 255."
        )
    inputs = inputs.reshape(len(inputs), *(size or 1 for size in info.input_shape)).astype(dtype, copy=False)
    return inputs, targets, weights


def known_of_heads(y: Given, info: DataInfo, *, where: str) -> Array:
    """Return targets as the network has learned them: as `known_targets`, of several heads a matrix (N, T) of all.

    Raises:
        DataError: If the network does not know such targets.
    """
    if not info.heads:
        return known_targets(_parts(y)[UNNAMED], info, spec=Arrays(), where=where)
    parts = []
    for head in info.heads:
        arrays = [_parts(y)[name] for name in (head.target_names if _is_named(y) and head.target_names else _parts(y))]
        own = arrays[0] if len(arrays) == 1 else np.column_stack(arrays)
        targets = known_targets(own, info.of_head(head.name), spec=Arrays(), where=f"{where}: head '{head.name}'")
        parts.append(np.asarray(targets, np.float32).reshape(len(targets), -1))
    return np.concatenate(parts, axis=1)
