"""Data sets that come with scikit-learn: no download, no file of ours."""

import contextlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hornbook.data.facts import Feature
from hornbook.data.source import Source
from hornbook.recipes.sources.named import BundledTable, Digits

__all__ = ["load_bundled_table", "load_digits"]

DIGITS_LARGEST = 16.0  # the pixels count to 16, not to 255


def load_digits(spec: Digits, *, seed: int) -> Source:
    """Return 1,797 images (N, 8, 8, 1) uint8 with values 0 to 16."""
    rows_NF = _digits()
    images_NHWC = rows_NF[:, :-1].astype(np.uint8).reshape(-1, 8, 8, 1)
    return Source(images_NHWC, rows_NF[:, -1], "image", class_names=spec.known_classes, scale=DIGITS_LARGEST)


def _digits() -> NDArray[np.int64]:
    """Return pixels and class of each example (N, 65), from scikit-learn's file if it is where it has always been.

    To import scikit-learn for it takes half a second, a sixth of what a first run takes from start to exit.
    """
    package = find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or ():
        with contextlib.suppress(OSError, ValueError):
            return np.loadtxt(Path(folder) / "datasets" / "data" / "digits.csv.gz", delimiter=",", dtype=np.int64)
    from sklearn import datasets

    bunch = datasets.load_digits()
    return np.column_stack([bunch.data, bunch.target]).astype(np.int64)


def load_bundled_table(spec: BundledTable, *, seed: int, apart: bool = False) -> Source:
    """Return the chosen columns of iris, wine, breast_cancer or diabetes as (N, F) float32.

    Args:
        spec: The section of the recipe.
        seed: Of no use here.
        apart: Whether targets are wanted by name: the table's own, and every column that was not chosen.
    """
    from sklearn import datasets  # half a second that other sources do not need

    name = spec.model_dump()["name"]
    raw = {"scaled": False} if name == "diabetes" else {}
    bunch = getattr(datasets, f"load_{name}")(**raw)
    known = spec.known_columns or ()
    columns = spec.columns or known
    x_NF = bunch.data[:, [known.index(column) for column in columns]].astype(np.float32)
    features = tuple(Feature(column, "number") for column in columns)
    others = [column for column in known if column not in columns] if apart else []
    if others:
        own = bunch.target if spec.known_classes is None else np.array(spec.known_classes)[bunch.target]
        targets = {spec.target_name: own} | {column: bunch.data[:, known.index(column)] for column in others}
        return Source(x_NF, cast("Any", targets), "table", features=features)
    names = (spec.target_name,) if apart else None
    return Source(x_NF, bunch.target, "table", class_names=spec.known_classes, features=features, target_names=names)
