"""What Python passes as data beside the forms of `from_arrays`: weights of examples, validation data, sources of batches."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hornbook.data.pipeline import prepare
from hornbook.data.preprocessing import with_target_moments
from hornbook.data.several import named_inputs
from hornbook.data.source import Source, Split, Splits
from hornbook.data.sources.batches import NAMED, known_of_heads
from hornbook.data.sources.streams import Stream, Whole, is_stream
from hornbook.data.storage.files import memory_bytes
from hornbook.data.targets.heads import head_facts, refuse_unread
from hornbook.errors import DataError, Problem, RecipeError, UsageError
from hornbook.recipes.language.spec import as_tuple
from hornbook.recipes.sources.arrays import Arrays
from hornbook.recipes.sources.common import DataSpec

__all__ = ["given", "read_once", "settled", "stream_splits"]

PAIR = "(x, y) or (x, y, sample_weight)"
OF_ARRAYS = ("classes", "relabel", "limit", "sample")
"""Keys of `data` that choose examples, which a source of batches does itself."""


def given(data: Any, validation_data: Any = None, steps_per_epoch: int | None = None) -> Any:
    """Return what was passed as one object that `from_arrays` takes.

    Args:
        data: Arrays in any form of `from_arrays`, or a source of batches.
        validation_data: (x, y) or (x, y, sample_weight), or a source of batches that ends.
        steps_per_epoch: Batches of an epoch, for a source of batches.

    Raises:
        UsageError: If they do not go together.
    """
    if data is None:
        for name, value in (("validation_data", validation_data), ("steps_per_epoch", steps_per_epoch)):
            if value is not None:
                raise UsageError(f"{name}: goes with 'data', which is missing: the recipe's own data says both itself.")
        return None
    if isinstance(data, Stream) or is_stream(data):
        if isinstance(data, Stream) and validation_data is None and steps_per_epoch is None:
            return data
        source = data.source if isinstance(data, Stream) else data
        return Stream(source, steps=steps_per_epoch, validation=_validation(validation_data))
    if steps_per_epoch is not None:
        raise UsageError("steps_per_epoch: an epoch of arrays is all of them. Remove it.")
    validation = _validation(validation_data)
    return data if validation is None else _with_validation(data, validation)


def _validation(value: Any) -> tuple[Any, ...] | None:
    """Return (x, y) or (x, y, weights) of what is given to validate on.

    Raises:
        UsageError: If it is something else.
    """
    if value is None:
        return None
    if is_stream(value):
        return read_once(value, what="validation_data")
    if not isinstance(value, tuple | list) or len(value) not in {2, 3}:
        raise UsageError(f"validation_data: found {type(value).__name__}, expected {PAIR} or a source of batches.")
    return tuple(value)


def _with_validation(data: Any, validation: tuple[Any, ...]) -> Any:
    x, y, weights = (*validation, None)[:3]
    named = {"x_validation": x, "y_validation": y}
    if isinstance(data, Source):
        if data.x_validation is not None:
            raise UsageError(TWICE)
        if isinstance(x, Mapping) or isinstance(y, Mapping):
            raise UsageError("validation_data: 'data' is a Source, whose inputs and targets are arrays without names.")
        return replace(data, x_validation=np.asarray(x), y_validation=np.asarray(y), weights_validation=weights)
    if isinstance(data, Mapping):
        if any("val" in str(key) for key in data):
            raise UsageError(TWICE)
        plain = dict(data)
    elif isinstance(data, tuple | list) and all(isinstance(part, tuple) and len(part) == 2 for part in data):
        if len(data) == 3:
            raise UsageError(TWICE)
        (x_train, y_train), (x_test, y_test) = data
        plain = {"x": x_train, "y": y_train, "x_test": x_test, "y_test": y_test}
    elif isinstance(data, tuple | list) and len(data) in {2, 3}:
        plain = dict(zip(("x", "y", "weights"), data, strict=False))
    else:
        raise UsageError(f"data: found {type(data).__name__}, which takes no 'validation_data': give {PAIR}.")
    weighted = {} if weights is None else {"weights_validation": weights}
    return {key: value for key, value in (plain | named | weighted).items() if value is not None}


TWICE = "validation_data: 'data' holds validation examples already. Give one of them."


def read_once(source: Any, *, what: str = "data") -> tuple[Any, ...]:
    """Return all that a source of batches, or of single examples, gives in one pass: (x, y) or (x, y, sample_weight).

    Raises:
        UsageError: If it is no such source, or has no end.
        DataError: If what it gives is no examples, or exceeds half of the memory.
    """
    if not is_stream(source):
        raise UsageError(
            f"{what}: found {type(source).__name__}, expected a tf.data.Dataset, a function that returns a generator, or a "
            "keras.utils.PyDataset."
        )
    try:
        whole = Stream(source).whole(batch_size=4096, drop_remainder=False, budget=memory_bytes() // 2, thins=False)
    except (DataError, UsageError) as error:
        raise type(error)(str(error).replace("data: ", f"{what}: ", 1)) from error
    return (whole.x, whole.y) if whole.weights is None else (whole.x, whole.y, whole.weights)


def stream_splits(
    stream: Stream, spec: DataSpec | None, *, build: Any, batching: tuple[int, bool], **keys: Any
) -> Splits:
    """Return one pass over a source of batches as splits, with the source itself to train on.

    Args:
        stream: The source.
        spec: A recipe's data section, of which the keys count that do not choose examples.
        build: A function: arrays by role → their `Source`.
        batching: The recipe's batch size, and whether a rest that fills none is left out, for a source of single examples.
        keys: `seed`, `task`, `heads`, `memory_budget`, as of `load`.

    Raises:
        RecipeError: If the section chooses examples.
        DataError: As `Stream.whole`, and if targets are not what a network learns as they are.
    """
    shared = {key: getattr(spec, key) for key in DataSpec.shared} if spec is not None else {}
    _refuse_choices(shared, stream)
    keep = {key: value for key, value in shared.items() if key not in {*OF_ARRAYS, "split"}}
    size, drop = batching
    budget = keys["memory_budget"] if keys.get("memory_budget") is not None else memory_bytes() // 2
    whole = stream.whole(batch_size=size, drop_remainder=drop, budget=budget)
    if keys.get("heads") and not isinstance(whole.y, Mapping) and whole.y.ndim > 1 and whole.y.shape[1] > 1:
        raise DataError(
            f"data: the {stream.name} gives rows of targets, and each of several heads has its own. {NAMED}"
        )
    refuse_unread(whole.y, keys.get("heads"))
    roles = {"x": whole.x, "y": whole.y}
    if whole.weights is not None:
        roles["weights"] = whole.weights
    split: dict[str, Any] = {"test": 0}
    if stream.validation is None:
        split["validation"] = 0
    else:
        names = ("x_validation", "y_validation", "weights_validation")
        roles |= {name: part for name, part in zip(names, stream.validation, strict=False) if part is not None}
    section = Arrays.model_validate({**keep, "split": split, "text": getattr(spec, "text", None)})
    splits = prepare(build(roles), section, **keys)
    facts = {"source": stream.name, "batches": stream.batches, "batch_size": stream.batch_size, "steps": stream.steps}
    facts["every"] = stream.every
    splits = _of_the_whole(splits, whole) if stream.every > 1 else splits
    info = splits.info
    stream.info = replace(info, fingerprint=_fingerprint(splits, facts), extra={**info.extra, "stream": facts})
    return replace(splits, info=stream.info, stream=stream)


def _fingerprint(splits: Splits, facts: Mapping[str, Any]) -> str:
    """Return the first 16 hex digits of the SHA-256 of what does not change from epoch to epoch."""
    info = splits.info
    shown: tuple[Any, ...] = (*facts.values(), info.input_shape, info.input_dtype, info.task, info.class_names)
    if named_inputs(info):
        shown = (*shown, named_inputs(info))
    if info.heads:
        shown = (*shown, [(head.name, head.task, head.class_names) for head in info.heads])
    digest = hashlib.sha256(repr(shown).encode())
    for name, text in info.extra.get("texts", {}).items():
        digest.update("\0".join(text["vocabulary"]).encode())
        digest.update(splits.preprocessing.texts[name].idf.tobytes())
    return digest.hexdigest()[:16]


def _of_the_whole(splits: Splits, whole: Whole) -> Splits:
    """Return splits of a part of the examples with the counts and the target statistics of all of them.

    Raises:
        DataError: If a class is in the rest alone.
    """
    info = splits.info
    count, fit = (len(next(iter(y.values())) if isinstance(y, Mapping) else y) for y in (whole.targets, whole.y))
    y = known_of_heads(whole.targets, info, where=f"data: of {count:,} targets {fit:,} fit")
    info = replace(info, counts={**info.counts, "train": count})
    if info.heads:
        parts = {
            "train": Split(y, y),
            **{k: v for k, v in (("v", splits.validation), ("t", splits.test)) if v is not None},
        }
        info = replace(info, heads=head_facts(info.heads, parts))
    if info.task in {"regression", "several"}:
        return replace(splits, preprocessing=with_target_moments(splits.preprocessing, y), info=info)
    of_classes = tuple(np.bincount(y, minlength=info.num_classes).tolist()) if info.class_counts else ()
    return replace(splits, info=replace(info, class_counts=of_classes))


def _refuse_choices(shared: Mapping[str, Any], stream: Stream) -> None:
    """Refuse keys that choose examples of arrays.

    Raises:
        RecipeError: With all of them.
    """
    message = f"a {stream.name} says itself which examples it gives, and in which order."
    problems = [
        Problem(("data", key), message, "Remove it, or pass 'hornbook.from_dataset(…)'.")
        for key in OF_ARRAYS
        if shared.get(key) is not None
    ]
    split = shared.get("split")
    if split is not None and {split.validation, split.test} - {None, 0}:
        hint = "Give 'validation_data', and remove it or write 'split: {validation: 0, test: 0}'."
        problems.append(Problem(("data", "split"), message, hint))
    if problems:
        raise RecipeError(problems)


OF_THE_SOURCE = ("features", "texts")
"""What a run's statistics leave out: columns and vocabulary, which have to be the same wherever it goes on."""


def settled(splits: Splits) -> Splits:
    """Return splits with the statistics that the run keeps: of its first pass, wherever it goes on."""
    stream, info = splits.stream, splits.info
    if stream is None:
        return splits
    preprocessing = splits.preprocessing
    if stream.known:
        known = {name: as_tuple(value) for name, value in stream.known.items() if name not in OF_THE_SOURCE}
        known["blocks"] = {name: as_tuple(moments) for name, moments in stream.known.get("blocks", {}).items()}
        preprocessing = replace(preprocessing, **known)
    statistics = {name: value for name, value in vars(preprocessing).items() if name not in OF_THE_SOURCE}
    extra = {**info.extra, "stream": {**info.extra["stream"], "statistics": statistics}}
    return replace(splits, preprocessing=preprocessing, info=replace(info, extra=extra))
