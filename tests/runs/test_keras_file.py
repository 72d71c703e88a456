"""A saved model whose file was made to hurt: it is not unpacked, and its config is not followed for ever."""

import zipfile

import pytest

from hornbook.errors import RunError
from hornbook.runs.keras_file import read_keras_file


@pytest.fixture
def keras_file(tmp_path):
    """A function: {name: bytes} → a .keras file of these parts."""

    def make(parts):
        path = tmp_path / "model.keras"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        return path

    return make


@pytest.mark.parametrize("part", ["config.json", "model.weights.h5"])
def test_what_unpacks_to_far_more_is_not_unpacked(keras_file, part):
    path = keras_file({"config.json": b"{}"} | {part: bytes(2**26 + 1)})
    with pytest.raises(RunError, match=rf"{part} in it unpacks from .* to 67,108,865 bytes, so it is not read"):
        read_keras_file(path)


@pytest.mark.parametrize(
    "config",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b"null",
        b"[1]",
        b'{"class_name": "Sequential", "config": {"layers": [3]}}',
        b"\xff",
    ],
    ids=["deep", "null", "list", "layers", "latin1"],
)
def test_a_config_that_is_none_is_named(keras_file, config):
    with pytest.raises(RunError, match=r"model\.keras: this is not a model saved by Keras 3"):
        read_keras_file(keras_file({"config.json": config}))
