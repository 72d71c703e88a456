"""Where the examples come from: `data` in a recipe. This module gathers all sources; each is described in its own file.

`data_common` has the keys that all sources share, `data_named` the data sets with a name, `data_synthetic` the computed
ones, `data_files` your own files.
"""

from hornbook.recipes.sources.arrays import Arrays, Npy, Npz
from hornbook.recipes.sources.common import Augmentation, DataSpec, SplitSpec
from hornbook.recipes.sources.named import (
    BreastCancer,
    CaliforniaHousing,
    Cifar10,
    Cifar100,
    Diabetes,
    Digits,
    FashionMnist,
    Imdb,
    Iris,
    Mnist,
    Wine,
)
from hornbook.recipes.sources.synthetic import Blobs, Inline, Moons, Regression, Spirals, Waves, Xor
from hornbook.recipes.sources.table import Table

__all__ = [
    "Arrays",
    "Augmentation",
    "Blobs",
    "BreastCancer",
    "CaliforniaHousing",
    "Cifar10",
    "Cifar100",
    "DataSpec",
    "Diabetes",
    "Digits",
    "FashionMnist",
    "Imdb",
    "Inline",
    "Iris",
    "Mnist",
    "Moons",
    "Npy",
    "Npz",
    "Regression",
    "Spirals",
    "SplitSpec",
    "Table",
    "Waves",
    "Wine",
    "Xor",
]
