"""An earlier run's model made smaller and faster: `shrink` in a recipe."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.durations import LongerThanZero
from hornbook.recipes.language.spec import NonNegative, Positive, PositiveInt, Spec
from hornbook.runs.directory import find_run

__all__ = ["CALIBRATION", "FEWEST", "Prune", "Shrink"]

CALIBRATION = 256
"""Training rows that `int8` is calibrated on, where the recipe says nothing."""
FEWEST = 32
"""Fewer rows tell too little of what goes into a layer."""


class Prune(Spec):
    """Set the smallest weights to exact zero; they stay zero while the others learn on.

    Han et al. (2015), arXiv:1506.02626; the schedule is that of Zhu and Gupta (2017), arXiv:1710.01878.

    Example:
        prune: {share: 0.9, scope: layer, schedule: cubic, until: 50%}
    """

    share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """How much of all weights becomes zero; biases and normalization are no weights here."""
    threshold: Positive | None = None
    """Weights whose absolute value is below this become zero: with `scope: layer` in deviations of the layer's weights."""
    scope: Literal["global", "layer"] = "layer"
    """`layer`: the share of each layer; `global`: of the whole network, which may take all weights of a layer."""
    schedule: Literal["cubic", "once"] = "cubic"
    """`cubic`: the share grows from epoch to epoch, ever more slowly; `once`: all of it before the first epoch."""
    until: LongerThanZero | None = None
    """When the last of a cubic schedule become zero; a bare number means epochs; omitted: half of the run."""

    @model_validator(mode="after")
    def _one_amount(self) -> "Prune":
        if (self.share is None) == (self.threshold is None):
            raise PydanticCustomError("either", "give either 'share' or 'threshold'.")
        if self.schedule == "once" and self.until is not None:
            raise PydanticCustomError("either", "'schedule: once' is over at once: remove 'until'.")
        return self


class Shrink(Spec):
    """Make an earlier run's model smaller and faster, and prove what it costs.

    What the recipe leaves out is the earlier run's: data, network, optimizer. In this order: normalization is folded into
    the layers beside it, small weights become zero while the rest is fine-tuned for `training.epochs`, layers that act only
    in training and units without weights are removed, inputs are folded, weights are rounded.

    Example:
        shrink: {from: runs/mnist_300_100/latest, prune: {share: 0.9}, precision: int8}
    """

    from_: Annotated[str, Field(alias="from", min_length=1)]
    """The earlier run's folder, or its recipe's name."""
    fold: Literal["all", "normalization", "inputs", "none"] = "all"
    """What is folded into the weights beside it, where that is exact: normalization, scaling of the inputs, or both."""
    prune: Prune | None = None
    """Which weights become zero; omitted: none."""
    units: bool = True
    """Remove units and filters that have no weights left on one side."""
    precision: Literal["float32", "float16", "int8"] = "float32"
    """What weights are rounded to: numbers that float16 has, or 255 levels for each unit."""
    calibration: PositiveInt | None = None
    """Training rows that the levels of `int8` are chosen on; omitted: 256."""
    max_loss: NonNegative = 0.5
    """How much worse the result may be on the validation split, in points; if it is worse, nothing is kept."""
    trust: bool = False
    """Load an earlier model that carries code, and run that code."""

    @model_validator(mode="after")
    def _no_idle_keys(self) -> "Shrink":
        if self.calibration is not None and self.precision != "int8":
            raise PydanticCustomError("either", "'calibration' is for 'precision: int8': add that, or remove it.")
        if self.calibration is not None and self.calibration < FEWEST:
            raise PydanticCustomError(
                "calibration",
                "'calibration' has to be at least {fewest}, found {found}: fewer rows tell too little.",
                {"fewest": FEWEST, "found": self.calibration},
            )
        return self

    def absolute_paths(self) -> dict[str, str]:
        """Return the run's folder with ``latest`` resolved."""
        return {"from": str(find_run(self.from_).path)}
