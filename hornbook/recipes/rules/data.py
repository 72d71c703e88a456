"""Rules about data, task and head: what the labels need and what the inputs allow."""

import re
from collections.abc import Iterator, Mapping, Sequence

from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.connections import sources
from hornbook.recipes.sections.head import LossSpec
from hornbook.recipes.sections.metric import MetricSpec
from hornbook.recipes.sections.model import Layers
from hornbook.recipes.sources.checks import section_problems

TAKEN = frozenset({"loss", "epoch", "phase", "learning_rate", "momentum", "train_seconds", "seconds"})
"""What a line of a run's history holds beside metrics."""
MAY_BE_NEGATIVE = frozenset(
    {
        "linear",
        "tanh",
        "elu",
        "selu",
        "parametric_selu",
        "parametric_mish",
        "leaky_relu",
        "softsign",
        "hard_tanh",
        "gelu",
        "silu",
        "mish",
    }
)
COUNTERPARTS = {
    ("binary_crossentropy", "multiclass"): "sparse_categorical_crossentropy",
    ("binary_focal_crossentropy", "multiclass"): "categorical_focal_crossentropy",
    ("hinge", "multiclass"): "categorical_hinge",
    ("squared_hinge", "multiclass"): "categorical_hinge",
    ("categorical_crossentropy", "binary"): "binary_crossentropy",
    ("categorical_crossentropy", "multilabel"): "binary_crossentropy",
    ("sparse_categorical_crossentropy", "binary"): "binary_crossentropy",
    ("sparse_categorical_crossentropy", "multilabel"): "binary_crossentropy",
    ("categorical_focal_crossentropy", "binary"): "binary_focal_crossentropy",
    ("categorical_focal_crossentropy", "multilabel"): "binary_focal_crossentropy",
    ("categorical_hinge", "binary"): "hinge",
}
"""The loss that is to another task what the named one is to its own."""
SAME_AS = {"multiclass": "sparse_categorical_crossentropy", "binary": "binary_crossentropy"}
"""What the divergence of a distribution is, where all of it is one class."""
SHARES_TOLERANCE = 0.001  # how far from 1 the sum of rounded shares may be
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
    if facts.kind == "tokens" and isinstance(model, Layers) and not _embeds_inputs(model):
        message = "token numbers mean nothing by themselves, so the first layer has to be an embedding."
        yield Problem(("model", "layers"), message, "Begin with '{name: embedding, input_dim: 10000, output_dim: 64}'.")
    reuse = recipe.reuse
    is_on_top = reuse is not None and reuse.copy_ is None and not reuse.holds_weights_alone
    if is_on_top and model.accepts == ("tokens",):
        message = f"'{model.name}' reads tokens, and behind layers of an earlier model there are none."
        yield Problem(("model",), message, "Use 'model: {name: mlp, units: [64]}'.")
        return
    if facts.kind is None or facts.kind in model.accepts or (facts.kind == "tokens" and is_on_top):
        return
    wanted = listed([NOUNS[kind] for kind in recipe.model.accepts])
    hint = {
        "table": "Use 'model: {name: mlp, units: [300, 100]}'.",
        "tokens": "Use 'model: {name: rnn}' or 'mean_embedding', or start 'layers' with an embedding.",
        "sequence": "Use 'model: {name: rnn}'.",
        "image": "Use 'model: {name: cnn}' or 'mlp'.",
    }[facts.kind]
    message = f"'{recipe.model.name}' reads {wanted}, and '{recipe.data.name}' holds {NOUNS[facts.kind]}."
    yield Problem(("model",), message, hint)


def _embeds_inputs(model: Layers) -> bool:
    read = zip(model.layers, sources(model.layers), strict=True)
    return bool(model.layers) and all(layer.name == "embedding" for layer, places in read if -1 in places)


def loss_fits_task(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A loss made for another task or for other targets."""
    loss = recipe.head.loss
    if loss is not None and facts.task is not None and facts.task not in loss.tasks:
        message = f"'{loss.name}' is for {listed(loss.tasks)} tasks, and this task is {facts.task}."
        hint = "Omit it to get the task's own loss."
        if (loss.name, facts.task) in COUNTERPARTS:
            hint = f"Use '{COUNTERPARTS[loss.name, facts.task]}'."
        elif loss.targets == "distributions" and facts.task in SAME_AS:
            hint = f"Use '{SAME_AS[facts.task]}', which is the same where an example is wholly of one class."
        yield Problem(("head", "loss"), message, hint)
    elif loss is not None and facts.task == "regression":
        yield from _targets_fit(loss, facts)


def _targets_fit(loss: LossSpec, facts: Facts) -> Iterator[Problem]:
    targets, path = facts.targets, ("head", "loss")
    if loss.targets in ("vectors", "distributions") and facts.target_size == 1:
        message = f"'{loss.name}' compares several numbers per example, and there is one target."
        yield Problem(path, message, "Omit it to get the task's own loss.")
    if targets is None:
        return
    if loss.targets == "nonzero" and targets["zeros"]:
        message = f"'{loss.name}' divides by the target, and {_targets(targets['zeros'])} 0."
        yield Problem(path, message, "Use 'mean_absolute_error'.")
    elif loss.targets == "counts" and targets["lowest"] < 0:
        message = f"'{loss.name}' is for targets from 0 on, and the lowest is {targets['lowest']:.4g}."
        yield Problem(path, message, "Omit it to get the task's own loss.")
    elif loss.targets == "vectors" and targets["zero_rows"]:
        count = targets["zero_rows"]
        examples = f"{count:,} example{' has' if count == 1 else 's have'}"
        message = f"'{loss.name}' compares directions, and {examples} none: all of its targets are 0."
        yield Problem(path, message, "Remove such examples, or use 'mean_squared_error'.")
    elif loss.targets == "distributions":
        low, high = targets["sums"]
        if targets["lowest"] < 0:
            found = f"the lowest is {targets['lowest']:.4g}"
        elif min(low, 2 - high) < 1 - SHARES_TOLERANCE:
            found = f"those of an example add up to {low:.4g}" + (f" to {high:.4g}" if high > low else "")
        else:
            return
        message = f"'{loss.name}' is for targets that are shares of a whole, from 0 on and 1 together, and {found}."
        yield Problem(path, message, "Divide them by their sum, or use 'mean_squared_error'.")


def _targets(count: int) -> str:
    return f"{count:,} target{' is' if count == 1 else 's are'}"


def head_fits_loss(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A loss that is computed in front of one activation, under a head with another."""
    head = recipe.head
    loss, activation = head.loss, head.activation
    yield from _ordered_classes(recipe, facts)
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


def _ordered_classes(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Classes that are to have an order, and have none, or whose head or loss knows of none."""
    head, path, data = recipe.head, ("head", "ordinal"), recipe.data
    if not head.ordinal:
        return
    texts = [name for name in facts.class_names or () if not re.fullmatch(r"-?\d+(\.\d+)?", name)]
    if facts.task not in {None, "multiclass"}:
        yield Problem(path, f"the task is {facts.task}, and an order needs three classes or more.", "Remove it.")
    elif head.loss is not None and head.loss.from_logits != "softmax":
        message = f"'{head.loss.name}' is not about probabilities of classes."
        yield Problem(path, message, "Use 'sparse_categorical_crossentropy', or omit the loss.")
    elif getattr(recipe.model, "ensemble", None):
        yield Problem(path, "the members of an ensemble have no order of classes.", "Remove one of the two.")
    elif texts and data.classes is None and data.relabel is None:
        message = f"the classes are texts ({', '.join((facts.class_names or ())[:5])}), whose order is not known."
        yield Problem(
            path,
            message,
            "Give it: data.classes, from the lowest to the highest; of several heads write classes as numbers.",
        )


def standardized_targets_have_a_unit(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Targets standardized where there is no number to standardize, or a head or loss that cannot follow."""
    head, path = recipe.head, ("head", "standardize_targets")
    if head.target_transform is not None:
        if head.standardize_targets is False:
            message = f"targets are standardized behind '{head.target_transform}'."
            yield Problem(path, message, "Remove it, or 'target_transform'.")
        path = ("head", "target_transform")
        lowest = (facts.targets or {}).get("lowest")
        if head.target_transform == "log" and lowest is not None and lowest <= 0 and facts.task in {None, "regression"}:
            message = f"only targets above 0 have a logarithm, and the lowest is {lowest:g}."
            yield Problem(path, message, "Use 'quantile', or remove it.")
    elif not head.standardize_targets:
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


def split_leaves_examples(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A way of splitting that the data or the task does not allow, or that leaves nothing to train on."""
    if facts.sizes is None:
        return
    split, count = recipe.data.effective_split(), facts.sizes["train"]
    own = set(facts.sizes) - {"train"}
    if split.folds is not None:
        if split.folds > count:
            message = f"{count:,} examples cannot be cut into {split.folds} folds."
            yield Problem(("data", "split", "folds"), message, "Ask for fewer.")
        return
    test, validation = split.counts(count, own)
    if test + validation >= count:
        message = f"{validation:,} validation and {test:,} test examples leave none of {count:,} to train on."
        yield Problem(("data", "split"), message, "Ask for fewer; 'split: {validation: 0, test: 0}' cuts none.")


def class_weights_need_classes(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Class weights where there are no exclusive classes, or of a class that there is not; or with others under `fit`."""
    is_weighted = any(getattr(recipe.data, key, None) is not None for key in ("weight", "weights"))
    if recipe.training.class_weights is not None and is_weighted and recipe.training.engine == "fit":
        yield fit_has_one_weight()
    yield from _fit_classes(recipe.training.class_weights, facts, ("training", "class_weights"))
    for name, head in (recipe.heads or {}).items():
        known = facts.heads.get(name) or Facts.of(recipe.of_head(name))
        yield from _fit_classes(head.class_weights, known, ("heads", name, "class_weights"))


def _fit_classes(weights: object, facts: Facts, path: Path) -> Iterator[Problem]:
    if weights is not None and facts.task in {"regression", "multilabel"}:
        message = f"only exclusive classes have weights, and this task is {facts.task}."
        yield Problem(path, message, "Remove it.")
    elif facts.class_names is not None and isinstance(weights, Mapping):
        for key in weights:
            if weighted_class(key, facts.class_names) is None:
                message = f"there is no class {key!r}."
                yield Problem((*path, key), message, f"Classes: {', '.join(facts.class_names)}.")


def fit_has_one_weight() -> Problem:
    """Return what is wrong with weights of classes and examples together under the engine `fit`."""
    message = "Keras's 'fit' has one weight for class and example, which its metrics would count too."
    hint = "Omit it: 'auto' chooses another engine."
    return Problem(("training", "engine"), message, hint, code="class-weights")


def weighted_class(key: int | str, names: Sequence[str]) -> int | None:
    """Return the number of the class that a weight is for, by its name, else by its number; None for no class."""
    if str(key) in names:
        return list(names).index(str(key))
    return key if isinstance(key, int) and 0 <= key < len(names) else None


def metrics_fit_task(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A metric made for another task or other outputs, an option that does not apply, or the same metric twice."""
    seen: dict[str, MetricSpec] = {}
    for index, metric in enumerate(recipe.training.metrics or ()):
        path = ("training", "metrics", index)
        name = metric.recorded
        if name in seen:
            hint = "Keep one."
            if metric != seen[name]:
                hint = f"Keep one, or give this one a name of its own: 'record_as: {name}_{index + 1}'."
            yield Problem(path, f"'{name}' is listed twice.", hint)
        elif name in TAKEN or name.startswith(("val_", "test_")):
            message = f"'{name}' is the name of something else that runs record."
            yield Problem((*path, "record_as"), message, f"Use another, for instance '{metric.name}_{index + 1}'.")
        seen[name] = metric
        if facts.task is not None and facts.task not in metric.tasks:
            message = f"'{metric.name}' is for {listed(metric.tasks)} tasks, and this task is {facts.task}."
            yield Problem(path, message, "'hornbook list metric' shows what each is for.")
            continue
        loss = recipe.head.loss
        if loss is not None and loss.gives_scores and facts.task is not None and facts.task not in metric.takes_scores:
            message = f"'{metric.name}' needs probabilities, and a hinge head gives scores."
            yield Problem(
                path, message, f"Use 'accuracy', or the loss '{SAME_AS.get(facts.task, 'binary_crossentropy')}'."
            )
        if facts.task == "binary" and getattr(metric, "average", None) is not None:
            message = "there is nothing to average: of two classes the second is looked for. 'average' is for more."
            yield Problem((*path, "average"), message, "Remove it.")
        for key in ("threshold", "thresholds"):
            if facts.task == "multiclass" and getattr(metric, key, None) is not None:
                message = "of several classes the likeliest is predicted, whatever its probability."
                yield Problem((*path, key), message, "Remove it.")
        if not metric.of_one_target and facts.task == "regression" and facts.target_size == 1:
            message = f"'{metric.name}' compares several numbers per example, and there is one target."
            yield Problem(path, message, "Remove it.")
        if metric.name == "mean_absolute_percentage_error" and facts.targets and facts.targets["zeros"]:
            message = f"'{metric.name}' divides by the target, and {_targets(facts.targets['zeros'])} 0."
            yield Problem(path, message, "Use 'mean_absolute_error'.", severity="warning")


def batch_fits_data(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A batch larger than the training split, or a run too short for a single step."""
    size = recipe.training.batch_size
    if facts.train_size is not None and size > facts.train_size:
        message = f"a batch of {size} is larger than the training split of {facts.train_size} examples."
        yield Problem(("training", "batch_size"), message, f"Use at most {facts.train_size}.")
        return
    batches, accumulation = facts.batches(recipe), recipe.optimizer.accumulation
    total = recipe.training.length(batches=batches, accumulation=accumulation).total if batches else accumulation
    if 0 < total < accumulation:
        message = f"a step takes {accumulation} batches, and the whole run has {total}, so nothing would be trained."
        yield Problem(("optimizer", "accumulation"), message, f"Use at most {total}, or train longer.")


def only_numbers_are_clamped(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Outputs kept within the range of targets that have none."""
    if recipe.head.clamp and facts.task not in {None, "regression"}:
        yield Problem(
            ("head", "clamp"), f"the task is {facts.task}, whose outputs have a range of their own.", "Remove it."
        )


def series_scale_stands_alone(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Another scale beside that of each series, or something that does not know the series."""
    if getattr(recipe.data, "scaling", "global") != "series":
        return
    head, data = recipe.head, recipe.data
    beside: dict[Path, bool] = {
        ("data", "standardize"): data.standardize is False,
        ("data", "augmentation"): data.augmentation is not None,
        ("head", "standardize_targets"): head.standardize_targets is False,
        ("head", "target_transform"): head.target_transform is not None,
        ("head", "activation"): head.activation is not None and head.activation.name != "linear",
        ("head", "loss"): head.loss is not None and not head.loss.has_unit,
        ("normalization", "input"): bool(getattr(recipe.normalization, "input", False)),
        ("model", "ensemble"): getattr(recipe.model, "ensemble", None) is not None,
        ("reuse",): recipe.reuse is not None,
        ("pretraining",): recipe.pretraining is not None,
        ("shrink",): recipe.shrink is not None,
    }
    for path, is_there in beside.items():
        if is_there:
            message = "does not go with 'data.scaling: series', by which inputs and targets are on their series' scale."
            yield Problem(path, message, "Remove it, or use 'scaling: global'.")


RULES = (
    ("head-clamp", ("data", "task", "head"), only_numbers_are_clamped),
    ("data", ("data", "task"), data_section),
    ("model-data", ("data", "model", "reuse"), model_reads_data),
    ("loss-task", ("data", "task", "head"), loss_fits_task),
    ("head-loss", ("data", "task", "head"), head_fits_loss),
    ("head-targets", ("data", "task", "head"), standardized_targets_have_a_unit),
    ("head-units", ("data", "task", "head"), units_fit_labels),
    ("data-split", ("data",), split_leaves_examples),
    ("class-weights", ("data", "task", "training"), class_weights_need_classes),
    ("metric-task", ("data", "task", "training", "head"), metrics_fit_task),
    ("batch-size", ("data", "training"), batch_fits_data),
    (
        "series-scaling",
        ("data", "head", "model", "normalization", "reuse", "pretraining", "shrink"),
        series_scale_stands_alone,
    ),
)
