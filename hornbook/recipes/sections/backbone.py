"""What backbones have in common: the base of all, and what those do first that read columns or tokens."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.spec import Component, ComponentOf, PositiveInt, Spec
from hornbook.recipes.sections.embedding import Numbers, OptionalCategories

__all__ = [
    "Backbone", "Depth", "ModelSpec", "ReadsColumns", "ReadsTokens", "Repeats", "Sizes", "Widths", "at_least_one",
    "check_depth", "stack",
]  # fmt: skip

Repeats = Annotated[int, Field(ge=1, le=1000)]
Sizes = Annotated[tuple[PositiveInt, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]
Widths = Annotated[
    PositiveInt | tuple[PositiveInt, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]
Depth = Annotated[Repeats | None, Field(description="How many layers as wide as `units`, where that is one number.")]


class ModelSpec(Component):
    """Base of every backbone."""

    kind: ClassVar[str] = "model"
    accepts: ClassVar[tuple[str, ...]] = ("image", "table", "sequence")
    """Kinds of data that it can read."""
    reads_vocabulary: ClassVar[bool] = False
    """Whether it is told what is known of the tokens that it reads, as the argument `vocabulary`."""

    def hidden_units(self) -> tuple[int, ...] | None:
        """Return the width (channels) of every layer that ingredients apply to, or None where only Keras knows."""
        return None


Backbone = Annotated[ModelSpec, ComponentOf("model")]


class ReadsColumns(Spec):
    """What backbones of dense layers do with the columns of a table first, and with what stands beside them."""

    numbers: Numbers | None = None
    """How each number column of a table becomes several numbers; omitted: it stays one. `hornbook list embeddings`."""
    categories: OptionalCategories = None
    """Embeddings of a table's categories, `{embedding, one_hot_up_to}` or the numbers per category; omitted: all one-hot."""
    front_scale: bool | None = None
    """Multiply each of a table's columns by a number that is learned and starts at 1, in front of the first layer."""
    encoders: Annotated[dict[str, Backbone], Field(min_length=1)] | None = None
    """Which backbone reads each input that is no column, by its name: `{photo: {name: cnn, filters: [16, 32]}}`; omitted: a
    small `cnn` for pictures, a `mean_embedding` for texts, an `rnn` for sequences. What it makes of the input is read
    beside the columns."""


class ReadsTokens(Spec):
    """What backbones do with tokens first."""

    reads_vocabulary: ClassVar[bool] = True

    embedding: PositiveInt | None = None
    """Numbers per token, for token data only; omitted: as many as `data.text.embeddings` has, else 64."""
    frozen_embedding: bool = False
    """Keep the embeddings of `data.text.embeddings` as they are."""


def stack(units: int | tuple[int, ...], depth: int | None) -> tuple[int, ...]:
    """Return the width of each layer: as listed, or one width as often as the network is deep."""
    return units if isinstance(units, tuple) else (units,) * (depth or 1)


def at_least_one(units: int | tuple[int, ...]) -> int | tuple[int, ...]:
    if units == ():
        raise PydanticCustomError("units", "expected at least one layer, found none.")
    return units


def check_depth(units: int | tuple[int, ...], depth: int | None) -> None:
    if depth is not None and isinstance(units, tuple):
        message = "'depth' repeats one width: write it as one number, for instance 'units: 100', or leave out 'depth'."
        raise PydanticCustomError("depth", message)
