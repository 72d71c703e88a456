"""Optimizers with what belongs to them: clipping, weight decay where it belongs, averaging, accumulation."""

from typing import Any

import keras

from hornbook.recipes.sections.optimizer import OptimizerSpec
from hornbook.recipes.sections.training import GradientClipping

__all__ = ["build_optimizer"]

UNKNOWN_RATE = 0.0  # of an optimizer whose rate is still to be found: it moves nothing
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


def _excluded(model: keras.Model, groups: tuple[str, ...]) -> list[Any]:
    """Return the variables of the named groups: every bias, everything in normalization layers."""
    found = []
    for variable in model.trainable_variables:
        layer, _, name = variable.path.rpartition("/")
        is_normalization = layer.endswith("_normalization") or name in {"gamma", "beta"}
        if (is_normalization and "normalization" in groups) or (name == "bias" and "bias" in groups):
            found.append(variable)
    return found
