"""Optimizers with what belongs to them: clipping, weight decay where it belongs, averaging, accumulation."""

from typing import Any

import keras

from hornbook.errors import Problem, RecipeError
from hornbook.recipes.language.layer_names import UnknownLayer, select
from hornbook.recipes.sections.optimizer import OptimizerSpec
from hornbook.recipes.sections.training import GradientClipping

__all__ = ["build_optimizer", "variable_factors"]

UNKNOWN_RATE = 0.0  # of an optimizer whose rate is still to be found: it moves nothing
GROUPS = {"activation": "*_activation", "categories": "category_*"}
"""Layers that keys of `optimizer.factors` stand for, where they are no names of layers."""
CLIPPING = {"value": "clipvalue", "norm": "clipnorm", "global_norm": "global_clipnorm"}


def build_optimizer(
    spec: OptimizerSpec, clipping: GradientClipping | None, model: keras.Model, *, precision: str = "float32"
) -> keras.optimizers.Optimizer:
    """Return a stock Keras optimizer, built for the model's variables.

    Weight decay leaves out biases and normalization unless the recipe says otherwise; Keras would decay them. With
    `mixed_float16` the loss is scaled, because small gradients would become 0.
    """
    arguments: dict[str, Any] = {"learning_rate": UNKNOWN_RATE if spec.is_auto else spec.rate()}
    if clipping is not None:
        arguments[CLIPPING[clipping.by]] = clipping.threshold
    if spec.weight_decay is not None and spec.weight_decay.rate:
        arguments["weight_decay"] = spec.weight_decay.rate
    elif type(spec).model_fields["weight_decay"].default is not None:
        arguments["weight_decay"] = 0.0  # this optimizer decays by default, in Keras too
    if spec.ema is not None:
        arguments |= {"use_ema": True, "ema_momentum": spec.ema.momentum, "ema_overwrite_frequency": None}
    if spec.accumulation > 1:
        arguments["gradient_accumulation_steps"] = spec.accumulation
    optimizer = spec.build(**arguments)
    if spec.weight_decay is not None and spec.weight_decay.exclude:
        excluded = _excluded(model, spec.weight_decay.exclude)
        if excluded:
            optimizer.exclude_from_weight_decay(var_list=excluded)
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


def variable_factors(spec: OptimizerSpec, model: keras.Model) -> dict[int, tuple[float, float]]:
    """Return {id of a variable: factors of its rate and its decay} as the recipe's `optimizer.factors` say; 1 for others.

    Raises:
        RecipeError: If a key fits no layer that learns.
    """
    found: dict[int, tuple[float, float]] = {}
    problems = []
    learning = [layer for layer in model.layers if layer.trainable_variables]
    for key, factor in (spec.factors or {}).items():
        if key == "bias":
            dense = [layer for layer in learning if not layer.name.startswith("numbers")]
            variables = [each for layer in dense for each in layer.trainable_variables if each.name == "bias"]
        else:
            try:
                names = set(select(GROUPS.get(key, key), [layer.name for layer in learning]))
            except UnknownLayer as error:
                problems.append(Problem(("optimizer", "factors", key), str(error), code="factors"))
                continue
            variables = [each for layer in learning if layer.name in names for each in layer.trainable_variables]
        for variable in variables:
            rate, decay = found.get(id(variable), (1.0, 1.0))
            found[id(variable)] = rate * factor.rate, decay * factor.decay
    if problems:
        raise RecipeError(problems)
    return found


def _excluded(model: keras.Model, groups: tuple[str, ...]) -> list[Any]:
    """Return the variables of the named groups: every bias, everything in normalization layers."""
    found = []
    for variable in model.trainable_variables:
        layer, _, name = variable.path.rpartition("/")
        is_normalization = layer.endswith("_normalization") or name in {"gamma", "beta"}
        if (is_normalization and "normalization" in groups) or (name == "bias" and "bias" in groups):
            found.append(variable)
    return found
