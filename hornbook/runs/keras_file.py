"""A saved Keras model read without Keras: its layers, how they are connected, and whether loading it would run code.

A `.keras` file is a zip archive; `config.json` in it describes the network. Reading that is enough to check a recipe that
reuses the model, and executes nothing.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hornbook.errors import RunError

__all__ = [
    "NETWORK", "StoredLayer", "StoredModel", "checksum", "read_config", "read_keras_file", "stored_model",
]  # fmt: skip

OWN_PACKAGE = "hornbook"
NETWORK = "network"
"""Name of the layer that is the whole network, in a saved model that shows more."""
MAX_CONFIG = 2**26
"""Bytes of a config; a network of a thousand layers has one million."""
MAX_RATIO = 20
"""How often a part may be larger than its packed form; weights are hardly ever."""
WITH_WEIGHTS = re.compile(
    r"Dense|Conv|BatchNormalization|LayerNormalization|GroupNormalization|RMSNormalization|Embedding|RNN|LSTM|GRU"
    r"|Bidirectional|PReLU|Attention|Functional|Sequential|Model"
)
"""Classes of layers that learn something."""


@dataclass(frozen=True)
class StoredLayer:
    """One layer of a saved model.

    Attributes:
        name: Its name.
        class_name: Its class, ``Dense``.
        parents: Names of the layers whose outputs it reads.
        shape: Its input's shape for an input layer, None elsewhere.
    """

    name: str
    class_name: str
    parents: tuple[str, ...]
    shape: tuple[int | None, ...] | None = None

    @property
    def learns(self) -> bool:
        """Whether the layer has weights that training changes."""
        return WITH_WEIGHTS.search(self.class_name) is not None


@dataclass(frozen=True)
class StoredModel:
    """A saved network.

    Attributes:
        path: The file.
        layers: All layers, each behind those it reads.
        needs_code: Classes that Keras can only load by running code from the file or from a foreign package.
    """

    path: Path
    layers: tuple[StoredLayer, ...]
    needs_code: tuple[str, ...]

    def names(self) -> list[str]:
        """Return the layers' names in order."""
        return [layer.name for layer in self.layers]


def checksum(path: Path) -> str:
    """Return a file's SHA-256 as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def read_keras_file(path: Path, *, known: Collection[str] = ()) -> StoredModel:
    """Return what a `.keras` file says about its network.

    Args:
        path: The file.
        known: Names under which layers of installed packages are registered with Keras; they are no code of the file.

    Raises:
        RunError: If there is no such file, or it is no Keras model.
    """
    with _as_keras_file(path):
        return stored_model(_config(path), path, known=known)


def read_config(path: Path) -> Any:
    """Return what Keras has written of a model in a `.keras` file, parsed; errors as of `read_keras_file`."""
    with _as_keras_file(path):
        return _config(path)


def _config(path: Path) -> Any:
    import zipfile  # only a recipe that reuses a model needs it

    if not path.is_file():
        raise RunError(f"{path}: there is no such file.")
    try:
        with zipfile.ZipFile(path) as archive:
            for item in archive.infolist():
                _check_size(item.filename, item.compress_size, item.file_size, path)
            return json.loads(archive.read("config.json"))
    except zipfile.BadZipFile as error:
        raise ValueError("no archive") from error


@contextlib.contextmanager
def _as_keras_file(path: Path) -> Iterator[None]:
    """Call what goes wrong with a file that it is no Keras model."""
    try:
        yield
    except (OSError, KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise RunError(f"{path}: this is not a model saved by Keras 3 as .keras.") from error


def _check_size(name: str, packed: int, size: int, path: Path) -> None:
    """Refuse what unpacks to far more than Keras writes: its config is text, and it does not compress weights.

    Raises:
        RunError: If it does.
    """
    most = MAX_CONFIG if name.endswith(".json") else max(MAX_RATIO * packed, MAX_CONFIG)
    if size > most:
        raise RunError(f"{path}: {name} in it unpacks from {packed:,} to {size:,} bytes, so it is not read.")


def stored_model(config: Mapping[str, Any], path: Path, *, known: Collection[str] = ()) -> StoredModel:
    """Return what a serialized model's config says.

    Raises:
        RunError: If the model is a class of its own, whose layers the config does not show.
    """
    shown = next((layer for layer in config["config"].get("layers", ()) if _is_network(layer)), config)
    layers = tuple(_layers(shown["class_name"], shown["config"]))
    if not layers:
        raise RunError(f"{path}: this model is built in code, so its layers cannot be taken apart.")
    return StoredModel(path, layers, tuple(sorted(set(_foreign(config, known)))))


def _is_network(layer: Mapping[str, Any]) -> bool:
    """Return whether a layer is the whole network of a model that shows more, see `hornbook.builder.outside`."""
    return layer.get("class_name") == "Functional" and layer.get("config", {}).get("name") == NETWORK


def _layers(class_name: str, config: Mapping[str, Any]) -> Iterator[StoredLayer]:
    if class_name not in {"Functional", "Sequential", "Model"} or "layers" not in config:
        return
    before: tuple[str, ...] = ()
    ordered = []
    for layer in config["layers"]:
        own = layer.get("config", {})
        name = str(layer.get("name") or own.get("name"))
        shape = own.get("batch_shape", own.get("batch_input_shape"))
        parents = before if class_name == "Sequential" else tuple(dict.fromkeys(_parents(layer.get("inbound_nodes"))))
        is_input = layer["class_name"] == "InputLayer"
        ordered.append(
            StoredLayer(name, layer["class_name"], parents, tuple(shape[1:]) if is_input and shape else None)
        )
        before = (name,)
    yield from _in_order(ordered)


def _in_order(layers: list[StoredLayer]) -> Iterator[StoredLayer]:
    """Yield every layer behind its parents, otherwise in the file's order."""
    waiting, done = list(layers), set[str]()
    known = {layer.name for layer in layers}
    while waiting:
        ready = next((layer for layer in waiting if all(p in done or p not in known for p in layer.parents)), None)
        if ready is None:
            raise ValueError("a layer reads its own output")
        waiting.remove(ready)
        done.add(ready.name)
        yield ready


def _parents(value: Any) -> Iterator[str]:
    """Yield the names of the layers that the tensors below a node's arguments come from."""
    if isinstance(value, Mapping):
        history = (
            value.get("config", {}).get("keras_history") if value.get("class_name") == "__keras_tensor__" else None
        )
        if history:
            yield str(history[0])
            return
        for item in value.values():
            yield from _parents(item)
    elif isinstance(value, list):
        if len(value) in {3, 4} and isinstance(value[0], str) and all(type(place) is int for place in value[1:3]):
            yield value[0]  # as Keras 2 wrote it: [layer, node, tensor, arguments]
            value = value[3:]
        for item in value:
            yield from _parents(item)


def _foreign(value: Any, known: Collection[str]) -> Iterator[str]:
    """Yield every class below a config that is neither Keras's own nor Hornbook's, and those that carry code."""
    if isinstance(value, Mapping):
        name, registered = value.get("class_name"), value.get("registered_name")
        module = value.get("module")
        if name in {"Lambda", "TFSMLayer", "__lambda__"}:
            yield str(name)
        elif isinstance(registered, str) and registered in known:
            pass
        elif isinstance(module, str) and module.split(".")[0] not in {"keras", "builtins", OWN_PACKAGE}:
            yield f"{module}.{name}"
        elif isinstance(registered, str) and ">" in registered and registered.split(">")[0] != OWN_PACKAGE:
            yield registered
        elif isinstance(name, str) and ">" in name and name.split(">")[0] != OWN_PACKAGE and name not in known:
            yield name  # the registered name, in files of the older format
        for item in value.values():
            yield from _foreign(item, known)
    elif isinstance(value, list):
        for item in value:
            yield from _foreign(item, known)
