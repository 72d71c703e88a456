"""Data that is computed: generated from a seed, or written into the recipe itself."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from hornbook.recipes.language.spec import NonNegative, Positive, PositiveInt, as_tuple, register
from hornbook.recipes.sources.common import DataSpec, SplitSpec, Stored
from hornbook.recipes.sources.texts import TextSettings
from hornbook.recipes.sources.windows import Windowed

__all__ = ["Blobs", "Inline", "Moons", "Regression", "Seasons", "Sentences", "Spirals", "Waves", "Xor"]

NO_SPLIT = SplitSpec(validation=0, test=0)
Examples = Annotated[int, Field(ge=2)]
Seed = Annotated[int, Field(ge=0)]


class Synthetic(DataSpec):
    """A source that draws its examples from a seed of its own, or from the recipe's."""

    seed: Seed | None = None
    """Seed of the examples; the recipe's seed when omitted."""

    def sizes(self) -> Mapping[str, int] | None:
        """Return how many examples are drawn."""
        return {"train": int(getattr(self, "examples", 0))}


@register
class Xor(Synthetic):
    """The four points of exclusive or, 0/1 inputs, label 1 where they differ.

    Cannot be learned by a linear unit; a network with one hidden layer learns it. Trains on all points and standardizes
    nothing unless told to. Minsky and Papert (1969), "Perceptrons".

    Example:
        data: xor
    """

    name: Literal["xor"] = "xor"
    builds = "hornbook.data.sources.synthetic:make_xor"
    data_kind = "table"
    task_hint = "binary"
    known_classes = ("0", "1")
    default_split = NO_SPLIT
    default_standardize = False

    repeats: PositiveInt = 1
    """How often the four points appear."""
    noise: NonNegative = 0.0
    """Standard deviation of Gaussian noise on the inputs."""

    def sizes(self) -> Mapping[str, int]:
        """Return how many points there are."""
        return {"train": 4 * self.repeats}


@register
class Moons(Synthetic):
    """Two interleaving half circles in the plane, 2 classes.

    Needs a curved boundary; small networks overfit its noise visibly. After scikit-learn's `make_moons`.

    Example:
        data: {name: moons, examples: 1000, noise: 0.2}
    """

    name: Literal["moons"] = "moons"
    builds = "hornbook.data.sources.synthetic:make_moons"
    data_kind = "table"
    task_hint = "binary"
    known_classes = ("0", "1")

    examples: Examples = 1000
    """How many examples are drawn."""
    noise: NonNegative = 0.1
    """Standard deviation of Gaussian noise on both coordinates."""


@register
class Spirals(Synthetic):
    """Interleaved spiral arms in the plane, one class each.

    Hard for small networks, so depth and activation show. Lang and Witbrock (1988), "Learning to tell two spirals apart".

    Example:
        data: {name: spirals, arms: 3, turns: 1.0}
    """

    name: Literal["spirals"] = "spirals"
    builds = "hornbook.data.sources.synthetic:make_spirals"
    data_kind = "table"

    examples: Examples = 1500
    """How many examples are drawn."""
    arms: Annotated[int, Field(ge=2)] = 3
    """Number of spirals, that is, of classes."""
    turns: Positive = 1.0
    """Revolutions of each arm."""
    noise: NonNegative = 0.02
    """Standard deviation of Gaussian noise on both coordinates; the outer radius is 1."""

    def num_classes(self) -> int:
        """Return the number of arms."""
        return self.arms


@register
class Blobs(Synthetic):
    """Gaussian clouds around random centres, one class each.

    Nearly linearly separable; any number of columns. After scikit-learn's `make_blobs`.

    Example:
        data: {name: blobs, centers: 4, features: 2}
    """

    name: Literal["blobs"] = "blobs"
    builds = "hornbook.data.sources.synthetic:make_blobs"
    data_kind = "table"

    examples: Examples = 1000
    """How many examples are drawn."""
    centers: Annotated[int, Field(ge=2)] = 3
    """Number of clouds, that is, of classes."""
    features: PositiveInt = 2
    """Number of columns."""
    deviation: Positive = 1.0
    """Standard deviation of each cloud; the centres lie between -10 and 10."""

    def num_classes(self) -> int:
        """Return the number of clouds."""
        return self.centers


@register
class Regression(Synthetic):
    """A known function of uniform inputs between -3 and 3, plus Gaussian noise.

    The best mean squared error is the noise's variance, so fit and overfit are easy to see. Functions (x_j the columns):
    linear 4 + Σ 3 x_j, quadratic 2 + Σ (x_j + x_j²/2), cubic Σ (x_j³ - 3 x_j)/2, sine Σ sin(2 x_j).
    Géron, "Hands-On Machine Learning", ch. 4.

    Example:
        data: {name: regression, function: quadratic, noise: 1.0}
    """

    name: Literal["regression"] = "regression"
    builds = "hornbook.data.sources.synthetic:make_regression"
    data_kind = "table"
    task_hint = "regression"

    examples: Examples = 1000
    """How many examples are drawn."""
    function: Literal["linear", "quadratic", "cubic", "sine"] = "linear"
    """What the targets follow; formulas above."""
    features: PositiveInt = 1
    """Number of columns."""
    noise: NonNegative = 1.0
    """Standard deviation of Gaussian noise on the target."""


@register
class Waves(Synthetic):
    """Sums of two sine waves of random frequency and phase plus noise; predict the values that follow.

    For recurrent networks: sequences (N, steps, 1), targets the next `horizon` values. Géron, "Hands-On Machine Learning",
    ch. 15.

    Example:
        data: {name: waves, steps: 50}
    """

    name: Literal["waves"] = "waves"
    builds = "hornbook.data.sources.synthetic:make_waves"
    data_kind = "sequence"
    task_hint = "regression"

    examples: Examples = 4000
    """How many examples are drawn."""
    steps: PositiveInt = 50
    """Length of the input sequences."""
    horizon: PositiveInt = 1
    """How many of the following values to predict."""
    noise: NonNegative = 0.1
    """Width of the uniform noise on every value."""


@register
class Seasons(Windowed, Synthetic):
    """Hourly series with a day, a week, a trend and noise, cut into windows; predict the hours that follow.

    Each series has a level, a size and a phase of its own; its noise lasts (an autoregression of 0.7), so that the last
    value says something that the season does not. Hornbook; after the demand series of Hyndman and Athanasopoulos (2021),
    "Forecasting: Principles and Practice", ch. 2.

    Example:
        data: {name: seasons, steps: 2000, window: 168, horizon: 24}
    """

    name: Literal["seasons"] = "seasons"
    builds = "hornbook.data.sources.seasons:make_seasons"

    steps: Annotated[int, Field(ge=10)] = 2000
    """Hours of each series."""
    count: PositiveInt = 1
    """How many series, columns `time`, `series` and `value` of a table."""
    noise: NonNegative = 0.5
    """Deviation of the noise; a day goes up and down by 2, a week by 1."""

    @property
    def series_column(self) -> str | None:
        """The column that tells series apart, where there are several."""
        return "series" if self.count > 1 else None

    def sizes(self) -> Mapping[str, int] | None:
        """Return nothing: how many windows there are depends on the borders of the splits."""
        return None


@register
class Sentences(Synthetic):
    """Short sentences about films, praise or blame; half of them can be told apart only by the order of words.

    For networks that read texts. In half of the sentences single words tell ('a charming film'), in the others who does what
    to whom ('the plot saved the actors' is praise, 'the actors saved the plot' is blame): words without their order get
    about three quarters of all right. Hornbook.

    Example:
        data: {name: sentences, examples: 2000, text: {length: 16}}
    """

    name: Literal["sentences"] = "sentences"
    builds = "hornbook.data.sources.synthetic:make_sentences"
    data_kind = "tokens"
    task_hint = "binary"
    known_classes = ("blame", "praise")

    examples: Examples = 2000
    """How many sentences are drawn."""
    noise: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the sentences whose label is drawn anew."""
    text: TextSettings = TextSettings()
    """Which tokens the sentences become."""


Row = Annotated[tuple[float, ...], Field(min_length=1)]


@register
class Inline(Stored):
    """Examples written into the recipe: a row of numbers each, and their targets.

    For worked examples by hand. Values are used as written: all train, none are standardized, unless told otherwise. Rows of
    0/1 targets are labels (see `task`). Hornbook.

    Example:
        data: {name: inline, inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [0, 0, 0, 1]}
    """

    name: Literal["inline"] = "inline"
    builds = "hornbook.data.sources.arrays:load_inline"
    data_kind = "table"
    default_split = NO_SPLIT
    default_standardize = False

    inputs: Annotated[tuple[Row, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    """One row of numbers per example."""
    targets: Annotated[tuple[bool | int | float | str | Row, ...], BeforeValidator(as_tuple)]
    """One class, number or row of numbers per example."""

    @model_validator(mode="after")
    def _rows_fit(self) -> Any:
        lengths = {len(row) for row in self.inputs}
        if len(lengths) > 1:
            raise ValueError(f"rows of 'inputs' have different lengths: {', '.join(map(str, sorted(lengths)))}")
        if len(self.targets) != len(self.inputs):
            raise ValueError(f"{len(self.inputs)} inputs, but {len(self.targets)} targets")
        widths = {len(target) if isinstance(target, tuple) else 0 for target in self.targets}
        if len(widths) > 1:
            raise ValueError("'targets' must all be single values, or all rows of the same length")
        if len({isinstance(target, str) for target in self.targets}) > 1:
            raise ValueError("'targets' must be all names or all numbers")
        return self
