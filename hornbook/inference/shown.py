"""Inputs as something to look at on a page: pictures, the names and values of rows, or the first numbers of sequences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.data.source import Array, DataInfo
from hornbook.display.chart import data_uri
from hornbook.inference.mistakes import readable_rows

__all__ = ["Example", "examples_of_rows"]

LARGEST_SIDE = 96
"""Pixels of a picture's side, at most; larger ones are thinned."""
MOST_COLUMNS, MOST_VALUES = 12, 16


@dataclass(frozen=True)
class Example:
    """One input.

    Attributes:
        picture: As a PNG in a data URI; empty for anything but an image.
        size: The picture's width and height, px.
        values: (name, text) of a row's columns.
        text: The first numbers of a sequence.
        left_out: Columns or numbers that are not among these.
    """

    picture: str = ""
    size: tuple[int, int] = (0, 0)
    values: tuple[tuple[str, str], ...] = ()
    text: str = ""
    left_out: int = 0


def examples_of_rows(info: DataInfo, x: Any, places: Sequence[int]) -> list[Example]:
    """Return some inputs as something to look at.

    Args:
        info: Facts about the data.
        x: The split's inputs.
        places: Which of them.
    """
    if not len(places):
        return []
    inputs = x[np.asarray(places)]
    if info.kind == "image":
        finite = inputs[np.isfinite(inputs)]
        ends = (min(0.0, float(finite.min())), float(finite.max())) if finite.size else (0.0, 1.0)
        return [_picture(image, ends) for image in inputs]
    return _rows(readable_rows(inputs, info)) if info.kind == "table" else [_sequence(info, one) for one in inputs]


def _picture(image_HWC: Array, ends: tuple[float, float]) -> Example:
    """Return an image as a small PNG, grey or red, green and blue; `ends` are the numbers of black and white."""
    step = max(1, -(-max(image_HWC.shape[:2]) // LARGEST_SIDE))
    pixels = image_HWC[::step, ::step].astype(np.float64)
    pixels = np.nan_to_num((pixels - ends[0]) / ((ends[1] - ends[0]) or 1.0)).clip(0, 1)
    colors = pixels[..., :3] if pixels.shape[-1] >= 3 else np.repeat(pixels[..., :1], 3, axis=-1)
    return Example(picture=data_uri(np.ascontiguousarray(colors)), size=(colors.shape[1], colors.shape[0]))


def _rows(columns: Mapping[str, Sequence[str | float | None]]) -> list[Example]:
    """Return the rows of a table, cut to its first columns."""
    shown = list(columns.items())[:MOST_COLUMNS]
    texts = [[(name, _text(value)) for value in values] for name, values in shown]
    return [Example(values=row, left_out=len(columns) - len(shown)) for row in zip(*texts, strict=True)]


def _text(value: str | float | None) -> str:
    return "missing" if value is None else value if isinstance(value, str) else f"{value:.6g}"


def _sequence(info: DataInfo, sequence: Array) -> Example:
    flat = np.ravel(sequence)
    if info.kind == "tokens":
        flat = flat[flat != 0]  # padding
    shown = " ".join(f"{value:.4g}" for value in flat[:MOST_VALUES])
    return Example(text=shown, left_out=max(flat.size - MOST_VALUES, 0))
