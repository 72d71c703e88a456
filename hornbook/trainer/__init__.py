"""Trains a recipe: `train.train()` is a straight line of named stages. Imported by need: TensorFlow takes seconds."""
