"""Rules where theory says that a combination is unwise. Always warnings."""

from collections.abc import Iterator

from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.model import Mlp, ResidualCnn, Rnn
from hornbook.recipes.sections.normalization import subtracts_biases
from hornbook.recipes.sections.schedule import Performance

HE = frozenset({"he_normal", "he_uniform"})
LECUN = frozenset({"lecun_normal", "lecun_uniform"})
SATURATING = frozenset({"tanh", "sigmoid", "softsign", "hard_sigmoid", "hard_tanh", "linear", "softmax"})
UNBOUNDED = frozenset({"relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "exponential", "linear", "hard_silu"})


def _warn(path: Path, message: str, hint: str) -> Problem:
    return Problem(path, message, hint, severity="warning")


def initializer_suits_activation(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """He with saturating activations starts too wide."""
    activation = recipe.activation
    if activation is not None and recipe.initializer.name in HE and activation.name in SATURATING:
        message = (
            f"He initialization is for ReLU and its variants; with '{activation.name}' units saturate from the start."
        )
        yield _warn(("initializer",), message, "Use 'glorot_uniform', or omit it.")


def selu_normalizes_itself(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What keeps a SELU network from normalizing itself."""
    if recipe.activation is None or recipe.activation.name != "selu":
        return
    if recipe.initializer.name not in LECUN | {"default", "ntk"}:
        message = f"SELU normalizes itself only from LeCun initialization, found '{recipe.initializer.name}'."
        yield _warn(("initializer",), message, "Use 'lecun_normal', or omit it.")
    if recipe.normalization.name != "none":
        message = f"SELU normalizes itself, '{recipe.normalization.name}' works against it."
        yield _warn(("normalization",), message, "Remove the normalization, or use 'elu'.")
    if recipe.regularization.dropout is not None:
        message = "plain dropout changes mean and variance, which SELU keeps."
        yield _warn(("regularization", "dropout"), message, "Use 'alpha_dropout'.")
    if isinstance(recipe.model, Rnn | ResidualCnn):
        what = "recurrent cells" if isinstance(recipe.model, Rnn) else "shortcuts"
        message = f"SELU normalizes itself in a plain stack of layers only, and '{recipe.model.name}' has {what}."
        yield _warn(("activation",), message, "Use 'elu', or 'relu' with normalization.")
    reads_pixels = facts.kind == "image" and isinstance(recipe.model, Mlp)
    wanted = "per_feature" if reads_pixels else "true"
    if facts.kind is not None and not facts.is_standardized:
        message = "SELU normalizes itself only with standardized inputs."
        yield _warn(("data",), message, f"Add 'standardize: {wanted}' to the data.")
    elif reads_pixels and recipe.data.standardize is True:
        message = "SELU normalizes itself only with standardized inputs, and here all pixels of a channel share a mean."
        yield _warn(("data", "standardize"), message, "Use 'standardize: per_feature'.")


def alpha_dropout_is_for_selu(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Alpha dropout's constants are SELU's."""
    activation = recipe.activation.name if recipe.activation is not None else "relu"
    if recipe.regularization.alpha_dropout is not None and activation != "selu":
        message = f"alpha dropout is made for SELU, and the activation is '{activation}'."
        yield _warn(("regularization", "alpha_dropout"), message, "Use 'dropout', or 'activation: selu'.")


def bias_before_normalization(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A bias that the following normalization subtracts again."""
    normalization = recipe.normalization
    if recipe.initializer.bias is not None and subtracts_biases(normalization):
        message = f"'{normalization.name}' subtracts any bias in front of it, so hidden layers have none."
        yield _warn(("initializer", "bias"), message, "Remove it, or set 'position: after_activation'.")


def patience_order(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Early stopping that fires before performance scheduling can act."""
    stopping, schedule = recipe.training.early_stopping, recipe.schedule
    if stopping is None or not isinstance(schedule, Performance):
        return
    batches, written = facts.batches(recipe), (stopping.patience, schedule.patience, recipe.training.epochs)
    if batches is None and any(isinstance(duration, str) and "step" in duration for duration in written):
        return
    length = recipe.training.length(batches=batches or 1000, accumulation=recipe.optimizer.accumulation)
    epochs, waits = length.in_epochs(stopping.patience), length.in_epochs(schedule.patience)
    if epochs <= waits:
        message = f"training stops after {epochs} epochs without progress, before the rate is lowered ({waits})."
        yield _warn(("training", "early_stopping", "patience"), message, "Use at least twice the schedule's patience.")


def bounded_cells(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Unbounded activations in recurrent cells let states grow without limit."""
    if isinstance(recipe.model, Rnn) and recipe.activation is not None and recipe.activation.name in UNBOUNDED:
        message = f"'{recipe.activation.name}' inside a recurrent cell can grow without bound over the steps."
        yield _warn(("activation",), message, "Use 'tanh', or clip gradients and keep the rate low.")


def schedule_free_means_no_schedule(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Schedule-free optimizers average over a constant rate."""
    if recipe.optimizer.name == "schedule_free_adamw" and recipe.schedule.name != "constant":
        yield _warn(("schedule",), "a schedule-free optimizer expects a constant rate.", "Remove the schedule.")


def half_precision_on_cpu(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """float16 is slower than float32 on CPUs."""
    if recipe.training.precision == "mixed_float16":
        message = "mixed_float16 pays on GPUs only."
        yield _warn(("training", "precision"), message, "On a CPU use 'float32' or 'mixed_bfloat16'.")


RULES = (
    ("he-activation", ("initializer", "activation"), initializer_suits_activation),
    ("selu", ("data", "model", "initializer", "activation", "normalization", "regularization"), selu_normalizes_itself),
    ("alpha-dropout", ("activation", "regularization"), alpha_dropout_is_for_selu),
    ("useless-bias", ("initializer", "normalization"), bias_before_normalization),
    ("patience", ("schedule", "training"), patience_order),
    ("unbounded-cell", ("model", "activation"), bounded_cells),
    ("schedule-free", ("optimizer", "schedule"), schedule_free_means_no_schedule),
    ("float16", ("training",), half_precision_on_cpu),
)
