"""keras-tuner's oracles as ask and tell: which values to try next. Their loop, storage and output stay unused.

What is different from asking them directly: the space is declared at once, a seed of 0 is a seed, every draw follows from
(seed, number of the trial), combinations that the rules reject are drawn again, and what an oracle has said before can be
put back from our own record.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras_tuner
import numpy as np

from hornbook.errors import RunError
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import Bayesian, Choices, Hyperband, Range, Sweep
from hornbook.recipes.space import is_whole, matching, ordered
from hornbook.runs.sweeps import Proposal, Rejection

__all__ = ["WAIT", "Advisor", "Wait"]

MAX_REJECTED = 2000  # draws in a row that the rules reject before a space counts as exhausted
OWN = "tuner/"  # before the names of values that hyperband adds


class Wait:
    """The answer of an oracle that has to know running trials first."""


WAIT = Wait()


class Advisor:
    """One of keras-tuner's oracles.

    Args:
        recipe: The recipe with its sweep.
        direction: ``min`` or ``max`` of the objective.
        why_rejected: Why a combination could not be trained; nothing where it could.
    """

    def __init__(self, recipe: Recipe, direction: str, why_rejected: Callable[[Mapping[str, Any]], str]) -> None:
        if recipe.sweep is None:
            raise TypeError("the recipe has no sweep")
        self.recipe, self.sweep, self.direction = recipe, recipe.sweep, direction
        self._why_rejected = why_rejected
        self._known: dict[str, Rejection | None] = {}
        self._coders = {key: _Coder(recipe, self.sweep, key) for key in ordered(self.sweep.space)}
        with _quiet():
            self._oracle = _guided(self.sweep.tuner.import_target())(self, **self._arguments())
        self._oracle.verbose = 0

    def _arguments(self) -> dict[str, Any]:
        space = keras_tuner.HyperParameters()
        for coder in self._coders.values():
            coder.declare(space, self._coders)
        objective = keras_tuner.Objective(self.sweep.objective, self.direction)
        fixed = {"seed": stream(self.recipe.seed, "oracle"), "max_consecutive_failed_trials": 10**9}
        limit = {} if isinstance(self.sweep.tuner, Hyperband) else {"max_trials": None}  # the budget is ours
        frozen = {"allow_new_entries": False, "tune_new_entries": False}
        own = self.sweep.tuner.options()
        return {"objective": objective, "hyperparameters": space, **fixed, **limit, **frozen, **own}

    @property
    def rejected(self) -> list[Rejection]:
        """The different combinations that were drawn and the rules reject."""
        return [known for known in self._known.values() if known is not None]

    def facts(self) -> dict[str, Any]:
        """Return what the sweep became: keras-tuner's oracle and space, and what is ours around them."""
        tuner, sweep = self._oracle, self.sweep
        options = {name: getattr(tuner, name) for name in sweep.tuner.options()}
        space: dict[str, Any] = {}
        for parameter in tuner.hyperparameters.space:
            config = {key: value for key, value in parameter.get_config().items() if key not in ("name", "default")}
            listed = self._coders[parameter.name].listed
            space[parameter.name] = {"kind": type(parameter).__name__, **config}
            if listed is not None:
                space[parameter.name]["values"] = list(listed)
        ours = ("executions", "confirm", "keep_best", "max_trials", "total_epochs", "max_time")
        return {
            "objective": tuner.objective.name,
            "direction": tuner.objective.direction,
            "tuner": {"class": type(tuner).__mro__[1].__name__, **options},
            "space": space,
            **{name: getattr(sweep, name) for name in ours},
        }

    def values(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return an oracle's values in the recipe's terms."""
        return {key: coder.decode(drawn[key]) for key, coder in self._coders.items() if key in drawn}

    def is_wanted(self, drawn: Mapping[str, Any]) -> bool:
        """Return whether the rules accept a combination."""
        values = self.values(drawn)
        text = repr(values)
        if text not in self._known:
            reason = self._why_rejected(values)
            self._known[text] = Rejection(values, reason) if reason else None
        return self._known[text] is None

    def ask(self) -> Proposal | Wait | None:
        """Return the next trial; WAIT while that depends on running ones, None when there is none left."""
        while True:
            number = len(self._oracle.trials)
            with _quiet():
                trial = self._oracle.create_trial(f"trial {number}")
            if trial.status != "RUNNING":
                return None if trial.status == "STOPPED" else WAIT
            drawn = trial.hyperparameters.values
            if self.is_wanted(drawn):
                parent = drawn.get(f"{OWN}trial_id")
                until = drawn.get(f"{OWN}epochs")
                return Proposal(number, self.values(drawn), until, int(parent) if parent is not None else None)
            self.tell(number, None)

    def replay(self, proposal: Proposal, drawn: Mapping[str, Any]) -> None:
        """Ask for a trial that was asked for before.

        Raises:
            RunError: If the oracle says something else now.
        """
        self._oracle.replayed = dict(drawn)
        try:
            again = self.ask()
        finally:
            self._oracle.replayed = None
        if again != proposal:
            raise RunError(
                f"trial {proposal.trial + 1}: keras-tuner proposes other values than it did when this sweep began, so its "
                "version has changed. Start the sweep anew with --fresh, or go back to that version."
            )

    def drawn(self, trial: int) -> dict[str, Any]:
        """Return the values of a trial in the oracle's own terms, for `replay`."""
        return dict(self._trial(trial).hyperparameters.values)

    def tell(self, trial: int, score: float | None) -> None:
        """Say how a trial ended: its score, or None where it has none."""
        found = self._trial(trial)
        if score is None and isinstance(self.sweep.tuner, Hyperband):
            score = float("-inf") if self.direction == "max" else float("inf")  # the round goes on without it
        with _quiet():
            if score is None:
                found.status = "FAILED"
            else:
                self._oracle.update_trial(found.trial_id, {self.sweep.objective: score})
                found.status = "COMPLETED"
            self._oracle.end_trial(found)

    def _trial(self, number: int) -> Any:
        return self._oracle.trials[f"{number:04d}"]  # four digits, because max_trials is None


def stream(seed: int, *words: object) -> int:
    """Return a number above 0 for one purpose, so that near seeds do not draw the same."""
    text = " ".join(map(str, (seed, *words)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % (2**31 - 1) + 1


class _Coder:
    """One key of the space in the oracle's terms: listed values by their place, ranges as numbers."""

    def __init__(self, recipe: Recipe, sweep: Sweep, key: str) -> None:
        self.key = key
        self.entry: Choices | Range = sweep.space[key]
        self.listed = self.entry.choices if isinstance(self.entry, Choices) else self.entry.steps()
        self.is_whole = isinstance(self.entry, Range) and is_whole(recipe, key, self.entry)
        if self.listed is None and sweep.tuner.name == "grid" and isinstance(self.entry, Range):
            self.listed = _ten(self.entry, is_whole=self.is_whole)

    def declare(self, space: Any, others: Mapping[str, "_Coder"]) -> None:
        """Add the key to keras-tuner's space, under its conditions."""
        with contextmanager(self._scope)(space, list((self.entry.when or {}).items()), others):
            if self.listed is not None:
                space.Choice(self.key, list(range(len(self.listed))))
                return
            entry = self.entry
            if not isinstance(entry, Range):
                raise TypeError(f"{self.key} has no values")
            kind = space.Int if self.is_whole else space.Float
            kind(self.key, entry.min, entry.max, sampling=entry.sampling)

    def _scope(self, space: Any, conditions: list[tuple[str, Any]], others: Mapping[str, "_Coder"]) -> Iterator[None]:
        if not conditions:
            yield
            return
        (parent, wanted), *rest = conditions
        above = others[parent].entry
        places = matching(above, wanted) if isinstance(above, Choices) else []
        with space.conditional_scope(parent, places):
            yield from self._scope(space, rest, others)

    def decode(self, drawn: Any) -> Any:
        """Return the recipe's value."""
        if self.listed is not None:
            return self.listed[int(drawn)]
        if not isinstance(self.entry, Range):
            raise TypeError(f"{self.key} has no values")
        inside = min(max(drawn, self.entry.min), self.entry.max)  # rounding, and an Int's end under log sampling
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


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings back that concern keras-tuner's and scikit-learn's own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _guided(base: Any) -> Any:
    """Return a subclass of an oracle whose draws follow from the trial's number, and that writes no files."""

    class Guided(base):
        def __init__(self, advisor: Advisor, **arguments: Any) -> None:
            self.advisor = advisor
            self.replayed: dict[str, Any] | None = None
            super().__init__(**arguments)

        def save(self) -> None:
            """Keep no files: they are not written atomically, and our record holds more."""

        def _save_trial(self, trial: Any) -> None:
            """As `save`."""

        def populate_space(self, trial_id: str) -> Any:
            number, is_model = len(self.trials), isinstance(self.advisor.sweep.tuner, Bayesian)
            self._seed_state = stream(self.seed, number)
            if not is_model:
                return super().populate_space(trial_id)
            if self.replayed is not None:  # fitting the model again would take as long as it did
                return {"status": "RUNNING", "values": self.replayed}
            self._random_state = np.random.RandomState(self._seed_state)
            response = super().populate_space(trial_id)
            values = response.get("values")
            if values is not None and (self._duplicate(values) or not self.advisor.is_wanted(values)):
                response = self._random_populate_space()
            return response

        def _random_values(self) -> Any:
            for _ in range(MAX_REJECTED):
                values = super()._random_values()
                if values is None or self.advisor.is_wanted(values):
                    return values
                self._tried_so_far.add(self._compute_values_hash(values))
            return None

    return Guided
