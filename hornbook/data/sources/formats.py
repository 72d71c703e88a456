"""File formats of published data sets: IDX (MNIST), CIFAR's pickles and IMDB's ragged archive.

The last two are Python pickles, which can run code. They are read by an unpickler that knows NumPy arrays and nothing else.
"""

import gzip
import pickle
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from hornbook.data.source import Array
from hornbook.data.storage.files import read_header
from hornbook.errors import DataError

__all__ = ["read_cifar", "read_idx_folder", "read_ragged_npz"]

IDX_BYTES = 0x08
ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"),
}


def read_idx_folder(folder: Path) -> dict[str, Array]:
    """Return x_train, y_train, x_test and y_test of a folder of IDX files, compressed or not.

    Raises:
        DataError: If a file is missing or damaged.
    """
    parts = {
        "x_train": "train-images-idx3-ubyte",
        "y_train": "train-labels-idx1-ubyte",
        "x_test": "t10k-images-idx3-ubyte",
        "y_test": "t10k-labels-idx1-ubyte",
    }
    arrays = {}
    for name, stem in parts.items():
        file = next((folder / f"{stem}{end}" for end in (".gz", "") if (folder / f"{stem}{end}").exists()), None)
        if file is None:
            raise DataError(f"{folder}: no file {stem}.gz or {stem}.")
        arrays[name] = read_idx(file)
    return arrays


def read_idx(file: Path) -> Array:
    """Return an IDX file of bytes as uint8: two zeros, type, number of dimensions, big-endian sizes, then the values.

    LeCun, Cortes and Burges, "The MNIST database", file formats.
    """
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{file}: cannot be read: {error}.") from error
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != IDX_BYTES:
        raise DataError(f"{file}: is no IDX file of bytes.")
    start = 4 + 4 * content[3]
    shape = tuple(np.frombuffer(content[4:start], dtype=">u4").astype(int).tolist())
    if len(content) - start != int(np.prod(shape)):
        raise DataError(f"{file}: holds {len(content) - start:,} values, its heading says {int(np.prod(shape)):,}.")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def read_cifar(folder: Path, label_key: str) -> dict[str, Array]:
    """Return the four arrays of a folder of CIFAR batches: images (N, 32, 32, 3) uint8, labels (N,)."""
    train = sorted(folder.glob("data_batch_*")) or [folder / "train"]
    test = next((folder / name for name in ("test_batch", "test") if (folder / name).exists()), folder / "test_batch")
    arrays = {}
    for part, files in (("train", train), ("test", [test])):
        batches = [_read_pickle(file) for file in files]
        try:
            pixels = np.concatenate([batch[b"data"] for batch in batches])
            labels = np.concatenate([batch[label_key.encode()] for batch in batches])
        except KeyError as error:
            raise DataError(f"{folder}: a batch has no {error}.") from error
        arrays[f"x_{part}"] = np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        arrays[f"y_{part}"] = labels
    return arrays


def _read_pickle(file: Path) -> Any:
    try:
        with file.open("rb") as stream:
            return ArrayUnpickler(stream, encoding="bytes").load()
    except (OSError, EOFError, ValueError, TypeError, pickle.UnpicklingError) as error:
        raise DataError(f"{file}: cannot be read: {error}.") from error


class ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of NumPy arrays, lists and numbers; refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class that a pickle asks for, if it is one of NumPy's own."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no array")
        return super().find_class(module, name)


def read_ragged_npz(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Return arrays of a .npz file whose members may be lists of different length.

    Raises:
        DataError: If the file is damaged, lacks an array, or holds other Python objects.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in names:
                with archive.open(f"{name}.npy") as stream:
                    arrays[name] = _read_member(stream)  # type: ignore[arg-type]
    except KeyError as error:
        raise DataError(f"{path}: no array {error}.") from error
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise DataError(f"{path}: cannot be read: {error}.") from error
    return arrays


def _read_member(stream: BinaryIO) -> Array:
    shape, is_fortran, dtype = read_header(stream)
    if dtype.hasobject:
        return np.asarray(ArrayUnpickler(stream, encoding="bytes").load(), dtype=object)
    values = np.frombuffer(stream.read(), dtype=dtype)
    return values.reshape(shape, order="F" if is_fortran else "C")
