"""Uploaded pictures → inputs: the channels, size and range of values that the model was trained on."""

import base64
import io
import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from PIL import Image

from hornbook.data.facts import DataInfo
from hornbook.data.pictures.decode import PictureError, TooLargeError, decode, fitted, in_channels, upright
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.source import Array
from hornbook.serving.errors import RequestError
from hornbook.serving.facts import Facts

__all__ = ["MOST_PICTURES", "Fitted", "example", "of_pictures", "pixels_beside"]

Fitted = tuple[Array, tuple[str, ...]]
"""Inputs (N, …) as the model takes them, and notes for who sent them."""
MOST_PICTURES = 256
"""So many are taken at once."""
MOST_PIXELS = 40_000_000
BACKGROUND = "white"
DATA_URL = re.compile(r"data:[^,]*;base64,")


def of_pictures(files: Sequence[tuple[str, bytes]], facts: Facts, info: DataInfo) -> Fitted:
    """Return pictures, files by name, as inputs; notes say what was changed in them.

    Raises:
        RequestError: If the model takes no pictures, or a file is none.
    """
    if info.kind != "image":
        raise RequestError(400, f"files: the model reads {info.kind} inputs, no pictures. Send JSON.")
    top = _top(facts, info)
    notes: dict[str, None] = {}
    pictures = [_read(data, name, info, notes) for name, data in files]
    x = np.stack(pictures) * (top / 255.0)
    if info.input_dtype == "uint8":
        return np.rint(x).astype(np.uint8), tuple(notes)
    return x.astype(np.float32), tuple(notes)


def pixels_beside(values: Sequence[Any], name: str, info: DataInfo, notes: dict[str, None]) -> Array:
    """Return the pixels (N, H, W, C) uint8 of a column of pictures that stands beside other columns.

    Args:
        values: The picture of each row: the bytes of its file, or their base64, in a data URL or by itself.
        name: The column.
        info: Facts about the data that the model was trained on.
        notes: Where it is said what was changed in a picture.

    Raises:
        RequestError: If one is missing or cannot be read.
    """
    settings = PictureSettings.from_json(info.extra["picture_columns"]["settings"])
    pixels = np.empty((len(values), *settings.shape), np.uint8)
    for place, value in enumerate(values):
        where = f"column '{name}' of row {place + 1:,}"
        pixels[place] = _decoded(_bytes_of(value, where), where, settings, notes)
    return pixels


def example() -> str:
    """Return a picture, grey all over, as base64 of its file."""
    file = io.BytesIO()
    Image.new("L", (8, 8), 128).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _bytes_of(value: Any, where: str) -> bytes:
    """Return the bytes of a file that a form or JSON holds."""
    if isinstance(value, bytes):
        return value
    if value is None or value == "":
        raise RequestError(400, f"{where}: there is no picture.")
    text = DATA_URL.sub("", value, count=1) if isinstance(value, str) else "?"
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        raise RequestError(400, f"{where}: the base64 of a picture's file is expected.") from None


def _top(facts: Facts, info: DataInfo) -> float:
    """Return the value of a white pixel in the training data."""
    if facts.scale is not None:
        return facts.scale
    largest = float(info.extra.get("inputs", {}).get("largest", np.inf))
    if largest <= 1:
        return 1.0
    raise RequestError(
        400,
        'files: it is not known which numbers the training pictures\' pixels had. Send numbers: {"inputs": [[…], …]}.',
    )


def _read(data: bytes, name: str, info: DataInfo, notes: dict[str, None]) -> Array:
    """Return a picture (H, W, C) as numbers from 0 to 255."""
    height, width, channels = info.input_shape
    if channels not in {1, 3, 4}:
        raise RequestError(400, f"{name}: the model reads {channels} channels, which no picture has. Send numbers.")
    if height is None or width is None:
        raise RequestError(400, f"{name}: the model takes pictures of any size, which cannot be uploaded.")
    settings = PictureSettings.of_run(info.extra)
    if settings is not None:
        return _decoded(data, name, settings, notes)
    try:
        changed: set[str] = set()
        picture = upright(data, most_pixels=MOST_PIXELS)
        image = in_channels(picture.image, channels, BACKGROUND, changed)
    except PictureError as error:
        raise _unread(name, error) from error
    _tell(changed, name, notes, BACKGROUND)
    if image.size != (width, height):
        notes[f"{name}: resized from {image.width} × {image.height} to {width} × {height} pixels."] = None
    stretch = PictureSettings(height, width, "stretch", channels, BACKGROUND)
    return np.asarray(fitted(image, stretch), np.float64).reshape(height, width, channels)


def _decoded(data: bytes, name: str, settings: PictureSettings, notes: dict[str, None]) -> Array:
    """Return a picture (H, W, C) uint8 as training read it.

    Raises:
        RequestError: If it cannot be read.
    """
    try:
        found = decode(data, settings, most_pixels=MOST_PIXELS)
    except PictureError as error:
        raise _unread(name, error) from error
    _tell(found.notes, name, notes, settings.background)
    return found.pixels


def _unread(name: str, error: PictureError) -> RequestError:
    status = 413 if isinstance(error, TooLargeError) else 400
    return RequestError(status, f"{name}: is no picture that can be read: it {error}.")


def _tell(changed: Collection[str], name: str, notes: dict[str, None], background: str) -> None:
    """Note what was changed in a picture that whoever sent it should know."""
    if "transparent" in changed:
        notes[f"{name}: its transparent parts were taken for {background}."] = None
    if "colour_to_grey" in changed:
        notes[f"{name}: its colours were turned to grey."] = None
