"""Durations as people write them: ``20``, ``4 epochs``, ``500 steps``, ``30%``, ``10 minutes``; and how long a run is.

A duration is kept as written until the length of the run is known, and is converted exactly once.
"""

import math
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.text import shown

__all__ = [
    "Duration",
    "Length",
    "LongerThanZero",
    "RunLength",
    "Size",
    "TimeSpan",
    "to_bytes",
    "to_seconds",
    "to_steps",
]

_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(epochs?|steps?|%)\s*")
_TIME = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(seconds?|s|minutes?|min|hours?|h)\s*")
_WHOLE = r"[0-9]+(\.0+)?\s*(epochs?|steps?)"
_PERCENT = r"0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)\s*%"
_ZERO = r"0+(\.0+)?"
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def _check_duration(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match and not (match[2] == "%" and float(match[1]) > 100) and (match[2] == "%" or float(match[1]).is_integer()):
        return str(value)
    raise PydanticCustomError(
        "duration",
        "expected a duration: a whole number, '4 epochs', '500 steps' or '30%', found {found}",
        {"found": shown(value)},
    )


def _check_above_zero(duration: int | str) -> int | str:
    number = float(_DURATION.fullmatch(duration)[1]) if isinstance(duration, str) else duration  # type: ignore[index]
    if number > 0:
        return duration
    raise PydanticCustomError("duration", "expected a duration above 0, found {found}", {"found": shown(duration)})


def _check_run_length(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match and match[2] != "%" and float(match[1]).is_integer() and float(match[1]) > 0:
        number = round(float(match[1]))
        return number if match[2].startswith("epoch") else f"{number} step" + ("s" if number > 1 else "")
    if isinstance(value, int) and not isinstance(value, bool):
        raise PydanticCustomError("run_length", "expected a number of at least 1, found {found}", {"found": value})
    raise PydanticCustomError(
        "run_length",
        "expected a whole number of epochs above 0, or of steps such as '40000 steps', found {found}",
        {"found": shown(value)},
    )


_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(MB|GB|TB)\s*")
_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}


def _check_size(value: Any) -> str:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match and float(match[1]) > 0:
        return str(value)
    raise PydanticCustomError(
        "size", "expected a size such as '500 MB' or '4 GB', found {found}", {"found": repr(value)}
    )


def to_bytes(size: str) -> int:
    """Return a size in bytes."""
    match = _SIZE.fullmatch(size)
    if match is None:
        raise ValueError(f"not a size: {size!r}")
    return int(float(match[1]) * _BYTES[match[2]])


def _check_time(value: Any) -> int | float | str:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return value
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match and float(match[1]) > 0:
        return str(value)
    raise PydanticCustomError(
        "time_span", "expected seconds, '90 seconds', '10 minutes' or '2 hours', found {found}", {"found": shown(value)}
    )


Duration = Annotated[
    int | str,
    BeforeValidator(_check_duration),
    WithJsonSchema(
        {
            "title": "duration",
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": rf"^\s*({_WHOLE}|{_PERCENT})\s*$"},
            ],
        }
    ),
]
LongerThanZero = Annotated[
    Duration,
    AfterValidator(_check_above_zero),
    WithJsonSchema(
        {
            "title": "duration",
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": rf"^\s*(?!{_ZERO}\s*[es%])({_WHOLE}|{_PERCENT})\s*$"},
            ],
        }
    ),
]
RunLength = Annotated[
    int | str,
    BeforeValidator(_check_run_length),
    WithJsonSchema(
        {
            "title": "length of a run",
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": rf"^\s*(?!{_ZERO}\s*[es]){_WHOLE}\s*$"},
            ],
        }
    ),
]
Size = Annotated[str, BeforeValidator(_check_size), WithJsonSchema({"type": "string", "pattern": _SIZE.pattern})]
TimeSpan = Annotated[
    int | float | str,
    BeforeValidator(_check_time),
    WithJsonSchema(
        {
            "title": "time span",
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": rf"^(?!\s*[0.]+[^0-9.]){_TIME.pattern}$"},
            ],
        }
    ),
]


def to_steps(duration: int | str, *, unit: str, steps_per_epoch: int, total_steps: int) -> int:
    """Return a duration in steps (optimizer updates).

    Args:
        duration: As written in the recipe.
        unit: What a bare number means for this key: ``steps`` or ``epochs``.
        steps_per_epoch: Optimizer updates in one epoch.
        total_steps: Optimizer updates in the whole run; a percentage is of this.
    """
    if isinstance(duration, int):
        return duration * (steps_per_epoch if unit == "epochs" else 1)
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError(f"not a duration: {duration!r}")
    number = float(match[1])
    if match[2] == "%":
        return round(total_steps * number / 100)
    return round(number) * (steps_per_epoch if match[2].startswith("epoch") else 1)


def to_seconds(span: float | str) -> float:
    """Return a time span in seconds."""
    if isinstance(span, int | float):
        return float(span)
    match = _TIME.fullmatch(span)
    if match is None:
        raise ValueError(f"not a time span: {span!r}")
    seconds = float(match[1]) * _SECONDS[match[2][0]]
    return seconds if math.isfinite(seconds) else math.inf


@dataclass(frozen=True)
class Length:
    """How long a run is, once it is known how many batches an epoch has.

    A run of so many steps ends with exactly the last of them, in the middle of an epoch if need be.

    Attributes:
        epochs: Epochs of the run; the last one may be shorter than the others.
        batches: Batches of a whole epoch.
        total: Batches of the whole run.
        accumulation: Batches per step, that is, optimizer update.
    """

    epochs: int
    batches: int
    total: int
    accumulation: int = 1

    @classmethod
    def of(cls, written: int | str, *, batches: int, accumulation: int = 1) -> "Length":
        """Return the length that `training.epochs` gives a run: a number of epochs, or ``40000 steps``."""
        if isinstance(written, int):
            return cls(written, batches, written * batches, accumulation)
        total = to_steps(written, unit="steps", steps_per_epoch=0, total_steps=0) * accumulation
        return cls(-(-total // batches), batches, total, accumulation)

    @property
    def steps(self) -> int:
        """Optimizer updates of the whole run, at least 1."""
        return max(self.total // self.accumulation, 1)

    def batches_of(self, epoch: int) -> int:
        """Return the batches of one epoch, counted from 0; none of one beyond the end."""
        return max(min(self.total - epoch * self.batches, self.batches), 0)

    def in_batches(self, duration: int | str) -> int:
        """Return a duration in batches; a bare number means epochs."""
        count = to_steps(duration, unit="epochs", steps_per_epoch=self.batches, total_steps=self.total)
        return count * (self.accumulation if isinstance(duration, str) and "step" in duration else 1)

    def in_epochs(self, duration: int | str) -> int:
        """Return a duration in whole epochs, rounded up; a bare number means epochs."""
        return -(-self.in_batches(duration) // self.batches)
