"""Layers that Keras lacks. Importing this package makes them known to `keras.models.load_model`."""

from hornbook.layers.activations import ApproximateGelu, Parametric, RandomizedLeakyReLU, Step
from hornbook.layers.clamp import Clamp
from hornbook.layers.numbers import Periodic, PiecewiseLinear
from hornbook.layers.ordinal import OrderedClasses
from hornbook.layers.quantiles import Quantiles
from hornbook.layers.series import FromSeriesScale, SeriesNumber, ToSeriesScale
from hornbook.layers.targets import TargetTransform

__all__ = [
    "ApproximateGelu",
    "Clamp",
    "FromSeriesScale",
    "OrderedClasses",
    "Parametric",
    "Periodic",
    "PiecewiseLinear",
    "Quantiles",
    "RandomizedLeakyReLU",
    "SeriesNumber",
    "Step",
    "TargetTransform",
    "ToSeriesScale",
]
