"""Where the examples come from: `data` in a recipe. This module gathers all sources; each is described in its own file.

`common` has the keys that all sources share, `checks` what can be wrong with them; `arrays`, `table`, `pictures` and `texts`
are a user's own data, `named` the data sets with a name, `synthetic` the computed ones.
"""

from hornbook.recipes.sources.arrays import Arrays, Npy, Npz

# isort: split  (a user's own data comes first in lists)
from hornbook.recipes.sources.table import Table
from hornbook.recipes.sources.windows import Windows

# isort: split
from hornbook.recipes.sources.pictures import ImageFolder, ImageList

# isort: split
from hornbook.recipes.sources.texts import TextFolder

# isort: split
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
from hornbook.recipes.sources.synthetic import Blobs, Inline, Moons, Regression, Seasons, Sentences, Spirals, Waves, Xor

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
    "ImageFolder",
    "ImageList",
    "Imdb",
    "Inline",
    "Iris",
    "Mnist",
    "Moons",
    "Npy",
    "Npz",
    "Regression",
    "Seasons",
    "Sentences",
    "Spirals",
    "SplitSpec",
    "Table",
    "TextFolder",
    "Waves",
    "Windows",
    "Wine",
    "Xor",
]
