"""Which engine runs a model: a fixed rule on its layers, never on timing, because engines give different bits."""

import keras

from hornbook.builder.build import Built
from hornbook.errors import Problem, RecipeError

__all__ = ["XLA_LAYERS", "choose_engine"]

XLA_LAYERS = frozenset(
    {"InputLayer", "Rescaling", "Normalization", "Flatten", "Reshape", "Concatenate", "Add", "Average", "Subtract",
     "Maximum", "Minimum", "Dense", "Activation",
     "BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization", "ELU", "ReLU", "LeakyReLU",
     "PReLU", "Softmax", "Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "Step",
     "RandomizedLeakyReLU", "ApproximateGelu", "SimpleRNN", "LSTM", "GRU", "RandomCutout", "Mixing",
     "Parametric", "Clamp", "TargetTransform", "OrderedClasses", "CategoryEncoding", "Embedding", "Periodic",
     "PiecewiseLinear", "Quantiles", "Scale", "ToSeriesScale", "FromSeriesScale", "SeriesNumber", "EinsumDense",
     "RepeatVector", "GlobalAveragePooling1D",
     "TokenCounts", "TokenMask", "PrependToken", "MaskSteps", "MaskedPooling", "PooledMask", "Positions", "SelfAttention",
     "GetItem", "Take", "Cropping1D", "Where", "Isnan", "Greater", "Cast", "Multiply", "TrueDivide", "Square", "Sqrt"}
)  # fmt: skip
"""Layers and operations that gain from one XLA program for many steps. On CPU convolutions inside an XLA loop are ten
times slower, separable ones five."""

COLORS = frozenset({"RandomBrightness", "RandomContrast", "RandomSaturation", "RandomHue"})
"""Layers that XLA has, and that are not known to gain from it."""


def choose_engine(wanted: str, built: Built, *, is_on_one_device: bool = True) -> str:
    """Return ``xla``, ``graph``, ``fused_graph`` or ``fit``: what the recipe names.

    For ``auto``: XLA where every layer gains from it; else a graph, fused where images are normalized on one device.
    """
    names = {type(operation).__name__ for operation in built.training_model.operations}
    unknown_to_xla = sorted(name for name in names if name.startswith("Random") and name not in XLA_LAYERS | COLORS)
    if wanted == "xla" and unknown_to_xla:
        message = f"XLA has no way to run {', '.join(unknown_to_xla)}."
        raise RecipeError(
            [Problem(("training", "engine"), message, "Omit it: 'auto' chooses 'graph'.", code="engine-xla")]
        )
    if wanted != "auto":
        return wanted
    is_plain = names <= XLA_LAYERS and not isinstance(built.optimizer, keras.optimizers.LossScaleOptimizer)
    if is_plain:
        return "xla"
    return "fused_graph" if is_on_one_device and any(map(_normalizes_images, built.training_model.layers)) else "graph"


def _normalizes_images(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization) and len(layer.output.shape) == 4
