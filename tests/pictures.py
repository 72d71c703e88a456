"""Pictures in files, for tests: scikit-learn's handwritten digits as JPEG, PNG … of several sizes and modes."""

import functools
import io
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

KINDS = (
    ("JPEG", "RGB"),
    ("PNG", "L"),
    ("PNG", "RGBA"),
    ("JPEG", "CMYK"),
    ("GIF", "P"),
    ("BMP", "RGB"),
    ("TIFF", "I;16"),
)
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif", "WEBP": ".webp"}
SIZES = ((24, 24), (32, 24), (20, 30), (48, 48))


digits = functools.cache(load_digits)


def encoded(image, kind="PNG", **options):
    """Return the bytes of a file that holds a picture."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def in_mode(grey, mode):
    """Return a grey picture in a mode of Pillow's."""
    if mode == "I;16":
        return Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    return grey.convert("RGB").convert(mode) if mode in {"CMYK", "P", "RGBA"} else grey.convert(mode)


def digit(number, size=(24, 24)):
    """Return one of the digits as a grey picture, dark on light."""
    values = 255 - np.rint(digits().images[number] * 255 / 16).astype(np.uint8)
    return Image.fromarray(values).resize(size, Image.Resampling.BICUBIC)


def write_digits(folder, per_class=12, classes=3, kinds=KINDS, sizes=SIZES):
    """Write digits into a folder for each class, and return the folder. Each picture is another one."""
    target = digits().target
    for label in range(classes):
        place = Path(folder) / "abcdefghij"[label]
        place.mkdir(parents=True, exist_ok=True)
        for count, number in enumerate(np.flatnonzero(target == label)[:per_class].tolist()):
            kind, mode = kinds[count % len(kinds)]
            image = in_mode(digit(number, sizes[count % len(sizes)]), mode)
            (place / f"{count:03}{SUFFIXES[kind]}").write_bytes(encoded(image, kind))
    return Path(folder)


def bomb(width=20_000, height=20_000):
    """Return a small PNG file whose heading claims so many pixels."""
    import struct
    import zlib

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    heading = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", heading) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )
