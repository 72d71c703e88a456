"""docs/gallery.json: what runs of the shipped recipes gave, a line for each recipe."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hornbook import Recipe

PATH = Path(__file__).parents[2] / "docs" / "gallery.json"


@dataclass(frozen=True)
class Measured:
    """What a run of a recipe, or its sweep, gave.

    Attributes:
        recipe: `mark` of the recipe that was run.
        date: When, as ``2026-11-27``.
        versions: Of Hornbook, TensorFlow and Keras.
        figures: {``train``, ``validation``, ``test`` or ``run``: {figure: value}}, of the final weights; those of training
            are the last epoch's. Of a sweep they are means over the winner's fresh seeds.
        batches: Of an epoch.
        best_epoch: From 1; 0 where there is none.
        curves: {``epoch`` and figures by name: values}, at most `measure_gallery.POINTS` of them; without pretraining.
        rates: Learning rate of each epoch in `curves`, where the schedule follows a figure of the run.
        weights: Of the first kernel: `reach`, the end of a histogram around 0, and `shares` of the weights per bin.
        trials: Of a sweep: each trial's objective, in order; None for one that has none.
    """

    recipe: str
    date: str
    versions: dict[str, str]
    figures: dict[str, dict[str, float]]
    batches: int = 0
    best_epoch: int = 0
    curves: dict[str, list[float | None]] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)
    weights: dict[str, Any] = field(default_factory=dict)
    trials: list[float | None] = field(default_factory=list)


def mark(recipe: Recipe) -> str:
    """Return what tells whether a recipe was changed since it was run: a hash of what it sets, comments left out."""
    return hashlib.sha256(str(recipe).encode()).hexdigest()[:12]


def read(path: Path = PATH) -> dict[str, Measured]:
    """Return what was measured, by recipe; nothing without the file."""
    if not path.is_file():
        return {}
    return {name: Measured(**plain) for name, plain in json.loads(path.read_text(encoding="utf-8")).items()}


def write(measured: dict[str, Measured], path: Path = PATH) -> None:
    """Write the file, a line for each recipe, without what is empty."""
    lines = []
    for name in sorted(measured):
        plain = {key: value for key, value in asdict(measured[name]).items() if value}
        lines.append(f"{json.dumps(name)}: {json.dumps(plain, separators=(',', ':'))}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
