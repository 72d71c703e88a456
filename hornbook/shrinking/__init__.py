"""Smaller and faster models that predict the same: folded, pruned, cut, rounded, measured."""
