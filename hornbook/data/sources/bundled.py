"""Data sets that come with scikit-learn: no download, no file of ours."""

from typing import Any, cast

import numpy as np

from hornbook.data.facts import Feature
from hornbook.data.source import Source
from hornbook.recipes.sources.named import BundledTable, Digits

__all__ = ["load_bundled_table", "load_digits"]

DIGITS_LARGEST = 16.0  # the pixels count to 16, not to 255


def load_digits(spec: Digits, *, seed: int) -> Source:
    """Return 1,797 images (N, 8, 8, 1) uint8 with values 0 to 16."""
    from sklearn import datasets  # half a second that other sources do not need

    bunch = datasets.load_digits()
    images_NHWC = bunch.images.astype(np.uint8)[..., np.newaxis]
    return Source(images_NHWC, bunch.target, "image", class_names=spec.known_classes, scale=DIGITS_LARGEST)


def load_bundled_table(spec: BundledTable, *, seed: int, apart: bool = False) -> Source:
    """Return the chosen columns of iris, wine, breast_cancer or diabetes as (N, F) float32.

    Args:
        spec: The section of the recipe.
        seed: Of no use here.
        apart: Whether targets are wanted by name: the table's own, and every column that was not chosen.
    """
    from sklearn import datasets

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
