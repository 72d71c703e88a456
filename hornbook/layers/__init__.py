"""Layers that Keras lacks. Importing this package makes them known to `keras.models.load_model`."""

from hornbook.layers.activations import ApproximateGelu, Parametric, RandomizedLeakyReLU, Step
from hornbook.layers.clamp import Clamp
from hornbook.layers.numbers import Periodic, PiecewiseLinear
from hornbook.layers.ordinal import OrderedClasses
from hornbook.layers.quantiles import Quantiles
from hornbook.layers.series import FromSeriesScale, SeriesNumber, ToSeriesScale
from hornbook.layers.subwords import Subwords
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

__all__ = [
    "ApproximateGelu",
    "Clamp",
    "FromSeriesScale",
    "MaskSteps",
    "MaskedPooling",
    "OrderedClasses",
    "Parametric",
    "Periodic",
    "PiecewiseLinear",
    "PooledMask",
    "Positions",
    "PrependToken",
    "Quantiles",
    "RandomizedLeakyReLU",
    "SelfAttention",
    "SeriesNumber",
    "Step",
    "Subwords",
    "TargetTransform",
    "ToSeriesScale",
    "TokenCounts",
    "TokenMask",
]
