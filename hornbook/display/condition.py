"""Conditions on a figure, as the command line takes them: ``val_accuracy>=0.9``. No TensorFlow."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Condition"]

PATTERN = re.compile(r"([a-z0-9_]+)\s*(>=|<=|>|<)\s*([-+0-9.eE]+)")
HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A bound on a figure.

    Attributes:
        name: The figure, ``val_accuracy``.
        relation: ``>=``, ``<=``, ``>`` or ``<``.
        bound: The value.
        written: The value as it was written.
    """

    name: str
    relation: str
    bound: float
    written: str

    @classmethod
    def parse(cls, text: str) -> "Condition | None":
        """Return the condition that a text says; None where it says none. The caller knows how to put that."""
        match = PATTERN.fullmatch(text.strip())
        if match is None:
            return None
        try:
            return cls(match[1], match[2], float(match[3]), match[3])
        except ValueError:  # 1e, --3
            return None

    def holds(self, value: float) -> bool:
        """Return whether a value meets it; NaN meets none."""
        return HOLDS[self.relation](value, self.bound)
