"""From a source to splits, in the order that a recipe promises.

source → split → classes → relabel → limit → vocabulary → preprocessing statistics. Names of classes
become numbers before the split, so that it can be stratified; a table's categories and the tokens of texts are numbered
after it, from the training split alone.
"""

import re
from dataclasses import replace
from typing import Any

import numpy as np

from hornbook.data.finish import finished, source_name
from hornbook.data.likeness import across_splits, divide_together, in_two_classes
from hornbook.data.several import GROUPS
from hornbook.data.source import Array, Source, Split, Splits
from hornbook.data.splitting import Division, divide, sample
from hornbook.data.storage.rows import in_memory
from hornbook.data.targets.classes import check_coverage, keep_classes
from hornbook.data.targets.labels import Targets
from hornbook.data.targets.meaning import Labels, check_class_keys, encoded_labels
from hornbook.data.token_numbers import with_token_numbers
from hornbook.errors import DataError, RecipeError
from hornbook.recipes.sections.heads import Heads
from hornbook.recipes.sources.checks import NOUNS, OF_COLUMNS, augmentation_faults, section_problems
from hornbook.recipes.sources.common import DataSpec

__all__ = ["check_class_keys", "load", "prepare", "read", "sampled"]

Parts = dict[str, Split]
SMALL_PART = 10  # a split of less than one tenth of the budget is in memory in any case
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
            f"data source {source_name(spec)!r} returned {type(source).__name__}, expected a hornbook.data.Source."
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
    _check_names(source, heads or {})
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
    splits = finished(parts, encoded, spec, labels, (division.method, [*warnings, *encoded.warnings]))
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
    if getattr(spec, "text", None) is not None and not source.texts:
        raise DataError("data.text: says how texts are read, and no input is a text. Remove it.")
    if source.kind == "tokens" and spec.standardize:
        raise DataError("data.standardize: token numbers have no mean to subtract. Remove it.")


def _check_names(source: Source, heads: Heads) -> None:
    """Refuse heads that are called like one of several inputs: a saved model shows both by name."""
    beside = {*source.extra.get(GROUPS, ()), *(block.name for block in source.blocks)}
    beside |= {*source.texts} if source.kind == "table" else set()
    alike = [name for name in heads if name in beside]
    if alike:
        raise DataError(f"heads: '{alike[0]}' is called like an input. Rename one of the two.")


def _in_order(values: Array | None, spec: DataSpec) -> Array | None:
    """Return the values to split by, where they are texts and `time` orders them as points in time."""
    split = spec.effective_split()
    if values is None or split.method != "time" or not all(isinstance(value, str) for value in values):
        return values
    from hornbook.data.tables.columns.dates import times  # polars: a tenth of a second and 30 MB

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
