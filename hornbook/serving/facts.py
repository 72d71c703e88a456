"""What a service knows of a run beside the facts of its data. No TensorFlow."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

__all__ = ["ERROR_FILE", "FACTS_FILE", "MODEL_FILE", "Facts", "model_name"]

FACTS_FILE, MODEL_FILE, ERROR_FILE = "facts.json", "model.onnx", "error.txt"
"""What the process that prepares a run leaves in its folder."""


def model_name(run: Path, head: str | None) -> str:
    """Return the name by which a run in a folder, or one of its heads, is asked for."""
    return run.parent.name if head is None else f"{run.parent.name}-{head}"


@dataclass(frozen=True)
class Facts:
    """A run as a service sees it.

    Attributes:
        name: Its recipe's name, by which it is asked for; of one of several heads `RECIPE-HEAD`.
        version: Its folder's name.
        weights: ``best`` or ``last``.
        runtime: What computes: ``ONNX Runtime`` or ``TensorFlow``.
        proof: How that compares with the run's model, as a short phrase.
        dtype: The type of raw inputs.
        output: The name of the outputs.
        units: How many there are for a row.
        threshold: The output above which a unit says yes; None where none decides.
        has_probabilities: Whether outputs are probabilities.
        targets: Names of the numbers that a regression predicts.
        scale: Divisor of pictures inside the model; None without one.
        means: The training mean of each column of numbers, in the order of inputs; None where the model does not hold them.
        batch: How many rows the model takes at once, at most.
    """

    name: str
    version: str
    weights: str
    runtime: str
    proof: str
    dtype: str
    output: str
    units: int
    threshold: float | None
    has_probabilities: bool
    targets: tuple[str, ...]
    scale: float | None
    means: tuple[float, ...] | None
    batch: int

    def record(self) -> dict[str, Any]:
        """Return everything as JSON's types."""
        return asdict(self)

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Facts":
        """Return what `record` returned."""
        values = {field.name: record[field.name] for field in fields(cls)}
        for key in ("targets", "means"):
            values[key] = None if values[key] is None else tuple(values[key])
        return cls(**values)
