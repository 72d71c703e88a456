"""Inputs as something to look at on a page: pictures, the names and values of rows, or the first numbers of sequences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.data.facts import DataInfo
from hornbook.data.source import Array
from hornbook.data.text.encoder import TextEncoder
from hornbook.display.chart import data_uri
from hornbook.inference.mistakes import readable_rows

__all__ = ["Example", "examples_of_rows"]

LARGEST_SIDE = 96
"""Pixels of a picture's side, at most; larger ones are thinned."""
SMALLEST_SIDE = 96
"""Pixels of a heated picture's side, at least: a map is smooth, however few pixels the picture has."""
WARM, WARMEST = (255, 96, 0), 0.75
"""The color of heat, red, green and blue, and how much of it the strongest place has."""
MOST_COLUMNS, MOST_VALUES, MOST_TOKENS = 12, 16, 40


@dataclass(frozen=True)
class Example:
    """One input.

    Attributes:
        picture: As a PNG in a data URI; empty for anything but an image.
        size: The picture's width and height, px.
        values: (name, text) of a row's columns.
        text: The first numbers of a sequence.
        left_out: Columns or numbers that are not among these.
        heated: The picture with where the network saw what it predicted laid over it, as a PNG in a data URI.
    """

    picture: str = ""
    size: tuple[int, int] = (0, 0)
    values: tuple[tuple[str, str], ...] = ()
    text: str = ""
    left_out: int = 0
    heated: str = ""


def examples_of_rows(info: DataInfo, x: Any, places: Sequence[int], heat_BHW: Array | None = None) -> list[Example]:
    """Return some inputs as something to look at.

    Args:
        info: Facts about the data.
        x: The split's inputs.
        places: Which of them.
        heat_BHW: What to lay over each picture, from 0 to 1; nothing over one that is 0 everywhere.
    """
    if not len(places):
        return []
    inputs = x[np.asarray(places)]
    if info.kind == "image":
        finite = inputs[np.isfinite(inputs)]
        ends = (min(0.0, float(finite.min())), float(finite.max())) if finite.size else (0.0, 1.0)
        heats = [None] * len(inputs) if heat_BHW is None else list(heat_BHW)
        return [_picture(image, ends, heat) for image, heat in zip(inputs, heats, strict=True)]
    return _rows(readable_rows(inputs, info)) if info.kind == "table" else [_sequence(info, one) for one in inputs]


def _picture(image_HWC: Array, ends: tuple[float, float], heat_HW: Array | None) -> Example:
    """Return an image as a small PNG, grey or red, green and blue; `ends` are the numbers of black and white."""
    step = max(1, -(-max(image_HWC.shape[:2]) // LARGEST_SIDE))
    pixels = image_HWC[::step, ::step].astype(np.float64)
    pixels = np.nan_to_num((pixels - ends[0]) / ((ends[1] - ends[0]) or 1.0)).clip(0, 1)
    colors = pixels[..., :3] if pixels.shape[-1] >= 3 else np.repeat(pixels[..., :1], 3, axis=-1)
    heated = "" if heat_HW is None or not heat_HW.any() else data_uri(_heated(colors, heat_HW))
    size = colors.shape[1], colors.shape[0]
    return Example(picture=data_uri(np.ascontiguousarray(colors)), size=size, heated=heated)


def _heated(colors_HWC: Array, heat_HW: Array) -> Array:
    """Return a picture in grey, the warmer the more a map says; the map is smoothed to its size."""
    import keras

    height, width = (max(size, SMALLEST_SIDE) for size in colors_HWC.shape[:2])
    grey = keras.ops.image.resize(colors_HWC.mean(axis=-1)[..., None], (height, width), "nearest")
    heat = np.asarray(keras.ops.image.resize(heat_HW[..., None], (height, width), "bilinear"))
    share = WARMEST * np.clip(heat, 0, 1)
    return np.ascontiguousarray((1 - share) * np.asarray(grey) + share * np.array(WARM) / 255)


def _rows(columns: Mapping[str, Sequence[str | float | None]]) -> list[Example]:
    """Return the rows of a table, cut to its first columns."""
    shown = list(columns.items())[:MOST_COLUMNS]
    texts = [[(name, _text(value)) for value in values] for name, values in shown]
    return [Example(values=row, left_out=len(columns) - len(shown)) for row in zip(*texts, strict=True)]


def _text(value: str | float | None) -> str:
    return "missing" if value is None else value if isinstance(value, str) else f"{value:.6g}"


def _sequence(info: DataInfo, sequence: Array) -> Example:
    flat = np.ravel(sequence)
    texts = info.extra.get("texts", {})
    if info.kind == "tokens" and texts:
        encoder = TextEncoder.of_facts(next(iter(texts.values())))
        return Example(text=encoder.text_of(flat[:MOST_TOKENS]), left_out=max(int((flat != 0).sum()) - MOST_TOKENS, 0))
    if info.kind == "tokens":
        flat = flat[flat != 0]  # padding
    shown = " ".join(f"{value:.4g}" for value in flat[:MOST_VALUES])
    return Example(text=shown, left_out=max(flat.size - MOST_VALUES, 0))
