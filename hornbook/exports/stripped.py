"""A model without what only training needs, made of layers that every format has.

Keras's own exports are wrong for some layers, partly without a word (a `Normalization` is left with missing inputs, exact
GELU becomes an operation that no ONNX runtime has), so such layers are replaced by operations that compute the same.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from hornbook.builder.signals import input_of
from hornbook.data.text.vocabulary import PADDING
from hornbook.layers.activations import ApproximateGelu, Parametric, RandomizedLeakyReLU, Step, step
from hornbook.layers.clamp import Clamp
from hornbook.layers.numbers import Periodic, PiecewiseLinear
from hornbook.layers.ordinal import OrderedClasses
from hornbook.layers.quantiles import Quantiles
from hornbook.layers.scale import Scale
from hornbook.layers.series import FromSeriesScale, SeriesNumber, ToSeriesScale
from hornbook.layers.targets import TargetTransform
from hornbook.layers.tokens import (
    MaskedPooling,
    MaskSteps,
    PooledMask,
    Positions,
    PrependToken,
    SelfAttention,
    TokenCounts,
    TokenMask,
)

__all__ = ["stripped"]

COMPUTED = (
    Clamp, FromSeriesScale, OrderedClasses, Parametric, Periodic, PiecewiseLinear, Quantiles, Scale, SeriesNumber,
    TargetTransform, ToSeriesScale,
)  # fmt: skip
"""Layers of ours that say what they compute of their inputs and tables."""
OF_TOKENS = (MaskedPooling, MaskSteps, PooledMask, Positions, PrependToken, SelfAttention, TokenMask)
"""Layers of ours that are made of Keras's operations on their inputs, whose shapes are known but for the batch."""

Tensor = Any
READ = "read_"
"""How the names of operations begin that the model came with."""
OF_TRAINING = (
    keras.layers.Dropout,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.ActivityRegularization,
    keras.layers.Identity,
)
"""Layers that hand on what they get, once training is over."""


def stripped(model: keras.Model, *, unrolls: bool = False, is_plain: bool = False) -> keras.Model:
    """Return a model of layers and operations that all formats have, and that predicts the same, in float32.

    Args:
        model: With one input and one output. Layers that stay are shared with it.
        unrolls: Whether recurrent layers are written out step by step, for formats that have no loops.
        is_plain: Whether no layer of ours stays, not even those that are operations once they are written.
    """

    def keep(layer: keras.layers.Layer) -> keras.layers.Layer:
        is_recurrent = isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
        changes = {"unroll": True} if unrolls and is_recurrent else {}
        if (not isinstance(layer, keras.layers.Layer) or layer.compute_dtype == "float32") and not changes:
            return layer
        return _copied(layer, changes)

    def call(layer: keras.layers.Layer, *tensors: Tensor, **arguments: Any) -> Tensor:
        if isinstance(layer, OF_TRAINING):
            return tensors[0]
        compute = _operations(layer) or (_of_tokens(layer) if is_plain else None)
        return layer(*tensors, **arguments) if compute is None else compute(tensors[0])

    for operation in model.operations:  # named by Keras alone: those that come now begin with the same names
        if not isinstance(operation, keras.layers.Layer) and not operation.name.startswith(READ):
            operation.name = READ + operation.name
    made = keras.models.clone_model(model, clone_function=keep, call_function=call)
    made.name = model.name
    return made


def _operations(layer: keras.layers.Layer) -> Callable[[Tensor], Tensor] | None:
    """Return what computes the same as a layer, where a format may not have it; None for all others."""
    if isinstance(layer, keras.layers.Normalization):
        return _standardizing(layer)
    if isinstance(layer, RandomizedLeakyReLU):
        return lambda x: ops.leaky_relu(x, (layer.lower + layer.upper) / 2)
    if isinstance(layer, ApproximateGelu):
        return lambda x: ops.gelu(x, approximate=True)
    if isinstance(layer, COMPUTED):
        tables = [np.asarray(table) for table in layer.weights]
        return lambda x: layer.computed(x, tables)
    if isinstance(layer, Step):
        return step
    if isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.gelu:
        return lambda x: 0.5 * x * (1.0 + ops.erf(x * 2**-0.5))  # Keras's has the error function's complement
    return None


def _of_tokens(layer: keras.layers.Layer) -> Callable[[Any], Tensor] | None:
    """Return what computes the same as a layer that reads token numbers, or steps with their mask; None for all others."""
    if isinstance(layer, TokenCounts):
        return _counting(layer)
    return layer.call if isinstance(layer, OF_TOKENS) else None


def _counting(layer: TokenCounts) -> Callable[[Tensor], Tensor]:
    """Return what a `TokenCounts` computes, by a layer of Keras's own, which counts padding too."""
    counts = keras.layers.CategoryEncoding(layer.size, output_mode="count", name=f"{layer.name}_all")
    weights = np.ones(layer.size, np.float32) if layer.idf is None else np.array(layer.idf, np.float32)
    weights[PADDING] = 0.0
    if layer.weighting == "binary":
        return lambda x: ops.multiply(ops.minimum(counts(x), 1.0), weights)
    return lambda x: ops.multiply(counts(x), weights)


def _standardizing(layer: keras.layers.Normalization) -> Callable[[Tensor], Tensor]:
    """Return what a `Normalization` computes, with its numbers as constants: the difference first, which loses no digits."""
    mean = np.asarray(layer.mean, np.float32)
    deviation = np.maximum(np.sqrt(np.asarray(layer.variance, np.float32)), np.float32(keras.backend.epsilon()))
    if layer.invert:
        return lambda x: ops.add(mean, ops.multiply(x, deviation))
    return lambda x: ops.divide(ops.subtract(x, mean), deviation)


def _copied(layer: keras.layers.Layer, changes: dict[str, Any]) -> keras.layers.Layer:
    """Return a layer with the same weights, computing in float32, with changes of its arguments and its cells'."""
    config = {**layer.get_config(), "dtype": "float32"}
    for inner in (config, *(config[key]["config"] for key in ("layer", "backward_layer") if config.get(key))):
        inner.update({key: value for key, value in changes.items() if key in inner} | {"dtype": "float32"})
    made: keras.layers.Layer = type(layer).from_config(config)
    made.build(input_of(layer).shape)
    made.set_weights(layer.get_weights())
    return made
