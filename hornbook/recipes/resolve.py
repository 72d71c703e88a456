"""Fills in what only the data can tell: task, head, loss, metric, activation, initializer, monitors."""

from pathlib import Path
from typing import Any

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.language.spec import component_class
from hornbook.recipes.load import refuse_errors
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.check import check_rules
from hornbook.recipes.sections.metric import default_metric
from hornbook.recipes.sections.reuse import Application, Reuse
from hornbook.runs.directory import find_run

__all__ = ["resolve"]

LOSSES = {
    "multiclass": "sparse_categorical_crossentropy",
    "binary": "binary_crossentropy",
    "multilabel": "binary_crossentropy",
    "regression": "mean_squared_error",
}
ACTIVATIONS = {"multiclass": "softmax", "binary": "sigmoid", "multilabel": "sigmoid", "regression": "linear"}


def resolve(recipe: Recipe, info: Any, *, is_standardized: bool = False) -> tuple[Recipe, list[Problem]]:
    """Return the recipe with every default filled in, and the warnings that the data brings up.

    Args:
        recipe: A checked recipe.
        info: The data's `DataInfo`.
        is_standardized: Whether the inputs are standardized.

    Raises:
        RecipeError: If recipe and data do not fit together.
    """
    facts = Facts.of(recipe, info, is_standardized=is_standardized)
    problems = list(check_rules(recipe, facts))
    refuse_errors(recipe, problems)
    plain = recipe.to_dict()
    plain["task"] = facts.task
    plain["head"] = _head(recipe, facts)
    has_hidden_layers = recipe.model.hidden_units() != ()
    if recipe.activation is None and has_hidden_layers:
        plain["activation"] = "tanh" if recipe.model.name == "rnn" else "relu"
    if recipe.model.name == "rnn" and facts.kind == "tokens":
        plain["model"].setdefault("embedding", 64)
    if recipe.initializer.name == "default" and has_hidden_layers:
        plain["initializer"] = {**plain.get("initializer", {}), "name": _suited(plain["activation"])}
    if recipe.reuse is not None:
        plain["reuse"]["from"] = _absolute(recipe.reuse)
    if recipe.pretraining is not None and recipe.pretraining.inputs is not None:
        plain["pretraining"]["inputs"] = str(Path(recipe.pretraining.inputs).absolute())
    plain["training"] = _training(recipe, facts)
    if plain.get("schedule", {}).get("name") == "performance":
        plain["schedule"] |= _monitor(recipe, facts, plain["schedule"])
    resolved = Recipe.model_validate(plain)
    return (resolved.from_document(recipe.document) if recipe.document else resolved), problems


def _absolute(reuse: Reuse) -> Any:
    """Return the source with an absolute path, ``latest`` resolved to its run."""
    if isinstance(reuse.from_, Application):
        own = reuse.from_.model_dump()
        is_file = own["weights"] not in {"imagenet", "none"}
        return own | {"weights": str(Path(own["weights"]).absolute())} if is_file else own
    own_file = reuse.file()
    return str(own_file.absolute() if own_file is not None else find_run(reuse.from_).path)


def _suited(activation: Any) -> str:
    name = activation["name"] if isinstance(activation, dict) else activation
    cls = component_class("activation", name)
    return str(getattr(cls, "suits", "glorot_uniform"))


def _head(recipe: Recipe, facts: Facts) -> dict[str, Any]:
    head = recipe.head
    task = facts.task or "regression"
    units = {"binary": 1, "multiclass": facts.num_classes, "multilabel": facts.num_classes}.get(task, facts.target_size)
    loss = head.loss.model_dump() if head.loss is not None else {"name": LOSSES[task]}
    activation = head.activation.model_dump() if head.activation is not None else {"name": ACTIVATIONS[task]}
    if head.activation is None and head.loss is not None and head.loss.only and head.loss.from_logits:
        activation = {"name": head.loss.from_logits}
    elif head.activation is None and head.loss is not None and head.loss.positive:
        activation = {"name": head.loss.positive}
    filled: dict[str, Any] = {"units": units, "activation": activation, "loss": loss}
    if head.initializer is not None:
        filled["initializer"] = head.initializer.model_dump(exclude_none=True)
    return filled


def _training(recipe: Recipe, facts: Facts) -> dict[str, Any]:
    plain: dict[str, Any] = dict(recipe.to_dict().get("training", {}))
    if recipe.training.metrics is None and facts.task is not None:
        plain["metrics"] = [default_metric(facts.task).model_dump()]
    stopping = plain.get("early_stopping")
    if stopping is not None:
        plain["early_stopping"] = stopping | _monitor(recipe, facts, stopping)
    checkpoint = plain.get("checkpoint") or {"monitor": (stopping or {}).get("monitor", "val_loss")}
    plain["checkpoint"] = checkpoint | _monitor(recipe, facts, checkpoint)
    return plain


def _monitor(recipe: Recipe, facts: Facts, section: dict[str, Any]) -> dict[str, Any]:
    """Return the monitor that is really recorded, and its direction."""
    recorded = recorded_names(recipe, facts) or {}
    name = str(section["monitor"])
    if name not in recorded:
        name = name.removeprefix("val_")
    return {"monitor": name, "mode": section.get("mode") or recorded.get(name, "min")}
