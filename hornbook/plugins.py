"""What a component of your own is made of: the base class of each kind, `register`, and what a data source returns.

No TensorFlow. docs/own_components.md shows a plug-in.
"""

from hornbook.data.facts import Feature
from hornbook.data.source import Source
from hornbook.recipes.language.spec import Component, register
from hornbook.recipes.sections.activation import ActivationSpec
from hornbook.recipes.sections.head import LossSpec
from hornbook.recipes.sections.initializer import InitializerSpec
from hornbook.recipes.sections.metric import MetricSpec
from hornbook.recipes.sections.model import ModelSpec
from hornbook.recipes.sections.normalization import NormalizationSpec
from hornbook.recipes.sections.optimizer import OptimizerSpec
from hornbook.recipes.sections.schedule import ScheduleSpec
from hornbook.recipes.sources.common import DataSpec, Stored

__all__ = [
    "ActivationSpec",
    "Component",
    "DataSpec",
    "Feature",
    "InitializerSpec",
    "LossSpec",
    "MetricSpec",
    "ModelSpec",
    "NormalizationSpec",
    "OptimizerSpec",
    "ScheduleSpec",
    "Source",
    "Stored",
    "register",
]
