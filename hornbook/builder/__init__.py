"""Resolved Recipe → Keras model, loss, metrics and optimizer."""

from hornbook.builder.build import Built, build_model, compile_plain, compile_shown

__all__ = ["Built", "build_model", "compile_plain", "compile_shown"]
