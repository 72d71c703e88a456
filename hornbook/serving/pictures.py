"""Uploaded pictures → inputs: the channels, size and range of values that the model was trained on."""

from collections.abc import Collection, Sequence

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.pictures.decode import PictureError, TooLargeError, decode, fitted, in_channels, upright
from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.source import Array
from hornbook.serving.errors import RequestError
from hornbook.serving.facts import Facts
from hornbook.serving.inputs import Fitted

__all__ = ["of_pictures"]

MOST_PIXELS = 40_000_000
BACKGROUND = "white"


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
    try:
        if settings is not None:
            found = decode(data, settings, most_pixels=MOST_PIXELS)
            _tell(found.notes, name, notes, settings.background)
            return found.pixels
        changed: set[str] = set()
        picture = upright(data, most_pixels=MOST_PIXELS)
        image = in_channels(picture.image, channels, BACKGROUND, changed)
    except PictureError as error:
        status = 413 if isinstance(error, TooLargeError) else 400
        raise RequestError(status, f"{name}: is no picture that can be read: it {error}.") from error
    _tell(changed, name, notes, BACKGROUND)
    if image.size != (width, height):
        notes[f"{name}: resized from {image.width} × {image.height} to {width} × {height} pixels."] = None
    stretch = PictureSettings(height, width, "stretch", channels, BACKGROUND)
    return np.asarray(fitted(image, stretch), np.float64).reshape(height, width, channels)


def _tell(changed: Collection[str], name: str, notes: dict[str, None], background: str) -> None:
    """Note what was changed in a picture that whoever sent it should know."""
    if "transparent" in changed:
        notes[f"{name}: its transparent parts were taken for {background}."] = None
    if "colour_to_grey" in changed:
        notes[f"{name}: its colours were turned to grey."] = None
