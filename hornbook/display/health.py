"""What layers did while a run trained, as shaded tables over time and as histograms. No TensorFlow."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from hornbook.display.distributions import Histogram, HistogramChart
from hornbook.errors import escaped

__all__ = ["Cell", "HeatTable", "LayerPictures", "heat_tables", "layer_pictures"]

MOST_COLUMNS, MOST_LAYERS, MOST_PICTURES = 13, 40, 12


class Cell(NamedTuple):
    """A number as text, and how strongly its cell is shaded, from 0 to 1; None where there is no number."""

    text: str
    shade: float | None


class Measure(NamedTuple):
    """A figure of layers: its key, what it is, and how differences are to be seen."""

    key: str
    title: str
    note: str
    scale: Literal["ratio", "share"]


MEASURES = (
    Measure(
        "gradient_rms",
        "Gradients",
        "Root mean square of the loss's gradient over the weights of a layer's kernel. Much smaller in the first layers "
        "than in the last ones: vanishing; much larger: exploding.",
        "ratio",
    ),
    Measure(
        "update_ratio",
        "Updates",
        "How far one step moves a layer's weights, as a part of their norm. About 0.001 is usual; nothing moves below 1e-6.",
        "ratio",
    ),
    Measure("deviation", "Outputs", "Standard deviation of a layer's outputs over the probe's examples.", "ratio"),
    Measure(
        "dead", "Dead units", "Share of a layer's units that are 0 or below for every example of the probe.", "share"
    ),
    Measure("saturated", "Saturated outputs", "Share of outputs that lie where the activation is flat.", "share"),
    Measure(
        "constant", "Constant units", "Share of units with the same output for every example of the probe.", "share"
    ),
    Measure("weight_norm", "Weights", "Norm of a layer's weights.", "ratio"),
    Measure(
        "variance_ratio",
        "Batch normalization",
        "Factor between the moving variance, which predictions use, and that of the probe's batch. It should end near 1.",
        "ratio",
    ),
)


@dataclass(frozen=True)
class HeatTable:
    """A table with a row per layer and a column per measurement.

    Attributes:
        title, note: What the numbers are.
        columns: Epochs.
        rows: (layer, cells).
        is_share: Whether numbers are shares of which more is worse.
        left_out: Layers that are not shown.
    """

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    is_share: bool
    left_out: int


@dataclass(frozen=True)
class LayerPictures:
    """Histograms of one kind of number: (layer, picture) of each; `left_out` layers are not shown."""

    kind: str
    pictures: tuple[tuple[str, str], ...]
    left_out: int


def heat_tables(rows: Sequence[Mapping[str, Any]]) -> tuple[list[HeatTable], list[str]]:
    """Return the tables of a run's health, and sentences about figures that are zero everywhere."""
    tables, sentences = [], []
    moments = [rows[place] for place in _even(len(rows), MOST_COLUMNS)]
    for measure in MEASURES:
        layers = [name for name in _layers(rows) if any(measure.key in row["layers"].get(name, {}) for row in rows)]
        if not layers:
            continue
        values = [row["layers"][name].get(measure.key) for row in rows for name in layers if name in row["layers"]]
        if measure.scale == "share" and not any(values):
            sentences.append(f"{measure.title}: none, in any layer at any time.")
            continue
        shown = [layers[place] for place in _even(len(layers), MOST_LAYERS)]
        tables.append(_table(measure, moments, shown, len(layers) - len(shown)))
    return tables, sentences


def _table(measure: Measure, moments: Sequence[Mapping[str, Any]], layers: Sequence[str], left_out: int) -> HeatTable:
    cells = [[moment["layers"].get(name, {}).get(measure.key, "") for moment in moments] for name in layers]
    logs = [math.log10(value) for row in cells for value in row if isinstance(value, int | float) and value > 0]
    ends = (min(logs), max(logs)) if logs else (0.0, 1.0)
    rows = tuple(
        (name, tuple(_cell(value, measure, ends) for value in row)) for name, row in zip(layers, cells, strict=True)
    )
    columns = tuple(
        f"{moment['epoch']:.3g}" if moment["epoch"] >= 1 else f"{moment['epoch']:.2g}" for moment in moments
    )
    return HeatTable(measure.title, measure.note, columns, rows, measure.scale == "share", left_out)


def _cell(value: Any, measure: Measure, ends: tuple[float, float]) -> Cell:
    if value is None:
        return Cell("not finite", 1.0)
    if not isinstance(value, int | float):
        return Cell("", None)
    if measure.scale == "share":
        return Cell(f"{100 * value:.3g}%", min(max(value, 0.0), 1.0))
    text = f"{value:.2g}".replace("e-0", "e-").replace("e+0", "e+")
    if value <= 0:
        return Cell(text, 0.0)
    low, high = ends
    return Cell(text, (math.log10(value) - low) / (high - low) if high > low else 0.5)


def layer_pictures(rows: Sequence[Mapping[str, Any]]) -> list[LayerPictures]:
    """Return histograms of outputs, weights and gradients: of the last measurement, before them those of the first one."""
    groups = []
    for kind in ("outputs", "weights", "gradients"):
        layers = [(name, found) for name in _layers(rows) if (found := _histograms(rows, name, kind))]
        chosen = [layers[place] for place in _even(len(layers), MOST_PICTURES)]
        pictures = tuple(
            (
                name,
                HistogramChart(found).svg(f"{kind}-{place + 1}", _words(kind, name, found)),
            )
            for place, (name, found) in enumerate(chosen)
        )
        if pictures:
            groups.append(LayerPictures(kind, pictures, len(layers) - len(pictures)))
    return groups


def _words(kind: str, layer: str, histograms: Sequence[Histogram]) -> str:
    times = ("first", "last") if len(histograms) > 1 else ("last",)
    ranges = (f"{time} from {one.low:.3g} to {one.high:.3g}" for time, one in zip(times, histograms, strict=True))
    return f"Histogram of the {kind} of {escaped(layer, one_line=True)}: {', '.join(ranges)}"


def _histograms(rows: Sequence[Mapping[str, Any]], layer: str, kind: str) -> tuple[Histogram, ...]:
    records = [row["layers"].get(layer, {}).get("histograms", {}).get(kind) for row in rows]
    records = [record for record in records if record and record["counts"]]
    return tuple(
        Histogram(record["from"], record["to"], record["counts"])
        for record in (records if len(records) < 2 else (records[0], records[-1]))
    )


def _layers(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row["layers"]))


def _even(count: int, most: int) -> list[int]:
    """Return at most so many positions, evenly from the first to the last."""
    if count <= most:
        return list(range(count))
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]
