"""Fills in what only the data can tell: task, head, loss, metric, activation, initializer, monitors."""

from collections.abc import Iterator
from typing import Any

from hornbook.errors import Problem
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.language.spec import Spec, component_class
from hornbook.recipes.load import refuse_errors
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.check import check_rules
from hornbook.recipes.sections.metric import AveragedMetric, MetricSpec, default_metric
from hornbook.recipes.sections.model import Cnn, MeanEmbedding, ModelSpec, ReadsColumns, ReadsTokens, Rnn, Transformer
from hornbook.recipes.sources.table import Table

__all__ = ["monitor_of", "resolve"]

LOSSES = {
    "multiclass": "sparse_categorical_crossentropy",
    "binary": "binary_crossentropy",
    "multilabel": "binary_crossentropy",
    "regression": "mean_squared_error",
}
ENCODERS: dict[str, ModelSpec] = {
    "picture": Cnn(filters=(16, 32), flatten="global_average"),
    "sequence": Rnn(units=(32,)),
    "text": MeanEmbedding(),
}
"""What reads an input beside the columns of a table, by its kind, where the recipe does not say it."""
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
    values: dict[str, Any] = {"training": _training(recipe, facts)}
    if recipe.heads is not None:
        values["heads"] = {name: _named_head(recipe, facts, name) for name in recipe.heads}
    else:
        values |= {"task": facts.task, "head": _head(recipe, facts)}
    activation = recipe.activation.name if recipe.activation is not None else None
    if recipe.model.hidden_units() != () or facts.blocks:  # there are hidden layers, of encoders at least
        if activation is None:
            values["activation"] = activation = "tanh" if recipe.model.name == "rnn" else "relu"
        if recipe.initializer.name == "default":
            values["initializer.name"] = _suited(activation)
    if isinstance(recipe.model, ReadsTokens) and recipe.model.embedding is None and facts.kind == "tokens":
        values["model.embedding"] = facts.embedding or 64
    if isinstance(recipe.model, Transformer):
        if recipe.model.width is None:
            values["model.width"] = facts.embedding or 64
        if "normalization" not in recipe.model_fields_set:
            values["normalization"] = {"name": "layer_normalization"}
    if facts.blocks:
        values["model.encoders"], said = _encoders(recipe, facts)
        problems += said
    if recipe.schedule.watched_value() is not None:
        found = monitor_of(recipe, facts, recipe.schedule.model_dump())
        values |= {f"schedule.{key}": value for key, value in found.items()}
    return recipe.replaced(values | _samples(recipe) | _readings(recipe) | dict(_absolute_paths(recipe))), problems


def _encoders(recipe: Recipe, facts: Facts) -> tuple[dict[str, Any], list[Problem]]:
    """Return the encoder of each input beside the columns of a table, and a remark on those that the recipe leaves out."""
    given = (recipe.model.encoders if isinstance(recipe.model, ReadsColumns) else None) or {}
    encoders: dict[str, Any] = {}
    said = []
    for name, kind in (facts.blocks or {}).items():
        encoders[name] = given.get(name) or ENCODERS[kind]
        if name not in given:
            message = f"'{name}' is read by a {ENCODERS[kind].name}."
            hint = f"Choose another by 'model.encoders.{name}'."
            said.append(Problem(("model",), message, hint, severity="tip", code="encoders"))
        if kind == "text" and isinstance(encoders[name], ReadsTokens) and encoders[name].embedding is None:
            encoders[name] = encoders[name].model_copy(update={"embedding": facts.embedding or 64})
        if isinstance(encoders[name], Transformer) and encoders[name].width is None:
            encoders[name] = encoders[name].model_copy(update={"width": facts.embedding or 64})
    return encoders, said


def _samples(recipe: Recipe) -> dict[str, str]:
    """Return how examples are chosen, for each section that leaves some out."""
    pretraining = recipe.pretraining
    is_cut = recipe.data.limit is not None or (pretraining is not None and pretraining.labeled is not None)
    sections = {"data": recipe.data} if is_cut else {}
    if pretraining is not None and pretraining.data is not None and pretraining.data.limit is not None:
        sections["pretraining.data"] = pretraining.data
    return {f"{key}.sample": data.sample or "stratified" for key, data in sections.items()}


def _readings(recipe: Recipe) -> dict[str, str]:
    """Return how columns are told apart, for each section that is a table."""
    sections = {"data": recipe.data, "pretraining.data": recipe.pretraining and recipe.pretraining.data}
    return {f"{key}.reading": data.reading or "strict" for key, data in sections.items() if isinstance(data, Table)}


def _absolute_paths(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield (key, absolute path) of every option of every section that names a file: a run can be used from anywhere."""
    if isinstance(value, Spec):
        for name, path in value.absolute_paths().items():
            yield f"{key}.{name}".lstrip("."), path
        for name, field in type(value).model_fields.items():
            yield from _absolute_paths(getattr(value, name), f"{key}.{field.alias or name}".lstrip("."))
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from _absolute_paths(item, f"{key}.{place}")


def _suited(activation: str) -> str:
    return str(getattr(component_class("activation", activation), "suits", "glorot_uniform"))


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
    if task == "regression":
        filled["standardize_targets"] = _standardizes(recipe, filled)
    if head.ordinal is not None:
        filled["ordinal"] = head.ordinal
    if head.target_transform is not None:
        filled["target_transform"] = head.target_transform
    if head.clamp is not None:
        filled["clamp"] = head.clamp
    if head.initializer is not None:
        filled["initializer"] = head.initializer.model_dump(exclude_none=True)
    return filled


def _named_head(recipe: Recipe, facts: Facts, name: str) -> dict[str, Any]:
    """Return one of several heads with every default filled in."""
    named, view, own = (recipe.heads or {})[name], recipe.of_head(name), facts.heads[name]
    written: dict[str, Any] = recipe.to_dict()["heads"][name]
    metrics = named.metrics if named.metrics is not None else (default_metric(own.task or "regression", named.loss),)
    filled = {"task": own.task, "metrics": [_whole(metric, own) for metric in metrics]}
    return written | _head(view, own) | filled


def _standardizes(recipe: Recipe, head: dict[str, Any]) -> bool:
    if recipe.head.standardize_targets is not None:
        return recipe.head.standardize_targets
    if recipe.head.target_transform is not None:
        return True
    has_unit = getattr(component_class("loss", head["loss"]["name"]), "has_unit", False)
    return head["activation"]["name"] == "linear" and bool(has_unit)


def _training(recipe: Recipe, facts: Facts) -> dict[str, Any]:
    plain: dict[str, Any] = dict(recipe.to_dict().get("training", {}))
    if recipe.training.metrics is None and facts.task is not None:
        plain["metrics"] = [default_metric(facts.task, recipe.head.loss).model_dump()]
    elif any(isinstance(metric, AveragedMetric) for metric in recipe.training.metrics or ()):
        plain["metrics"] = [_whole(metric, facts) for metric in recipe.training.metrics or ()]
    stopping = plain.get("early_stopping")
    if stopping is not None:
        plain["early_stopping"] = stopping | monitor_of(recipe, facts, stopping)
    followed = {"monitor": "val_loss", **(stopping or {})}
    checkpoint = plain.get("checkpoint") or {key: followed[key] for key in ("monitor", "ties") if key in followed}
    plain["checkpoint"] = checkpoint | monitor_of(recipe, facts, checkpoint)
    return plain


def _whole(metric: MetricSpec, facts: Facts) -> dict[str, Any]:
    """Return a metric with how it is averaged, where it is."""
    average = metric.average_of(facts.task) if isinstance(metric, AveragedMetric) else None
    return metric.model_dump(exclude_none=True) | ({} if average is None else {"average": average})


def monitor_of(recipe: Recipe, facts: Facts, section: dict[str, Any]) -> dict[str, Any]:
    """Return the monitor that is really recorded, and its direction."""
    recorded = recorded_names(recipe, facts) or {}
    name = str(section["monitor"])
    if name not in recorded:
        name = name.removeprefix("val_")
    return {"monitor": name, "mode": section.get("mode") or recorded.get(name, "min")}
