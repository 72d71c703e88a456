"""Texts → token numbers, exactly as Keras's `TextVectorization` in the saved model does it. No TensorFlow."""
