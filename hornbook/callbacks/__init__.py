"""Watchers over a run that Keras lacks: each with state that can be saved and restored. No TensorFlow."""

from hornbook.callbacks.watchers import BestKeeper, EarlyStopper, PlateauReducer, Watcher

__all__ = ["BestKeeper", "EarlyStopper", "PlateauReducer", "Watcher"]
