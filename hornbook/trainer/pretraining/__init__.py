"""Pretraining: hidden layers learn from inputs alone, in phases of their own in front of the epochs with labels."""
