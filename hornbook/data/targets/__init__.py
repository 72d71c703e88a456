"""Targets: what they mean, as class numbers, labels or numbers; which columns give them away. No Keras."""
