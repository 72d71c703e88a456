"""A saved model of any kind, read without Keras: `.keras`, HDF5 (`.h5`), or weights alone (`.weights.h5`).

HDF5 files can point to other files and unpack to far more than they hold; both are refused before anything is read.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook.errors import RunError
from hornbook.runs.keras_file import MAX_CONFIG, MAX_RATIO, StoredModel, read_keras_file, stored_model

__all__ = ["StoredWeights", "check_hdf5", "read_model_file", "read_weights_file"]

OWN_ORDER = "layers"
"""The group in which Keras 3 numbers the layers of each class."""
UNSAVED = "seed_generator"  # early releases of Keras 3 wrote its state
MAX_DEPTH = 64  # groups in groups; a link may lead round in a circle


@dataclass(frozen=True)
class StoredWeights:
    """The weights of one layer in a file.

    Attributes:
        name: The layer's name; its place in the file where that holds no name.
        shapes: Shapes of its weights by their place below the layer.
    """

    name: str
    shapes: dict[str, tuple[int, ...]]

    def text(self) -> str:
        """Return the shapes for people: ``(64, 30), (30,)``."""
        return ", ".join(map(str, self.shapes.values()))


def read_model_file(path: Path, *, known: Collection[str] = ()) -> StoredModel:
    """Return what a `.keras` or `.h5` file says about its network; arguments and errors as of `read_keras_file`."""
    if path.suffix == ".keras":
        return read_keras_file(path, known=known)
    with _opened(path) as file:
        config = file.attrs.get("model_config")
        if config is None:
            raise RunError(f"{path}: holds no model, only weights or other data. {_advice(file)}")
        text = config.decode() if isinstance(config, bytes) else str(config)
        if len(text) > MAX_CONFIG:
            raise RunError(f"{path}: its description of the model has {len(text):,} bytes, so it is not read.")
    try:
        return stored_model(json.loads(text), path, known=known)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise RunError(f"{path}: this is not a model saved by Keras as .h5.") from error


def read_weights_file(path: Path) -> dict[str, StoredWeights]:
    """Return what a `.weights.h5` file holds, by each layer's place in it: ``layers/dense_1``.

    Raises:
        RunError: If there is no such file, or Keras 3 did not write it.
    """
    found: dict[str, StoredWeights] = {}
    with _opened(path) as file:
        if OWN_ORDER not in file:
            raise RunError(f"{path}: holds no weights in the form of Keras 3. {_advice(file)}")
        for place, group in file[OWN_ORDER].items():
            shapes: dict[str, tuple[int, ...]] = {}
            group.visititems(lambda name, item, shapes=shapes: _note_shape(name, item, shapes))
            if shapes:
                own = group["vars"].attrs.get("name") if "vars" in group else None
                found[f"{OWN_ORDER}/{place}"] = StoredWeights(str(own or place), shapes)
    return found


def _note_shape(name: str, item: Any, shapes: dict[str, tuple[int, ...]]) -> None:
    if hasattr(item, "shape") and UNSAVED not in name:
        shapes[name] = tuple(item.shape)


def _advice(file: Any) -> str:
    """Return what to do about a file of another kind."""
    if "model_config" in file.attrs:
        return "It is a whole model: name it .h5."
    if OWN_ORDER in file:
        return "Name it .weights.h5 if it has the weights of the recipe's own network."
    if "layer_names" in file.attrs or "_layer_checkpoint_dependencies" in file:
        return "Keras 2 wrote it: load it into its network with Keras, and save that as .keras."
    return "Load it with what wrote it, and save the model as .keras."


def check_hdf5(path: Path) -> None:
    """Raise a RunError unless a file is HDF5 that can be read safely."""
    with _opened(path):
        pass


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Give an HDF5 file of which every part lies in itself and is hardly packed."""
    import h5py  # only a recipe that reuses such a file needs it

    if not path.is_file():
        raise RunError(f"{path}: there is no such file.")
    try:
        with h5py.File(path, "r") as file:
            for name, item in _parts(file, h5py, path):
                if isinstance(item, h5py.Dataset):
                    _check_dataset(name, item, path)
            yield file
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:  # h5py's ways to call a file damaged
        raise RunError(f"{path}: is damaged, or no HDF5 file.") from error


def _parts(group: Any, h5py: Any, path: Path, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield all parts below a group by their paths.

    Raises:
        RunError: If one is a link: it may lead into other files, or round in a circle.
    """
    for key in group:
        name = f"{above}{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise RunError(f"{path}: {name} in it is a link, which Keras writes none of, so it is not read.")
        if above.count("/") > MAX_DEPTH:
            raise RunError(f"{path}: its groups are nested too deeply, so it is not read.")
        item = group[key]
        yield name, item
        if isinstance(item, h5py.Group):
            yield from _parts(item, h5py, path, f"{name}/")


def _check_dataset(name: str, item: Any, path: Path) -> None:
    if item.external or item.is_virtual:
        raise RunError(f"{path}: the values of {name} are in other files, so it is not read.")
    size, packed = item.size * item.dtype.itemsize if item.size else 0, item.id.get_storage_size()
    if size > max(MAX_RATIO * packed, MAX_CONFIG):
        raise RunError(f"{path}: {name} in it unpacks from {packed:,} to {size:,} bytes, so it is not read.")
