"""The run directory: names, atomic writes, history, reading runs back. Imports no TensorFlow."""

from hornbook.runs.directory import Run, find_run

__all__ = ["Run", "find_run"]
