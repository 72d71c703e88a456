"""How long, in what batches, and when to stop: `training` in a recipe."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.durations import Duration, Length, RunLength, Size, TimeSpan
from hornbook.recipes.language.spec import NonNegative, Positive, PositiveInt, Spec
from hornbook.recipes.language.text import shown
from hornbook.recipes.sections.metric import Metric

__all__ = ["Checkpoint", "ClassWeights", "EarlyStopping", "Engine", "GradientClipping", "OnDivergence", "Training"]

Mode = Literal["min", "max"]
Engine = Literal["xla", "graph", "fused_graph", "fit"]


def _weights(value: Any) -> Any:
    if value is None or value == "balanced":
        return value
    if isinstance(value, dict) and value and all(isinstance(key, int | str) for key in value):
        return value
    raise PydanticCustomError(
        "class_weights",
        "expected 'balanced' or a weight per class such as {example}, found {found}",
        {"example": "{0: 1.0, 1: 5.0}", "found": shown(value)},
    )


ClassWeights = Annotated[
    Literal["balanced"] | Annotated[dict[int | str, Positive], Field(min_length=1)] | None, BeforeValidator(_weights)
]


class EarlyStopping(Spec):
    """Stop when the monitored value has not improved for `patience` epochs; the best epoch's weights are final.

    Prechelt (1998), "Early stopping - but when?"; Géron, ch. 4.
    """

    monitor: str = "val_loss"
    """Recorded value that has to improve."""
    mode: Mode | None = None
    """Which direction is better; omitted: known from the metric."""
    patience: Duration = 10
    """How long to wait for an improvement; a bare number means epochs, and anything else is rounded up to whole ones."""
    min_delta: NonNegative = 0.0
    """Smallest change that counts as an improvement."""
    baseline: float | None = None
    """A value to beat: while none has, every epoch counts as one without improvement; omitted: there is none."""
    start_from_epoch: Annotated[int, Field(ge=0)] = 0
    """Epochs at the start that are not watched."""
    restore_best: bool = True
    """End with the weights of the best epoch instead of the last."""
    ties: Literal["first", "last"] = "first"
    """Which of several equally good epochs counts as the best; accuracies of few examples are often equal."""


class Checkpoint(Spec):
    """By which figure the best epoch is chosen; `best.keras` holds its weights. Omitted: early stopping's, or `val_loss`."""

    monitor: str = "val_loss"
    """Recorded value that the best epoch is chosen by."""
    mode: Mode | None = None
    """Which direction is better; omitted: known from the metric."""
    ties: Literal["first", "last"] = "first"
    """Which of several equally good epochs counts as the best."""
    every: TimeSpan | None = None
    """How often the state for resuming is saved; omitted: as often as costs less than 2 % of the time."""


class OnDivergence(Spec):
    """What to do when loss or weights stop being finite: go back to the start of the epoch with a lower rate."""

    rollback: PositiveInt = 3
    """How often a run may go back; the next divergence ends it."""
    rate_factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """What the rate of everything that follows is multiplied by, each time."""


class GradientClipping(Spec):
    """Limit the gradients: each number (`value`), each variable's norm (`norm`), or their joint norm (`global_norm`).

    Only the norms keep the direction, and only `global_norm` the proportions between layers. Pascanu et al. (2013),
    arXiv:1211.5063.
    """

    by: Literal["value", "norm", "global_norm"]
    """What is limited: each number, each variable's norm, or their joint norm."""
    threshold: Positive
    """The largest number or norm that is left as it is."""


class Training(Spec):
    """Epochs, batches, metrics, and everything that watches over a run."""

    epochs: RunLength = 20
    """Passes over the training examples, at most; or optimizer steps, `40000 steps`, in as many epochs as that takes. With
    `shrink` also 0: nothing is fine-tuned."""
    batch_size: PositiveInt = 32
    """Examples per batch."""
    drop_remainder: bool = False
    """Leave out the smaller last batch of each epoch; in each epoch other examples are left out."""
    metrics: Annotated[tuple[Metric, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)] | None = (
        None
    )
    """What is recorded beside the loss; omitted: accuracy, or the root mean squared error of a regression."""
    early_stopping: EarlyStopping | None = None
    """Stop when nothing improves any more; omitted: train to the last epoch."""
    checkpoint: Checkpoint | None = None
    """What the best epoch is chosen by; omitted: early stopping's monitor, or `val_loss`."""
    gradient_clipping: GradientClipping | None = None
    """Limit on the gradients; omitted: none."""
    class_weights: ClassWeights = None
    """Weight of each class in the loss, by name or number; `balanced`: inversely to how often it occurs."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Numbers to compute with. The mixed ones keep weights in float32 and compute in 16 bits, which is faster on GPUs."""
    engine: Literal["auto", Engine] = "auto"
    """How steps are run: many in one XLA program, many in one TensorFlow graph, or by Keras's own `fit`. `fused_graph` is a
    graph in which batch normalization of images is one operation: faster, with other last bits than `graph`. `auto`
    follows a rule on the layers."""
    strategy: Literal["mirrored", "multi_worker"] | None = None
    """Train on all devices of this machine, or on the machines that TF_CONFIG lists; omitted: on one device."""
    memory_budget: Size | None = None
    """Inputs larger than this stay on disk and are streamed; omitted: half of this machine's memory."""
    max_time: TimeSpan | None = None
    """End the run after so long, as if it were finished: its last weights are evaluated."""
    on_divergence: OnDivergence | None = None
    """Go back to the start of the epoch with a lower rate when the loss is no finite number any more; omitted: the run ends
    there, and keeps its last good state."""

    @property
    def duration(self) -> str:
        """How long the run is, as the recipe says it: ``20 epochs``, ``40000 steps``."""
        return self.epochs if isinstance(self.epochs, str) else f"{self.epochs} epoch" + "s" * (self.epochs != 1)

    def batches(self, examples: int, batch_size: int | None = None) -> int:
        """Return the batches of an epoch over so many examples, one smaller one included unless it is left out.

        Args:
            examples: How many there are.
            batch_size: Examples per batch where it is another one than `batch_size`.
        """
        full, rest = divmod(examples, batch_size or self.batch_size)
        return full + (rest > 0 and not (self.drop_remainder and full > 0))

    def length(self, *, batches: int, accumulation: int) -> Length:
        """Return how long the run is.

        Args:
            batches: Batches per epoch.
            accumulation: Batches per step: the optimizer's.
        """
        return Length.of(self.epochs, batches=batches, accumulation=accumulation)
