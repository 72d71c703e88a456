"""Inputs to predict on, from files, in the form that a trained model expects."""
