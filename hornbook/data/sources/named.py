"""Data sets with a name: plain files in the folder HORNBOOK_DATA first, else Keras's own download and cache."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.data.canonical import to_float32
from hornbook.data.facts import Feature
from hornbook.data.source import Array, Source
from hornbook.data.sources.formats import read_cifar, read_idx_folder, read_ragged_npz
from hornbook.data.storage.files import read_npz
from hornbook.errors import DataError
from hornbook.recipes.sources.common import DataSpec
from hornbook.recipes.sources.named import CaliforniaHousing, Cifar100, Imdb
from hornbook.startup import import_tensorflow

__all__ = [
    "load_california_housing",
    "load_cifar10",
    "load_cifar100",
    "load_fashion_mnist",
    "load_imdb",
    "load_mnist",
]

DATA_VARIABLE = "HORNBOOK_DATA"
FOUR = ("x_train", "y_train", "x_test", "y_test")
Reader = Callable[[Path], dict[str, Array]]
DOLLARS_PER_UNIT = 100_000
HOUSING_COLUMNS = (
    "longitude",
    "latitude",
    "housing_median_age",
    "total_rooms",
    "total_bedrooms",
    "population",
    "households",
    "median_income",
)
HOUSING_TARGETS = ("median_house_value", "MedHouseVal")
START, UNKNOWN, INDEX_FROM = 1, 2, 3  # Keras's numbering of IMDB: 0 is padding, the most frequent word is 4


def data_folder() -> Path | None:
    """Return the folder named by HORNBOOK_DATA, or None.

    Raises:
        DataError: If the variable names no folder.
    """
    value = os.environ.get(DATA_VARIABLE)
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise DataError(f"{DATA_VARIABLE} names {folder}, which is no folder.")
    return folder


def _find(name: str, candidates: dict[str, Reader], download: Callable[[], dict[str, Array]]) -> dict[str, Array]:
    """Return arrays of the first file or folder of HORNBOOK_DATA that exists, else of Keras's download."""
    folder = data_folder()
    if folder is not None:
        for relative, read in candidates.items():
            if (folder / relative).exists():
                return read(folder / relative)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras prints its progress to stdout, where results belong
            return download()
    except Exception as error:  # get_file raises bare Exception for a failed download
        looked = f"{folder} has none of {', '.join(candidates)}" if folder else f"{DATA_VARIABLE} is not set"
        raise DataError(
            f"data '{name}' is neither here nor to be downloaded: {looked}, and Keras's download failed "
            f"({_first_line(error)}). Set {DATA_VARIABLE} to a folder with {' or '.join(candidates)}."
        ) from error


def _keras(name: str, **options: Any) -> dict[str, Array]:
    """Return the four arrays of keras.datasets."""
    import_tensorflow()  # seconds, and only needed to download
    from keras import datasets

    (x_train, y_train), (x_test, y_test) = getattr(datasets, name).load_data(**options)
    return dict(zip(FOUR, (x_train, y_train, x_test, y_test), strict=True))


def _four(path: Path) -> dict[str, Array]:
    return read_npz(path, FOUR)


def _image_source(spec: DataSpec, arrays: dict[str, Array]) -> Source:
    """Return a source of images (N, H, W, C) uint8 with its own test set."""
    images = {name: arrays[name] if arrays[name].ndim == 4 else arrays[name][..., np.newaxis] for name in FOUR[::2]}
    return Source(
        images["x_train"],
        arrays["y_train"].ravel(),
        "image",
        x_test=images["x_test"],
        y_test=arrays["y_test"].ravel(),
        class_names=spec.known_classes,
    )


def load_mnist(spec: DataSpec, *, seed: int) -> Source:
    """Return 60,000 and 10,000 images 28×28×1 of digits."""
    candidates: dict[str, Reader] = {"mnist.npz": _four, "mnist": read_idx_folder}
    return _image_source(spec, _find("mnist", candidates, lambda: _keras("mnist")))


def load_fashion_mnist(spec: DataSpec, *, seed: int) -> Source:
    """Return 60,000 and 10,000 images 28×28×1 of clothes."""
    candidates: dict[str, Reader] = {
        "fashion-mnist": read_idx_folder,
        "fashion_mnist.npz": _four,
        "fashion-mnist.npz": _four,
    }
    return _image_source(spec, _find("fashion_mnist", candidates, lambda: _keras("fashion_mnist")))


def load_cifar10(spec: DataSpec, *, seed: int) -> Source:
    """Return 50,000 and 10,000 colour images 32×32×3 of 10 classes."""
    candidates: dict[str, Reader] = {
        "cifar10.npz": _four,
        "cifar-10-batches-py": lambda path: read_cifar(path, "labels"),
    }
    return _image_source(spec, _find("cifar10", candidates, lambda: _keras("cifar10")))


def load_cifar100(spec: Cifar100, *, seed: int) -> Source:
    """Return 50,000 and 10,000 colour images 32×32×3 of 100 classes or 20 groups."""
    mode = spec.label_mode
    candidates: dict[str, Reader] = {"cifar-100-python": lambda path: read_cifar(path, f"{mode}_labels")}
    if mode == "fine":
        candidates["cifar100.npz"] = _four
    return _image_source(spec, _find("cifar100", candidates, lambda: _keras("cifar100", label_mode=mode)))


def load_california_housing(spec: CaliforniaHousing, *, seed: int) -> Source:
    """Return 20,640 rows of 8 measurements, and the median house value in 100,000 dollars."""
    folder = data_folder()
    if folder is not None and (folder / "california_housing.csv").exists():
        return _housing_table(folder / "california_housing.csv")
    keys = ("x", "y")

    def download() -> dict[str, Array]:
        arrays = _keras("california_housing", version="large", test_split=0.0)
        return {"x": arrays["x_train"], "y": arrays["y_train"]}

    candidates: dict[str, Reader] = {"california_housing.npz": lambda path: read_npz(path, keys)}
    arrays = _find("california_housing", candidates, download)
    x_NF = to_float32(arrays["x"], "x")
    if x_NF.ndim != 2 or x_NF.shape[1] != len(HOUSING_COLUMNS):
        raise DataError(
            f"california_housing.npz: x has shape {x_NF.shape}, expected (examples, {len(HOUSING_COLUMNS)})."
        )
    features = tuple(Feature(name, "number") for name in HOUSING_COLUMNS)
    return Source(x_NF, _in_units(arrays["y"]), "table", features=features)


def _housing_table(path: Path) -> Source:
    import polars as pl  # a tenth of a second and 30 MB that images do not need

    from hornbook.data.tables.columns.features import encode_columns, infer_features
    from hornbook.data.tables.dialect import Dialect
    from hornbook.data.tables.files import read_frame

    frame = read_frame(path)
    target = next((name for name in HOUSING_TARGETS if name in frame.columns), None)
    if target is None:
        raise DataError(f"{path}: no column '{HOUSING_TARGETS[0]}', the target. Found: {', '.join(frame.columns)}.")
    features, dialect, warnings = infer_features(frame.drop(target), {}, dialect=Dialect(), where=str(path))
    x_NF, _ = encode_columns(frame, features, dialect=dialect, where=str(path))
    values = frame[target].cast(pl.Float64, strict=False).to_numpy()
    return Source(x_NF, _in_units(values), "table", features=features, warnings=warnings)


def _in_units(dollars: Array) -> Array:
    """Return house values in 100,000 dollars; copies in that unit already are left alone."""
    values = np.asarray(dollars, dtype=np.float64)
    return values / DOLLARS_PER_UNIT if np.nanmax(values) > 1000 else values


def load_imdb(spec: Imdb, *, seed: int) -> Source:
    """Return 25,000 and 25,000 reviews (N, max_length) int32 of word numbers below `num_words`."""
    candidates: dict[str, Reader] = {"imdb.npz": lambda path: read_ragged_npz(path, FOUR)}
    in_cache = _find("imdb", candidates, lambda: _keras("imdb", start_char=None, oov_char=None, index_from=0))
    train, test = (_shuffled(in_cache[f"x_{part}"], in_cache[f"y_{part}"]) for part in ("train", "test"))
    return Source(
        _padded(train[0], spec),
        train[1],
        "tokens",
        x_test=_padded(test[0], spec),
        y_test=test[1],
        class_names=spec.known_classes,
        vocabulary_size=spec.num_words,
    )


def _shuffled(reviews: Array, labels: Array) -> tuple[Array, Array]:
    """Return both in an order that mixes the classes: the file has all negative reviews first."""
    order = np.random.default_rng(113).permutation(len(reviews))
    return reviews[order], np.asarray(labels)[order]


def _padded(reviews: Array, spec: Imdb) -> Array:
    """Return word numbers (N, max_length) int32: a start mark, then words; the end of long reviews, 0 behind short ones."""
    tokens_NT = np.zeros((len(reviews), spec.max_length), dtype=np.int32)
    for row, review in enumerate(reviews):
        words = np.asarray(review, dtype=np.int32) + INDEX_FROM
        words[words >= spec.num_words] = UNKNOWN
        tokens = np.concatenate([[START], words])[-spec.max_length :]
        tokens_NT[row, : len(tokens)] = tokens
    return tokens_NT


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
