"""Data sources → Splits: arrays, or rows that stay on disk, ready for a model, with facts. No Keras except to download.

`load_data` is what a recipe needs, `load` one section of it, `from_arrays` what a notebook needs, `read_inputs` what
prediction needs.
"""

from hornbook.data.facts import DataInfo, Feature, Preprocessing
from hornbook.data.inputs.files import read_examples, read_inputs
from hornbook.data.load import RecipeData, load_data, memory_budget
from hornbook.data.pipeline import load, prepare
from hornbook.data.records import from_json, to_json
from hornbook.data.shelf import Shelf
from hornbook.data.source import Source, Split, Splits
from hornbook.data.sources.arrays import from_arrays
from hornbook.data.storage.rows import Rows
from hornbook.data.targets.labels import known_targets

__all__ = [
    "DataInfo",
    "Feature",
    "Preprocessing",
    "RecipeData",
    "Rows",
    "Shelf",
    "Source",
    "Split",
    "Splits",
    "from_arrays",
    "from_json",
    "known_targets",
    "load",
    "load_data",
    "memory_budget",
    "prepare",
    "read_examples",
    "read_inputs",
    "to_json",
]
