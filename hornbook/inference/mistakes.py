"""The examples that a run is most wrong about, and the classes that it takes for each other."""

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array, Inputs, Split
from hornbook.data.text.encoder import TextEncoder
from hornbook.display.text import COLUMNS, cut
from hornbook.inference.trained import Trained, labels_of
from hornbook.inference.trust.confidence import gives_probabilities

__all__ = ["Confused", "Mistake", "Mistakes", "confused_of", "find_mistakes", "named", "readable_rows", "worst_of"]

NAME = 22  # characters of a class or target
INPUT_LINES = 3  # lines of a row's columns below it


@dataclass(frozen=True)
class Mistake:
    """An example (or one label or target of it) that a run is wrong about.

    Attributes:
        index: The example's place in its split, from 0: `x[index]`.
        true: The class, `yes` or `no` for a label, the number.
        predicted: The same as predicted.
        of: The label or target, where there are several; else None.
        probability: Probability of what was predicted; None for numbers, and for outputs that are no probabilities.
        probability_of_true: Probability of what is true, as above.
        score: Output for what was predicted, where outputs are no probabilities.
        residual: Predicted minus true, for numbers.
        inputs: Values of a table's columns, as they were read; None stands for a missing or unknown one.
        name: What the example is called, such as its file; None where it has no name.
    """

    index: int
    true: str | float
    predicted: str | float
    of: str | None = None
    probability: float | None = None
    probability_of_true: float | None = None
    score: float | None = None
    residual: float | None = None
    inputs: dict[str, str | float | None] | None = None
    name: str | None = None


@dataclass(frozen=True)
class Confused:
    """How often one class was taken for another; `share` is of the true class's examples."""

    true: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True)
class Mistakes:
    """What a run is most wrong about.

    Attributes:
        wrong: Examples that are classified wrongly; labels, where an example has several; None for a regression.
        total: Examples or labels or numbers, right and wrong ones.
        examples: The most wrong first.
        confused: The classes that are taken for another most often; empty for labels and numbers.
        inputs: How to get at the inputs of one, as Python; empty where `examples` hold them.
    """

    wrong: int | None
    total: int
    examples: tuple[Mistake, ...]
    confused: tuple[Confused, ...] = ()
    inputs: str = ""

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types, without what does not apply."""
        examples = [{key: value for key, value in asdict(one).items() if value is not None} for one in self.examples]
        return asdict(self) | {"examples": examples, "confused": [asdict(pair) for pair in self.confused]}

    def lines(self) -> list[str]:
        """Return lines of at most 80 characters."""
        shown = len(self.examples)
        if self.wrong == 0:
            return ["", f"none of {self.total:,} is wrong"]
        what = f"the {shown:,} largest residuals of {self.total:,}"
        if self.wrong is not None:
            verb = "is" if self.wrong == 1 else "are"
            rest = "" if shown == self.wrong else f"; the {shown:,} most confident:"
            what = f"{self.wrong:,} of {self.total:,} {verb} wrong{rest}"
        lines = ["", what, *_table(self.examples)]
        if self.inputs.startswith("split_of"):
            lines.append("see one: from hornbook.inference.evaluate import split_of")
            lines.append(f"         {self.inputs}")
        elif self.inputs and any(one.name is None for one in self.examples):
            lines.append(f"see one: {self.inputs} of the file's inputs")
        if self.confused:
            width = max(4, *(len(cut(pair.true, NAME)) for pair in self.confused))
            lines += ["", f"{'true':<{width}}  {'taken for':<{NAME}}  examples  of the class"]
            for pair in self.confused:
                names = f"{cut(pair.true, NAME):<{width}}  {cut(pair.predicted, NAME):<{NAME}}"
                lines.append(f"{names}  {pair.count:>8,}  {pair.share:>11.1%}".replace("%", " %"))
        return lines


def find_mistakes(
    trained: Trained, split: Split, scores: Array, *, decision: float | None, count: int, where: str
) -> Mistakes:
    """Return the mistakes of which a run is most certain, or the largest residuals of a regression.

    Args:
        trained: The run.
        split: The examples.
        scores: The model's outputs for them (N, K).
        decision: Output above which a unit says yes; None where none decides.
        count: How many to return at most, and how many pairs of classes.
        where: What gives the inputs in Python: ``x`` in ``x[3]``.
    """
    y = np.asarray(split.y)
    wrong, total, examples = worst_of(trained, y, scores, decision=decision, count=count)
    examples = named(examples, split)
    confused: tuple[Confused, ...] = ()
    if trained.info.task in {"binary", "multiclass"}:
        confused = confused_of(trained.info, y, labels_of(scores, trained, decision), count)
    if trained.info.kind != "table":
        return Mistakes(wrong, total, tuple(examples), confused, f"{where}[index]" if examples else "")
    rows = readable_rows(_chosen(split.x, [one.index for one in examples]), trained.info)
    with_inputs = [
        replace(one, inputs={name: values[place] for name, values in rows.items()})
        for place, one in enumerate(examples)
    ]
    return Mistakes(wrong, total, tuple(with_inputs), confused)


def named(mistakes: Sequence[Mistake], split: Split) -> list[Mistake]:
    """Return mistakes with what their examples are called."""
    if split.names is None:
        return list(mistakes)
    return [replace(one, name=str(split.names[one.index])) for one in mistakes]


def worst_of(
    trained: Trained, y: Array, scores: Array, *, decision: float | None = None, count: int
) -> tuple[int | None, int, list[Mistake]]:
    """Return how many examples, labels or numbers are wrong (None for numbers), how many there are, and the worst.

    Args:
        trained: The run.
        y: What is true.
        scores: The model's outputs for the same examples (N, K).
        decision: Output above which a unit says yes; the run's own when omitted.
        count: How many to return at most.
    """
    if trained.info.task == "regression":
        return None, scores.size, _residuals(trained.info, y, scores, count)
    if trained.info.task == "multilabel":
        return _wrong_labels(trained, y, scores, decision, count)
    predicted = labels_of(scores, trained, decision)
    y = y.reshape(-1)
    return int((predicted != y).sum()), len(y), _wrong_classes(trained, y, scores, predicted, count)


def readable_rows(x: Array, info: DataInfo) -> dict[str, list[str | float | None]]:
    """Return the columns of a table's rows as they were read: numbers, names of categories, None for what is missing."""
    if info.features is None:
        return {f"column {place + 1}": [_number(value) for value in x[:, place]] for place in range(x.shape[1])}
    columns: dict[str, list[str | float | None]] = {}
    start = x.shape[1] - sum(block.size for block in info.blocks)
    for place, feature in enumerate(info.features):
        if feature.type == "number":
            columns[feature.name] = [_number(value) for value in x[:, place]]
        else:
            codes = x[:, place].astype(int)
            columns[feature.name] = [feature.categories[code - 1] if code > 0 else None for code in codes]
    for block in info.blocks:
        if block.kind == "text":
            encoder = TextEncoder.of_facts(info.extra["texts"][block.name])
            columns[block.name] = [encoder.text_of(row) for row in x[:, start : start + block.size]]
        start += block.size
    return columns


def _number(value: Any) -> float | None:
    """Return a float32 as the shortest number that means it; None for NaN."""
    return None if np.isnan(value) else float(str(value))


def _chosen(x: Inputs, places: list[int]) -> Array:
    return np.concatenate([x[place : place + 1] for place in places]) if places else np.asarray(x[:0])


def _largest(values: Array, count: int) -> Array:
    """Return the places of the largest values, the largest first, equal ones in order."""
    return np.argsort(-values, kind="stable")[:count]


def _wrong_classes(trained: Trained, y: Array, scores: Array, predicted: Array, count: int) -> list[Mistake]:
    """Return the wrong ones whose predicted class has the highest output."""
    info = trained.info
    names = _class_names(info)
    is_probability = gives_probabilities(trained)
    rows = np.arange(len(y))
    if info.task == "binary":
        yes = scores[:, 0].astype(np.float64)
        certain = np.where(predicted == 1, yes, 1 - yes if is_probability else -yes)
        of_true = 1 - certain
    else:
        certain, of_true = scores[rows, predicted].astype(np.float64), scores[rows, y].astype(np.float64)
    wrong = np.flatnonzero(predicted != y)
    chosen = wrong[_largest(certain[wrong], count)]
    return [
        Mistake(
            int(row),
            names[y[row]],
            names[predicted[row]],
            probability=float(certain[row]) if is_probability else None,
            probability_of_true=float(of_true[row]) if is_probability else None,
            score=None if is_probability else float(scores[row, 0 if info.task == "binary" else predicted[row]]),
        )
        for row in chosen.tolist()
    ]


def _wrong_labels(
    trained: Trained, y: Array, scores: Array, decision: float | None, count: int
) -> tuple[int, int, list[Mistake]]:
    """Return how many labels are wrong, how many there are, and those of which the run is most certain."""
    names, words = _class_names(trained.info), ("no", "yes")
    predicted, y = labels_of(scores, trained, decision), y.astype(int)
    is_probability = gives_probabilities(trained)
    outputs = scores.astype(np.float64)
    certain = np.where(predicted == 1, outputs, 1 - outputs if is_probability else -outputs)
    rows, columns = np.nonzero(predicted != y)
    examples = []
    for place in _largest(certain[rows, columns], count).tolist():
        row, column = int(rows[place]), int(columns[place])
        value = float(certain[row, column])
        examples.append(
            Mistake(
                row,
                words[y[row, column]],
                words[predicted[row, column]],
                of=names[column],
                probability=value if is_probability else None,
                probability_of_true=1 - value if is_probability else None,
                score=None if is_probability else float(outputs[row, column]),
            )
        )
    return len(rows), predicted.size, examples


def _residuals(info: DataInfo, y: Array, scores: Array, count: int) -> list[Mistake]:
    """Return the largest residuals; of several targets, each in units of what its residuals are in the mean."""
    y = y.astype(np.float64).reshape(scores.shape)
    residuals = scores.astype(np.float64) - y
    usual = np.sqrt((residuals**2).mean(axis=0))
    sizes = np.abs(residuals) / np.where(usual > 0, usual, 1)
    names = info.target_names()
    examples = []
    for place in _largest(sizes.reshape(-1), count).tolist():
        row, column = divmod(place, scores.shape[1])
        examples.append(
            Mistake(
                row,
                float(y[row, column]),
                float(scores[row, column]),
                of=names[column] if names else None,
                residual=float(residuals[row, column]),
            )
        )
    return examples


def confused_of(info: DataInfo, y: Array, predicted: Array, count: int) -> tuple[Confused, ...]:
    """Return the pairs of a true and another predicted class, the most frequent first."""
    names = _class_names(info)
    classes = len(names)
    pairs, counts = np.unique(np.asarray(y) * classes + predicted, return_counts=True)
    sizes = np.bincount(np.asarray(y), minlength=classes)
    off = pairs // classes != pairs % classes
    pairs, counts = pairs[off], counts[off]
    return tuple(
        Confused(
            names[pairs[place] // classes],
            names[pairs[place] % classes],
            int(counts[place]),
            float(counts[place] / sizes[pairs[place] // classes]),
        )
        for place in _largest(counts.astype(np.float64), count).tolist()
    )


def _class_names(info: DataInfo) -> tuple[str, ...]:
    return info.class_names or tuple(map(str, range(info.num_classes)))


def _table(examples: tuple[Mistake, ...]) -> list[str]:
    """Return a heading, and a line per mistake with its inputs below it."""
    if not examples:
        return []
    first = examples[0]
    columns: list[tuple[str, list[str], str]] = [("index", [str(one.index) for one in examples], ">")]
    if first.of is not None:
        what = "target" if first.residual is not None else "label"
        columns.append((what, [cut(one.of or "", NAME) for one in examples], "<"))
    for key in ("true", "predicted"):
        values = [getattr(one, key) for one in examples]
        texts = [f"{value:.6g}" if isinstance(value, float) else cut(value, NAME) for value in values]
        columns.append((key, texts, ">" if first.residual is not None else "<"))
    figures = {"probability": "probability", "probability_of_true": "of the true", "score": "score"}
    for key, heading in figures.items():
        if getattr(first, key) is not None:
            columns.append((heading, [f"{getattr(one, key):.4f}" for one in examples], ">"))
    if first.residual is not None:
        columns.append(("residual", [f"{one.residual:+.6g}" for one in examples], ">"))
    widths = [max(len(heading), *map(len, texts)) for heading, texts, _ in columns]
    lines = ["  ".join(f"{c[0]:{c[2]}{width}}" for c, width in zip(columns, widths, strict=True)).rstrip()]
    for place, one in enumerate(examples):
        cells = [f"{c[1][place]:{c[2]}{width}}" for c, width in zip(columns, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
        lines += [" " * 7 + part for part in textwrap.wrap(one.name or "", COLUMNS - 7)]
        lines += _input_lines(one.inputs or {})
    return lines


def _input_lines(inputs: dict[str, str | float | None]) -> list[str]:
    """Return a row's columns below it, on a few lines, the last of which says how many more there are."""
    indent, lines, left = " " * 7, [""], len(inputs)
    for name, value in inputs.items():
        shown = "missing" if value is None else f"{value:.6g}" if isinstance(value, float) else cut(value, NAME)
        part = f"{cut(name, NAME)} {shown}"
        if lines[-1] and len(indent) + len(lines[-1]) + 2 + len(part) > COLUMNS - (
            12 if len(lines) == INPUT_LINES else 0
        ):
            if len(lines) == INPUT_LINES:
                lines[-1] += f"  … {left:,} more"
                break
            lines.append("")
        lines[-1] += ("  " if lines[-1] else "") + part
        left -= 1
    return [indent + line for line in lines if line]
