"""Layers of an earlier model in a new one: `reuse` in a recipe."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.durations import Duration
from hornbook.recipes.language.layer_names import Layers
from hornbook.recipes.language.spec import Positive, PositiveInt, Rate, Spec
from hornbook.runs.directory import find_run

__all__ = ["Application", "GradualUnfreeze", "Reuse", "Unfreeze"]

MODEL_FILES = (".keras", ".h5")
SAID_ELSEWHERE = {
    "include_top": "The head is the recipe's own.",
    "weights": "Write 'weights' beside 'application'.",
    "pooling": "Write 'pooling' beside 'application'.",
    "input_shape": "Write 'size' beside 'application'.",
    "input_tensor": "The inputs are those of the recipe's data.",
}
"""Arguments of an application's function that are decided by something else."""


SMALLEST = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
FEWEST = 32
"""Sides in pixels below which an application's maps would vanish, and that of the others."""


class Application(Spec):
    """A network of `keras.applications` without its head, for images.

    It gets the pixels that it was trained with (0 to 255, -1 to 1, or blue first and minus ImageNet's means), whatever the
    data's own scale; grey pictures become three equal channels.

    Example:
        from: {application: MobileNetV2, weights: none}
    """

    application: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]
    """Its name in `keras.applications`."""
    weights: str = "imagenet"
    """`imagenet` (downloaded), a local `.weights.h5` or `.keras` file, or `none` for weights drawn anew."""
    size: Annotated[
        PositiveInt | tuple[PositiveInt, PositiveInt] | None,
        BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v),
    ] = None
    """Pixels of a side that pictures are resized to, or `[height, width]`; most were trained at 224. Omitted: as large as
    the pictures are, and not below what it needs (32; Xception 71; Inception 75)."""
    pooling: Literal["avg", "max", "none"] = "avg"
    """How its last feature maps become one number each; `none` keeps the maps."""
    options: dict[str, Any] = Field(default_factory=dict)
    """More arguments of its function, such as `{alpha: 0.35}`."""

    @field_validator("options")
    @classmethod
    def _not_said_twice(cls, options: dict[str, Any]) -> dict[str, Any]:
        for key in options:
            if key in SAID_ELSEWHERE:
                message = "'{key}' cannot be set here. {hint}"
                raise PydanticCustomError("options", message, {"key": key, "hint": SAID_ELSEWHERE[key]})
        return options

    @field_validator("size")
    @classmethod
    def _large_enough(cls, size: Any, info: ValidationInfo) -> Any:
        height, width = size if isinstance(size, tuple) else (size, size)
        name = info.data.get("application", "")
        least = SMALLEST.get(name, FEWEST)
        if size is not None and min(height, width) < least:
            message = "expected pictures of {least} × {least} pixels at least for {name}, found {height} × {width}."
            raise PydanticCustomError("size", message, {"name": name, "least": least, "height": height, "width": width})
        return size

    @property
    def least(self) -> int:
        """Pixels of a side that it needs."""
        return SMALLEST.get(self.application, FEWEST)

    def absolute_paths(self) -> dict[str, str]:
        """Return the file of the weights, where they are in one."""
        return {"weights": str(Path(self.weights).absolute())} if self.weights not in {"imagenet", "none"} else {}


class Unfreeze(Spec):
    """From an epoch on, let frozen layers learn too."""

    after: Duration
    """When; a bare number means epochs. Phases begin with an epoch, so other durations are rounded up."""
    layers: Layers = "all"
    """Which frozen layers."""
    learning_rate_factor: Positive = 1.0
    """What the learning rate is multiplied by for these layers, from then on."""
    optimizer: Literal["reset", "carry"] = "reset"
    """Whether the optimizer starts afresh, as after compiling again, or keeps its moments."""


class GradualUnfreeze(Spec):
    """Unfreeze block by block from the top. Howard and Ruder (2018), arXiv:1801.06146.

    Example:
        unfreeze: {after: 2 epochs, every: 1 epochs, learning_rate_factor: 0.4}
    """

    after: Duration
    """When the topmost block is unfrozen."""
    every: Duration = 1
    """How long until the next one."""
    learning_rate_factor: Positive = 1.0
    """What each block's rate is of the rate of the block above it."""
    optimizer: Literal["reset", "carry"] = "reset"
    """Whether the optimizer starts afresh each time."""


def _entries(value: Any) -> Any:
    if isinstance(value, Mapping) and "every" not in value and "after" in value:
        return (dict(value),)
    return tuple(value) if isinstance(value, list) else value


class Reuse(Spec):
    """Train on top of what an earlier model has learned.

    The kept layers are copied, so the earlier model stays as it is; `model` describes what follows them, and the recipe's
    ingredients apply to the new layers only. With `copy`, `model` is the whole network and is filled by name. Frozen
    batch normalization keeps its statistics. Yosinski et al. (2014), arXiv:1411.1792; Géron, ch. 11.

    Example:
        reuse: {from: runs/fashion_model_a/latest, freeze: true, unfreeze: [{after: 4 epochs}]}
    """

    from_: Annotated[str | Application, Field(alias="from")]
    """A run's folder (or its recipe's name), a `.keras` or `.h5` file, a `.weights.h5` file with the weights of the recipe's
    own network, or `{application: MobileNetV2}`."""
    layers: Layers | None = None
    """What to keep: names, blocks (`hidden_1`), a range (`hidden_1-hidden_3`) or patterns; omitted: all but the head."""
    copy_: Annotated[dict[str, str] | None, Field(alias="copy", min_length=1)] = None
    """In place of `layers`: {new layer: old layer}; `model` is then the whole network."""
    weights: Literal["copied", "fresh"] = "copied"
    """`fresh` takes the structure without what was learned: the control to compare with."""
    freeze: bool | Layers = True
    """Layers that do not learn until they are unfrozen; `true`: all that were copied."""
    unfreeze: Annotated[tuple[Unfreeze, ...] | GradualUnfreeze | None, BeforeValidator(_entries)] = None
    """When frozen layers begin to learn: a list, or a gradual rule."""
    learning_rate_factor: Positive | dict[str, Positive] = 1.0
    """What the learning rate is multiplied by: for all copied layers, or {layers: factor}."""
    batch_normalization: Literal["thaw", "keep"] = "thaw"
    """`keep`: copied batch normalization stays as it is, statistics and scale, also when its layers are unfrozen."""
    dropout: Rate = 0.0
    """Dropout between the kept layers and what follows them."""
    trust: bool = False
    """Load a file that carries code, and run that code."""

    @model_validator(mode="after")
    def _one_form(self) -> "Reuse":
        if self.copy_ is not None and self.layers is not None:
            raise PydanticCustomError("either", "give either 'layers' or 'copy', not both.")
        if self.unfreeze == ():
            raise PydanticCustomError("either", "'unfreeze' is empty: list what is unfrozen when, or remove it.")
        if self.copy_ is not None and self.holds_weights_alone:
            raise PydanticCustomError(
                "either",
                "a '.weights.h5' file fills the recipe's own network and names no other layers: choose some by 'layers'.",
            )
        if self.copy_ is not None and self.dropout:
            raise PydanticCustomError(
                "either",
                "with 'copy' nothing follows the kept layers: use 'regularization.dropout' in place of 'dropout'.",
            )
        if self.weights == "fresh" and self.batch_normalization == "keep":
            raise PydanticCustomError(
                "either", "fresh weights have no statistics to keep: remove 'batch_normalization: keep'."
            )
        if self.weights == "fresh" and (self.freeze is not False or self.unfreeze is not None):
            raise PydanticCustomError(
                "either", "fresh weights have learned nothing to freeze: add 'freeze: false' and remove 'unfreeze'."
            )
        return self

    def file(self) -> Path | None:
        """Return the file of a model or of weights, or None where the source is a run or an application."""
        return Path(self.from_) if isinstance(self.from_, str) and self.from_.endswith(MODEL_FILES) else None

    @property
    def holds_weights_alone(self) -> bool:
        """Whether the source is a file of weights, whose network is the recipe's own."""
        return isinstance(self.from_, str) and self.from_.endswith(".weights.h5")

    def absolute_paths(self) -> dict[str, str]:
        """Return the file, or the run's folder with ``latest`` resolved."""
        if isinstance(self.from_, Application):
            return {}
        own = self.file()
        return {"from": str(own.absolute() if own is not None else find_run(self.from_).path)}
