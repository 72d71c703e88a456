"""Optuna's samplers as ask and tell: which values to try next. Its loop, storage and output stay unused.

What is different from asking them directly: the study is in memory and is made again from our own record; every draw
follows from (seed, number of the trial) and from what was told before; combinations that the rules reject, and those that
were tried already, are drawn again. Trials that run are known to the sampler, which keeps away from them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import optuna

from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import Choices
from hornbook.recipes.sections.sweep import Optuna as Options
from hornbook.recipes.trial import is_met
from hornbook.runs.sweeps import Proposal
from hornbook.sweep.tuners.advisor import MAX_REJECTED, Advisor, Coder, quiet, stream

__all__ = ["Sampler"]

GUIDED = 20  # draws of the sampler for one trial, until one is new and allowed; then draws at random


class Sampler(Advisor):
    """One of Optuna's samplers; see `Advisor`."""

    library = "Optuna"

    def __init__(
        self, recipe: Recipe, directions: Mapping[str, str], why_rejected: Callable[[Mapping[str, Any]], str]
    ) -> None:
        super().__init__(recipe, directions, why_rejected)
        if not isinstance(self.sweep.tuner, Options):
            raise TypeError("the sweep's tuner is none of Optuna's")
        self.options = self.sweep.tuner
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = self._new_study()
        self._trials: list[optuna.Trial] = []
        self._tried: set[str] = set()

    def _new_study(self) -> optuna.Study:
        words = {"min": "minimize", "max": "maximize"}
        return optuna.create_study(directions=[words[one] for one in self.directions.values()])

    def facts(self) -> dict[str, Any]:
        """Return what the sweep became: Optuna's sampler and distributions, and what is ours around them."""
        sampler, study = self._sampler(1), self._new_study()
        trial = study.ask()
        space: dict[str, Any] = {}
        for key, coder in self._coders.items():
            _suggest(coder, trial)
            kind = trial.distributions[key]
            space[key] = {"kind": type(kind).__name__, **vars(kind)}
            if coder.listed is not None:
                space[key]["values"] = list(coder.listed)
        options = {name: value for name, value in self.options.options().items() if value is not None}
        return {**self.own_facts(), "tuner": {"class": type(sampler).__name__, **options}, "space": space}

    def ask(self) -> Proposal | None:
        """Return the next trial; None when every combination was tried or is rejected."""
        number = len(self._trials)
        with quiet():
            trial = self._guided(number) or self._at_random(number)
        if trial is None:
            return None
        self._trials.append(trial)
        values = self.values(trial.params)
        self._tried.add(repr(values))
        return Proposal(number, values)

    def _guided(self, number: int) -> optuna.Trial | None:
        """Return a trial of the sampler's; None where it proposes again and again what cannot be or has been."""
        for draw in range(GUIDED):
            self._study.sampler = self._sampler(stream(self.recipe.seed, "optuna", number, draw))
            trial = self._study.ask()
            self._fill(trial)
            if self._is_new(trial.params):
                return trial
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)  # a sampler does not learn from these
        return None

    def _at_random(self, number: int) -> optuna.Trial | None:
        """Return a trial with values drawn at random; None where none can be found."""
        elsewhere = self._new_study()
        elsewhere.sampler = optuna.samplers.RandomSampler(seed=stream(self.recipe.seed, "optuna", number, "random"))
        for _ in range(MAX_REJECTED):
            drawn = elsewhere.ask()
            self._fill(drawn)
            if self._is_new(drawn.params):
                self._study.enqueue_trial(drawn.params)
                trial = self._study.ask()
                self._fill(trial)
                return trial
        return None

    def _is_new(self, drawn: Mapping[str, Any]) -> bool:
        return repr(self.values(drawn)) not in self._tried and self.is_wanted(drawn)

    def _fill(self, trial: optuna.Trial) -> None:
        """Ask for a value of each key that is active, in an order in which conditions can be told."""
        values: dict[str, Any] = {}
        for key, coder in self._coders.items():
            if is_met(self.sweep, key, values):
                values[key] = coder.decode(_suggest(coder, trial))

    def _sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        """Return a new sampler: it takes all that it knows from the study, so nothing but the seed makes it another."""
        own, samplers = self.options, optuna.samplers
        if own.sampler == "cma_es":
            options = {"n_startup_trials": own.startup_trials, "popsize": own.population, "sigma0": own.sigma}
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False, **_given(options))
        if own.sampler == "nsga2":
            return samplers.NSGAIISampler(seed=seed, **_given({"population_size": own.population}))
        options = {"n_startup_trials": own.startup_trials, "n_ei_candidates": own.candidates}
        together = own.multivariate if own.multivariate is not None else len(self.directions) == 1
        with quiet():  # `group` is called experimental
            return samplers.TPESampler(seed=seed, multivariate=together, group=together, **_given(options))

    def drawn(self, trial: int) -> dict[str, Any]:
        """Return the values of a trial in Optuna's terms: places in lists, and numbers."""
        return dict(self._trials[trial].params)

    def tell(self, trial: int, figures: Mapping[str, float] | None) -> None:
        """Say how a trial ended; one without a score counts as worse than all with one, where the sampler can know that."""
        states = optuna.trial.TrialState
        with quiet():
            if figures is not None:
                self._study.tell(self._trials[trial], list(figures.values()))
            else:
                self._study.tell(
                    self._trials[trial], state=states.PRUNED if self.options.sampler == "tpe" else states.FAIL
                )


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _suggest(coder: Coder, trial: optuna.Trial) -> Any:
    """Return a value of a key: one of a list by its place, which of steps has an order and of choices none."""
    if coder.listed is not None:
        if isinstance(coder.entry, Choices):
            return trial.suggest_categorical(coder.key, tuple(range(len(coder.listed))))
        return trial.suggest_int(coder.key, 0, len(coder.listed) - 1)
    kind = trial.suggest_int if coder.is_whole else trial.suggest_float
    return kind(coder.key, coder.range.min, coder.range.max, log=coder.range.sampling == "log")
