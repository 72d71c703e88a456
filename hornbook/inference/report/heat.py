"""Where in a picture a network saw the class that it predicted: Grad-CAM over its last feature map.

The last map of channels A (h, w, K) and the score y of a class, in front of the last activation: the mean of ∂y/∂A over
all places is how much each channel speaks for the class, and ReLU(Σ mean·A) shows where it does. Selvaraju et al. (2017),
arXiv:1610.02391, equations 1 and 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hornbook.builder.heads.single import head_layer
from hornbook.data.source import Array
from hornbook.upstream import REFUSALS

__all__ = ["FeatureMap", "feature_map", "grad_cam"]

CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "SeparableConv2D", "DepthwiseConv2D")


@dataclass(frozen=True)
class FeatureMap:
    """The last map of channels in a network.

    Attributes:
        layer: Name of the layer that returns it.
        height, width: Its places.
    """

    layer: str
    height: int
    width: int


def feature_map(model: keras.Model) -> FeatureMap | None:
    """Return the last map of channels behind a convolution, in front of any pooling; None where there is none."""
    found, is_convolved = None, False
    for layer in model.layers:
        is_convolved = is_convolved or type(layer).__name__ in CONVOLUTIONS
        shape: Any = getattr(layer.output, "shape", ())
        if not is_convolved or len(shape) != 4 or None in shape[1:] or "Pooling" in type(layer).__name__:
            continue
        if shape[1] * shape[2] > 1:
            found = FeatureMap(layer.name, shape[1], shape[2])
    return found


def grad_cam(
    model: keras.Model, layer: str, images_BHWC: Array, columns: Sequence[int], signs: Sequence[float]
) -> Array | None:
    """Return where each image speaks for a class, from 0 to 1 at the strongest place: (B, h, w).

    None where the network's scores do not depend on the map. A map of zeros is that of an image in which nothing speaks for
    the class.

    Args:
        model: A finished network with one input and one output.
        layer: Name of the layer that returns the feature map.
        images_BHWC: As the model reads them.
        columns: Which of its outputs, for each image.
        signs: 1 for what speaks for it, -1 for what speaks against it, for each image.
    """
    try:
        activation = head_layer(model, "activation")
        score = model.output if activation is None else activation.input
        view = keras.Model(model.input, [model.get_layer(layer).output, score])
        inputs = tf.constant(np.asarray(images_BHWC, np.float32))
        with tf.GradientTape() as tape:
            tape.watch(inputs)  # a frozen network has no variable that would be watched
            maps_BHWK, scores_BC = view(inputs, training=False)
            chosen_B = tf.gather(tf.cast(scores_BC, tf.float32), np.asarray(columns), axis=1, batch_dims=1)
            total = tf.reduce_sum(chosen_B * np.asarray(signs, np.float32))
        gradients_BHWK: Any = tape.gradient(total, maps_BHWK)
    except REFUSALS:
        return None
    if gradients_BHWK is None:
        return None
    gradients, maps = (np.asarray(each, np.float64) for each in (gradients_BHWK, maps_BHWK))
    heat = np.maximum((gradients.mean(axis=(1, 2), keepdims=True) * maps).sum(axis=-1), 0.0)
    heat = np.where(np.isfinite(heat), heat, 0.0)
    strongest = heat.max(axis=(1, 2), keepdims=True)
    return np.asarray(heat / np.where(strongest > 0, strongest, 1.0))
