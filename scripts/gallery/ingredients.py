"""Which ingredients a recipe has, read from the recipe itself: what the gallery is filtered by."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from hornbook import Component, Recipe

KINDS = (
    "initializer", "activation", "normalization", "regularization", "optimizer", "schedule", "data", "model", "training",
)  # fmt: skip
LEFT_OUT = "default"
"""Stands for an ingredient that a recipe leaves to the data or to the backbone."""
ELSEWHERE = {"pretraining", "sweep", "tracking"}
"""Sections whose components are no ingredients of the training that the recipe describes."""
SECTIONS = ("heads", "pretraining", "reuse", "shrink", "sweep")
AMOUNTS = {"epochs", "batch_size", "metrics"}
"""Keys of `training` that are no way of training."""


def ingredients(recipe: Recipe) -> dict[str, list[str]]:
    """Return the names of a recipe's ingredients by kind, wherever in the recipe they stand.

    Of `regularization` and `training` these are the keys that the recipe sets; `training` also has sections that change how
    it is trained, such as `reuse`.
    """
    names: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for component in _components(recipe):
        if component.name not in names.setdefault(component.kind, []):
            names[component.kind].append(component.name)
    names["activation"] = names["activation"] or [LEFT_OUT]
    names["regularization"] = [*recipe.regularization.model_dump(exclude_none=True)] or ["none"]
    names["training"] = _ways(recipe)
    return {kind: names[kind] for kind in KINDS}


def _components(value: Any) -> Iterator[Component]:
    if isinstance(value, Component):
        yield value
    if isinstance(value, BaseModel):
        left_out = ELSEWHERE if isinstance(value, Recipe) else ()
        for name in type(value).model_fields:
            if name not in left_out:
                yield from _components(getattr(value, name))
    elif isinstance(value, dict):
        yield from _components(tuple(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _components(item)


def _ways(recipe: Recipe) -> list[str]:
    training, optimizer = recipe.training, recipe.optimizer
    ways = [name for name in type(training).model_fields if name in training.model_fields_set - AMOUNTS]
    ways += [name for name in SECTIONS if getattr(recipe, name) is not None]
    ways += ["augmentation"] if getattr(recipe.data, "augmentation", None) is not None else []
    ways += ["ema"] if optimizer.ema is not None else []
    ways += ["accumulation"] if optimizer.accumulation > 1 else []
    ways += ["weight_decay"] if optimizer.weight_decay is not None else []
    return ways
