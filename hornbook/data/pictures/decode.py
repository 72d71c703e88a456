"""The one place that turns a picture file into pixels, for training, prediction and the service alike. On Pillow.

A picture is turned upright as its EXIF orientation says, brought to grey or to red, green and blue, laid onto the background
where it is transparent, and fitted to its size. What was changed on the way is noted. Colour profiles are not applied.
"""

import io
import re
import threading
import warnings
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

from hornbook.data.pictures.settings import PictureSettings
from hornbook.data.storage.readers import Array

__all__ = [
    "NOTES", "QUIET", "Decoded", "PictureError", "TooLargeError", "Upright", "decode", "fitted",
    "in_channels", "upright",
]  # fmt: skip

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
READABLE = "JPEG, PNG, GIF, BMP, WebP, TIFF or PPM"
MOST_PIXELS = 100_000_000
"""Of a picture that is read; a small file may claim any size. Large cameras make half of that."""
NOTES = {
    "turned": "turned upright (EXIF)",
    "first_frame": "animated or of several pages, the first one read",
    "palette": "with a palette",
    "cmyk": "CMYK",
    "sixteen_bit": "of 16 bits, reduced to 8",
    "bilevel": "black and white",
    "transparent": "transparent, laid on the background",
    "grey_to_colour": "grey, the same in all channels",
    "colour_to_grey": "in colour, turned to grey",
    "enlarged": "enlarged",
}
"""What may have been changed in a picture, and what to call such pictures: "12 pictures were …"."""
OTHER_KINDS = (
    (rb"^.{4}ftyp(heic|heix|mif1|msf1|hevc)", "HEIC"),
    (rb"^.{4}ftypavi[fs]", "AVIF"),
    (rb"^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg", "SVG"),
    (rb"^%PDF", "PDF"),
    (rb"^\s*<(!doctype )?html", "a web page"),
    (rb"^version https://git-lfs", "a pointer of Git LFS, whose file was not fetched"),
    (rb"^8BPS", "Photoshop"),
    (rb"^PK\x03\x04", "a zip archive"),
    (rb"^\x00*$", "nothing but zeros"),
)
GREY = frozenset({"1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I;16N", "I"})
MAY_HOLD_ORIENTATION = frozenset({"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"})
THUMB = 16
COLOURFUL = 2  # a difference of channels that rounding does not explain
Picture = Any  # Pillow's images; its types change with its versions


class PictureError(Exception):
    """A file that cannot be read as a picture. The text is the reason, to stand behind the file's name."""


class TooLargeError(PictureError):
    """A file that claims more pixels than are read."""


class _Quiet:
    """Holds back warnings while any thread is inside: Python's own `catch_warnings` is for one thread alone."""

    def __init__(self) -> None:
        self._lock, self._inside, self._stack = threading.Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._stack.enter_context(warnings.catch_warnings(action="ignore"))
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._stack.close()


QUIET = _Quiet()
"""Inside it Pillow says nothing about odd files."""


@dataclass(frozen=True)
class Upright:
    """A picture as it is to be looked at, before its colours and size are changed.

    Attributes:
        image: Pillow's image, of 8 bits; smaller than the file's where less was asked for.
        format: As Pillow calls it.
        mode: As it was stored, by Pillow's names.
        width: As it was stored, upright.
        height: As it was stored, upright.
        notes: What was changed: keys of `NOTES`.
    """

    image: Picture
    format: str
    mode: str
    width: int
    height: int
    notes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Decoded:
    """A picture's pixels and facts.

    Attributes:
        pixels: (H, W, C) uint8.
        format: As Pillow calls it.
        mode: As it was stored, by Pillow's names.
        width: As it was stored, upright.
        height: As it was stored, upright.
        notes: What was changed: keys of `NOTES`.
        thumb: (16, 16, 3) uint8: all of the picture, however it was fitted; what pictures are compared by.
    """

    pixels: Array
    format: str
    mode: str
    width: int
    height: int
    notes: frozenset[str] = frozenset()
    thumb: Array = field(default_factory=lambda: np.zeros((THUMB, THUMB, 3), np.uint8))


def decode(data: bytes, settings: PictureSettings, *, most_pixels: int = MOST_PIXELS) -> Decoded:
    """Return the pixels of a picture file as its settings say.

    Args:
        data: The bytes of the file.
        settings: What each picture becomes.
        most_pixels: More than so many are refused, before they are decoded.

    Raises:
        PictureError: If it cannot be read; with the reason.
    """
    wanted = 3 * settings.width // 2, 3 * settings.height // 2
    picture = upright(data, most_pixels=most_pixels, at_least=wanted)
    notes = set(picture.notes)
    image = in_channels(picture.image, settings.channels, settings.background, notes)
    if picture.width < settings.width or picture.height < settings.height:
        notes.add("enlarged")
    if picture.mode in GREY and settings.channels == 3:
        notes.add("grey_to_colour")
    small = image.resize((THUMB, THUMB), Image.Resampling.BILINEAR, reducing_gap=2.0).convert("RGB")
    pixels = np.frombuffer(fitted(image, settings).tobytes(), np.uint8).reshape(settings.shape)
    thumb = np.frombuffer(small.tobytes(), np.uint8).reshape(THUMB, THUMB, 3)
    facts = picture.format, picture.mode, picture.width, picture.height
    return Decoded(pixels, *facts, frozenset(notes), thumb)


def upright(data: bytes, *, most_pixels: int = MOST_PIXELS, at_least: tuple[int, int] | None = None) -> Upright:
    """Return a picture turned as it is to be looked at, of 8 bits.

    Args:
        data: The bytes of the file.
        most_pixels: More than so many are refused, before they are decoded.
        at_least: Width and height that are enough: a larger JPEG is decoded at a half, a quarter or an eighth of its size
            where that is larger still.

    Raises:
        PictureError: If it cannot be read; with the reason.
    """
    if not data:
        raise PictureError("is empty (0 bytes)")
    try:
        with QUIET:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            _check_size(image, most_pixels)
            return _loaded(image, at_least)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(_what_it_is(data)) from None
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\((\d+) pixels\)", str(error))
        raise TooLargeError(_too_large(f"{int(pixels[1]):,}" if pixels else "these", most_pixels)) from None
    except MemoryError:
        raise PictureError("takes more memory than there is") from None
    except Exception as error:  # Pillow's readers fail in many ways: OSError, SyntaxError, ValueError, struct.error …
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        is_cut = "truncated" in text or "Truncated" in text or "EOF" in text
        raise PictureError("is incomplete: the file ends too early" if is_cut else f"is damaged ({text})") from error


def _check_size(image: Picture, most_pixels: int) -> None:
    if image.width * image.height > most_pixels:
        raise TooLargeError(_too_large(f"{image.width:,} × {image.height:,}", most_pixels))
    if not image.width * image.height:
        raise PictureError("has no pixels")


def _too_large(pixels: str, most_pixels: int) -> str:
    return f"claims {pixels} pixels, at most {most_pixels:,} are read"


def _what_it_is(data: bytes) -> str:
    for pattern, name in OTHER_KINDS:
        if re.match(pattern, data[:1000], re.DOTALL | re.IGNORECASE):
            return f"is {name}; expected {READABLE}"
    return f"is no {READABLE} file"


def _loaded(image: Picture, at_least: tuple[int, int] | None) -> Upright:
    kind, mode, notes = str(image.format), str(image.mode), set()
    width, height = image.size
    if kind == "MPO":  # a JPEG with a second picture for depth
        kind = "JPEG"
    elif getattr(image, "n_frames", 1) > 1:
        notes.add("first_frame")
    has_exif = kind == "TIFF" or not MAY_HOLD_ORIENTATION.isdisjoint(image.info)
    orientation = image.getexif().get(0x0112, 1) if has_exif else 1
    is_sideways = orientation in {5, 6, 7, 8}
    if at_least is not None and kind == "JPEG":
        image.draft(None, at_least[::-1] if is_sideways else at_least)
    image.load()
    if orientation in range(2, 9):
        image = ImageOps.exif_transpose(image)
        notes.add("turned")
    if kind != "JPEG":
        width, height = image.size
    elif is_sideways:
        width, height = height, width
    notes |= {"1": {"bilevel"}, "P": {"palette"}, "PA": {"palette"}, "CMYK": {"cmyk"}}.get(mode, set())
    if mode == "F" or (mode == "I" and kind == "TIFF"):
        numbers = "fractions" if mode == "F" else "numbers of 32 bits"
        raise PictureError(f"holds {numbers}, of which it is not known which one is white; save it with 8 or 16 bits")
    if mode.startswith("I"):
        notes.add("sixteen_bit")
        image = Image.fromarray(np.rint(np.asarray(image).astype(np.float32) / 257).clip(0, 255).astype(np.uint8))
    return Upright(image, kind, mode, width, height, frozenset(notes))


def in_channels(image: Picture, channels: int, background: str, notes: set[str]) -> Picture:
    """Return a picture of 8 bits as grey (1), RGB (3) or RGBA (4); what had to be changed is added to the notes."""
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getextrema()[3][0] < 255:
            notes.add("transparent")
            paper = Image.new("RGBA", image.size, background)
            image = Image.alpha_composite(paper, image)
        if mode != "RGBA":
            image = image.convert("RGB")
    if mode == "L" and image.mode not in GREY:
        coloured = image.convert("RGB")
        image = coloured.convert("L")
        if _is_coloured(coloured):
            notes.add("colour_to_grey")
    return image if image.mode == mode else image.convert(mode)


def _is_coloured(image: Picture) -> bool:
    red, green, blue = (np.asarray(band, np.int16) for band in image.split())
    return int(max(np.abs(red - green).max(), np.abs(blue - green).max())) > COLOURFUL


def fitted(image: Picture, settings: PictureSettings) -> Picture:
    """Return a picture of the settings' size."""
    size = settings.width, settings.height
    if image.size == size:
        return image
    width, height = image.size
    if settings.fit == "stretch":
        return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
    if settings.fit == "crop":
        scale = max(size[0] / width, size[1] / height)
        left, top = (width - size[0] / scale) / 2, (height - size[1] / scale) / 2
        box = max(left, 0.0), max(top, 0.0), min(width - left, width), min(height - top, height)
        return image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=3.0)
    scale = min(size[0] / width, size[1] / height)
    inner = min(max(round(width * scale), 1), size[0]), min(max(round(height * scale), 1), size[1])
    paper = Image.new(image.mode, size, ImageColor.getcolor(settings.background, image.mode))
    place = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    paper.paste(image.resize(inner, Image.Resampling.BILINEAR, reducing_gap=3.0), place)
    return paper
