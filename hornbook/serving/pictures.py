"""Uploaded pictures → inputs: the channels, size and range of values that the model was trained on."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from hornbook.data.source import Array, DataInfo
from hornbook.serving.errors import RequestError
from hornbook.serving.facts import Facts
from hornbook.serving.inputs import Fitted

__all__ = ["of_pictures"]

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
MOST_PIXELS = 40_000_000


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
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture: Any = Image.open(io.BytesIO(data), formats=FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                raise RequestError(413, f"{name}: {picture.width:,} × {picture.height:,} pixels are too many.")
            picture = ImageOps.exif_transpose(picture)
            picture = _in_channels(picture, channels, name, notes)
            if height is None or width is None or channels is None:
                raise RequestError(400, f"{name}: the model takes pictures of any size, which cannot be uploaded.")
            if picture.size != (width, height):
                was = f"{picture.width} × {picture.height}"
                notes[f"{name}: resized from {was} to {width} × {height} pixels."] = None
                picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    except RequestError:
        raise
    except Exception as error:  # a damaged file may fail in many ways
        kinds = ", ".join(FORMATS)
        raise RequestError(400, f"{name}: is no picture that can be read. Expected one of {kinds}.") from error
    return np.asarray(picture, np.float64).reshape(height, width, channels)


def _in_channels(picture: Any, channels: int | None, name: str, notes: dict[str, None]) -> Any:
    """Return a picture in grey or in colours, its transparent parts white."""
    if picture.mode.startswith("I"):  # 16 bits
        picture = Image.fromarray((np.asarray(picture, np.float64) / 257).clip(0, 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        if picture.getextrema()[3][0] < 255:
            notes[f"{name}: its transparent parts were taken for white."] = None
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture)
    modes = {1: "L", 3: "RGB", 4: "RGBA"}
    if channels not in modes:
        raise RequestError(400, f"{name}: the model reads {channels} channels, which no picture has. Send numbers.")
    mode = modes[channels]
    is_grey = picture.mode in {"1", "L", "LA"}
    if channels == 1 and not is_grey:
        grey = picture.convert("L")
        if np.abs(np.asarray(picture.convert("RGB"), np.int16) - np.asarray(grey, np.int16)[..., None]).max() > 2:
            notes[f"{name}: its colours were turned to grey."] = None
        return grey
    return picture if picture.mode == mode else picture.convert(mode)
