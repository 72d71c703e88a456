"""Keeps, renumbers and merges classes after the split: the recipe's `classes` and `relabel`."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hornbook.data.source import Array, Split
from hornbook.errors import DataError
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.sources.checks import find_class, relabel_faults

__all__ = ["check_coverage", "keep_classes", "new_numbers"]

ClassName = int | str
Parts = dict[str, Split]
"""The splits that exist, by name: train, and perhaps validation and test."""


def new_numbers(
    names: tuple[str, ...], classes: tuple[ClassName, ...] | None, relabel: Mapping[ClassName, int] | None
) -> tuple[Array, tuple[str, ...]]:
    """Return the new number of every old class (-1: dropped), and the names of the new classes.

    Kept classes are numbered from 0 in the order listed, unless `relabel` gives the numbers. Merged classes are called
    `a or b`.

    Raises:
        DataError: If a class is unknown, or the new labels do not cover the kept classes.
    """
    kept = [_find(name, names, "classes") for name in classes] if classes is not None else list(range(len(names)))
    number = {old: new for new, old in enumerate(kept)}
    if relabel is not None:
        number = {_find(name, names, "relabel"): label for name, label in relabel.items()}
        by_name = {names[old]: label for old, label in number.items()}
        for message, hint in relabel_faults(by_name, [names[old] for old in kept]):
            raise DataError(f"data.relabel: {message} {hint}")
    mapping = np.full(len(names), -1, dtype=np.int32)
    for old, new in number.items():
        mapping[old] = new
    merged = [[names[old] for old in number if number[old] == new] for new in range(max(number.values()) + 1)]
    return mapping, tuple(" or ".join(group) for group in merged)


def _find(name: ClassName, names: tuple[str, ...], key: str) -> int:
    found = find_class(name, names)
    if found is None:
        raise DataError(f"data.{key}: there is no class {name!r}. {did_you_mean(str(name), names)}".rstrip())
    return found


def keep_classes(parts: Parts, mapping: Array) -> tuple[Parts, tuple[str, ...]]:
    """Return the splits with only the kept classes, renumbered, and warnings; splits that end up empty are left out.

    Raises:
        DataError: If no training example is left.
    """
    kept: Parts = {}
    for name, part in parts.items():
        new = mapping[part.y]
        keep = new >= 0
        if keep.any():
            part = replace(part, y=new)
            kept[name] = part if keep.all() else part.at(np.flatnonzero(keep))
    if "train" not in kept:
        raise DataError("data.classes: the training split has no example of the kept classes.")
    warnings = [
        f"no {name} example is of the kept classes, so there is no {name} split." for name in parts if name not in kept
    ]
    return kept, tuple(warnings)


def check_coverage(parts: Parts, names: tuple[str, ...], method: str) -> tuple[str, ...]:
    """Return warnings for classes that a split lacks; refuse classes that only validation or test have.

    Raises:
        DataError: If a class appears in validation or test but never in training.
    """
    present = {name: set(np.unique(part.y).tolist()) for name, part in parts.items()}
    for name in ("validation", "test"):
        unseen = sorted(present.get(name, set()) - present["train"])
        if unseen:
            listed = ", ".join(names[number] for number in unseen)
            plural = "class" if len(unseen) == 1 else "classes"
            hint = (
                ""
                if method in {"random", "stratified"}
                else f" The split method is '{method}'; 'stratified' mixes them."
            )
            raise DataError(f"the {name} split has {plural} {listed}, which the training split lacks.{hint}")
    warnings = []
    for name, part in parts.items():
        absent = [names[number] for number in range(len(names)) if number not in present[name]]
        if absent and (name == "train" or (method == "stratified" and len(part) >= len(names))):
            listed = ", ".join(absent[:10]) + (" …" if len(absent) > 10 else "")
            warnings.append(f"the {name} split has no example of class {listed}.")
    return tuple(warnings)
