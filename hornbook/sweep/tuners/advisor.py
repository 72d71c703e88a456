"""Who says which values to try next, as ask and tell: what keras-tuner's oracles and Optuna's samplers have in common."""

import hashlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hornbook.errors import RunError
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import Choices, Range, Sweep
from hornbook.recipes.space import is_whole, ordered
from hornbook.runs.sweeps import Proposal, Rejection

__all__ = ["MAX_REJECTED", "WAIT", "Advisor", "Coder", "Wait", "quiet", "stream"]

MAX_REJECTED = 2000  # draws in a row that the rules reject before a space counts as exhausted


class Wait:
    """The answer of an oracle that has to know running trials first."""


WAIT = Wait()


class Advisor(ABC):
    """Proposes trials and hears how they ended.

    Args:
        recipe: The recipe with its sweep.
        directions: {objective: ``min`` or ``max``}.
        why_rejected: Why a combination could not be trained; nothing where it could.
    """

    library: str
    """Whose proposals these are."""

    def __init__(
        self, recipe: Recipe, directions: Mapping[str, str], why_rejected: Callable[[Mapping[str, Any]], str]
    ) -> None:
        if recipe.sweep is None:
            raise TypeError("the recipe has no sweep")
        self.recipe, self.sweep, self.directions = recipe, recipe.sweep, directions
        self._why_rejected = why_rejected
        self._known: dict[str, Rejection | None] = {}
        self._coders = {key: Coder(recipe, self.sweep, key) for key in ordered(self.sweep.space)}

    @abstractmethod
    def ask(self) -> Proposal | Wait | None:
        """Return the next trial; WAIT while that depends on running ones, None when there is none left."""

    @abstractmethod
    def tell(self, trial: int, figures: Mapping[str, float] | None) -> None:
        """Say how a trial ended: what it reached in each objective, or None where it has no score."""

    @abstractmethod
    def drawn(self, trial: int) -> dict[str, Any]:
        """Return the values of a trial in the library's own terms, for `replay`."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return what the sweep became: the library's tuner and space, and what is ours around them."""

    def replay(self, proposal: Proposal, drawn: Mapping[str, Any]) -> None:
        """Ask for a trial that was asked for before.

        Raises:
            RunError: If the answer is another one now.
        """
        if self.ask() != proposal:
            raise RunError(
                f"trial {proposal.trial + 1}: {self.library} proposes other values than it did when this sweep began, so "
                "its version has changed. Start the sweep anew with --fresh, or go back to that version."
            )

    @property
    def rejected(self) -> list[Rejection]:
        """The different combinations that were drawn and the rules reject."""
        return [known for known in self._known.values() if known is not None]

    def values(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return the library's values in the recipe's terms."""
        return {key: coder.decode(drawn[key]) for key, coder in self._coders.items() if key in drawn}

    def is_wanted(self, drawn: Mapping[str, Any]) -> bool:
        """Return whether the rules accept a combination."""
        values = self.values(drawn)
        text = repr(values)
        if text not in self._known:
            reason = self._why_rejected(values)
            self._known[text] = Rejection(values, reason) if reason else None
        return self._known[text] is None

    def own_facts(self) -> dict[str, Any]:
        """Return what is ours of a sweep."""
        sweep = self.sweep
        names = ("executions", "confirm", "keep_best", "max_trials", "total_epochs", "max_time", "select")
        several = len(sweep.objectives) > 1
        return {
            "objective": list(sweep.objectives) if several else sweep.objectives[0],
            "direction": self.directions if several else next(iter(self.directions.values())),
            **{name: getattr(sweep, name) for name in names},
        }


class Coder:
    """One key of the space in a library's terms: listed values by their place, ranges as numbers."""

    def __init__(self, recipe: Recipe, sweep: Sweep, key: str) -> None:
        self.key = key
        self.entry: Choices | Range = sweep.space[key]
        self.listed = self.entry.choices if isinstance(self.entry, Choices) else self.entry.steps()
        self.is_whole = isinstance(self.entry, Range) and is_whole(recipe, key, self.entry)
        if self.listed is None and sweep.tuner.name == "grid" and isinstance(self.entry, Range):
            self.listed = _ten(self.entry, is_whole=self.is_whole)

    @property
    def range(self) -> Range:
        """The range of a key without listed values."""
        if not isinstance(self.entry, Range):
            raise TypeError(f"{self.key} has no range")
        return self.entry

    def decode(self, drawn: Any) -> Any:
        """Return the recipe's value."""
        if self.listed is not None:
            return self.listed[int(drawn)]
        inside = min(max(drawn, self.range.min), self.range.max)  # rounding, and an Int's end under log sampling
        return int(inside) if self.is_whole else float(f"{inside:.6g}")


def _ten(entry: Range, *, is_whole: bool) -> tuple[Any, ...]:
    """Return ten values evenly over a range, its ends included, as a grid needs them."""
    low, high = float(entry.min), float(entry.max)
    parts = [place / 9 for place in range(10)]
    if entry.sampling == "log":
        values = [low * (high / low) ** part for part in parts]
    else:
        values = [low + (high - low) * part for part in parts]
    return tuple(dict.fromkeys(round(v) if is_whole else float(f"{v:.6g}") for v in values))


def stream(seed: int, *words: object) -> int:
    """Return a number above 0 for one purpose, so that near seeds do not draw the same."""
    text = " ".join(map(str, (seed, *words)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % (2**31 - 1) + 1


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings back that concern the libraries' own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
