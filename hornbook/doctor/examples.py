"""What the examples of a run say about themselves: repeats, contradictions, columns that tell the target."""

import hashlib
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array, Split, Splits
from hornbook.data.storage.rows import Rows
from hornbook.data.targets.leaks import COLUMNS, best_column
from hornbook.doctor.case import Examples

__all__ = ["look_at", "near_rows"]

LOOKED_AT = 60_000
"""Examples of a split that are looked at."""
NEIGHBOURS, HELD = 3_000, 1_000
"""Training examples among which neighbours are looked for, and examples of another split."""
CLOSE = 0.05
"""Distance to the nearest row, as a part of that to the tenth, that independent rows hardly ever have."""


def look_at(splits: Splits) -> Examples:
    """Return what the examples of a run say."""
    train, info = splits.train, splits.info
    x, y = _arrays(train)
    keys, targets = _keys(x), [value.tobytes() for value in y]
    together = set(zip(keys, targets, strict=True))
    shared, near = {}, {}
    for name, split in (("validation", splits.validation), ("test", splits.test)):
        if split is not None and len(split):
            others, wanted = _arrays(split)
            found = [
                pair in together for pair in zip(_keys(others), (value.tobytes() for value in wanted), strict=True)
            ]
            shared[name] = float(np.mean(found))
            near[name] = near_rows((x, y), (others, wanted), info)
    by_inputs: dict[bytes, set[bytes]] = {}
    for key, target in zip(keys, targets, strict=True):
        by_inputs.setdefault(key, set()).add(target)
    contradicting = float(np.mean([len(by_inputs[key]) > 1 for key in keys]))
    flat = x.reshape(len(x), -1).astype(np.float64)
    numbers = y.astype(np.float64)
    is_table = info.kind == "table"
    return Examples(
        target_mean=float(numbers.mean()),
        target_deviation=float(np.sqrt(numbers.var(axis=0).mean())),
        target_values=len(np.unique(numbers)),
        target_range=(float(numbers.min()), float(numbers.max())),
        column_deviations=tuple(np.nanstd(flat, axis=0).tolist()) if is_table else (),
        shared=shared,
        near=near,
        distinct=len(together),
        bits=float(sum(np.log2(len(np.unique(column))) for column in flat[:NEIGHBOURS, :COLUMNS].T)),
        repeated=1 - len(together) / len(keys),
        contradicting=contradicting,
        leak=_leak(flat, y, info) if is_table else None,
        nearest=_nearest(flat, y, info) if info.task != "multilabel" and info.kind != "tokens" else None,
        label_entropy=_label_entropy(numbers) if info.task == "multilabel" else 0.0,
    )


def _label_entropy(labels_RK: Array) -> float:
    shares = labels_RK.mean(axis=0)
    parts = [-p * np.log(p) - (1 - p) * np.log(1 - p) for p in shares if 0 < p < 1]
    return float(np.sum(parts) / len(shares))


def _arrays(split: Split) -> tuple[Array, Array]:
    rows: Any = slice(0, LOOKED_AT)
    x = split.x[rows] if not isinstance(split.x, Rows) else split.x[np.arange(min(len(split), LOOKED_AT))]
    return np.asarray(x), np.asarray(split.y[rows])


def _keys(x: Array) -> list[bytes]:
    flat = np.ascontiguousarray(x.reshape(len(x), -1))
    return [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in flat]


def _leak(flat: Array, y: Array, info: DataInfo) -> tuple[str, float, float] | None:
    """Return the column that alone tells the target best, how well, and how well the next one does."""
    flat = flat[:, : info.width] if info.blocks else flat
    found = best_column(flat, y, info.task, info.features)
    if found is None:
        return None
    place, best, following = found
    names = [feature.name for feature in info.features or ()]
    return names[place] if len(names) == flat.shape[1] else f"column {place + 1}", best, following


def near_rows(train: tuple[Array, Array], others: tuple[Array, Array], info: DataInfo) -> float:
    """Return the share of other rows that lie far nearer to a training row of the same target than rows usually lie.

    Measured is the distance to the nearest row as a part of that to the tenth: of independent rows with several free
    columns, it is hardly ever small.
    """
    from sklearn.neighbors import NearestNeighbors

    x, y = (np.asarray(each[:NEIGHBOURS]).reshape(len(each[:NEIGHBOURS]), -1) for each in train)
    held, wanted = (np.asarray(each[:HELD]).reshape(len(each[:HELD]), -1) for each in others)
    if info.kind == "tokens" or len(x) < 50 or x.shape[1] < 3:
        return 0.0
    x, held = np.nan_to_num(x.astype(np.float64)), np.nan_to_num(held.astype(np.float64))
    scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1)
    distances, places = NearestNeighbors(n_neighbors=10).fit(x / scale).kneighbors(held / scale)
    is_near = (distances[:, 0] > 0) & (distances[:, 0] < CLOSE * distances[:, -1])
    apart = np.abs(y[places[:, 0]].astype(np.float64) - wanted.astype(np.float64)).max(axis=1)
    allowed = 0.05 * float(y.astype(np.float64).std()) if info.task == "regression" else 0.0
    return float(np.mean(is_near & (apart <= allowed)))


def _nearest(flat: Array, y: Array, info: DataInfo) -> float | None:
    """Return how much better than chance the nearest other training example tells the target (1: always right)."""
    from sklearn.neighbors import NearestNeighbors

    flat, y = flat[:NEIGHBOURS], y[:NEIGHBOURS].reshape(len(y[:NEIGHBOURS]), -1)[:, 0]
    flat = np.nan_to_num(flat)
    flat = (flat - flat.mean(axis=0)) / np.where(flat.std(axis=0) > 0, flat.std(axis=0), 1)
    if len(flat) < 20:
        return None
    _distances, places = NearestNeighbors(n_neighbors=2).fit(flat).kneighbors(flat)
    neighbour = np.where(places[:, 0] == np.arange(len(flat)), places[:, 1], places[:, 0])
    if info.task == "regression":
        return float(np.corrcoef(y, y[neighbour])[0, 1])
    agreement, chance = (
        float(np.mean(y == y[neighbour])),
        float(sum(np.mean(y == value) ** 2 for value in np.unique(y))),
    )
    return (agreement - chance) / (1 - chance) if chance < 1 else None
