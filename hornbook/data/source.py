"""What a data source returns, and what the rest of Hornbook gets: arrays, inputs that stay on disk, and facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hornbook.data.facts import Block, DataInfo, DataKind, Feature, HeadInfo, Preprocessing, SeriesScale
from hornbook.data.storage.rows import Array, Inputs, select

__all__ = ["Array", "Inputs", "Likeness", "Source", "Split", "Splits"]


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
        names: What single examples are called, such as their files or the series of a window: (N,) texts of ``train``, which
            are those of `x`, and of the source's own ``validation`` and ``test``.
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
