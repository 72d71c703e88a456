"""Examples that are the same, or nearly: named where two splits have them, or kept together in one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hornbook.data.source import Array, Likeness
from hornbook.data.splitting import Division, divide
from hornbook.recipes.sources.common import SplitSpec

__all__ = ["across_splits", "divide_together", "in_two_classes"]

MOST_NAMED = 3
ORDER = ("train", "validation", "test")


def divide_together(
    likeness: Likeness,
    *,
    split: SplitSpec,
    labels: Array | None,
    split_by: Array | None,
    seed: int,
    own: frozenset[str],
) -> Division:
    """Return a division in which examples that are alike are in one split; arguments and errors as of `divide`.

    One of them is divided as usual, and the others go with it, so that counts are met as nearly as that allows.
    """
    same = likeness.same["train"]
    _, first, group = np.unique(same, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    group, first = rank[group.reshape(-1)], first[order]  # groups are numbered by where they begin
    counts = {
        name: value for name in ("validation", "test") if isinstance(value := getattr(split, name), int) and value
    }
    scaled = {name: max(1, round(count * len(first) / len(same))) for name, count in counts.items()}
    division = divide(
        len(first),
        split=split.model_copy(update=scaled),
        labels=None if labels is None else labels[first],
        split_by=None if split_by is None else split_by[first],
        seed=seed,
        own=own,
    )
    train, validation, test = (_members(group, getattr(division, name)) for name in ORDER)
    return replace(division, train=train, validation=validation, test=test)


def _members(group: Array, chosen: Array) -> Array:
    """Return the positions of the examples of some groups, in the order of the groups."""
    rank = np.full(int(group.max()) + 1, -1)
    rank[chosen] = np.arange(len(chosen))
    positions = np.flatnonzero(rank[group] >= 0)
    return positions[np.argsort(rank[group[positions]], kind="stable")]


def across_splits(likeness: Likeness, parts: Mapping[str, Array]) -> list[str]:
    """Return sentences that name examples which two splits share.

    Args:
        likeness: What is alike.
        parts: Positions of each split's examples; of those that the source brings itself, in their own order.
    """
    said = []
    for place, second in enumerate(ORDER):
        for first in ORDER[:place]:
            if first in parts and second in parts:
                said += _shared(likeness, first, second, parts)
    if said and not likeness.is_together:
        said[-1] += f" {likeness.advice}"
    return said


def _shared(likeness: Likeness, first: str, second: str, parts: Mapping[str, Array]) -> list[str]:
    names: list[Sequence[str]] = []
    numbers: list[tuple[Array, Array]] = []
    for split in (first, second):
        source = split if split in likeness.same else "train"
        chosen = parts[split]
        names.append([likeness.names[source][row] for row in chosen.tolist()])
        numbers.append((likeness.exact[source][chosen], likeness.same[source][chosen]))
    is_exact = np.isin(numbers[1][0], numbers[0][0])
    is_near = np.isin(numbers[1][1], numbers[0][1]) & ~is_exact
    said = []
    for mask, which, verb in ((is_exact, 0, "are also in"), (is_near, 1, "look like pictures of")):
        found = np.flatnonzero(mask)
        if len(found):
            twin = {number: row for row, number in reversed(list(enumerate(numbers[0][which].tolist())))}
            shown = [
                f"{names[1][row]} = {names[0][twin[numbers[1][which][row]]]}" for row in found[:MOST_NAMED].tolist()
            ]
            more = f" and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
            verb = (
                {"are also in": "is also in", "look like pictures of": "looks like one of"}[verb]
                if len(found) == 1
                else verb
            )
            noun = "picture" if len(found) == 1 else "pictures"
            said.append(
                f"{len(found):,} {noun} of the {second} split {verb} the {first} split: {', '.join(shown)}{more}."
            )
    return said


def in_two_classes(likeness: Likeness, labels: Mapping[str, Array], class_names: Sequence[str]) -> list[str]:
    """Return a sentence that names examples which are the same to the byte and have different classes."""
    seen: dict[int, tuple[int, str]] = {}
    found = []
    for split, y in labels.items():
        rows = zip(likeness.exact[split].tolist(), y.tolist(), likeness.names[split], strict=True)
        for number, label, name in rows:
            first = seen.setdefault(number, (label, name))
            if first[0] != label:
                found.append(f"{name} ({class_names[label]}) = {first[1]} ({class_names[first[0]]})")
    if not found:
        return []
    more = f" and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
    noun = "picture is in two classes" if len(found) == 1 else "pictures are in two classes"
    return [f"{len(found):,} {noun}: {', '.join(found[:MOST_NAMED])}{more}."]
