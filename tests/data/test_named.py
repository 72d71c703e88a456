"""Named data sets: plain files in HORNBOOK_DATA, and a clear message where there is neither file nor network."""

import gzip
import os
import pickle
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from hornbook.data import load
from hornbook.errors import DataError
from hornbook.recipes.sources import CaliforniaHousing, Cifar10, Cifar100, FashionMnist, Imdb, Mnist, SplitSpec

SHARED = Path(os.environ.get("HORNBOOK_DATA") or Path(__file__).parents[3] / "shared" / "data")
FIRST = SplitSpec(validation=5000, method="first")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HORNBOOK_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.skipif(not (SHARED / "mnist.npz").exists(), reason=f"no mnist.npz in {SHARED} (set HORNBOOK_DATA)")
def test_mnist_has_its_published_order_and_mean(monkeypatch):
    monkeypatch.setenv("HORNBOOK_DATA", str(SHARED))
    splits = load(Mnist(split=FIRST), seed=42)
    assert splits.info.counts == {"train": 55_000, "validation": 5_000, "test": 10_000}
    assert splits.validation.y[:5].tolist() == [5, 0, 4, 1, 9]
    whole = np.concatenate([splits.validation.x, splits.train.x])
    assert whole.mean() / 255 == pytest.approx(0.1307, abs=5e-5)


@pytest.mark.skipif(not (SHARED / "fashion-mnist").exists(), reason=f"no fashion-mnist in {SHARED} (set HORNBOOK_DATA)")
def test_fashion_mnist_is_read_from_idx_files(monkeypatch):
    monkeypatch.setenv("HORNBOOK_DATA", str(SHARED))
    splits = load(FashionMnist(standardize=True, split=SplitSpec(validation=0)), seed=42)
    assert splits.info.counts == {"train": 60_000, "validation": 0, "test": 10_000}
    assert splits.info.class_names[9] == "Ankle boot"
    assert splits.train.y[0] == 9
    assert splits.preprocessing.mean == pytest.approx((0.2860,), abs=5e-5)
    assert splits.preprocessing.variance == pytest.approx((0.3530**2,), abs=5e-5)


def idx(array):
    heading = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return heading + array.tobytes()


def write_idx(folder, damage=0):
    folder.mkdir()
    for part, count in (("train", 20), ("t10k", 10)):
        images = idx(np.full((count, 28, 28), 7, np.uint8))
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images[: len(images) - damage]))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(count, dtype=np.uint8) % 10))


def test_idx_files_may_be_compressed_or_not(folder):
    write_idx(folder / "mnist")
    splits = load(Mnist(split=SplitSpec(validation=0)), seed=1)
    assert splits.info.counts == {"train": 20, "validation": 0, "test": 10}
    assert splits.train.x.shape == (20, 28, 28, 1)


def test_a_shortened_idx_file_is_refused(folder):
    write_idx(folder / "mnist", damage=3)
    with pytest.raises(DataError, match="holds 15,677 values, its heading says 15,680"):
        load(Mnist(), seed=1)


def test_cifar10_batches_are_read_with_channels_last(folder):
    batches = folder / "cifar-10-batches-py"
    batches.mkdir()
    pixels = np.zeros((20, 3072), np.uint8)
    pixels[:, :1024] = 9  # red comes first
    for name in ("data_batch_1", "data_batch_2", "test_batch"):
        (batches / name).write_bytes(pickle.dumps({b"data": pixels, b"labels": [n % 10 for n in range(20)]}))
    splits = load(Cifar10(split=SplitSpec(validation=0)), seed=1)
    assert splits.info.counts == {"train": 40, "validation": 0, "test": 20}
    assert splits.train.x[0, 0, 0].tolist() == [9, 0, 0]
    assert splits.info.class_names[0] == "airplane"


def test_cifar100_has_fine_and_coarse_labels(folder):
    batches = folder / "cifar-100-python"
    batches.mkdir()
    labels = {b"fine_labels": [n % 5 for n in range(20)], b"coarse_labels": [n % 2 for n in range(20)]}
    for name in ("train", "test"):
        (batches / name).write_bytes(pickle.dumps({b"data": np.zeros((20, 3072), np.uint8), **labels}))
    assert load(Cifar100(), seed=1).info.num_classes == 5
    assert load(Cifar100(label_mode="coarse"), seed=1).info.num_classes == 2


def test_a_pickle_that_would_run_code_is_refused(folder):
    batches = folder / "cifar-10-batches-py"
    batches.mkdir()
    (batches / "data_batch_1").write_bytes(b"cposix\nsystem\n(S'echo harm'\ntR.")
    with pytest.raises(DataError, match=r"it asks for posix\.system, which is no array"):
        load(Cifar10(), seed=1)


def reviews(count):
    rows = [list(range(1, 4 + row % 3)) for row in range(count)]
    ragged = np.empty(count, dtype=object)
    ragged[:] = rows
    return ragged


def test_imdb_numbers_words_as_keras_does_and_pads_behind(folder):
    y = np.arange(20) % 2
    np.savez(folder / "imdb.npz", x_train=reviews(20), y_train=y, x_test=reviews(20), y_test=y)
    splits = load(Imdb(num_words=7, max_length=6, split=SplitSpec(validation=0)), seed=1)
    assert (splits.info.kind, splits.info.vocabulary_size, splits.info.task) == ("tokens", 7, "binary")
    shortest = splits.train.x[splits.train.x[:, -1] == 0]
    assert shortest[0].tolist()[:4] == [1, 4, 5, 6]  # start, words 1, 2, 3
    longest = splits.train.x[splits.train.x[:, -1] != 0][0]
    assert longest.tolist() == [1, 4, 5, 6, 2, 2]  # words 4 and 5 are beyond num_words


def test_california_housing_is_in_units_of_100_000_dollars(folder):
    generator = np.random.default_rng(0)
    np.savez(folder / "california_housing.npz", x=generator.random((50, 8)), y=generator.uniform(2e4, 5e5, 50))
    splits = load(CaliforniaHousing(), seed=1)
    assert 0.2 <= splits.train.y.min() < splits.train.y.max() <= 5.0
    assert splits.info.features[-1].name == "median_income"


def test_california_housing_is_read_from_the_textbook_csv(folder):
    heading = "longitude,ocean_proximity,median_house_value\n"
    rows = "".join(f"{-120 - n / 10},{('INLAND', 'NEAR BAY')[n % 2]},{100_000 + n}\n" for n in range(40))
    (folder / "california_housing.csv").write_text(heading + rows)
    info = load(CaliforniaHousing(), seed=1).info
    assert [(feature.name, feature.type) for feature in info.features] == [
        ("longitude", "number"),
        ("ocean_proximity", "category"),
    ]


@pytest.fixture
def no_network(monkeypatch):
    """A stand-in for Keras whose downloads fail, so that no test imports TensorFlow or waits for a network."""

    def load_data(**options):
        raise Exception("URL fetch failure on https://example.org: None -- [Errno -2] Name or service not known")

    keras = ModuleType("keras")
    keras.datasets = SimpleNamespace(cifar10=SimpleNamespace(load_data=load_data))
    monkeypatch.setitem(sys.modules, "keras", keras)


def test_a_failed_download_says_what_was_looked_for_and_what_to_do(folder, no_network):
    with pytest.raises(DataError) as error:
        load(Cifar10(), seed=1)
    assert str(error.value) == (
        f"data 'cifar10' is neither here nor to be downloaded: {folder} has none of cifar10.npz, cifar-10-batches-py, and "
        "Keras's download failed (URL fetch failure on https://example.org: None -- [Errno -2] Name or service not known). "
        "Set HORNBOOK_DATA to a folder with cifar10.npz or cifar-10-batches-py."
    )


def test_without_the_variable_the_message_says_so(monkeypatch, no_network):
    monkeypatch.delenv("HORNBOOK_DATA", raising=False)
    with pytest.raises(DataError, match="HORNBOOK_DATA is not set, and Keras's download failed"):
        load(Cifar10(), seed=1)


def test_a_variable_that_names_no_folder_is_refused(monkeypatch):
    monkeypatch.setenv("HORNBOOK_DATA", "/nowhere")
    with pytest.raises(DataError, match="HORNBOOK_DATA names /nowhere, which is no folder"):
        load(Mnist(), seed=1)
