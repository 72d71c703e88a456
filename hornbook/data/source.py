"""What a data source returns, and what the rest of Hornbook gets: arrays, inputs that stay on disk, and facts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hornbook.data.head_facts import HeadInfo
from hornbook.data.pictures.words import lines_about
from hornbook.data.storage.rows import Array, Inputs, select
from hornbook.data.text.tables import TextTables
from hornbook.data.text.words import lines_about as lines_about_texts

__all__ = [
    "Array", "Block", "BlockKind", "DataInfo", "DataKind", "Examples", "Feature", "Future", "Inputs", "Likeness",
    "Preprocessing", "Reading", "SeriesScale", "Source", "Split", "Splits", "Task",
]  # fmt: skip

DataKind = Literal["image", "table", "sequence", "tokens"]
Task = Literal["multiclass", "binary", "multilabel", "regression", "several"]
BlockKind = Literal["text", "picture", "sequence"]
MOST_NAMED = 5  # categories that a line about a table names


@dataclass(frozen=True)
class Feature:
    """One column of a table.

    Attributes:
        name: The column's name.
        type: ``number`` (NaN is a missing value) or ``category``; ``date`` of a column in the table, which becomes numbers.
        categories: The known categories in order; code 0 in the arrays is "missing or unknown", code k is
            ``categories[k - 1]``. Empty for numbers.
        column: The column of dates in the table that a number was made from; empty where the column is the feature.
        part: Which part of these dates, as `tables.moments` calls it.
    """

    name: str
    type: Literal["number", "category", "date"]
    categories: tuple[str, ...] = ()
    column: str = ""
    part: str = ""

    @property
    def source(self) -> str:
        """The name of the column in the table."""
        return self.column or self.name

    @property
    def is_boolean(self) -> bool:
        """Whether the categories are those of a boolean column."""
        return bool(self.categories) and {*self.categories} <= {"False", "True"}


@dataclass(frozen=True)
class Block:
    """An input beside the columns of a table, which stands flattened behind them in each row.

    Attributes:
        name: The column's name, or that of the input given from Python.
        kind: ``text`` (token numbers, 0 is padding), ``picture`` (H, W, C) or ``sequence`` (T, F).
        shape: Of one example.
        scale: Divisor that brings a picture to 0-1; None where it is there.
        vocabulary_size: Number of distinct tokens of a ``text``.
    """

    name: str
    kind: BlockKind
    shape: tuple[int, ...]
    scale: float | None = None
    vocabulary_size: int | None = None

    @property
    def size(self) -> int:
        """Numbers of an example."""
        return math.prod(self.shape)

    def describe(self) -> str:
        """Return what it is for people: ``photo 32×32×3``."""
        return f"{self.name} {'×'.join(map(str, self.shape))}"


@dataclass(frozen=True)
class SeriesScale:
    """What the numbers of each series are standardized by, (S, F) and (S, T); deviations are 1 where a series is constant.

    Attributes:
        mean, deviation: Of the inputs.
        target_mean, target_deviation: Of the targets of one step.
    """

    mean: tuple[tuple[float, ...], ...]
    deviation: tuple[tuple[float, ...], ...]
    target_mean: tuple[tuple[float, ...], ...]
    target_deviation: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Likeness:
    """Which examples are the same, or nearly, by the source's own splits (`train` for `x`, `validation`, `test`).

    Attributes:
        exact: (N,) numbers that examples share which are the same.
        same: (N,) numbers that examples share which are the same, or nearly.
        names: What to call each example.
        is_together: Whether examples that are the same, or nearly, are to stay in one split.
        advice: What keeps them together, as a sentence.
    """

    exact: Mapping[str, Array]
    same: Mapping[str, Array]
    names: Mapping[str, Sequence[str]]
    is_together: bool = False
    advice: str = ""


@dataclass(frozen=True)
class Source:
    """Examples as a source delivers them, before any split.

    Attributes:
        x: Inputs, examples first: images (N, H, W, C) uint8 or float, tables (N, F) float32, sequences (N, T, F)
            float32, tokens (N, T) int32 (0 is padding). Best memory-mapped or as `Rows` where they come from a file:
            the memory budget decides what is read.
        y: Targets (N,) or (N, K): class numbers or names, multi-hot rows, or real numbers. For several heads also a
            mapping of (N,) arrays by name, each of a type of its own.
        kind: What the inputs are.
        x_test: The source's own test inputs, or None.
        y_test: Their targets.
        class_names: Names of the classes 0, 1, … or None.
        features: Columns of a table, or None.
        vocabulary_size: Number of distinct tokens of a ``tokens`` source.
        scale: Divisor that brings images to 0-1 (255 for uint8); None for anything else.
        split_by: (N,) values that `split.method: time` orders by or `group` groups by; None where the source has none.
        x_validation: The source's own validation inputs, or None.
        y_validation: Their targets.
        target_names: Names of the columns of (N, K) targets, or None.
        names: What single examples are called, such as their files: (N,) texts of ``train`` (which are those of `x`), and of
            the source's own ``validation`` and ``test``.
        likeness: Which examples are the same, or nearly; None where nobody has looked.
        weights: (N,) what each example counts in loss and metrics, from 0 on; None where all count alike.
        weights_validation: Those of the source's own validation examples; None where they count 1.
        weights_test: Those of its own test examples.
        division: Positions of the examples of `train`, `validation` and `test`, where the source divides them itself.
        scales: What the inputs and targets of each series are standardized by, whose number is the last input of each step;
            None where one scale is for all.
        texts: Columns of texts by name, (N,) of str each, whose token numbers come into `x` once the vocabulary is known; of
            a source of ``tokens`` all that `x` is.
        texts_validation: Those of the source's own validation examples.
        texts_test: Those of its own test examples.
        warnings: Sentences the user should read.
        extra: Further facts of JSON's types that stay with the run, in `DataInfo.extra`.
        blocks: What the rows of a table hold behind its columns.
    """

    x: Inputs
    y: Array
    kind: DataKind
    x_test: Inputs | None = None
    y_test: Array | None = None
    class_names: tuple[str, ...] | None = None
    features: tuple[Feature, ...] | None = None
    vocabulary_size: int | None = None
    scale: float | None = None
    split_by: Array | None = None
    x_validation: Inputs | None = None
    y_validation: Array | None = None
    target_names: tuple[str, ...] | None = None
    names: Mapping[str, Array] = field(default_factory=dict)
    likeness: Likeness | None = None
    weights: Array | None = None
    weights_validation: Array | None = None
    weights_test: Array | None = None
    division: Mapping[str, Array] | None = None
    scales: SeriesScale | None = None
    texts: Mapping[str, Array] = field(default_factory=dict)
    texts_validation: Mapping[str, Array] = field(default_factory=dict)
    texts_test: Mapping[str, Array] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Split:
    """Examples of one split, ready for the model: labels are int32 from 0, or float32 targets.

    The inputs are `Rows`, which stay on disk, where they exceed the memory budget. Targets are always in memory, and so are
    weights, (N,) float32, of examples that do not count alike in loss and metrics. `names` is what each example is called,
    where that is known. `texts` are columns that are no numbers yet.
    """

    x: Inputs
    y: Array
    weights: Array | None = None
    names: Array | None = None
    texts: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.x)

    def at(self, positions: Array | slice) -> "Split":
        """Return the examples at these positions, in this order."""
        weights, names = (None if values is None else values[positions] for values in (self.weights, self.names))
        texts = {name: values[positions] for name, values in self.texts.items()}
        return Split(select(self.x, positions), self.y[positions], weights, names, texts)

    def of_head(self, head: HeadInfo) -> "Split":
        """Return the same examples with the targets of one of several heads alone, as of a recipe that has no other."""
        y = self.y[:, head.place]
        y = y.astype(np.int32) if head.task in {"binary", "multiclass"} else y
        return replace(self, y=y[:, 0] if y.shape[1] == 1 else y)


@dataclass(frozen=True)
class Preprocessing:
    """What happens to inputs inside the saved model, computed from the training split only.

    Attributes:
        scale: Divisor of images, or None.
        mean: Mean per column (tables, sequences) or per channel (images) after scaling; None without standardization.
        variance: Variance in the same shape, 1 where a column is constant.
        per_feature: Whether mean and variance are of each pixel and channel, in the order in which images are stored.
        features: Columns of a table whose categories become one-hot; None for anything else.
        has_missing: Whether any number of the training split is missing (missing becomes the training mean).
        whole: Names of the columns in which each training example has a category: what has none, or one that training did
            not have, adds nothing to a prediction, since nothing was learned about it.
        clips: Whether mean and variance are median and squared interquartile range, and what is standardized so is clipped
            smoothly.
        quantiles: Of each column, its quantiles at evenly spaced shares from 0 to 1 (none of a category), which make it
            normally distributed; None where columns are standardized otherwise. The mean is the median then.
        bins: Of each column, the edges of the bins that the network embeds its numbers by; None where it does not.
        target_mean: Mean of each number of a regression's targets; None for anything else.
        target_variance: Their variances, 1 where a target is constant.
        target_knots: Of each, (number, point of the normal distribution) in ascending order, where they are learned by
            quantiles: mean and variance are of these points then, as they are of logarithms.
        target_low: The lowest of each.
        target_high: The highest of each.
        blocks: Of each sequence beside a table's columns, mean and variance of its numbers, by its name.
        series: What each series is standardized by in the place of mean and variance; None where one scale is for all.
        texts: What the network needs to know of the tokens of each column of texts.
    """

    scale: float | None = None
    mean: tuple[float, ...] | None = None
    variance: tuple[float, ...] | None = None
    per_feature: bool = False
    features: tuple[Feature, ...] | None = None
    has_missing: bool = False
    whole: tuple[str, ...] = ()
    clips: bool = False
    quantiles: tuple[tuple[float, ...], ...] | None = None
    bins: tuple[tuple[float, ...], ...] | None = None
    target_mean: tuple[float, ...] | None = None
    target_variance: tuple[float, ...] | None = None
    target_knots: tuple[tuple[tuple[float, float], ...], ...] | None = None
    target_low: tuple[float, ...] | None = None
    target_high: tuple[float, ...] | None = None
    blocks: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = field(default_factory=dict)
    series: SeriesScale | None = None
    texts: Mapping[str, TextTables] = field(default_factory=dict)

    def of_targets(self, place: slice) -> "Preprocessing":
        """Return the same with some of the targets alone."""
        names = ("target_mean", "target_variance", "target_knots", "target_low", "target_high")
        known = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return replace(self, **{name: values[place] for name, values in known.items()})

    def with_targets(self, place: slice, own: "Preprocessing") -> "Preprocessing":
        """Return the same with what `own` says of some of the targets in its place."""
        knots = list(self.target_knots or ((),) * len(self.target_mean or ()))
        knots[place] = own.target_knots or knots[place]
        changed: dict[str, Any] = {"target_knots": tuple(knots)}
        for name in ("target_mean", "target_variance"):
            values = list(getattr(self, name))
            values[place] = getattr(own, name)
            changed[name] = tuple(values)
        return replace(self, **changed)


@dataclass(frozen=True)
class DataInfo:
    """Facts about the data that recipe and model are resolved with, and that stay with the run.

    Attributes:
        name: The source's name.
        kind: What the inputs are.
        input_shape: Shape of one example, without the batch axis; None in a sequence's first place where it varies.
        input_dtype: NumPy name of the inputs' type (``uint8``, ``float32``, ``int32``).
        task: What the labels say the task is; `several` where there are several heads, each with a task of its own.
        num_classes: Classes (multiclass: K, binary: 2, multilabel: labels); 0 for regression.
        target_size: Numbers per target: 1, or K for multilabel and multi-output regression.
        class_names: Names in label order; None for regression.
        features: Columns of a table.
        vocabulary_size: Distinct tokens, padding included.
        counts: Examples per split: ``{"train": …, "validation": …, "test": …}``.
        class_counts: Training examples per class, in label order; empty for regression and multilabel.
        fingerprint: SHA-256 of all splits' bytes, first 16 hex digits.
        split_method: The split method that was used.
        warnings: Sentences the user should read (constant columns, tiny classes).
        extra: Further facts: ``has_missing``, ``target_names``, ``targets`` (what losses ask of a regression's),
            ``inputs`` (how large they are, where they are not standardized),
            ``weighted`` (true where examples have weights), ``streams`` (true where inputs stay on disk), ``pictures`` (of
            picture files: ``settings``, how they were read, and what was found; see `hornbook.data.pictures.words`),
            ``spans`` (first and last moment of each split by time), ``stream`` (of a source of batches that Python passed:
            its kind, batches, statistics), ``texts`` (of columns of texts by name: how they become token numbers, the
            vocabulary included, and counts; see `hornbook.data.text`), ``groups`` ({input given from Python: its
            columns}), and what the source adds.
        blocks: What the rows of a table hold behind its columns.
        heads: What is known of each of several heads, in their order; empty where there is one.
    """

    name: str
    kind: DataKind
    input_shape: tuple[int | None, ...]
    input_dtype: str
    task: Task
    num_classes: int
    target_size: int
    class_names: tuple[str, ...] | None
    features: tuple[Feature, ...] | None
    vocabulary_size: int | None
    counts: Mapping[str, int]
    class_counts: tuple[int, ...]
    fingerprint: str
    split_method: str
    warnings: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()

    @property
    def width(self) -> int:
        """Numbers of a row of a table that are its columns: all that are no blocks."""
        return (self.input_shape[0] or 0) - sum(block.size for block in self.blocks)

    @property
    def texts_beside(self) -> tuple[str, ...]:
        """Names of the columns of texts whose token numbers stand behind a table's other columns."""
        return tuple(block.name for block in self.blocks if block.kind == "text")

    heads: tuple[HeadInfo, ...] = ()

    def head(self, name: str) -> HeadInfo:
        """Return what is known of one of several heads."""
        return next(head for head in self.heads if head.name == name)

    def of_head(self, name: str) -> "DataInfo":
        """Return the facts as if there were this one of several heads alone."""
        head = self.head(name)
        own: dict[str, Any] = {"targets": head.targets, "target_names": head.target_names and list(head.target_names)}
        extra = {**self.extra, **{key: value for key, value in own.items() if value is not None}}
        keys = ("task", "num_classes", "target_size", "class_names", "class_counts")
        return replace(self, heads=(), extra=extra, **{key: getattr(head, key) for key in keys})

    def target_names(self) -> tuple[str, ...]:
        """Return the names of a regression's targets, or their numbers from 1 on; nothing where there is one target."""
        if self.task != "regression" or self.target_size == 1:
            return ()
        return tuple(self.extra.get("target_names") or (str(place + 1) for place in range(self.target_size)))

    def columns(self) -> tuple[Feature, ...]:
        """Return what a row of the table has: the features, and columns of dates in place of the numbers they become."""
        found = {
            feature.source: Feature(feature.column, "date") if feature.column else feature
            for feature in self.features or ()
        }
        return tuple(found.values())

    def describe(self) -> str:
        """Return one line for people: ``1,797 images 8×8×1, 10 classes (1,293 train, 144 validation, 360 test)``."""
        total = sum(self.counts.values())
        shape = "×".join("?" if size is None else str(size) for size in self.input_shape)
        beside = "".join(f" and {block.describe()}" for block in self.blocks)
        noun = {
            "image": f"images {shape}",
            "table": f"rows of {self.width if self.blocks else shape} columns{beside}",
            "sequence": f"sequences {shape}",
            "tokens": f"token sequences of up to {shape}",
        }[self.kind]
        target = f"{self.num_classes} {'labels' if self.task == 'multilabel' else 'classes'}"
        if self.heads:
            target = f"{len(self.heads)} heads"
        elif self.task == "regression":
            target = f"{self.target_size} target{'s' if self.target_size > 1 else ''}"
        target += ", weighted" if self.extra.get("weighted") else ""
        parts = ", ".join(f"{count:,} {split}" for split, count in self.counts.items() if count)
        return f"{total:,} {noun}, {target} ({parts})"

    def describe_pictures(self, *, every_class: bool = False) -> list[str]:
        """Return lines about picture files: which kinds, sizes and classes, and what was converted; none for other data."""
        if "pictures" not in self.extra:
            return []
        return lines_about(self.extra["pictures"], self.class_names, every_class=every_class)

    def describe_texts(self) -> list[str]:
        """Return a line about each column of texts: its vocabulary, lengths, what was cut; none for other data."""
        return lines_about_texts(self.extra.get("texts", {}))

    def describe_columns(self) -> str:
        """Return what the columns of a table were read as: ``3 numbers, 1 boolean, 2 categories (city 3, zip 21)``.

        Empty for what is no table with columns to tell apart.
        """
        if self.features is None or "reading" not in self.extra:
            return ""
        columns = self.columns()
        numbers, dates = (sum(column.type == kind for column in columns) for kind in ("number", "date"))
        booleans = sum(feature.is_boolean for feature in columns)
        others = [feature for feature in columns if feature.type == "category" and not feature.is_boolean]
        listed = ", ".join(f"{feature.name} {len(feature.categories)}" for feature in others[:MOST_NAMED])
        more = ", …" if len(others) > MOST_NAMED else ""
        counts = ((numbers, "number", "numbers"), (dates, "date", "dates"), (booleans, "boolean", "booleans"))
        parts = [f"{count:,} {one if count == 1 else many}" for count, one, many in counts if count]
        if others:
            parts.append(f"{len(others):,} {'category' if len(others) == 1 else 'categories'} ({listed}{more})")
        return f"columns: {', '.join(parts)}"


@dataclass(frozen=True)
class Splits:
    """Training, validation and test examples with the facts about them.

    `stream` is the source of batches that training reads, of which `train` is one pass; None where training reads `train`.
    """

    train: Split
    validation: Split | None
    test: Split | None
    info: DataInfo
    preprocessing: Preprocessing
    stream: Any = None

    def of_head(self, name: str) -> "Splits":
        """Return the same examples as those of a recipe that has this one of several heads alone."""
        head = self.info.head(name)
        validation, test = (None if part is None else part.of_head(head) for part in (self.validation, self.test))
        preprocessing = self.preprocessing.of_targets(head.place)
        return Splits(self.train.of_head(head), validation, test, self.info.of_head(name), preprocessing)


@dataclass(frozen=True)
class Reading:
    """What is asked of a file beside its inputs.

    Attributes:
        array: Name of the array of inputs in a .npz file.
        preferred: Names of that array to look for first, where none is given.
        keep: Columns of a table, or arrays of a .npz file, to return as they are.
        targets: Columns of the targets, or names of their array to look for first; None: targets are not read.
        weight: Column of a table that weighs the rows, or array of a .npz file, which is kept like others if it is there.
        drops_unlabeled: Whether rows without a target are left out, where targets are read.
        missing: ``fill`` missing numbers, or ``skip`` rows with missing values; None refuses them where training had none.
        means: What to fill with: the training mean of each column.
        file_column: Which column of a list names picture files.
        scale: What a model of pictures divides its inputs by.
        folder: Where the pictures lie that a table names; None: beside the table.
    """

    array: str | None = None
    preferred: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    targets: tuple[str, ...] | None = None
    weight: str | None = None
    drops_unlabeled: bool = False
    missing: Literal["fill", "skip"] | None = None
    means: Array | None = None
    file_column: str = "file"
    scale: float | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Future:
    """The rows that a forecast is of: those after a file's series, step by step.

    Attributes:
        time: The column of times.
        times: (S·H,) texts, series by series.
        series: The column that tells series apart, or None.
        names: (S·H,) the series' names, or None.
        horizon: H, steps of each series.
        targets: Columns that are predicted.
    """

    time: str
    times: Sequence[str]
    series: str | None
    names: Sequence[str] | None
    horizon: int
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Examples:
    """What a file holds.

    Attributes:
        x: Inputs (N, …) of the model's type.
        y: Targets (N,) or (N, K) as they stand in the file; None unless they were asked for.
        kept: Values (N,) of what was to be kept, by name.
        notes: Sentences that the user should read.
        weights: (N,) float32 what each example counts; None where all count alike.
        has_gap: (N,) whether the row lacks a value that each training example has, and is to be skipped for it.
        future: Of series whose last windows these are: the rows that follow.
    """

    x: Inputs
    y: Array | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    weights: Array | None = None
    has_gap: Array | None = None
    future: Future | None = None
