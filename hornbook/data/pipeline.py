"""From a source to splits, in the order that a recipe promises.

source → split → classes → relabel → limit → vocabulary → preprocessing statistics. Names of classes
become numbers before the split, so that it can be stratified; a table's categories and the tokens of texts are numbered
after it, from the training split alone.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hornbook.data.classes import check_coverage, keep_classes
from hornbook.data.head_targets import head_facts
from hornbook.data.labels import Targets, target_facts
from hornbook.data.likeness import across_splits, divide_together, in_two_classes
from hornbook.data.meaning import Labels, check_class_keys, copies, encoded_labels
from hornbook.data.preprocessing import (
    Standardizing,
    check_columns,
    compute_preprocessing,
    input_facts,
    keep_training_categories,
    with_block_moments,
    with_target_moments,
    without_category,
)
from hornbook.data.source import Array, DataInfo, Inputs, Source, Split, Splits
from hornbook.data.splitting import Division, divide, sample
from hornbook.data.storage.rows import Rows, blocks, first_columns, in_file_order, in_memory
from hornbook.data.token_numbers import with_token_numbers
from hornbook.errors import DataError, RecipeError
from hornbook.recipes.sections.heads import Heads
from hornbook.recipes.sources.checks import NOUNS, OF_COLUMNS, augmentation_faults, section_problems
from hornbook.recipes.sources.common import DataSpec

__all__ = ["check_class_keys", "load", "prepare", "read", "sampled"]

Parts = dict[str, Split]
SMALL_PART = 10  # a split of less than one tenth of the budget is in memory in any case
COLORS = ("brightness", "contrast", "saturation", "hue")  # what needs to know black and white
CHANNELS = {1, 3, 4}  # of grey, RGB and RGBA images
TASKS = ("multiclass", "binary", "multilabel", "regression")


def load(
    spec: DataSpec, *, seed: int, task: str | None = None, heads: Heads | None = None, memory_budget: int | None = None
) -> Splits:
    """Return the splits that a recipe's `data` section describes: a pure function of section, seed and task.

    Args:
        spec: The validated section.
        seed: The recipe's seed.
        task: The recipe's task; None takes the source's, or infers it from the targets.
        heads: The recipe's several heads, by name; None: it has one.
        memory_budget: Bytes that the inputs of all splits may take in memory, in the type that the model gets. Above it,
            splits larger than a tenth of it are `Rows`, which stay on disk; everything else comes out the same. None reads
            all into memory.

    Raises:
        RecipeError: If keys of the section contradict each other or the source.
        DataError: If the data is missing, malformed or does not fit.
    """
    source = read(spec, seed=seed, task=task, heads=heads, memory_budget=memory_budget)
    return prepare(source, spec, seed=seed, task=task, heads=heads, memory_budget=memory_budget)


def read(
    spec: DataSpec, *, seed: int, task: str | None = None, heads: Heads | None = None, memory_budget: int | None = None
) -> Source:
    """Return the examples as the source delivers them; arguments and errors as of `load`."""
    errors = [problem for problem in section_problems(spec, task=task) if problem.severity == "error"]
    if errors:
        raise RecipeError(errors)
    keys: dict[str, Any] = {"memory_budget": memory_budget} if spec.reads_by_budget else {}
    keys |= {"apart": True} if heads and spec.reads_targets_apart else {}
    source = spec.load_source(seed=seed, **keys)
    if not isinstance(source, Source):
        raise DataError(
            f"data source {_name(spec)!r} returned {type(source).__name__}, expected a hornbook.data.Source."
        )
    return source


def prepare(
    source: Source,
    spec: DataSpec,
    *,
    seed: int,
    task: str | None = None,
    heads: Heads | None = None,
    memory_budget: int | None = None,
) -> Splits:
    """Return the splits of a loaded source; `spec` gives the shared keys. Arguments and errors as of `load`."""
    wanted = task or spec.task_hint
    if wanted is not None and wanted not in TASKS:
        raise DataError(f"unknown task {wanted!r}. Known: {', '.join(TASKS)}.")
    _check_keys(source, spec)
    targets, mapping, labels, numbers = encoded_labels(source, spec, task, heads, memory_budget)
    encoded, class_names = targets.source, labels.class_names
    split_seed = spec.effective_split().seed
    seed = seed if split_seed is None else split_seed
    split_by = _in_order(encoded.split_by, spec)
    by: dict[str, Any] = {"labels": numbers, "split_by": split_by, "seed": seed, "own": _own_splits(encoded)}
    if encoded.division is not None:
        division = Division(**encoded.division, method="time")
    elif encoded.likeness is not None and encoded.likeness.is_together:
        division = divide_together(encoded.likeness, split=spec.effective_split(), **by)
    else:
        division = divide(len(encoded.x), split=spec.effective_split(), **by)
    encoded = replace(encoded, extra={**encoded.extra, **_spans(encoded.split_by, split_by, division)}, warnings=())
    parts, warnings = _cut(encoded, division, spec)
    warnings = [*source.warnings, *targets.warnings, *warnings, *_alike(targets, division, parts, mapping)]
    if mapping is not None and class_names is not None:
        parts, lost = keep_classes(parts, mapping)
        warnings += [*lost, *check_coverage(parts, class_names, division.method)]
    parts, limited = _limit(parts, spec, labels, seed=seed)
    warnings += limited
    parts, encoded, tables = with_token_numbers(parts, encoded, spec, memory_budget=memory_budget)
    parts = _within_budget(parts, memory_budget)
    splits = _finish(parts, encoded, spec, labels, (division.method, [*warnings, *encoded.warnings]))
    return replace(splits, preprocessing=replace(splits.preprocessing, texts=tables))


def _check_keys(source: Source, spec: DataSpec) -> None:
    """Refuse keys that cannot apply to the data; the recipe's check could not know its kind."""
    beside = [block.name for block in source.blocks] + [*(source.texts if source.kind == "table" else ())]
    if spec.augmentation is not None and beside:
        listed = ", ".join(f"'{name}'" for name in beside)
        raise DataError(
            f"data.augmentation: changes inputs of one kind, and rows hold {listed} beside columns. Remove it."
        )
    if spec.augmentation is not None:
        channels = source.x.shape[-1] if source.kind == "image" else None
        for message, hint in augmentation_faults(spec.augmentation, source.kind, channels):
            where = f"the inputs are {NOUNS[source.kind]}"
            raise DataError(f"data.augmentation: {message.format(inputs=where)} {hint}")
    if source.kind != "image" and spec.scale:
        raise DataError(f"data.scale: applies to images, but the inputs are {NOUNS[source.kind]}. Remove it.")
    if source.kind in {"table", "sequence"} and spec.standardize == "per_feature":
        raise DataError(
            f"data.standardize: only images have pixels, but the inputs are {NOUNS[source.kind]}. Use 'standardize: true', "
            "which takes each column by itself."
        )
    if source.kind != "table" and spec.standardize in OF_COLUMNS:
        raise DataError(
            f"data.standardize: '{spec.standardize}' is of the number columns of a table, but the inputs are "
            f"{NOUNS[source.kind]}. Use 'standardize: true'."
        )
    if source.kind == "tokens" and spec.standardize:
        raise DataError("data.standardize: token numbers have no mean to subtract. Remove it.")


def _in_order(values: Array | None, spec: DataSpec) -> Array | None:
    """Return the values to split by, where they are texts and `time` orders them as points in time."""
    split = spec.effective_split()
    if values is None or split.method != "time" or not all(isinstance(value, str) for value in values):
        return values
    from hornbook.data.tables.dates import times  # polars: a tenth of a second and 30 MB

    return times(np.asarray(values), split.format, f"data.split: column '{split.column}'")


def _spans(values: Array | None, order: Array | None, division: Division) -> dict[str, Any]:
    """Return {"spans": {split: [first, last]}} of a split by time, as written; nothing for others."""
    if values is None or order is None or division.method != "time":
        return {}
    spans = {}
    for name in ("train", "validation", "test"):
        positions = getattr(division, name)
        if len(positions):
            ends = positions[np.argmin(order[positions])], positions[np.argmax(order[positions])]
            spans[name] = [_moment(values[end]) for end in ends]
    return {"spans": spans}


def _moment(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else re.sub(r"T00:00:00(\.0+)?$", "", str(value))


def _own_splits(source: Source) -> frozenset[str]:
    own = {"validation": source.x_validation, "test": source.x_test}
    return frozenset(name for name, x in own.items() if x is not None)


def _cut(source: Source, division: Division, spec: DataSpec) -> tuple[Parts, list[str]]:
    """Return the splits, and warnings about the source's own splits that the recipe leaves unused."""
    parts = {"train": _pick(source, division.train)}
    warnings = []
    split = spec.effective_split()
    own = {
        "validation": (source.x_validation, source.y_validation, source.weights_validation),
        "test": (source.x_test, source.y_test, source.weights_test),
    }
    for name, (x, y, weights) in own.items():
        asked, cut = getattr(split, name), getattr(division, name)
        asked = split.folds if name == "test" and split.folds is not None else asked
        if x is not None and y is not None and asked is None:
            parts[name] = Split(x, y, weights, source.names.get(name), getattr(source, f"texts_{name}"))
        elif len(cut):
            parts[name] = _pick(source, cut)
            if x is not None:
                warnings.append(
                    f"split.{name} takes {len(cut):,} training examples; the source's own {len(x):,} stay unused."
                )
    return parts, warnings


def _alike(targets: Targets, division: Division, parts: Parts, mapping: Array | None) -> list[str]:
    """Return what is to be said about examples that are the same, or nearly, of the classes that are kept."""
    source, likeness = targets.source, targets.source.likeness
    if likeness is None:
        return []
    positions = {name: getattr(division, name) for name in parts}
    for name in ("validation", "test"):
        if name in parts and not len(positions[name]):  # the source's own
            positions[name] = np.arange(len(parts[name]))
        elif name in parts and name in likeness.same:  # cut from the training examples in its place
            likeness = replace(likeness, same={k: v for k, v in likeness.same.items() if k != name})
    if mapping is not None:
        positions = {name: rows[mapping[parts[name].y] >= 0] for name, rows in positions.items()}
    said = across_splits(likeness, positions)
    class_names = targets.class_names
    if class_names is not None and targets.family == "classes":
        own = {"train": source.y, "validation": source.y_validation, "test": source.y_test}
        said += in_two_classes(
            likeness, {k: y for k, y in own.items() if y is not None and k in likeness.same}, class_names
        )
    return said


def _pick(source: Source, positions: Array) -> Split:
    """Return the examples at these positions, without a copy where they are in one piece."""
    whole = Split(source.x, source.y, source.weights, source.names.get("train"), source.texts)
    if len(positions) and positions[-1] - positions[0] + 1 == len(positions) and (np.diff(positions) == 1).all():
        return whole.at(slice(int(positions[0]), int(positions[-1]) + 1))
    return whole.at(positions)


def _limit(parts: Parts, spec: DataSpec, labels: Labels, *, seed: int) -> tuple[Parts, list[str]]:
    """Return the splits with training cut to a sample of its examples."""
    train, limit = parts["train"], spec.limit
    if limit is None:
        return parts, []
    if limit > len(train):
        return parts, [f"limit is {limit:,}, but there are only {len(train):,} training examples."]
    has_classes = labels.task in {"binary", "multiclass"}
    short = sampled(train, limit, spec, has_classes=has_classes, seed=seed)
    warnings = []
    if has_classes and labels.class_names:
        absent = sorted(set(np.unique(train.y).tolist()) - set(np.unique(short.y).tolist()))
        if absent:
            names = ", ".join(labels.class_names[number] for number in absent)
            warnings.append(f"limit leaves no training example of class {names}.")
    return {**parts, "train": short}, warnings


def sampled(train: Split, count: int, spec: DataSpec, *, has_classes: bool, seed: int) -> Split:
    """Return so many of the training examples, chosen as the section says; `seed` is the one that divides the examples."""
    if spec.sample == "first":
        return train.at(slice(count))
    chosen = sample(len(train), count, labels=train.y if has_classes else None, seed=seed)
    return train.at(chosen)


def _within_budget(parts: Parts, budget: int | None) -> Parts:
    """Return the splits with those in memory that may be: all if they fit together, else each that is small."""
    if budget is None:
        return parts
    largest = budget if sum(part.x.nbytes for part in parts.values()) <= budget else budget // SMALL_PART
    return {
        name: replace(part, x=in_memory(part.x)) if part.x.nbytes <= largest else part for name, part in parts.items()
    }


def _finish(parts: Parts, source: Source, spec: DataSpec, labels: Labels, so_far: tuple[str, list[str]]) -> Splits:
    """Return the splits with preprocessing and facts."""
    method, warnings = so_far
    features = source.features
    if features is not None:
        parts, features, unseen = keep_training_categories(parts, features)
        warnings += unseen
    whole_rows, width = parts, parts["train"].x.shape[-1] - sum(block.size for block in source.blocks)
    if source.blocks:
        parts = {name: replace(part, x=first_columns(part.x, width)) for name, part in parts.items()}
    if source.kind == "table" and width:
        warnings += check_columns(parts["train"].x, features)
        warnings += copies(parts["train"], features, labels)
    scale, scale_warnings = _scale(parts["train"].x, source, spec.scale)
    _check_colors(parts["train"].x, spec, scale or 1.0)
    warnings += _channels_first(source)
    standardize = _standardize(source, spec)
    preprocessing = compute_preprocessing(
        parts, kind=source.kind, scale=scale, standardize=standardize if width else False, features=features
    )
    if source.blocks and standardize:
        preprocessing = with_block_moments(preprocessing, whole_rows["train"].x, source.blocks)
    if labels.task in {"regression", "several"}:
        preprocessing = with_target_moments(preprocessing, parts["train"].y)
    preprocessing = replace(preprocessing, series=source.scales)
    info = _describe(whole_rows, replace(source, features=features), labels, name=_name(spec))
    extra: dict[str, Any] = {**source.extra, "has_missing": preprocessing.has_missing}
    if any(isinstance(part.x, Rows) for part in whole_rows.values()):
        extra["streams"] = True
    if preprocessing.variance is None and source.kind != "tokens" and width:
        extra["inputs"] = input_facts(parts["train"].x, scale or 1.0, features)
    if preprocessing.features is not None:
        extra["whole"] = list(preprocessing.whole)
        for name in ("validation", "test"):
            if name in parts:
                rows, what = parts[name].x, f"{name} rows"
                warnings += without_category(rows, preprocessing.features, preprocessing.whole, what=what)
    if parts["train"].weights is not None:
        extra["weighted"] = True
    if labels.task == "regression":
        extra["targets"] = target_facts(part.y for part in parts.values())
    if "pictures" in extra and labels.class_names is not None and labels.task in {"multiclass", "binary"}:
        counts = {name: np.bincount(part.y, minlength=len(labels.class_names)).tolist() for name, part in parts.items()}
        extra["pictures"] = {**extra["pictures"], "classes": counts}
    if labels.target_names:
        extra["target_names"] = list(labels.target_names)
    if labels.stratifies_by is not None and method == "stratified":
        extra["stratified_by"] = labels.stratifies_by
    heads = head_facts(labels.heads, parts)
    info = replace(info, split_method=method, heads=heads, warnings=tuple(warnings + scale_warnings), extra=extra)
    parts = whole_rows
    return Splits(parts["train"], parts.get("validation"), parts.get("test"), info, preprocessing)


def _scale(x: Inputs, source: Source, wanted: bool | None) -> tuple[float | None, list[str]]:
    """Return the divisor of images, and a warning where fractions make it doubtful."""
    if source.kind != "image" or wanted is False:
        return None, []
    if source.scale is not None:
        return (source.scale if source.scale != 1 else None), []
    largest = max(float(np.abs(block).max()) for block in blocks(in_file_order(x)))
    if wanted:
        return (255.0, []) if largest > 1 else (None, ["scale: the images lie between 0 and 1 already."])
    warning = f"images of type {x.dtype} reach {largest:g} and are not scaled; 'scale: true' divides by 255."
    return None, [warning] if largest > 16 else []


def _check_colors(x: Inputs, spec: DataSpec, scale: float) -> None:
    """Refuse to change colours where it is not known which numbers are black and white."""
    keys = [key for key in COLORS if spec.augmentation is not None and getattr(spec.augmentation, key)]
    if not keys or x.dtype == np.uint8:
        return
    ends = np.array([(block.min(), block.max()) for block in blocks(in_file_order(x))], np.float64) / scale
    lowest, highest = ends[:, 0].min(), ends[:, 1].max()
    if lowest < 0 or highest > 1:
        raise DataError(
            f"data.augmentation.{keys[0]}: black has to be 0 and white 1, or 255 of bytes, and these images reach from "
            f"{lowest:.4g} to {highest:.4g}{' once they are scaled' if scale != 1 else ''}. Write 'scale: true' where it is "
            "255, store them as bytes (uint8), or bring them to 0-1."
        )


def _channels_first(source: Source) -> list[str]:
    """Return a warning where the second axis looks like channels, and the last one does not."""
    if source.kind != "image":
        return []
    _, first, second, last = source.x.shape
    if first not in CHANNELS or last in CHANNELS:
        return []
    return [
        f"images of shape {first}×{second}×{last} are read as {first} rows with {last} channels. They look like channels "
        "first: save them as (examples, height, width, channels)."
    ]


def _standardize(source: Source, spec: DataSpec) -> bool | Standardizing:
    if spec.standardize is not None:
        return spec.standardize
    if spec.default_standardize is not None:
        return spec.default_standardize
    return source.kind in {"table", "sequence"}


def _describe(parts: Parts, source: Source, labels: Labels, *, name: str) -> DataInfo:
    """Return the facts about the splits."""
    train = parts["train"]
    is_classes = labels.task in {"multiclass", "binary"}
    target_size = 1 if train.y.ndim == 1 else train.y.shape[1]
    names = None if labels.task == "regression" else labels.class_names
    counts = np.bincount(train.y, minlength=len(names or ())).tolist() if is_classes else []
    return DataInfo(
        name=name,
        kind=source.kind,
        input_shape=tuple(train.x.shape[1:]),
        input_dtype=str(train.x.dtype),
        task=labels.task,
        num_classes=len(names or ()),
        target_size=target_size,
        class_names=names,
        features=source.features,
        vocabulary_size=source.vocabulary_size,
        counts={split: len(parts[split]) if split in parts else 0 for split in ("train", "validation", "test")},
        class_counts=tuple(counts),
        fingerprint=_fingerprint(parts, [facts["vocabulary"] for facts in source.extra.get("texts", {}).values()]),
        split_method="",
        blocks=source.blocks,
    )


def _fingerprint(parts: Parts, vocabularies: Sequence[Sequence[str]]) -> str:
    """Return the first 16 hex digits of the SHA-256 of all splits' types, shapes and bytes, and of what tokens mean."""
    digest = hashlib.sha256()
    for vocabulary in vocabularies:
        digest.update("\0".join(vocabulary).encode())
    for name in ("train", "validation", "test"):
        part = parts.get(name)
        for values in (part.x, part.y, part.weights) if part is not None else ():
            if values is None:
                continue
            digest.update(f"{name} {values.dtype.str} {values.shape} ".encode())
            for block in blocks(values):
                digest.update(block.data)
    return digest.hexdigest()[:16]


def _name(spec: DataSpec) -> str:
    return str(getattr(spec, "name", "arrays"))
