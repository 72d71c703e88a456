"""Evaluate and predict with trained models, in large batches. Imported by need: TensorFlow takes seconds."""
