"""The examples that a model gets most wrong, each as something to look at: a picture, or the names and values of a row."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.data.source import Array, DataInfo

__all__ = ["Example", "Mistake", "largest_residuals", "wrong_labels"]

MOST = 20
"""Mistakes that are shown."""
LARGEST_SIDE = 96
"""Pixels of a picture's side, at most; larger ones are thinned."""
MOST_COLUMNS, MOST_VALUES = 12, 16
LABELS_IN_WORDS = 4


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


@dataclass(frozen=True)
class Mistake:
    """An example with what it is and what it is taken for.

    Attributes:
        number: Its place in the split, from 0.
        truth, predicted: Class, labels or number.
        strength: Probability of what was predicted (or its lead over the truth, without probabilities); the residual of a
            regression.
        truth_strength: Probability of the truth; None where there is none.
        example: The input.
        target: Of several targets of a regression: the one that is meant.
    """

    number: int
    truth: str
    predicted: str
    strength: float
    truth_strength: float | None
    example: Example
    target: str = ""


def wrong_labels(
    info: DataInfo,
    x: Any,
    tables: tuple[Array, Array, Array],
    names: Sequence[str],
    kept: Array,
    *,
    is_probability: bool,
) -> tuple[Mistake, ...]:
    """Return the wrong predictions that the model was surest of.

    Args:
        info: Facts about the data.
        x: The split's inputs.
        tables: What is true (N, K), what was predicted (N, K), and how strongly each class was voted for (N, K).
        names: The classes'.
        kept: (N,) the examples' places in the split.
        is_probability: Whether the votes are probabilities.
    """
    truth_NK, predicted_NK, strength_NK = tables
    rows = np.flatnonzero((truth_NK != predicted_NK).any(axis=1))
    if not len(rows):
        return ()
    if info.task == "multilabel":
        middle = 0.5 if is_probability else 0.0
        of_wrong = np.where(truth_NK[rows] != predicted_NK[rows], np.abs(strength_NK[rows] - middle), -np.inf)
        sureness = middle + of_wrong.max(axis=1)
        of_truth = 2 * middle - sureness
    else:
        of_truth = strength_NK[rows, truth_NK[rows].argmax(axis=1)]
        sureness = strength_NK[rows, predicted_NK[rows].argmax(axis=1)]
    if not is_probability:
        sureness = sureness - of_truth
    order = np.argsort(-sureness, kind="stable")[:MOST]
    examples = _examples(info, x, kept[rows[order]])
    return tuple(
        Mistake(
            int(kept[rows[place]]),
            _words(truth_NK[rows[place]], names),
            _words(predicted_NK[rows[place]], names),
            float(sureness[place]),
            float(of_truth[place]) if is_probability else None,
            example,
        )
        for place, example in zip(order, examples, strict=True)
    )


def largest_residuals(
    info: DataInfo, x: Any, truth_NK: Array, predicted_NK: Array, names: Sequence[str], kept: Array
) -> tuple[Mistake, ...]:
    """Return the examples of a regression that are predicted worst.

    Several targets are compared by their residuals over the targets' deviations; the worst one of an example is shown.
    """
    errors = predicted_NK - truth_NK
    deviations = truth_NK.std(axis=0)
    relative = np.abs(errors) / np.where(deviations > 0, deviations, 1)
    worst = relative.argmax(axis=1)
    rows: Any = np.argsort(-relative.max(axis=1), kind="stable")[:MOST]
    return tuple(
        Mistake(
            int(kept[row]),
            f"{truth_NK[row, worst[row]]:.5g}",
            f"{predicted_NK[row, worst[row]]:.5g}",
            float(errors[row, worst[row]]),
            None,
            example,
            target=names[worst[row]] if len(names) > 1 else "",
        )
        for row, example in zip(rows, _examples(info, x, kept[rows]), strict=True)
    )


def _words(chosen_K: Array, names: Sequence[str]) -> str:
    words = [names[int(place)] for place in np.flatnonzero(chosen_K)]
    more = f" and {len(words) - LABELS_IN_WORDS} more" if len(words) > LABELS_IN_WORDS else ""
    return ", ".join(words[:LABELS_IN_WORDS]) + more or "none"


def _examples(info: DataInfo, x: Any, places: Array) -> list[Example]:
    inputs = x[np.asarray(places)]
    if info.kind == "image":
        finite = inputs[np.isfinite(inputs)]
        ends = (min(0.0, float(finite.min())), float(finite.max())) if finite.size else (0.0, 1.0)
        return [_picture(image, ends) for image in inputs]
    return [_row(info, one) if info.kind == "table" else _sequence(info, one) for one in inputs]


def _picture(image_HWC: Array, ends: tuple[float, float]) -> Example:
    """Return an image as a small PNG, grey or red, green and blue; `ends` are the numbers of black and white."""
    from matplotlib.image import imsave

    step = max(1, -(-max(image_HWC.shape[:2]) // LARGEST_SIDE))
    pixels = image_HWC[::step, ::step].astype(np.float64)
    pixels = np.nan_to_num((pixels - ends[0]) / ((ends[1] - ends[0]) or 1.0)).clip(0, 1)
    colors = pixels[..., :3] if pixels.shape[-1] >= 3 else np.repeat(pixels[..., :1], 3, axis=-1)
    file = io.BytesIO()
    imsave(file, np.ascontiguousarray(colors), format="png", metadata={"Software": ""})
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return Example(picture=f"data:image/png;base64,{data}", size=(colors.shape[1], colors.shape[0]))


def _row(info: DataInfo, row: Array) -> Example:
    flat = np.ravel(row)
    values = []
    for place, value in enumerate(flat[:MOST_COLUMNS]):
        feature = info.features[place] if info.features is not None and place < len(info.features) else None
        text = "missing" if np.isnan(value) else f"{value:.4g}"
        if feature is not None and feature.type == "category":
            code = int(value) if np.isfinite(value) else 0
            text = feature.categories[code - 1] if 0 < code <= len(feature.categories) else "missing or unknown"
        values.append((feature.name if feature is not None else f"column {place + 1}", text))
    return Example(values=tuple(values), left_out=max(flat.size - MOST_COLUMNS, 0))


def _sequence(info: DataInfo, sequence: Array) -> Example:
    flat = np.ravel(sequence)
    if info.kind == "tokens":
        flat = flat[flat != 0]  # padding
    shown = " ".join(f"{value:.4g}" for value in flat[:MOST_VALUES])
    return Example(text=shown, left_out=max(flat.size - MOST_VALUES, 0))
