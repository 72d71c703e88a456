"""Several runs as one: the mean of what they predict, and what that gains on examples that none of them has learned from.

Hansen and Salamon (1990), "Neural network ensembles", IEEE TPAMI 12; Lakshminarayanan et al. (2017), arXiv:1612.01474.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.inputs.files import STDIN
from hornbook.data.readings import Examples
from hornbook.data.source import Array, Split
from hornbook.data.storage.rows import select
from hornbook.display.intervals import Interval
from hornbook.display.text import cut_inside, path_text
from hornbook.engine.prediction import predict_scores
from hornbook.errors import DataError, RunError, UsageError
from hornbook.inference.examples import Missing, examples_of
from hornbook.inference.run_splits import load_splits, of_split
from hornbook.inference.trained import Trained, labels_of, load_run, of_one_head
from hornbook.inference.trust.confidence import gives_probabilities
from hornbook.inference.trust.seen import recoded, seen_by
from hornbook.runs.members import members_of

__all__ = ["Comparison", "Members", "compare_members"]

SMALLEST = 1e-7
"""Probability below which none is taken to be when its logarithm is."""
MOST_SHOWN = 20


class Members:
    """Finished runs whose outputs mean the same.

    Args:
        names: Runs, sweeps or studies; see `hornbook.runs.members.members_of`.
        which: ``best`` or ``last`` weights; None: each run's final ones.
        trust: Whether code that the runs' models hold may be run.
        head: Which of several heads is averaged, as if the runs had no other.

    Raises:
        UsageError: If there are less than two, or they do not fit each other: tasks, classes, targets or inputs; if they
            have several heads and none is named.
    """

    def __init__(
        self, names: Sequence[str], *, which: str | None = None, trust: bool = False, head: str | None = None
    ) -> None:
        runs = members_of(names)
        if len(runs) < 2:
            raise UsageError(f"{path_text(runs[0].path)}: the only run that is named. To average, name several.")
        loaded = [load_run(run.path, which=which, trust=trust) for run in runs]
        self.trained = [
            of_one_head(each, "averaging takes", " Name one: --head NAME.") if head is None else each.of_head(head)
            for each in loaded
        ]
        faults = [fault for other in self.trained[1:] for fault in _unlike(self.first, other)]
        if faults:
            raise UsageError("\n  ".join(["these runs cannot be averaged.", *faults]))

    @property
    def first(self) -> Trained:
        """The run whose names of classes and targets are used."""
        return self.trained[0]

    @property
    def names(self) -> list[str]:
        """The runs' folders, as they are shown."""
        return [path_text(each.run.path) for each in self.trained]

    def scores_of_file(self, source: str | Path, **reading: Any) -> tuple[list[Array], list[Examples]]:
        """Return each run's outputs (N, K) for a file, and its examples as each run reads them.

        Args:
            source: As of `hornbook.inference.examples.examples_of`.
            reading: As of the same.
        """
        if str(source) == STDIN and len(self.trained) > 1:
            raise UsageError("several runs read the examples one after another. Write standard input to a file first.")
        examples = [examples_of(trained, source, **reading) for trained in self.trained]
        pairs = zip(self.trained, examples, strict=True)
        return [predict_scores(trained.model, part.x) for trained, part in pairs], examples

    def unseen(self, examples: Sequence[Examples], *, anyway: bool = False) -> tuple[Array, tuple[str, ...]]:
        """Return (N,) which examples of a file no run has learned from, and notes; errors as of `scores_of_split`.

        Args:
            examples: As each run reads them, with targets.
            anyway: Whether to go on where a run's data has changed.
        """
        is_new, notes = np.ones(len(examples[0].x), bool), list[str]()
        for trained, part in zip(self.trained, examples, strict=True):
            try:
                splits, more = load_splits(trained, anyway=anyway)
            except (DataError, RunError) as error:
                notes.append(
                    f"note: whether {path_text(trained.run.path)} has learned from these is not known: {error}"
                )
                continue
            notes += more
            is_new &= ~seen_by(trained.info, splits, "test").among(part.x, np.asarray(part.y), trained.info)
        if not is_new.any():
            raise UsageError(
                "each of these examples was used to train one of the runs, so nothing can be said of the others."
            )
        if not is_new.all():
            left = int((~is_new).sum())
            notes.append(
                f"note: left out {left:,} of {len(is_new):,} examples, which one of the runs has learned from."
            )
        return is_new, tuple(notes)

    def scores_of_split(self, split: str, *, anyway: bool = False) -> tuple[list[Array], Split, tuple[str, ...]]:
        """Return each run's outputs for those examples of the first run's split that no run has learned from.

        Raises:
            UsageError: If there are none.
            RunError, DataError: If a run's data is gone or has changed; if there is no such split.
        """
        loaded = [load_splits(trained, anyway=anyway) for trained in self.trained]
        examples, notes = of_split(self.first, loaded[0][0], split)
        notes = (*(note for _, more in loaded for note in more), *notes)
        if split != "train":
            seen = [
                seen_by(trained.info, splits, split) for trained, (splits, _) in zip(self.trained, loaded, strict=True)
            ]
            is_new = ~np.logical_or.reduce([keys.among(examples.x, examples.y, self.first.info) for keys in seen])
            if not is_new.any():
                raise UsageError(
                    f"each example of the {split} split of {self.names[0]} was used to train another of these runs, as "
                    "with the folds of a cross-validation, or seeds that divide anew. A file that none of them has seen "
                    "tells: --input FILE."
                )
            if not is_new.all():
                left, count = int((~is_new).sum()), len(is_new)
                notes = (
                    *notes,
                    f"note: left out {left:,} of {count:,} {split} examples, which one of the runs was trained on.",
                )
                examples = _chosen(examples, np.flatnonzero(is_new))
        scores = [
            predict_scores(trained.model, recoded(examples.x, self.first.info, trained.info))
            for trained in self.trained
        ]
        return scores, examples, notes


@dataclass(frozen=True)
class Comparison:
    """What averaging gains.

    Attributes:
        runs: The runs' folders.
        what: The examples, in words.
        count: How many they are.
        singles: The figures of each run.
        averaged: Those of their mean.
        gained: The mean of the runs against their average: the difference and its 95 % interval over the examples.
        better: Whether each figure is better when it is higher.
        notes: Sentences that the user should read.
    """

    runs: list[str]
    what: str
    count: int
    singles: list[dict[str, float]]
    averaged: dict[str, float]
    gained: dict[str, Interval]
    notes: tuple[str, ...] = field(default=())

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        gained = {name: {"mean": each.mean, "half_width": each.half} for name, each in self.gained.items()}
        rows = [{"run": run, **figures} for run, figures in zip(self.runs, self.singles, strict=True)]
        return {"examples": self.what, "count": self.count, "runs": rows, "averaged": self.averaged, "gained": gained}

    def text(self) -> str:
        """Return a table of at most 80 columns."""
        names = list(self.averaged)
        widths = {name: max(len(name), 19 if self.gained else 10) for name in names}
        room = 80 - sum(widths.values()) - 2 * len(names)
        shown = [cut_inside(run, room) for run in self.runs[:MOST_SHOWN]]
        width = max(len("mean of the runs"), *map(len, shown))

        def line(label: str, cells: Sequence[str]) -> str:
            return "  ".join(
                [f"{label:<{width}}", *(f"{cell:>{widths[name]}}" for name, cell in zip(names, cells, strict=True))]
            )

        lines = [f"{self.what}, {self.count:,} examples, {len(self.runs)} runs averaged", line("run", names)]
        lines += [
            line(run, [f"{row[name]:.4f}" for name in names]) for run, row in zip(shown, self.singles, strict=False)
        ]
        if len(self.runs) > MOST_SHOWN:
            lines.append(f"… and {len(self.runs) - MOST_SHOWN:,} more")
        means = {name: float(np.mean([row[name] for row in self.singles])) for name in names}
        lines.append(line("mean of the runs", [f"{means[name]:.4f}" for name in names]))
        lines.append(line("averaged", [f"{self.averaged[name]:.4f}" for name in names]))
        lines.append(
            line("gained", [f"{self.gained[name].mean:+.4f} ± {self.gained[name].half:.4f}" for name in names])
        )
        lines.append("± is the 95 % interval over examples like these, of these runs.")
        return "\n".join(lines)

    def sentence(self) -> str:
        """Return the first figure in one line."""
        name = next(iter(self.averaged))
        mean, gained = float(np.mean([row[name] for row in self.singles])), self.gained[name]
        return (
            f"note: on {self.count:,} examples of the {self.what}, which no run has learned from: {name} {mean:.4f} of a "
            f"single run, {self.averaged[name]:.4f} averaged ({gained.mean:+.4f} ± {gained.half:.4f})."
        )


def compare_members(
    members: Members,
    *,
    split: str | None = None,
    input: str | Path | None = None,
    array: str | None = None,
    missing: Missing | None = None,
    anyway: bool = False,
) -> Comparison:
    """Return what averaging runs gains on a split or a file with targets; arguments and errors as of `evaluate_run`."""
    notes: tuple[str, ...] = ()
    if input is not None:
        scores, found = members.scores_of_file(input, array=array, missing=missing, with_targets=True)
        is_new, notes = members.unseen(found, anyway=anyway)
        scores, y, weights, what = [each[is_new] for each in scores], np.asarray(found[0].y)[is_new], None, str(input)
        notes = (*(f"note: {text}" for text in found[0].notes), *notes)
    else:
        scores, examples, notes = members.scores_of_split(split or "test", anyway=anyway)
        y, weights, what = examples.y, examples.weights, f"{split or 'test'} split"
    figures = _figures(members.first)
    singles = [{name: figure.value(each, y, weights) for name, figure in figures.items()} for each in scores]
    mean = np.mean(scores, axis=0)
    gained = {}
    for name, figure in figures.items():
        parts = [figure.influence(each, y, weights) for each in scores]
        difference = figure.influence(mean, y, weights) - np.mean(parts, axis=0)
        value = figure.value(mean, y, weights) - float(np.mean([row[name] for row in singles]))
        half = (
            1.96 * float(np.std(difference, ddof=1)) / math.sqrt(len(difference)) if len(difference) > 1 else math.inf
        )
        gained[name] = Interval(value, half, len(difference))
    averaged = {name: figure.value(mean, y, weights) for name, figure in figures.items()}
    return Comparison(members.names, what, len(y), singles, averaged, gained, notes)


@dataclass(frozen=True)
class _Figure:
    """A figure of outputs (N, K): the mean of a loss over the examples, or its root.

    Attributes:
        losses: Gives (N,) values of (outputs, targets).
        is_root: Whether it is the root of their mean.
    """

    losses: Callable[[Array, Array], Array]
    is_root: bool = False

    def value(self, scores: Array, y: Array, weights: Array | None) -> float:
        """Return the figure."""
        mean = float(np.average(self.losses(scores, y), weights=weights))
        return math.sqrt(mean) if self.is_root else mean

    def influence(self, scores: Array, y: Array, weights: Array | None) -> Array:
        """Return (N,) what each example adds to the figure: values whose spread is that of the figure (the delta method)."""
        losses = self.losses(scores, y)
        mean = float(np.average(losses, weights=weights))
        parts = (losses - mean) * (1.0 if weights is None else weights / np.mean(weights))
        return parts / (2 * math.sqrt(mean)) if self.is_root and mean > 0 else parts


def _figures(trained: Trained) -> dict[str, _Figure]:
    """Return the figures by which runs of a task are compared."""
    if trained.info.task == "regression":

        def squares(scores: Array, y: Array) -> Array:
            return np.asarray(np.mean(np.square(scores.astype(np.float64) - y.reshape(scores.shape)), axis=1))

        def sizes(scores: Array, y: Array) -> Array:
            return np.asarray(np.mean(np.abs(scores.astype(np.float64) - y.reshape(scores.shape)), axis=1))

        return {"root_mean_squared_error": _Figure(squares, is_root=True), "mean_absolute_error": _Figure(sizes)}

    def is_right(scores: Array, y: Array) -> Array:
        right = labels_of(scores, trained) == y
        return np.asarray(right.reshape(len(right), -1).mean(axis=1))

    def surprise(scores: Array, y: Array) -> Array:
        shares = np.clip(scores.astype(np.float64), SMALLEST, 1 - SMALLEST)
        if trained.info.task == "multiclass":
            return np.asarray(-np.log(shares[np.arange(len(y)), y]))
        rows = y.reshape(shares.shape)
        return np.asarray(-np.where(rows > 0, np.log(shares), np.log1p(-shares)).mean(axis=1))

    return {"accuracy": _Figure(is_right), "cross_entropy": _Figure(surprise)}


def _unlike(first: Trained, other: Trained) -> list[str]:
    """Return how two runs differ in what their inputs and outputs mean."""
    ours, theirs, names = first.info, other.info, (path_text(first.run.path), path_text(other.run.path))
    facts: list[tuple[str, Any, Any]] = [("task", ours.task, theirs.task)]
    if ours.task == theirs.task:
        facts += [
            ("classes", ours.class_names, theirs.class_names),
            ("targets", ours.target_names() or ours.target_size, theirs.target_names() or theirs.target_size),
        ]
    facts.append(("inputs", ours.kind, theirs.kind))
    if ours.kind == theirs.kind:
        facts.append(("columns", _columns(ours), _columns(theirs)))
        if _columns(ours) == _columns(theirs):
            facts.append(("shape of the inputs", ours.input_shape, theirs.input_shape))
    faults = [
        f"{what}: {_shown(mine)} of {names[0]}, {_shown(yours)} of {names[1]}."
        for what, mine, yours in facts
        if mine != yours
    ]
    for trained, name in zip((first, other), names, strict=True):
        if trained.info.task != "regression" and not gives_probabilities(trained):
            faults.append(f"{name} returns scores, which are no probabilities and have no common mean.")
    return faults


def _columns(info: DataInfo) -> dict[str, str] | None:
    return (
        {feature.name: feature.type for feature in sorted(info.features, key=lambda each: each.name)}
        if info.features
        else None
    )


def _shown(value: Any) -> str:
    items = list(value) if isinstance(value, tuple | dict) else [value]
    return ", ".join(map(str, items[:5])) + (f" … ({len(items)})" if len(items) > 5 else "")


def _chosen(examples: Split, places: Array) -> Split:
    return Split(
        select(examples.x, places),
        examples.y[places],
        weights=None if examples.weights is None else examples.weights[places],
        names=None if examples.names is None else examples.names[places],
    )
