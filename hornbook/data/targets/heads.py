"""Targets of several heads → one matrix, with the facts about each head's columns of it.

Each head's targets are read like those of a recipe that has no other: class numbers take one column of the matrix, labels
and numbers as many as there are. Heads may share a target.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hornbook.data.canonical import check_lengths
from hornbook.data.facts import HeadInfo, Task
from hornbook.data.several import GROUPS
from hornbook.data.source import Array, Source, Split
from hornbook.data.targets.labels import SPLIT_NAMES, Targets, encode_targets, final_task, target_facts
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.sections.heads import Heads, NamedHead

__all__ = ["SeveralTargets", "encode_heads", "head_facts", "refuse_unread", "targets_of"]


@dataclass(frozen=True)
class SeveralTargets:
    """Encoded targets of several heads.

    Attributes:
        source: The source with y, y_validation and y_test as float32 matrices (N, K) of all heads' columns.
        heads: Facts about each head; without counts, which are those of the training split.
        labels: (N,) class numbers that a split may be stratified by, of the only target that is a class; None where there
            is none, or several.
        stratifies_by: The head whose class numbers these are.
        warnings: Sentences the user should read.
    """

    source: Source
    heads: tuple[HeadInfo, ...]
    labels: Array | None
    stratifies_by: str | None
    warnings: tuple[str, ...]


def encode_heads(
    source: Source,
    heads: Heads,
    *,
    numbers: Mapping[str, Any] | None = None,
    hint: Task | None = None,
) -> SeveralTargets:
    """Return the targets of several heads as one matrix.

    Args:
        source: As loaded. Its targets are an array of columns, or a mapping of arrays by name.
        heads: The recipe's, by name.
        numbers: Types that the recipe gives to columns; targets that are called numbers are regressions.
        hint: The task that the source knows of, where there is one target.

    Raises:
        DataError: If a head names no target, or its targets are missing, malformed or do not fit its task.
    """
    _check(source, heads)
    names = [name for name in SPLIT_NAMES if getattr(source, name) is not None]
    matrices: dict[str, list[Array]] = {name: [] for name in names}
    facts, warnings, first = list[HeadInfo](), list[str](), 0
    classes: dict[tuple[Any, ...], tuple[str, Array]] = {}
    for head, named in heads.items():
        try:
            own, columns = targets_of(source, head, named)
            known = numbers or {}
            is_number = bool(columns) and all(known.get(column) == "number" for column in columns)
            own_hint = "regression" if is_number else hint if len(_names(source)) == 1 else None
            encoded = encode_targets(own, named.task or own_hint)
            task = final_task(encoded.family, encoded.class_names, named.task)
        except DataError as error:
            raise DataError(f"heads.{head}: {error}") from error
        warnings += [f"heads.{head}: {text}" for text in encoded.warnings]
        for name in names:
            y = np.asarray(getattr(encoded.source, name), np.float32)
            matrices[name].append(y.reshape(len(y), -1))
        width = matrices["y"][-1].shape[1]
        facts.append(_facts(head, task, encoded, columns, (first, first + width)))
        first += width
        if encoded.family == "classes":
            classes.setdefault(columns, (head, encoded.source.y))
    joined: dict[str, Any] = {name: np.concatenate(parts, axis=1) for name, parts in matrices.items()}
    whole = replace(source, **joined, target_names=None, class_names=None)
    by, labels = next(iter(classes.values())) if len(classes) == 1 else (None, None)
    return SeveralTargets(whole, tuple(facts), labels, by, tuple(warnings))


def _check(source: Source, heads: Heads) -> None:
    """Refuse targets that are a list with an array for each head, and heads that are called like an input."""
    if not isinstance(source.y, Mapping) and np.ndim(source.y) and len(source.y) != len(source.x):
        by_name = ", ".join(f"'{head}': …" for head in heads)
        raise DataError(
            f"x has {len(source.x):,} examples, but y has {len(source.y):,} targets. Those of several heads are given by "
            f"name: {{{by_name}}}."
        )
    inputs = {*source.extra.get(GROUPS, ()), *(block.name for block in source.blocks)}
    for head in heads:
        if head in inputs:
            raise DataError(
                f"heads.{head}: an input is called '{head}' too, and a model has each name once. Rename one."
            )


def refuse_unread(y: Any, heads: Heads | None) -> None:
    """Refuse targets that were given by name and that no head predicts: nobody would miss them; a name may be misspelled.

    Raises:
        DataError: If there are such targets.
    """
    if heads is None or not isinstance(y, Mapping):
        return
    read = {column for head, named in heads.items() for column in named.named_columns() or (head,)}
    unread = [str(name) for name in y if name not in read]
    if not unread or not read <= {*y}:  # a head that finds no target says so itself
        return
    are, known = "targets" if len(unread) > 1 else "target", ", ".join(sorted(map(str, read)))
    raise DataError(
        f"data: no head predicts the {are} {', '.join(map(repr, unread))}; there are heads for: {known}. "
        f"Leave {'them' if len(unread) > 1 else 'it'} out, or add a head, heads: {{{unread[0]}: {{}}}}."
    )


def _facts(head: str, task: Any, encoded: Targets, columns: tuple[Any, ...], place: tuple[int, int]) -> HeadInfo:
    names = None if task == "regression" else encoded.class_names
    return HeadInfo(
        name=head,
        task=task,
        num_classes=len(names or ()),
        target_size=place[1] - place[0],
        class_names=names,
        class_counts=(),
        columns=place,
        target_names=tuple(map(str, columns))
        if all(isinstance(column, str) for column in columns) and columns
        else None,
    )


def targets_of(source: Source, head: str, named: NamedHead) -> tuple[Source, tuple[Any, ...]]:
    """Return the source with one head's targets alone, and the columns that they are; none where it has no name.

    Raises:
        DataError: If there are no such columns, or it is not said which.
    """
    known = _names(source)
    columns: tuple[Any, ...] = named.named_columns()
    if not columns and head in known:
        columns = (head,)
    if not columns and (len(known) > 1 or isinstance(source.y, Mapping)):
        raise DataError(
            f"which target does it predict? Name it with 'target'. There are: {', '.join(map(str, known))}."
        )
    for column in columns:
        if column not in known:
            raise DataError(f"there is no target {column!r}. {did_you_mean(str(column), [*map(str, known)])}")
    columns = columns or tuple(known)
    arrays = {
        name: _picked(getattr(source, name), columns, known)
        for name in SPLIT_NAMES
        if getattr(source, name) is not None
    }
    only = len(known) == 1 or not isinstance(source.y, Mapping)
    own = replace(source, **arrays, target_names=None, class_names=source.class_names if only else None)
    if len(columns) > 1:
        own = replace(own, target_names=tuple(map(str, columns)))
    check_lengths(own)
    is_named = isinstance(source.y, Mapping) or source.target_names is not None
    return own, columns if is_named or len(known) > 1 else ()


def _names(source: Source) -> tuple[Any, ...]:
    """Return the names of the targets, their numbers from 0 where they have none."""
    if isinstance(source.y, Mapping):
        others = [y for y in (source.y_validation, source.y_test) if y is not None]
        for y in others:
            if not isinstance(y, Mapping) or {*y} != {*source.y}:
                raise DataError(f"each split needs the same targets: {', '.join(map(str, source.y))}.")
        return tuple(source.y)
    if source.target_names is not None:
        return source.target_names
    y = np.asarray(source.y)
    return tuple(range(y.shape[1] if y.ndim > 1 else 1))


def _picked(y: Any, columns: tuple[Any, ...], known: tuple[Any, ...]) -> Any:
    """Return some columns of targets, (N,) of one and (N, K) of several."""
    if isinstance(y, Mapping):
        arrays = [np.asarray(y[column]) for column in columns]
        if len(arrays) == 1:
            return arrays[0]
        if len({len(array) for array in arrays}) > 1:
            listed = ", ".join(f"{column} {len(array):,}" for column, array in zip(columns, arrays, strict=True))
            raise DataError(f"its targets are not equally long: {listed}.")
        if any(array.dtype.kind in "OUS" for array in arrays):
            raise DataError(
                f"several targets of one head are numbers or labels of 0 and 1, and one of {columns} is text."
            )
        return np.column_stack(arrays)
    rows = np.asarray(y)
    if rows.ndim == 1:
        return rows
    places = [known.index(column) for column in columns]
    return rows[:, places[0]] if len(places) == 1 else rows[:, places]


def head_facts(heads: tuple[HeadInfo, ...], parts: Mapping[str, Split]) -> tuple[HeadInfo, ...]:
    """Return the facts with what the splits tell: training examples of each class, what losses ask of numbers."""
    found = []
    for head in heads:
        if head.task in {"multiclass", "binary"}:
            counts = np.bincount(parts["train"].of_head(head).y, minlength=head.num_classes)
            head = replace(head, class_counts=tuple(counts.tolist()))
        elif head.task == "regression":
            head = replace(head, targets=target_facts(part.y[:, head.place] for part in parts.values()))
        found.append(head)
    return tuple(found)
