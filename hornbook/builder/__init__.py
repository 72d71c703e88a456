"""Resolved Recipe → Keras model, loss, metrics and optimizer."""

from hornbook.builder.build import Built, build_model, compile_plain

__all__ = ["Built", "build_model", "compile_plain"]
