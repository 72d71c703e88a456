"""Everything that can go wrong for a user, as one small tree. Imports nothing of Hornbook, nothing of TensorFlow.

HornbookError            exit code 1   something failed while running
├── RecipeError          exit code 2   a recipe with problems: all of them at once, in line order
├── UsageError           exit code 2   a command or call that cannot mean anything
├── DataError            exit code 1   data that is missing, malformed or does not fit the task
├── RunError             exit code 1   a run directory that cannot be written or read
├── DivergedError        exit code 1   loss or weights are no longer finite
├── InconclusiveError    exit code 1   a learning rate was to be found and could not be
└── GateError            exit code 3   a gate that the user asked for was not met
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

__all__ = [
    "BusyError",
    "DataError",
    "DivergedError",
    "GateError",
    "HornbookError",
    "InconclusiveError",
    "Path",
    "Problem",
    "RecipeError",
    "RunError",
    "UsageError",
    "escaped",
    "format_path",
]

Path = tuple[str | int, ...]
Severity = Literal["error", "warning", "tip"]


CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""What a terminal obeys instead of showing it, with what turns the direction of text; but no ends of lines, no tabs."""
_CONTROL, _ALL_CONTROL = re.compile(f"[{CONTROL}]"), re.compile(f"[\t\n{CONTROL}]")


def escaped(text: str, *, one_line: bool = False) -> str:
    """Return a text with control characters as Python writes them: ``\\x1b[31m``, ``\\r``; in one line also ``\\n``."""
    pattern = _ALL_CONTROL if one_line else _CONTROL
    return pattern.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def format_path(path: Path) -> str:
    """Return a recipe path the way a user writes it: ``optimizer.learning_rate``, ``model.units.0``."""
    return ".".join(str(part) for part in path)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or unwise, in a recipe.

    Attributes:
        path: Where in the recipe; empty for the recipe as a whole.
        message: What was found and what was expected, as one sentence.
        hint: What to do, as one sentence; may be empty.
        severity: ``error`` where the run would be wrong, ``warning`` where theory says that it is unwise, ``tip`` for a
            remark that calls for no action.
        code: Stable name of the check, listed in docs/errors.md.
        line: Line in the file, from 1; 0 where the recipe did not come from a file's text.
        column: Column in the file, from 1; 0 as above.
        origin: The file's name, or ``command line``.
    """

    path: Path
    message: str
    hint: str = ""
    severity: Severity = "error"
    code: str = "value"
    line: int = 0
    column: int = 0
    origin: str = ""

    def at(self, *, line: int, column: int, origin: str) -> "Problem":
        """Return the same problem with its place in the text."""
        return replace(self, line=line, column=column, origin=origin)

    def sentence(self) -> str:
        """Return path, message and hint as one line, without the place."""
        start = f"{format_path(self.path)}: " if self.path else ""
        mark = f"{self.severity}: " if self.severity != "error" else ""
        return escaped(f"{mark}{start}{self.message}" + (f" {self.hint}" if self.hint else ""), one_line=True)


class HornbookError(Exception):
    """Something failed while running; the message says what, where and what to do."""

    exit_code = 1


class RecipeError(HornbookError):
    """A recipe with problems. `problems` holds every one, in line order."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem], *, origin: str = "recipe") -> None:
        self.problems: Sequence[Problem] = tuple(
            sorted(problems, key=lambda problem: (problem.line == 0, problem.line, problem.column))
        )
        self.origin = origin
        super().__init__(format_problems(self.problems, origin=origin))


class UsageError(HornbookError):
    """A command or call that cannot mean anything."""

    exit_code = 2


class DataError(HornbookError):
    """Data that is missing, malformed or does not fit the task."""


class RunError(HornbookError):
    """A run directory that cannot be written or read."""


class BusyError(RunError):
    """A run that another process is training."""


class DivergedError(HornbookError):
    """Loss or weights are no longer finite."""


class InconclusiveError(HornbookError):
    """A learning rate was to be found and could not be; `search` holds what was seen."""

    def __init__(self, message: str, search: object = None) -> None:
        super().__init__(message)
        self.search = search


class GateError(HornbookError):
    """A gate that the user asked for (``--require``) was not met."""

    exit_code = 3


def format_problems(problems: Sequence[Problem], *, origin: str) -> str:
    """Return the problems as users see them: a heading, then one line each with line and column first."""
    words = {"error": "problem", "warning": "warning", "tip": "tip"}
    numbers = [(sum(problem.severity == severity for problem in problems), word) for severity, word in words.items()]
    counts = [f"{n} {word}{'s' if n != 1 else ''}" for n, word in numbers if n]
    places = [
        f"{problem.line}:{problem.column}" if problem.line else (problem.origin if problem.origin != origin else "")
        for problem in problems
    ]
    width = max((len(place) for place, problem in zip(places, problems, strict=True) if problem.line), default=0)
    lines = [f"{origin}: {', '.join(counts)}"]
    for place, problem in zip(places, problems, strict=True):
        sentence = problem.sentence()
        if problem.line:
            lines.append(f"  {place:<{width}}  {sentence}")
        else:
            lines.append(f"  {place}: {sentence}" if place else f"  {sentence}")
    return "\n".join(lines)
