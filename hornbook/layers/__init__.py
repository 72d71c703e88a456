"""Layers that Keras lacks. Importing this package makes them known to `keras.models.load_model`."""

from hornbook.layers.activations import ApproximateGelu, Parametric, RandomizedLeakyReLU, Step
from hornbook.layers.clamp import Clamp
from hornbook.layers.numbers import Periodic, PiecewiseLinear
from hornbook.layers.ordinal import OrderedClasses
from hornbook.layers.quantiles import Quantiles
from hornbook.layers.targets import TargetTransform

__all__ = [
    "ApproximateGelu",
    "Clamp",
    "OrderedClasses",
    "Parametric",
    "Periodic",
    "PiecewiseLinear",
    "Quantiles",
    "RandomizedLeakyReLU",
    "Step",
    "TargetTransform",
]
