"""Layers that Keras lacks. Importing this package makes them known to `keras.models.load_model`."""

from hornbook.layers.activations import ApproximateGelu, RandomizedLeakyReLU, Step

__all__ = ["ApproximateGelu", "RandomizedLeakyReLU", "Step"]
