"""Other values for a key of a recipe, tried one after the other until the recipe takes one."""

import copy
from collections.abc import Iterator
from typing import Any

from hornbook.errors import Path
from hornbook.recipes.language.keys import put, remove
from hornbook.recipes.recipe import Recipe

COMPONENTS = {
    "initializer": ["glorot_normal", "he_uniform"],
    "bias": ["zeros", "random_normal"],
    "activation": ["gelu", "tanh", "linear"],
    "normalization": ["rms_normalization", "layer_normalization"],
    "optimizer": ["adamax", "sgd"],
    "schedule": ["linear", "cosine", "polynomial", "exponential"],
    "model": ["mlp", "cnn"],
    "data": ["wine", "iris", "fashion_mnist", "diabetes", "breast_cancer", "waves", "spirals"],
    "loss": ["categorical_focal_crossentropy", "binary_focal_crossentropy", "log_cosh"],
    "metrics": ["top_k_accuracy", "mean_absolute_error", "precision", "mean_squared_error"],
    "pretraining": ["corruption", "autoencoder"],
    "numbers": ["plr", "piecewise_linear"],
    "dropout_schedule": ["cosine", "polynomial"],
    "tuner": ["random", "grid"],
    "choices": ["rmsprop", "nadam"],
}
"""Names of components by the key around them."""
WORDS = {
    "min": ["max"], "before_activation": ["after_activation"], "linear": ["log", "sine"], "log": ["linear"],
    "sine": ["linear"], "tied": ["free"], "max": ["average"], "same": ["valid"], "gru": ["lstm"], "lstm": ["gru"],
    "simple": ["lstm"], "flatten": ["global_average"], "global_average": ["global_max"], "global_norm": ["norm"],
    "norm": ["value"], "value": ["norm"], "xla": ["graph"], "graph": ["fit"], "float32": ["mixed_bfloat16", "float16"],
    "mixed_bfloat16": ["float32"], "on": ["dense"], "val_loss": ["loss", "val_accuracy"], "val_accuracy": ["val_loss"],
    "loss": ["val_loss", "accuracy", "root_mean_squared_error"], "balanced": [{0: 1.0, 1: 3.0}], "ROC": ["PR"],
    "stratified": ["first"], "first": ["stratified", "last"], "last": ["first"], "strict": ["loose"],
    "copied": ["fresh"], "reset": ["carry"], "thaw": ["keep"], "hidden_2": ["hidden_1"],
    "words": ["characters"], "lower_and_strip_punctuation": ["none"], "binary": ["count"], "tf_idf": ["count"],
    "learned": ["sine"], "mean": ["class_token"],
    "robust": ["quantile"], "quantile": ["robust"], "fan_in": ["fan_out"], "uniform": ["truncated_normal"],
    "global": ["series"], "series": ["global"],
    "scale_and_bias": ["scale"], "all": ["none"], "layer": ["global"], "once": ["cubic"], "int8": ["float16"],
}  # fmt: skip
TASKS = ("regression", "multiclass", "binary")


def changed(tree: dict[str, Any], path: Path) -> Iterator[Recipe]:
    """Yield recipes that differ from a tree in one key, as far as its types allow; rules may refuse them still."""
    value: Any = tree
    for part in path:
        value = value[part]
    for place, other in _others(path, value):
        changed_tree = copy.deepcopy(tree)
        put(changed_tree, place, other)
        if path == ("task",):
            for section in ("head", "training"):
                remove(changed_tree, (section,))
        if path[-1] in {"monitor", "ties"} and path[-2] != "checkpoint":  # the two are one where both are there
            remove(changed_tree, ("training", "checkpoint"))
        try:
            yield Recipe.model_validate(changed_tree)
        except ValueError:
            continue


def _others(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    last = path[-1]
    if path == ("task",):
        yield from ((path, task) for task in TASKS if task != value)
    elif last == "name" and len(path) > 1:
        owner = next(str(part) for part in reversed(path[:-1]) if isinstance(part, str))
        yield from ((path[:-1], {"name": name}) for name in COMPONENTS.get(owner, ()) if name != value)
    elif isinstance(value, bool):
        yield path, not value
    elif isinstance(value, int):
        others = (value * 2, value + 1, value - 1, max(value // 2, 1))
        yield from ((path, other) for other in others if other != value)
    elif isinstance(value, float):
        yield from ((path, other) for other in (value * 0.5, value + 0.25, value * 0.9, value * 2) if other != value)
    elif isinstance(value, str):
        yield from ((path, other) for other in _other_texts(value))
    elif isinstance(value, list):
        yield from ((path, other) for other in _other_lists(value))


def _other_texts(value: str) -> Iterator[Any]:
    if value.endswith("%"):
        yield f"{int(value[:-1]) // 2}%"
    elif value.endswith("epochs"):
        yield f"{int(value.split()[0]) + 1} epochs"
    elif value == "per_feature":
        yield True
    else:
        yield from WORDS.get(value, ())


def _other_lists(value: list[Any]) -> Iterator[list[Any]]:
    if not value:
        yield [8]
    elif all(isinstance(item, int | float) for item in value):
        yield from ([item * 2 for item in value], [value[0], *(item * 0.5 for item in value[1:])])
    elif isinstance(value[0], list):
        for change in (lambda number: number * 2, lambda number: 1 - number):
            other = copy.deepcopy(value)
            other[0] = _deeply(other[0], change)
            yield other
    else:
        first = str(value[0])
        yield from (
            [[], value[:-1], value[1:], value[::-1]]
            if not first.endswith("%")
            else [[f"{int(first[:-1]) - 10}%", *value[1:]]]
        )


def _deeply(value: Any, change: Any) -> Any:
    return [_deeply(item, change) for item in value] if isinstance(value, list) else change(value)
