"""Rules about data, task and head: what the labels need and what the inputs allow."""

from collections.abc import Iterator, Sequence

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.model import Layers, Rnn
from hornbook.recipes.sources.checks import section_problems

MAY_BE_NEGATIVE = frozenset(
    {"linear", "tanh", "elu", "selu", "leaky_relu", "softsign", "hard_tanh", "gelu", "silu", "mish"}
)
NOUNS = {"image": "images", "table": "rows of a table", "sequence": "sequences", "tokens": "token sequences"}


def listed(words: Sequence[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def data_section(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What the data section says about itself."""
    yield from section_problems(recipe.data, task=recipe.task)


def model_reads_data(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A backbone that cannot read this kind of data."""
    model = recipe.model
    if (
        facts.kind == "tokens"
        and isinstance(model, Layers)
        and (not model.layers or model.layers[0].name != "embedding")
    ):
        message = "token numbers mean nothing by themselves, so the first layer has to be an embedding."
        yield Problem(("model", "layers"), message, "Begin with '{name: embedding, input_dim: 10000, output_dim: 64}'.")
    if facts.kind is None or facts.kind in model.accepts:
        return
    wanted = listed([NOUNS[kind] for kind in recipe.model.accepts])
    hint = {
        "table": "Use 'model: {name: mlp, units: [300, 100]}'.",
        "tokens": "Use 'model: {name: rnn}', or start 'layers' with an embedding.",
        "sequence": "Use 'model: {name: rnn}'.",
        "image": "Use 'model: {name: cnn}' or 'mlp'.",
    }[facts.kind]
    message = f"'{recipe.model.name}' reads {wanted}, and '{recipe.data.name}' holds {NOUNS[facts.kind]}."
    yield Problem(("model",), message, hint)


def embedding_needs_tokens(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """An embedding given for data without tokens would be ignored."""
    model = recipe.model
    if isinstance(model, Rnn) and model.embedding is not None and facts.kind not in {None, "tokens"}:
        yield Problem(("model", "embedding"), f"only tokens are embedded, and this is {facts.kind} data.", "Remove it.")


def loss_fits_task(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A loss made for another task."""
    loss = recipe.head.loss
    if loss is not None and facts.task is not None and facts.task not in loss.tasks:
        message = f"'{loss.name}' is for {listed(loss.tasks)} tasks, and this task is {facts.task}."
        yield Problem(("head", "loss"), message, "Omit it to get the task's own loss.")


def head_fits_loss(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A loss that is computed in front of one activation, under a head with another."""
    head = recipe.head
    loss, activation = head.loss, head.activation
    if loss is not None and loss.only and activation is not None and activation.name != loss.from_logits:
        message = f"'{loss.name}' needs a '{loss.from_logits}' head, found '{activation.name}'."
        yield Problem(("head", "activation"), message, "Omit one of the two.")
    if loss is not None and loss.positive and activation is not None and activation.name in MAY_BE_NEGATIVE:
        message = f"'{loss.name}' needs positive outputs, and '{activation.name}' can be negative."
        yield Problem(("head", "activation"), message, f"Use '{loss.positive}', or omit it.")
    if activation is not None and activation.name == "step" and (loss is None or loss.name != "perceptron"):
        message = "the step function has no slope to follow, so only 'loss: perceptron' can train it."
        yield Problem(("head", "activation"), message, "Write 'head: {units: 1, activation: step, loss: perceptron}'.")
    if loss is None and activation is not None and facts.task == "multiclass" and activation.name != "softmax":
        message = f"a multiclass head ends in softmax, found '{activation.name}'."
        yield Problem(("head", "activation"), message, "Omit it.")
    has_labels = facts.task in {"binary", "multilabel"}
    if loss is None and activation is not None and has_labels and activation.name not in {"sigmoid", "step"}:
        message = f"a {facts.task} head ends in sigmoid, found '{activation.name}'."
        hint = "Omit it, or name a loss that works with it ('hinge' with 'linear')."
        yield Problem(("head", "activation"), message, hint)


def standardized_targets_have_a_unit(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Targets standardized where there is no number to standardize, or a head or loss that cannot follow."""
    head, path = recipe.head, ("head", "standardize_targets")
    if not head.standardize_targets:
        return
    if facts.task not in {None, "regression"}:
        yield Problem(path, f"the task is {facts.task}, which has no numbers to standardize.", "Remove it.")
    elif head.activation is not None and head.activation.name != "linear":
        message = (
            f"standardized targets are on both sides of 0, which the head '{head.activation.name}' does not follow."
        )
        yield Problem(path, message, "Use a linear head, or remove it.")
    elif head.loss is not None and not (head.loss.has_unit or head.loss.name == "log_cosh"):
        message = f"'{head.loss.name}' compares targets in their own unit."
        yield Problem(path, message, "Use 'mean_squared_error', or remove it.")


def units_fit_labels(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A head with another number of units than the labels need."""
    units = recipe.head.units
    wanted = {"binary": 1, "multiclass": facts.num_classes, "multilabel": facts.num_classes}.get(
        facts.task or "", facts.target_size
    )
    if units is None or wanted is None or units == wanted:
        return
    plural = "s" if wanted != 1 else ""
    labels = {
        "multiclass": f"{wanted} classes need {wanted} units",
        "binary": "two classes need 1 unit",
        "multilabel": f"{wanted} labels need {wanted} units",
    }.get(facts.task or "", f"{wanted} target{plural} need{'' if plural else 's'} {wanted} unit{plural}")
    yield Problem(("head", "units"), f"{labels}, found {units}.", "Omit it: it follows from the data.")


def class_weights_need_classes(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Class weights where there are no exclusive classes."""
    if recipe.training.class_weights is not None and facts.task in {"regression", "multilabel"}:
        message = f"only exclusive classes have weights, and this task is {facts.task}."
        yield Problem(("training", "class_weights"), message, "Remove it.")


def metrics_fit_task(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A metric made for another task, or the same metric twice."""
    seen = set()
    for index, metric in enumerate(recipe.training.metrics or ()):
        path = ("training", "metrics", index)
        if metric.name in seen:
            yield Problem(path, f"'{metric.name}' is listed twice.", "Keep one.")
        seen.add(metric.name)
        if facts.task is not None and facts.task not in metric.tasks:
            message = f"'{metric.name}' is for {listed(metric.tasks)} tasks, and this task is {facts.task}."
            yield Problem(path, message, "'hornbook list metric' shows what each is for.")
        elif recipe.head.loss is not None and recipe.head.loss.name == "hinge" and metric.name != "accuracy":
            message = f"'{metric.name}' needs probabilities, and a hinge head gives scores."
            yield Problem(path, message, "Use 'accuracy', or the loss 'binary_crossentropy'.")


def batch_fits_data(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A batch larger than the training split, or a run too short for a single step."""
    size = recipe.training.batch_size
    if facts.train_size is not None and size > facts.train_size:
        message = f"a batch of {size} is larger than the training split of {facts.train_size} examples."
        yield Problem(("training", "batch_size"), message, f"Use at most {facts.train_size}.")
        return
    batches, accumulation = facts.batches(recipe), recipe.optimizer.accumulation
    total = recipe.training.length(batches=batches, accumulation=accumulation).total if batches else accumulation
    if total < accumulation:
        message = f"a step takes {accumulation} batches, and the whole run has {total}, so nothing would be trained."
        yield Problem(("optimizer", "accumulation"), message, f"Use at most {total}, or train longer.")


RULES = (
    ("data", ("data", "task"), data_section),
    ("model-data", ("data", "model"), model_reads_data),
    ("embedding", ("data", "model"), embedding_needs_tokens),
    ("loss-task", ("data", "task", "head"), loss_fits_task),
    ("head-loss", ("data", "task", "head"), head_fits_loss),
    ("head-targets", ("data", "task", "head"), standardized_targets_have_a_unit),
    ("head-units", ("data", "task", "head"), units_fit_labels),
    ("class-weights", ("data", "task", "training"), class_weights_need_classes),
    ("metric-task", ("data", "task", "training"), metrics_fit_task),
    ("batch-size", ("data", "training"), batch_fits_data),
)
