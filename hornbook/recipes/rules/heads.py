"""Rules about `heads`: several heads that name targets, share a loss, and leave no room for what is of one head alone."""

from collections.abc import Iterator

from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.data import TAKEN, listed
from hornbook.recipes.sections.head import Head
from hornbook.recipes.sections.model import Layers, ModelSpec
from hornbook.recipes.sources.pictures import ImageList
from hornbook.recipes.sources.table import Table
from hornbook.runs.keras_file import NETWORK

ROLES = ("activation", "clamp", "normalization", "ntk", "order", "outputs", "pooling", "scores", "target")
"""Endings of the names of a head's layers."""


def one_way_to_heads(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What is said of one head, where there are several."""
    if recipe.heads is None:
        return
    one = next(iter(recipe.heads))
    if recipe.head != Head():
        yield Problem(
            ("head",), "the recipe has 'heads' too.", f"Write these keys at 'heads.{one}', or remove 'heads'."
        )
    if recipe.task is not None:
        message = "each of several heads has a task of its own."
        yield Problem(("task",), message, f"Write 'heads.{one}.task', or remove it: tasks follow from the targets.")
    if recipe.training.metrics is not None:
        message = "each of several heads has metrics of its own."
        yield Problem(("training", "metrics"), message, f"Write 'heads.{one}.metrics'.")
    if recipe.training.class_weights is not None:
        message = "each of several heads has weights for classes of its own."
        yield Problem(("training", "class_weights"), message, f"Write 'heads.{one}.class_weights'.")
    for key in ("classes", "relabel"):
        if getattr(recipe.data, key) is not None:
            message = "classes are chosen where there is one head, and this recipe has several."
            yield Problem(("data", key), message, "Remove it, and choose the rows of the file.")
    augmentation = recipe.data.augmentation
    if augmentation is not None and augmentation.mixes:
        key = "mixup" if augmentation.mixup else "cutmix"
        message = f"'{key}' mixes the targets of one head, and this recipe has several."
        yield Problem(("data", "augmentation", key), message, "Remove it.")
    if recipe.data.divides_itself:
        yield Problem(
            ("data",), "windows of series have one forecast, and this recipe has several heads.", "Use 'head'."
        )
    for key in ("pretraining", "shrink"):
        if getattr(recipe, key) is not None:
            hint = "Name a run with one head." if key == "shrink" else "Remove one of them."
            yield Problem((key,), f"'{key}' is for a network with one head, and this has several.", hint)
    if getattr(recipe.model, "ensemble", None) is not None:
        message = "the members of an ensemble have one head each, and this recipe has several."
        yield Problem(("model", "ensemble"), message, "Remove one of them.")


def heads_share_a_loss(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Weights that leave nothing to minimize, or nothing to learn for one head; a loss that no sum can hold."""
    heads = recipe.heads or {}
    if heads and not any(head.weight for head in heads.values()):
        first = next(iter(heads))
        message = "every weight is 0, so that there is no loss to minimize."
        yield Problem(("heads", first, "weight"), message, "Give one of the heads a weight above 0; omitted it is 1.")
        return
    for name, head in heads.items():
        if not head.weight:
            message = "with a weight of 0 the head learns nothing: what it predicts is what it starts with."
            yield Problem(
                ("heads", name, "weight"), message, "Give it a weight above 0, or remove it.", severity="warning"
            )
        if head.loss is not None and head.loss.name == "perceptron":
            message = "'perceptron' is for a head alone: its rule has no sum with other losses."
            yield Problem(("heads", name, "loss"), message, "Use 'binary_crossentropy'.")


def heads_have_names(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Names that metrics or layers of a run have already."""
    seen: dict[str, str] = dict.fromkeys(TAKEN, "what runs record")
    for name, head in (recipe.heads or {}).items():
        path: Path = ("heads", name)
        ending = next((role for role in ROLES if name == role or name.endswith(f"_{role}")), None)
        if name == "val" or name.startswith(("val_", "test_")):
            message = f"'{name}_loss' would be the name of something else that runs record."
            yield Problem(path, message, "Use another name.")
        elif name == NETWORK:
            message = f"'{NETWORK}' is what saved models call the network in front of the outputs."
            yield Problem(path, message, f"Use another name, and say what it predicts: '{{target: {name}}}'.")
        elif ending is not None:
            message = f"a name that ends in '{ending}' is that of a layer behind a head."
            yield Problem(path, message, f"Use another name, and say what it predicts: '{{target: {name}}}'.")
        for recorded in ("loss", *(metric.recorded for metric in head.metrics or ())):
            key = f"{name}_{recorded}"
            if key in seen:
                yield Problem(
                    path, f"'{key}' would be recorded twice, for '{seen[key]}' too.", "Rename one of the heads."
                )
            seen[key] = name


def heads_name_targets(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A head whose target is none of the data's, or does not say which of several it predicts."""
    data = recipe.data
    if not isinstance(data, Table | ImageList):
        return
    known = data.target_columns
    for name, head in (recipe.heads or {}).items():
        path: Path = ("heads", name)
        for place, column in enumerate(head.named_columns()):
            where = (*path, "target", place) if isinstance(head.target, tuple) else (*path, "target")
            if column not in known:
                hint = did_you_mean(str(column), known)
                message = f"'{column}' is none of the target columns ({', '.join(known)})."
                yield Problem(where, message, hint if hint.startswith("Did") else "Add it to 'data.target'.")
        if head.target is None and name not in known and len(known) > 1:
            message = f"which target does it predict? The data has {listed(known)}."
            yield Problem(path, message, "Name it with 'target'.")


def heads_begin_at_blocks(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A block that the backbone does not have, where its blocks are known by their number."""
    units = recipe.model.hidden_units()
    if units is None or recipe.reuse is not None or isinstance(recipe.model, Layers):
        return
    blocks = [f"hidden_{number}" for number in range(1, len(units) + 1)]
    for name, head in (recipe.heads or {}).items():
        if head.from_ is not None and head.from_ not in blocks and _numbers_blocks(recipe.model):
            message = f"there is no block '{head.from_}'."
            hint = f"There are: {', '.join(blocks)}." if blocks else "The model has no hidden layers: remove it."
            yield Problem(("heads", name, "from"), message, hint)


def _numbers_blocks(model: ModelSpec) -> bool:
    """Return whether all blocks of a backbone are called by their number."""
    return model.name in {"mlp", "cnn", "residual_cnn", "rnn"}


RULES = (
    ("heads-or-head", ("head", "task", "training", "data", "model", "pretraining", "shrink"), one_way_to_heads),
    ("heads-weight", ("heads",), heads_share_a_loss),
    ("heads-name", ("heads",), heads_have_names),
    ("heads-target", ("heads", "data"), heads_name_targets),
    ("heads-from", ("heads", "model"), heads_begin_at_blocks),
)
