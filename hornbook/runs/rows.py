"""What the rows of a history are: epochs of training, or of the pretraining in front of them."""

from collections.abc import Mapping
from typing import Any

__all__ = ["PRETRAINING", "is_pretraining"]

PRETRAINING = "pretraining"
"""How the `phase` of a pretraining epoch begins; the name of the layer or task follows."""


def is_pretraining(row: Mapping[str, Any]) -> bool:
    """Return whether a row of the history is an epoch of pretraining."""
    return str(row.get("phase", "")).startswith(PRETRAINING)
