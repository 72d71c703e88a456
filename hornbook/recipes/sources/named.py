"""Data sets with a name: those that come with scikit-learn, and those that are downloaded or read from HORNBOOK_DATA."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from hornbook.errors import Path, Problem
from hornbook.recipes.language.spec import register, resolve_target
from hornbook.recipes.sources.checks import missing_column
from hornbook.recipes.sources.common import Names, Stored

__all__ = [
    "BreastCancer",
    "CaliforniaHousing",
    "Cifar10",
    "Cifar100",
    "Diabetes",
    "Digits",
    "FashionMnist",
    "Imdb",
    "Iris",
    "Mnist",
    "Wine",
]

DIGIT_NAMES = tuple("0123456789")


@register
class Digits(Stored):
    """1,797 handwritten digits of 8×8 grey pixels, 10 classes; comes with scikit-learn.

    Small enough for a first run in seconds. Alpaydin and Kaynak (1998), UCI "Optical Recognition of Handwritten Digits".

    Example:
        data: digits
    """

    name: Literal["digits"] = "digits"
    builds = "hornbook.data.sources.bundled:load_digits"
    data_kind = "image"
    task_hint = "multiclass"
    largest_input: ClassVar[float | None] = 16.0
    known_input_size: ClassVar[int | None] = 64
    known_channels: ClassVar[int | None] = 1
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 1797}
    known_classes = DIGIT_NAMES


class BundledTable(Stored):
    """A table that comes with scikit-learn, of which some columns may be chosen."""

    builds = "hornbook.data.sources.bundled:load_bundled_table"
    data_kind = "table"
    is_read_whole: ClassVar[bool] = True
    reads_targets_apart: ClassVar[bool] = True
    target_name: ClassVar[str] = "target"
    """What its own target is called; with several heads, columns that are no features are targets too."""

    columns: Names | None = None
    """Columns to use as features, in this order; all of them when omitted."""

    def problems(self, *, task: str | None = None, path: Path = ("data",)) -> Iterator[Problem]:
        """Yield columns that the table does not have."""
        known = self.known_columns or ()
        for place, column in enumerate(self.columns or ()):
            if column not in known:
                yield Problem((*path, "columns", place), *missing_column(column, known), code="data-columns")
        if self.columns is not None and len(set(self.columns)) < len(self.columns):
            yield Problem((*path, "columns"), "a column is listed twice.", "List it once.", code="data-columns")

    def load_source(self, *, seed: int, apart: bool = False) -> Any:
        """Return the table as a `hornbook.data.Source`; `apart`: every column that is no feature as a target by its name."""
        return resolve_target(self.builds or "")(self, seed=seed, apart=apart)


@register
class Iris(BundledTable):
    """150 iris flowers, 4 measurements in cm, 3 species; comes with scikit-learn.

    The petals alone separate setosa from the rest by a line, which a perceptron finds. Fisher (1936), "The use of multiple
    measurements in taxonomic problems".

    Example:
        data: {name: iris, columns: [petal_length, petal_width], relabel: {setosa: 1, versicolor: 0, virginica: 0}}
    """

    name: Literal["iris"] = "iris"
    target_name = "species"
    task_hint = "multiclass"
    largest_input: ClassVar[float | None] = 7.9
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 150}
    known_classes = ("setosa", "versicolor", "virginica")
    known_columns = ("sepal_length", "sepal_width", "petal_length", "petal_width")


@register
class Wine(BundledTable):
    """178 wines, 13 chemical measurements, 3 growers; comes with scikit-learn.

    Columns of very different size, so a good test of standardization. Aeberhard and Forina (1991), UCI "Wine".

    Example:
        data: wine
    """

    name: Literal["wine"] = "wine"
    target_name = "grower"
    task_hint = "multiclass"
    largest_input: ClassVar[float | None] = 1680.0
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 178}
    known_classes = ("class_0", "class_1", "class_2")
    known_columns = (
        "alcohol",
        "malic_acid",
        "ash",
        "alcalinity_of_ash",
        "magnesium",
        "total_phenols",
        "flavanoids",
        "nonflavanoid_phenols",
        "proanthocyanins",
        "color_intensity",
        "hue",
        "od280_od315_of_diluted_wines",
        "proline",
    )


MEASURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
    "fractal_dimension",
)


@register
class BreastCancer(BundledTable):
    """569 tumours, 30 measurements of cell nuclei, malignant or benign; comes with scikit-learn.

    A binary task with a realistic cost of errors; benign is class 1. Street, Wolberg and Mangasarian (1993), UCI "Breast
    Cancer Wisconsin (Diagnostic)".

    Example:
        data: breast_cancer
    """

    name: Literal["breast_cancer"] = "breast_cancer"
    target_name = "diagnosis"
    task_hint = "binary"
    largest_input: ClassVar[float | None] = 4254.0
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 569}
    known_classes = ("malignant", "benign")
    known_columns = (
        *(f"mean_{measure}" for measure in MEASURES),
        *(f"{measure}_error" for measure in MEASURES),
        *(f"worst_{measure}" for measure in MEASURES),
    )


@register
class Diabetes(BundledTable):
    """442 patients, 10 measurements, disease progression after a year; comes with scikit-learn.

    A small, noisy regression in which regularization shows. The columns are raw, not scaled with all examples as
    scikit-learn does by default. Efron et al. (2004), "Least angle regression".

    Example:
        data: diabetes
    """

    name: Literal["diabetes"] = "diabetes"
    target_name = "progression"
    task_hint = "regression"
    largest_input: ClassVar[float | None] = 301.0
    known_targets: ClassVar[Mapping[str, Any] | None] = {
        "lowest": 25.0, "highest": 346.0, "zeros": 0, "sums": [25.0, 346.0], "zero_rows": 0,
    }  # fmt: skip
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 442}
    known_columns = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


@register
class Mnist(Stored):
    """70,000 handwritten digits of 28×28 grey pixels, 10 classes, 10,000 of them the test set.

    The classic benchmark. Read from HORNBOOK_DATA (mnist.npz, or mnist/*-ubyte.gz), else downloaded by Keras. LeCun et al.
    (1998), "Gradient-based learning applied to document recognition".

    Example:
        data: {name: mnist, split: {validation: 5000, method: first}}
    """

    name: Literal["mnist"] = "mnist"
    builds = "hornbook.data.sources.named:load_mnist"
    data_kind = "image"
    task_hint = "multiclass"
    largest_input: ClassVar[float | None] = 255.0
    known_input_size: ClassVar[int | None] = 784
    known_channels: ClassVar[int | None] = 1
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 60_000, "test": 10_000}
    known_classes = DIGIT_NAMES


@register
class FashionMnist(Stored):
    """70,000 pictures of clothes of 28×28 grey pixels, 10 classes, 10,000 of them the test set.

    Drop-in replacement of MNIST that is harder. Read from HORNBOOK_DATA (fashion-mnist/*-ubyte.gz, or fashion_mnist.npz),
    else downloaded by Keras. Xiao, Rasul and Vollgraf (2017), arXiv:1708.07747.

    Example:
        data: {name: fashion_mnist, split: {validation: 5000, method: first}}
    """

    name: Literal["fashion_mnist"] = "fashion_mnist"
    builds = "hornbook.data.sources.named:load_fashion_mnist"
    data_kind = "image"
    task_hint = "multiclass"
    largest_input: ClassVar[float | None] = 255.0
    known_input_size: ClassVar[int | None] = 784
    known_channels: ClassVar[int | None] = 1
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 60_000, "test": 10_000}
    known_classes = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )


@register
class Cifar10(Stored):
    """60,000 colour pictures of 32×32 pixels, 10 classes, 10,000 of them the test set.

    For convolutional networks. Read from HORNBOOK_DATA (cifar10.npz, or cifar-10-batches-py), else downloaded by Keras.
    Krizhevsky (2009), "Learning multiple layers of features from tiny images".

    Example:
        data: {name: cifar10, augmentation: {shift: 0.1, flip: horizontal}}
    """

    name: Literal["cifar10"] = "cifar10"
    builds = "hornbook.data.sources.named:load_cifar10"
    data_kind = "image"
    task_hint = "multiclass"
    largest_input: ClassVar[float | None] = 255.0
    known_input_size: ClassVar[int | None] = 3072
    known_channels: ClassVar[int | None] = 3
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 50_000, "test": 10_000}
    known_classes = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@register
class Cifar100(Stored):
    """60,000 colour pictures of 32×32 pixels, 100 classes in 20 groups, 10,000 of them the test set.

    For larger convolutional networks. Read from HORNBOOK_DATA (cifar100.npz, or cifar-100-python), else downloaded by
    Keras. Krizhevsky (2009), "Learning multiple layers of features from tiny images".

    Example:
        data: {name: cifar100, label_mode: coarse}    # the 20 groups
    """

    name: Literal["cifar100"] = "cifar100"
    builds = "hornbook.data.sources.named:load_cifar100"
    data_kind = "image"
    task_hint = "multiclass"
    largest_input: ClassVar[float | None] = 255.0
    known_input_size: ClassVar[int | None] = 3072
    known_channels: ClassVar[int | None] = 3
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 50_000, "test": 10_000}

    label_mode: Literal["fine", "coarse"] = "fine"
    """`fine`: the 100 classes; `coarse`: the 20 groups."""

    def num_classes(self) -> int:
        """Return the number of classes or of groups."""
        return 100 if self.label_mode == "fine" else 20


@register
class CaliforniaHousing(Stored):
    """20,640 census block groups of California, 8 measurements, median house value in 100,000 dollars.

    The textbook regression. Read from HORNBOOK_DATA (california_housing.npz or .csv), else downloaded by Keras. Pace and
    Barry (1997), "Sparse spatial autoregressions".

    Example:
        data: california_housing
    """

    name: Literal["california_housing"] = "california_housing"
    builds = "hornbook.data.sources.named:load_california_housing"
    data_kind = "table"
    is_read_whole: ClassVar[bool] = True
    task_hint = "regression"
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 20_640}


@register
class Imdb(Stored):
    """50,000 film reviews as word numbers, negative or positive, half of them the test set.

    For embeddings and recurrent networks. Words are numbered by frequency; 0 is padding, 1 the start, 2 a word that is not
    among the `num_words` most frequent. Read from HORNBOOK_DATA (imdb.npz), else downloaded by Keras. Maas et al. (2011),
    "Learning word vectors for sentiment analysis".

    Example:
        data: {name: imdb, num_words: 10000, max_length: 200}
    """

    name: Literal["imdb"] = "imdb"
    builds = "hornbook.data.sources.named:load_imdb"
    data_kind = "tokens"
    task_hint = "binary"
    known_sizes: ClassVar[Mapping[str, int]] = {"train": 25_000, "test": 25_000}
    known_classes = ("negative", "positive")

    num_words: Annotated[int, Field(ge=4)] = 10_000
    """Size of the vocabulary, the three special numbers included."""
    max_length: Annotated[int, Field(ge=1)] = 200
    """Words per review: longer ones keep their end, shorter ones are filled up with 0 behind."""
