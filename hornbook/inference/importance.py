"""Which columns of a table a run's predictions rest on: how much worse it gets when the values of one are shuffled.

Breiman (2001), "Random forests", section 10; Fisher, Rudin and Dominici (2019), arXiv:1801.01489; scikit-learn's
`permutation_importance`.
"""

import math
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array, Split
from hornbook.data.storage.rows import in_memory, select
from hornbook.display.intervals import mean_interval
from hornbook.display.terminal import Bar
from hornbook.display.text import cut_inside
from hornbook.engine.evaluation import Evaluator
from hornbook.errors import UsageError
from hornbook.inference.trained import Trained
from hornbook.runs.directory import Run

__all__ = ["ColumnImportance", "Importance", "check_importance", "importance_of"]

MOST_EXAMPLES = 20_000
"""Examples that are predicted again for each shuffle."""
MOST_SHOWN = 30
MOST_COMPARED = 300
"""Columns up to which they are compared with each other."""
ALIKE = 0.8
"""Rank correlation of two columns from which on they say nearly the same."""
FEATURES = {"image": "pixels of pictures", "sequence": "steps of sequences", "tokens": "tokens"}


@dataclass(frozen=True)
class ColumnImportance:
    """How much worse a run is without what one column says: mean and half the 95 % interval over the shuffles."""

    name: str
    mean: float
    half_width: float


@dataclass(frozen=True)
class Importance:
    """What shuffling each column costs.

    Attributes:
        metric: What gets worse.
        value: What it is when nothing is shuffled.
        split: The split; None for a file.
        count: Examples.
        repeats: Shuffles of each column.
        columns: The most important first.
        alike: Pairs of columns that say nearly the same, with their rank correlation.
    """

    metric: str
    value: float
    split: str | None
    count: int
    repeats: int
    columns: tuple[ColumnImportance, ...]
    alike: tuple[tuple[str, str, float], ...] = ()

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        return {
            **{key: getattr(self, key) for key in ("metric", "value", "split", "count", "repeats")},
            "columns": [vars(column) for column in self.columns],
            "alike": [{"one": one, "other": other, "correlation": much} for one, other, much in self.alike],
        }

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> "Importance":
        """Return what `record` has returned."""
        facts = {key: record[key] for key in ("metric", "value", "split", "count", "repeats")}
        columns = tuple(ColumnImportance(one["name"], one["mean"], one["half_width"]) for one in record["columns"])
        alike = tuple((pair["one"], pair["other"], pair["correlation"]) for pair in record["alike"])
        return cls(**facts, columns=columns, alike=alike)

    def caution(self) -> str:
        """Return one sentence about columns that say nearly the same; empty where none do."""
        if not self.alike:
            return ""
        one, other, correlation = self.alike[0]
        left = len(self.alike) - 1
        more = f", and {left:,} more pair{'s' if left > 1 else ''}" if left else ""
        return (
            f"Columns that say nearly the same ('{one}' and '{other}', rank correlation {correlation:.2f}{more}) stand in "
            "for each other, so each looks less important than both are."
        )

    def lines(self) -> list[str]:
        """Return lines of at most 80 columns."""
        shown = self.columns[:MOST_SHOWN]
        names = [cut_inside(column.name, 40) for column in shown]
        width = max(len("column"), *map(len, names))
        lines = ["", f"{'column':<{width}}  {self.metric} gets worse by, when it is shuffled {self.repeats} times"]
        for name, column in zip(names, shown, strict=True):
            lines.append(f"{name:<{width}}  {column.mean:>9.4f} ± {column.half_width:.4f}")
        if len(self.columns) > MOST_SHOWN:
            lines.append(f"… and {len(self.columns) - MOST_SHOWN:,} more; --json lists all")
        of_some = f" {self.count:,} of the examples." if self.count == MOST_EXAMPLES else ""
        lines.append(f"± is the 95 % interval over the shuffles.{of_some}")
        return [*lines, *textwrap.wrap(self.caution(), 80)]


def check_importance(run: Run) -> None:
    """Refuse runs that read no columns.

    Raises:
        UsageError: If the run's inputs are no table.
        RunError: If its record cannot be read.
    """
    kind = run.data["kind"]
    if kind != "table":
        raise UsageError(
            f"--importance shuffles the columns of a table, and this run reads {FEATURES.get(kind, kind)}, of which none "
            "means anything by itself. Leave it out."
        )


def importance_of(
    trained: Trained, examples: Split, *, split: str | None, repeats: int = 10, threshold: float | None = None
) -> Importance:
    """Return how much worse the run's monitored metric gets when the values of one column are shuffled.

    Args:
        trained: The run, on a table.
        examples: What to predict.
        split: Their name; None for a file.
        repeats: Shuffles of each column, two or more.
        threshold: As of `evaluate_run`.
    """
    from sklearn.inspection import permutation_importance

    metric, higher_is_better = _monitored(trained)
    rows = np.arange(len(examples))
    if len(rows) > MOST_EXAMPLES:
        rows = np.sort(np.random.default_rng(trained.recipe.seed).permutation(len(rows))[:MOST_EXAMPLES])
    x, y = in_memory(select(examples.x, rows)), examples.y[rows]
    weights = None if examples.weights is None else examples.weights[rows]
    groups = _groups(trained.info, x.shape[1])
    evaluator, done = Evaluator(trained.built(threshold)), 0
    bar = Bar("shuffling", len(groups) * repeats)

    def score(_: Any, taken_NC: Array, targets: Array) -> float:
        nonlocal done
        done += 1
        bar.move(done)
        shuffled = x.copy()
        for column, places in enumerate(groups.values()):
            shuffled[:, places] = x[taken_NC[:, column]][:, places]
        value = evaluator.of_split(Split(shuffled, targets, weights=weights))[metric]
        return value if higher_is_better else -value

    own_NC = np.repeat(np.arange(len(x))[:, np.newaxis], len(groups), axis=1)  # whose values a row has, by column
    try:
        found = permutation_importance(
            _Ready(), own_NC, y, scoring=score, n_repeats=repeats, random_state=trained.recipe.seed % 2**32
        )
    finally:
        bar.close()
    columns = []
    for name, drops in zip(groups, found.importances.tolist(), strict=True):
        interval = mean_interval(drops)
        columns.append(ColumnImportance(name, interval.mean, interval.half))
    columns.sort(key=lambda column: -math.inf if math.isnan(column.mean) else column.mean, reverse=True)
    value = evaluator.of_split(Split(x, y, weights=weights))[metric]
    return Importance(
        metric,
        value,
        split,
        len(rows),
        repeats,
        tuple(columns),
        tuple(_alike(x[:, : trained.info.width], trained.info)),
    )


class _Ready:
    """What scikit-learn takes for a fitted estimator; the scoring knows the model."""

    def fit(self, x: Array, y: Array) -> "_Ready":
        """Do nothing."""
        return self


def _monitored(trained: Trained) -> tuple[str, bool]:
    """Return what the best epoch was chosen by, without its split, and whether more is better; of one head its loss."""
    checkpoint = trained.recipe.training.checkpoint
    if checkpoint is None or trained.head is not None:
        return "loss", False
    return checkpoint.monitor.removeprefix("val_"), checkpoint.mode == "max"


def _groups(info: DataInfo, width: int) -> dict[str, list[int]]:
    """Return the inputs of each column of the table: several of a column of dates or pictures, shuffled together."""
    groups: dict[str, list[int]] = {}
    features, beside = info.features or (), sum(block.size for block in info.blocks)
    columns = width - beside
    names = [feature.source for feature in features] if len(features) == columns else _names(info, columns)
    for place, name in enumerate(names):
        groups.setdefault(name, []).append(place)
    for block in info.blocks:
        groups[block.name] = list(range(columns, columns + block.size))
        columns += block.size
    return groups


def _names(info: DataInfo, width: int) -> list[str]:
    names = [feature.name for feature in info.features or ()]
    return names if len(names) == width else [f"column {place + 1}" for place in range(width)]


def _alike(x: Array, info: DataInfo) -> list[tuple[str, str, float]]:
    """Return pairs of numbers, and of categories of two, that order the rows nearly alike, the strongest first."""
    from scipy.stats import rankdata

    names = _names(info, x.shape[1])
    features = info.features or (None,) * x.shape[1]
    ordered = [
        place
        for place, feature in enumerate(features)
        if (feature is None or feature.type == "number" or len(feature.categories) == 2) and np.nanstd(x[:, place]) > 0
    ]
    if not 2 <= len(ordered) <= MOST_COMPARED:
        return []
    values = x[:, ordered].astype(np.float64)
    values = np.where(np.isnan(values), np.nanmean(values, axis=0), values)
    correlation = np.corrcoef(rankdata(values, axis=0), rowvar=False)
    pairs = [
        (names[ordered[one]], names[ordered[other]], float(correlation[one, other]))
        for one in range(len(ordered))
        for other in range(one + 1, len(ordered))
        if abs(correlation[one, other]) >= ALIKE
    ]
    return sorted(pairs, key=lambda pair: -abs(pair[2]))
