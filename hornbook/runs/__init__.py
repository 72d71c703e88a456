"""The run directory: names, atomic writes, history, reading runs back. Imports no TensorFlow."""

from hornbook.runs.directory import Run, RunDirectory, find_run

__all__ = ["Run", "RunDirectory", "find_run"]
