"""keras-tuner's oracles as ask and tell: which values to try next. Their loop, storage and output stay unused.

What is different from asking them directly: the space is declared at once, a seed of 0 is a seed, every draw follows from
(seed, number of the trial), combinations that the rules reject are drawn again, and what an oracle has said before can be
put back from our own record.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras_tuner
import numpy as np

from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import Bayesian, Choices, Hyperband
from hornbook.recipes.space import matching
from hornbook.runs.sweeps import Proposal
from hornbook.sweep.tuners.advisor import MAX_REJECTED, WAIT, Advisor, Coder, Wait, quiet, stream

__all__ = ["Oracle"]

OWN = "tuner/"  # before the names of values that hyperband adds


class Oracle(Advisor):
    """One of keras-tuner's oracles; see `Advisor`."""

    library = "keras-tuner"

    def __init__(
        self, recipe: Recipe, directions: Mapping[str, str], why_rejected: Callable[[Mapping[str, Any]], str]
    ) -> None:
        super().__init__(recipe, directions, why_rejected)
        self._objective, self._direction = next(iter(directions.items()))  # with several, the tuner learns from none
        with quiet():
            self._oracle = _guided(self.sweep.tuner.import_target())(self, **self._arguments())
        self._oracle.verbose = 0

    def _arguments(self) -> dict[str, Any]:
        space = keras_tuner.HyperParameters()
        for coder in self._coders.values():
            _declare(coder, space, self._coders)
        objective = keras_tuner.Objective(self._objective, self._direction)
        fixed = {"seed": stream(self.recipe.seed, "oracle"), "max_consecutive_failed_trials": 10**9}
        limit = {} if isinstance(self.sweep.tuner, Hyperband) else {"max_trials": None}  # the budget is ours
        frozen = {"allow_new_entries": False, "tune_new_entries": False}
        own = self.sweep.tuner.options()
        return {"objective": objective, "hyperparameters": space, **fixed, **limit, **frozen, **own}

    def facts(self) -> dict[str, Any]:
        """Return what the sweep became: keras-tuner's oracle and space, and what is ours around them."""
        tuner = self._oracle
        options = {name: getattr(tuner, name) for name in self.sweep.tuner.options()}
        space: dict[str, Any] = {}
        for parameter in tuner.hyperparameters.space:
            config = {key: value for key, value in parameter.get_config().items() if key not in ("name", "default")}
            listed = self._coders[parameter.name].listed
            space[parameter.name] = {"kind": type(parameter).__name__, **config}
            if listed is not None:
                space[parameter.name]["values"] = list(listed)
        return {**self.own_facts(), "tuner": {"class": type(tuner).__mro__[1].__name__, **options}, "space": space}

    def ask(self) -> Proposal | Wait | None:
        """Return the next trial; WAIT while that depends on running ones, None when there is none left."""
        while True:
            number = len(self._oracle.trials)
            with quiet():
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
        """As `Advisor.replay`, without fitting a model again."""
        self._oracle.replayed = dict(drawn)
        try:
            super().replay(proposal, drawn)
        finally:
            self._oracle.replayed = None

    def drawn(self, trial: int) -> dict[str, Any]:
        """Return the values of a trial in the oracle's own terms."""
        return dict(self._trial(trial).hyperparameters.values)

    def tell(self, trial: int, figures: Mapping[str, float] | None) -> None:
        """Say how a trial ended; see `Advisor.tell`."""
        found, score = self._trial(trial), None if figures is None else figures[self._objective]
        if score is None and isinstance(self.sweep.tuner, Hyperband):
            score = float("-inf") if self._direction == "max" else float("inf")  # the round goes on without it
        with quiet():
            if score is None:
                found.status = "FAILED"
            else:
                self._oracle.update_trial(found.trial_id, {self._objective: score})
                found.status = "COMPLETED"
            self._oracle.end_trial(found)

    def _trial(self, number: int) -> Any:
        return self._oracle.trials[f"{number:04d}"]  # four digits, because max_trials is None


def _declare(coder: Coder, space: Any, others: Mapping[str, Coder]) -> None:
    """Add a key to keras-tuner's space, under its conditions."""
    with contextmanager(_scope)(space, list((coder.entry.when or {}).items()), others):
        if coder.listed is not None:
            space.Choice(coder.key, list(range(len(coder.listed))))
            return
        kind = space.Int if coder.is_whole else space.Float
        kind(coder.key, coder.range.min, coder.range.max, sampling=coder.range.sampling)


def _scope(space: Any, conditions: list[tuple[str, Any]], others: Mapping[str, Coder]) -> Iterator[None]:
    if not conditions:
        yield
        return
    (parent, wanted), *rest = conditions
    above = others[parent].entry
    places = matching(above, wanted) if isinstance(above, Choices) else []
    with space.conditional_scope(parent, places):
        yield from _scope(space, rest, others)


def _guided(base: Any) -> Any:
    """Return a subclass of an oracle whose draws follow from the trial's number, and that writes no files."""

    class Guided(base):
        def __init__(self, advisor: Oracle, **arguments: Any) -> None:
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
