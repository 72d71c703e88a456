"""Which engine runs a model: a fixed rule on its layers, never on timing, because engines give different bits."""

import keras

from hornbook.builder.build import Built
from hornbook.errors import Problem, RecipeError

__all__ = ["XLA_LAYERS", "choose_engine"]

XLA_LAYERS = frozenset(
    {"InputLayer", "Rescaling", "Normalization", "Flatten", "Reshape", "Concatenate", "Add", "Dense", "Activation",
     "BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization", "ELU", "ReLU", "LeakyReLU",
     "PReLU", "Softmax", "Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "SpatialDropout1D", "Step",
     "RandomizedLeakyReLU", "ApproximateGelu", "SimpleRNN", "LSTM", "GRU", "RandomCutout", "Mixing",
     "Parametric", "Clamp", "TargetTransform", "OrderedClasses"}
)  # fmt: skip
"""Layers that gain from one XLA program for many steps. On CPU convolutions inside an XLA loop are ten times slower,
separable ones five."""

COLORS = frozenset({"RandomBrightness", "RandomContrast", "RandomSaturation", "RandomHue"})
"""Layers that XLA has, and that are not known to gain from it."""


def choose_engine(wanted: str, built: Built) -> str:
    """Return ``xla``, ``graph`` or ``fit``: what the recipe names, or for ``auto`` XLA where every layer gains from it."""
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
    return "xla" if is_plain else "graph"
