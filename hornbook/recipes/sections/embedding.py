"""Embeddings of the columns of a table: `model.numbers` and `model.categories` in a recipe."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from hornbook.recipes.language.spec import Component, ComponentOf, Positive, PositiveInt, Spec, register

__all__ = ["Categories", "EmbeddingSpec", "Numbers", "PiecewiseLinear"]

Frequencies = Annotated[PositiveInt, Field(description="How many frequencies each number has.")]
Deviation = Annotated[
    Positive,
    Field(description="Standard deviation of the frequencies at the start, in cycles per deviation of the number."),
]


class EmbeddingSpec(Component):
    """Base of every embedding of numbers."""

    kind: ClassVar[str] = "embedding"


Numbers = Annotated[EmbeddingSpec, ComponentOf("embedding")]


@register
class Periodic(EmbeddingSpec):
    """Each number as cosines and sines of it, with learned frequencies.

    Lets a dense layer follow a number through quick ups and downs. Gorishniy et al. (2022), arXiv:2203.05556, section 3.3.

    Example:
        model: {name: mlp, units: [128, 128], numbers: {name: periodic, frequencies: 48, deviation: 0.01}}
    """

    name: Literal["periodic"] = "periodic"

    frequencies: Frequencies = 48
    deviation: Deviation = 0.01


@register
class Plr(EmbeddingSpec):
    """Cosines and sines of each number, then a linear layer of its own and ReLU: PLR.

    The strongest of the paper's embeddings. Gorishniy et al. (2022), arXiv:2203.05556, section 3.4.

    Example:
        model: {name: mlp, units: [128, 128], numbers: {name: plr, frequencies: 48, deviation: 0.01, units: 24}}
    """

    name: Literal["plr"] = "plr"

    frequencies: Frequencies = 48
    deviation: Deviation = 0.01
    units: PositiveInt = 24
    """How many numbers each number becomes."""


@register
class Pbld(EmbeddingSpec):
    """Cosines with phases, a linear layer of each number's own, and the number itself: PBLD, periodic bias linear DenseNet.

    Small and quick, for dense layers that read each number many times anyway. Holzmüller et al. (2024), arXiv:2407.04491.

    Example:
        model: {name: mlp, units: [256, 256, 256], numbers: {name: pbld, frequencies: 16, deviation: 0.1, units: 4}}
    """

    name: Literal["pbld"] = "pbld"

    frequencies: Frequencies = 16
    deviation: Deviation = 0.1
    units: Annotated[int, Field(ge=2)] = 4
    """How many numbers each number becomes, itself included."""


@register
class PiecewiseLinear(EmbeddingSpec):
    """Each number as how far it has come through each of its bins, between quantiles of the training split.

    Lets a dense layer bend its answer at each edge, as a tree would. With `units` a linear layer of each number's own makes
    fewer numbers of it. Gorishniy et al. (2022), arXiv:2203.05556, section 3.2.

    Example:
        model: {name: mlp, units: [128, 128], numbers: {name: piecewise_linear, bins: 48, units: 16}}
    """

    name: Literal["piecewise_linear"] = "piecewise_linear"

    bins: Annotated[int, Field(ge=2, le=1000)] = 48
    """Bins of each number; fewer where many rows share one."""
    units: PositiveInt | None = None
    """How many numbers a linear layer makes of each number; omitted: the bins themselves are read."""


class Categories(Spec):
    """Embeddings of the categories of a table: a learned row of numbers for each.

    Guo and Berkhahn (2016), "Entity embeddings of categorical variables", arXiv:1604.06737.
    """

    embedding: PositiveInt
    """Numbers per category."""
    one_hot_up_to: Annotated[int, Field(ge=0)] = 8
    """Columns of so many categories or fewer stay one-hot, a 1 for each."""


def _shorthand(value: Any) -> Any:
    return value if value is None or isinstance(value, dict | Spec) else {"embedding": value}


OptionalCategories = Annotated[
    Categories | None, BeforeValidator(_shorthand, json_schema_input_type=PositiveInt | Categories | None)
]
