"""What is known of data: columns, what stands beside them, what happens to inputs inside the model, the facts of a run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hornbook.data.pictures.words import lines_about
from hornbook.data.text.tables import TextTables
from hornbook.data.text.words import lines_about as lines_about_texts

__all__ = [
    "Block", "BlockKind", "DataInfo", "DataKind", "Feature", "HeadInfo", "HeadTask", "Preprocessing", "SeriesScale", "Task",
]  # fmt: skip

DataKind = Literal["image", "table", "sequence", "tokens"]
Task = Literal["multiclass", "binary", "multilabel", "regression", "several"]
BlockKind = Literal["text", "picture", "sequence"]
HeadTask = Literal["multiclass", "binary", "multilabel", "regression"]
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
        part: Which part of these dates, as `columns.moments` calls it.
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
class HeadInfo:
    """Facts about the targets of one of several heads; see `DataInfo` for those of the same name.

    Attributes:
        name: The head's.
        columns: (first, end): which columns of the targets (N, K) of all heads are its own; class numbers take one.
        target_names: Names of its target columns, or None.
        targets: What losses ask of a regression's targets, or None.
    """

    name: str
    task: HeadTask
    num_classes: int
    target_size: int
    class_names: tuple[str, ...] | None
    class_counts: tuple[int, ...]
    columns: tuple[int, int]
    target_names: tuple[str, ...] | None = None
    targets: Mapping[str, Any] | None = None

    @property
    def units(self) -> int:
        """Numbers that come out of the head."""
        return {"binary": 1, "multiclass": self.num_classes}.get(self.task, self.target_size)

    @property
    def place(self) -> slice:
        """Its columns of the targets."""
        return slice(*self.columns)


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

    @property
    def pictures_beside(self) -> tuple[str, ...]:
        """Names of the columns of picture files whose pixels stand behind a table's other columns."""
        is_read = "picture_columns" in self.extra
        return tuple(block.name for block in self.blocks if block.kind == "picture" and is_read)

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
        columns = [] if self.blocks and not self.width else [f"{self.width if self.blocks else shape} columns"]
        noun = {
            "image": f"images {shape}",
            "table": f"rows of {' and '.join([*columns, *(block.describe() for block in self.blocks)])}",
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
