"""The run directory: names, atomic writes, history, reading runs back. Imports no TensorFlow."""

from hornbook.runs.directory import Run, find_run
from hornbook.runs.writing import RunDirectory

__all__ = ["Run", "RunDirectory", "find_run"]
