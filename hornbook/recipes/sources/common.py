"""What every data source of a recipe shares: the keys of `data` beside `name`, and the checks that need no data."""

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from hornbook.errors import Path, Problem
from hornbook.recipes.language.spec import Component, PositiveInt, Rate, Spec, as_tuple, resolve_target

__all__ = ["Augmentation", "ClassName", "DataSpec", "Encoding", "Names", "SplitSpec", "TargetNames"]


DEFAULT_VALIDATION = 0.1
DEFAULT_TEST = 0.2
Count = Annotated[int | float, Field(ge=0)]
"""A number of examples (int) or a fraction of them (float below 1)."""
ClassName = int | str
Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
TargetNames = Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=2)]


def _known_encoding(value: str) -> str:
    try:
        b"a".decode(value)
    except UnicodeError:
        return value  # which takes more bytes for a letter
    except (LookupError, ValueError):
        raise ValueError(f"there is no encoding {value!r}; expected one like utf-8, cp1252 or latin-1") from None
    return value


Encoding = Annotated[str, AfterValidator(_known_encoding)]
"""How text is encoded, by Python's names."""


def count_of(share: float, num_examples: int) -> int:
    """Return a count or fraction as a count; a fraction is rounded up, but 0.1 of 1,000 stays 100."""
    return share if isinstance(share, int) else math.ceil(share * num_examples - 1e-9)


class SplitSpec(Spec):
    """How examples are divided into training, validation and test.

    A whole number is a count of examples. A number below 1 is a fraction: `test` of all examples, `validation` of those
    that are not test examples. 0 means none. Omitted: 10 % validation; the source's own test set, or 20 %. A number for
    `test` cuts the test set out of the source's training examples and leaves its own test set unused.

    Methods: `random`; `stratified` (default for classes: every split has the same mix of classes); `first` (the first
    examples are validation, the next are test); `last` (the last are test, those before them validation); `time` (like
    `last` after ordering by `column`); `group` (examples with equal `column` stay in one split).
    """

    validation: Count | None = None
    """Validation examples: a count, or a fraction of those that are not test examples; 0 for none."""
    test: Count | None = None
    """Test examples: a count or a fraction; omitted: the source's own test set, or 20 %."""
    method: Literal["random", "stratified", "time", "first", "last", "group"] | None = None
    """How examples are chosen; omitted: stratified for classes, random for numbers."""
    column: str | None = None
    """The table column (or array of an npz) that orders (`time`) or groups (`group`) the examples; it is no feature."""
    format: Annotated[str, Field(pattern="%")] | None = None
    """How the dates of `column` are written, where they can be read in several ways: `'%m/%d/%Y'` (codes of strptime)."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Cross-validation: cut the examples into so many parts of equal size, stratified for classes; one is the test set.
    With `group` parts are of whole groups. With `time` they follow each other, and only what is before the test set is
    trained on."""
    fold: Annotated[int, Field(ge=0)] | None = None
    """Which of the `folds` is the test set, counted from 0; the parts are the same for all of them."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    """Seed of the division alone; omitted: the recipe's. Where it is set, runs with other seeds have the same splits."""

    def counts(self, num_examples: int, own: Collection[str] = ()) -> tuple[int, int]:
        """Return how many of the examples are test and how many validation, where none are folds.

        Args:
            num_examples: Examples to divide.
            own: Splits that the source brings itself (`validation`, `test`): none is cut unless there is a number.
        """
        test = self.test if self.test is not None else (0 if "test" in own else DEFAULT_TEST)
        num_test = count_of(test, num_examples)
        return num_test, self.validation_of(max(num_examples - num_test, 0), own)

    def validation_of(self, num_examples: int, own: Collection[str] = ()) -> int:
        """Return how many of the examples that are no test examples are validation."""
        default = 0 if "validation" in own else DEFAULT_VALIDATION
        return count_of(default if self.validation is None else self.validation, num_examples)

    @field_validator("validation", "test")
    @classmethod
    def _is_count_or_fraction(cls, value: float | None) -> float | None:
        if isinstance(value, float) and value >= 1:
            advice = f"write {value:.0f} for a count" if value.is_integer() else "a count is a whole number"
            raise ValueError(f"a fraction is below 1, found {value}; {advice}")
        return value


class Augmentation(Spec):
    """Random changes of training examples; inactive in validation, test and prediction. All but `mixup` is for images.

    Each example draws for itself. Whatever changes pixels stays between black and white, except for noise. With `mixup`
    and `cutmix` together each example takes one or the other.

    Simard et al. (2003), "Best practices for convolutional neural networks applied to visual document analysis"; `cutout`:
    DeVries and Taylor (2017), arXiv:1708.04552; `mixup`: Zhang et al. (2018), arXiv:1710.09412; `cutmix`: Yun et al.
    (2019), arXiv:1905.04899.
    """

    shift: Rate | None = None
    """Largest shift as a fraction of height and width."""
    rotate: Annotated[float, Field(ge=0, le=180)] | None = None
    """Largest rotation in degrees, either way."""
    zoom: Rate | None = None
    """Largest zoom in or out, as a fraction."""
    flip: Literal["horizontal", "vertical", "both"] | None = None
    """Mirror at random, left to right, upside down, or both."""
    brightness: Rate | None = None
    """Largest change of brightness, as a fraction of the way from black to white."""
    contrast: Rate | None = None
    """Largest change of contrast, as a fraction: 0.3 multiplies differences to the mean of each channel by 0.7 to 1.3."""
    saturation: Rate | None = None
    """Largest change of the saturation of colours, as a fraction: 0.3 multiplies it by 0.7 to 1.3."""
    hue: Annotated[float, Field(ge=0, le=0.5)] | None = None
    """Largest turn of all colours, as a fraction of the colour circle."""
    noise: Annotated[float, Field(ge=0)] | None = None
    """Standard deviation of Gaussian noise, in units of the scaled image (0 to 1)."""
    cutout: Rate | None = None
    """Side of a square that is blanked, as a fraction of height and width; with the mean where images are standardized,
    otherwise with 0."""
    mixup: Annotated[float, Field(ge=0)] | None = None
    """Mix inputs and targets of each example with those of another. The shares are drawn from Beta(alpha, alpha), and this
    is alpha: 0.2 is usual."""
    cutmix: Annotated[float, Field(ge=0)] | None = None
    """Put a box of another image into each one, and mix their targets in the same proportion. The share of the area is drawn
    from Beta(alpha, alpha), and this is alpha: 1 is usual."""

    @property
    def mixes(self) -> bool:
        """Whether examples are mixed with each other."""
        return bool(self.mixup or self.cutmix)

    @property
    def of_images(self) -> tuple[str, ...]:
        """Which of the keys that are given are for images only."""
        return tuple(name for name in type(self).model_fields if name != "mixup" and getattr(self, name) is not None)


class DataSpec(Component):
    """Base of every data source: the keys that all of them share.

    A source of your own is a subclass with a `name`, its options, and either `builds = "package.module:function"`, called
    as ``function(spec, seed=…)``, or a method `load_source`; both return a `hornbook.data.Source`. The class variables
    say what is known without loading, so that `hornbook check` can tell what fits.
    """

    kind: ClassVar[str] = "data"
    shared: ClassVar[frozenset[str]] = frozenset(
        {"split", "classes", "relabel", "limit", "sample", "standardize", "scale", "augmentation"}
    )
    data_kind: ClassVar[Literal["image", "table", "sequence", "tokens"] | None] = None
    """What the inputs are; None where only the data can tell."""
    task_hint: ClassVar[Literal["multiclass", "binary", "multilabel", "regression"] | None] = None
    """The task when the recipe names none; None leaves it to the labels."""
    known_classes: ClassVar[tuple[str, ...] | None] = None
    """Class names in label order, where they are known without loading."""
    known_columns: ClassVar[tuple[str, ...] | None] = None
    """Columns of a table, where they are known without loading."""
    known_blocks: ClassVar[Mapping[str, str] | None] = None
    """{name: kind} of what stands beside the columns of a table, where that is known without loading."""
    known_sizes: ClassVar[Mapping[str, int] | None] = None
    """Examples before they are divided, `train` and perhaps `test`, where that is known without loading."""
    known_targets: ClassVar[Mapping[str, Any] | None] = None
    """What `Facts.targets` says of a regression's targets, where it is known without loading."""
    known_input_size: ClassVar[int | None] = None
    """Numbers of an example that is no table, where they are known without loading."""
    known_channels: ClassVar[int | None] = None
    """Channels of images, where they are known without loading."""
    largest_input: ClassVar[float | None] = None
    """Largest absolute value of the inputs as they are stored, where it is known without loading."""
    default_split: ClassVar[SplitSpec | None] = None
    """What an omitted `split` means; None for the usual 10 % validation and 20 % (or the source's own) test."""
    default_standardize: ClassVar[bool | None] = None
    """Whether inputs are standardized when the recipe is silent; None: tables and sequences are, images are not."""
    has_split_column: ClassVar[bool] = False
    """Whether `split.column` can name something of this source."""
    is_read_whole: ClassVar[bool] = False
    """Whether its inputs are in memory whatever the memory budget: a bundled table whose columns have names and types."""
    reads_by_budget: ClassVar[bool] = False
    """Whether `load_source` takes a `memory_budget` too, and reads in parts what exceeds it."""
    divides_itself: ClassVar[bool] = False
    """Whether it divides its examples itself, and says in `problems` what is wrong with `split`."""
    reads_targets_apart: ClassVar[bool] = False
    """Whether `load_source` takes `apart`: targets as a mapping of columns by name, of which several heads take theirs."""
    reads_in_threads: ClassVar[bool] = False
    """Whether reading leaves Python free for other threads, so that commands begin with it while TensorFlow is imported."""
    reads_seed: ClassVar[bool] = True
    """Whether `load_source` may return other examples for another seed; where not, runs share what was read."""

    split: SplitSpec | None = None
    classes: Annotated[tuple[ClassName, ...], BeforeValidator(as_tuple), Field(min_length=1)] | None = None
    """Classes to keep, by name or number, renumbered from 0 in this order."""
    relabel: Annotated[dict[ClassName, Annotated[int, Field(ge=0)]], Field(min_length=1)] | None = None
    """New label of each kept class; classes with the same new label become one."""
    limit: PositiveInt | None = None
    """Train on a sample of so many examples of the training split: of each class its share; other splits stay whole."""
    sample: Literal["stratified", "first"] | None = None
    """Which examples `limit` and `pretraining.labeled` leave: a stratified sample; or the first, as in early runs."""
    standardize: bool | Literal["per_feature", "robust", "quantile"] | None = None
    """Subtract the training mean and divide by the deviation: per column of a table, per channel of an image;
    `per_feature`: per pixel and channel of an image, as a dense stack reads them. Of the number columns of a table:
    `robust` subtracts the median, divides by the interquartile range and clips smoothly at 3, x/√(1 + (x/3)²), Holzmüller et
    al. (2024), arXiv:2407.04491; `quantile` makes each column normally distributed by at most 1,000 quantiles, as
    scikit-learn's `QuantileTransformer` does."""
    scale: bool | None = None
    """Divide images by 255 (or by the largest value their type suggests)."""
    augmentation: Augmentation | None = None

    def load_source(self, *, seed: int) -> Any:
        """Return the examples as a `hornbook.data.Source`.

        Args:
            seed: The recipe's seed, for sources that generate their examples.

        Raises:
            DataError: If the data is missing or malformed.
        """
        if self.builds is None:
            raise TypeError(f"{type(self).__name__} needs 'builds', or a method load_source(self, *, seed)")
        return resolve_target(self.builds)(self, seed=seed)

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield what is wrong between the source's own keys, as far as that shows without loading the data.

        What is wrong between the keys that all sources share is found by `hornbook.recipes.sources.checks`.

        Args:
            task: The recipe's `task`, if it names one.
            path: Where the section stands in the recipe.
        """
        yield from ()

    def sizes(self) -> Mapping[str, int] | None:
        """Return how many examples there are before they are divided, where that is known without loading."""
        return self.known_sizes

    def known_inputs(self) -> Mapping[str, float] | None:
        """Return what `Facts.inputs` says, where that is known without loading: of all columns, not standardized."""
        standardizes = self.standardize if self.standardize is not None else self.data_kind != "image"
        largest = self.largest_input
        if largest is None or standardizes or getattr(self, "columns", None) is not None:
            return None
        is_scaled = self.data_kind == "image" and self.scale is not False
        return {"largest": 1.0 if is_scaled else largest}

    def num_classes(self) -> int | None:
        """Return how many classes there are before some are chosen, where that is known without loading."""
        return len(self.known_classes) if self.known_classes is not None else None

    def effective_split(self) -> SplitSpec:
        """Return the split with the source's own defaults filled in; what is still None takes the usual default."""
        given = {} if self.split is None else self.split.model_dump(exclude_unset=True)
        default = {} if self.default_split is None else self.default_split.model_dump(exclude_unset=True)
        return SplitSpec.model_validate(
            {**default, **{key: value for key, value in given.items() if value is not None}}
        )


class Stored(DataSpec):
    """A source whose examples are what they are, whatever the seed."""

    reads_seed: ClassVar[bool] = False
