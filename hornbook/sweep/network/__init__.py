"""Sweeps over several machines, by keras-tuner's protocol of chief and workers."""
