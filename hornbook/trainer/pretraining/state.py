"""Where a run stands in its pretraining, so that it can be saved and restored exactly."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hornbook.builder.build import Built
from hornbook.builder.randomness import permutation
from hornbook.data.source import Array, Inputs
from hornbook.engine.engine import Engine, EpochPlan
from hornbook.errors import DivergedError, RunError
from hornbook.recipes.recipe import Recipe
from hornbook.trainer.pretraining.phase import build_engine, phase_names, phase_seed
from hornbook.upstream import finish_averages

__all__ = ["Pretraining"]

FACTS = ("index", "epoch", "batch", "epoch_seconds")


class Pretraining:
    """The phases of a run's pretraining, and the one that is running: a stage of `hornbook.trainer.epochs`.

    Attributes:
        names: The phases in order.
        index: Phases done.
        epoch: Epochs done of the running phase.
        batch: Batches done of its running epoch.
        epoch_seconds: Training seconds of that epoch so far, earlier processes included.
        epochs: Epochs of each phase.
    """

    def __init__(self, recipe: Recipe, built: Built, inputs: Inputs, *, structure: str | None) -> None:
        """Describe the phases; builds nothing.

        Args:
            recipe: The resolved recipe.
            built: The main model, whose layers learn.
            inputs: (N, …) inputs without labels.
            structure: What makes the main model's programs interchangeable, its inputs' statistics included, or None.
        """
        given = recipe.pretraining
        if given is None:
            raise ValueError("the recipe has no pretraining")
        self.names = phase_names(recipe)
        self.epochs = given.epochs
        self.rate = float(given.optimizer.rate())
        self.momentum = given.optimizer.momentum_value()
        self.index = self.epoch = self.batch = 0
        self.epoch_seconds = 0.0
        self._recipe, self._built, self._structure = recipe, built, structure
        self._inputs: Inputs | None = inputs
        self._engine: Engine | None = None

    @property
    def is_over(self) -> bool:
        """Whether no phase is left."""
        return self.index >= len(self.names)

    @property
    def phase(self) -> str:
        """The running phase as the history calls it: ``pretraining hidden_1``."""
        return f"pretraining {self.names[self.index]}"

    @property
    def place(self) -> str:
        """The running epoch, for people."""
        return f"epoch {self.epoch + 1} of {self.phase}"

    def _unlabeled(self) -> Inputs:
        if self._inputs is None:
            raise ValueError("pretraining is over")
        return self._inputs

    @property
    def loop(self) -> Engine:
        """The running phase's engine, made of the main model as it is now where there is none yet."""
        if self._engine is None:
            self._engine = build_engine(
                self._recipe, self._built, self._unlabeled(), self.names[self.index], structure=self._structure
            )
        return self._engine

    @property
    def batches(self) -> int:
        """Batches of each epoch."""
        return self.loop.batches

    def enter(self) -> list[str]:
        """Return a sentence about a phase that begins."""
        if self.epoch or self.batch:
            return []
        epochs = f"{self.epochs} epochs" if self.epochs != 1 else "1 epoch"
        return [f"{self.phase}: {epochs} on {len(self._unlabeled()):,} inputs without labels"]

    def make_ready(self) -> None:
        """Begin to compile an epoch, beside what follows."""
        self.loop.make_ready(self.plan())

    def plan(self) -> EpochPlan:
        """Return order and rates of the running epoch."""
        batches, size = self.loop.batches, len(self._unlabeled())
        order = permutation(phase_seed(self._recipe, self.names[self.index]), self.epoch, size)
        rates, momenta = (np.full(batches, value, np.float32) for value in (self.rate, self.momentum))
        return EpochPlan(order, rates, momenta, self.epoch * batches)

    def figures(self) -> dict[str, float]:
        """Return the running epoch's loss and error."""
        return self.loop.logs()

    def is_best(self) -> bool:
        """Return False: which epoch is the best is a question of the labels."""
        return False

    def recover(self, error: DivergedError) -> str:
        """Say where it happened.

        Raises:
            DivergedError: In any case.
        """
        hint = "Lower pretraining.optimizer.learning_rate."
        raise DivergedError(f"{self.place} diverged: {error}. {hint}") from error

    def close(self, figures: Mapping[str, float]) -> None:
        """Go on to the next epoch, phase, or to training."""
        self.epoch, self.batch, self.epoch_seconds = self.epoch + 1, 0, 0.0
        if self.epoch < self.epochs:
            return
        finish_averages(self.loop.built.optimizer)
        self.index, self.epoch, self._engine = self.index + 1, 0, None
        if self.is_over:
            self._inputs = None

    def _own_variables(self) -> list[Any]:
        """Return what a phase has beside the main model's variables: decoder or head, optimizer, counts."""
        engine = self.loop
        main = {id(variable) for variable in self._built.training_model.variables}
        own = [variable for variable in engine.built.model.variables if id(variable) not in main]
        counts = [variable for metric in engine.trackers() for variable in metric.variables]
        return [*own, *engine.built.optimizer.variables, *counts]

    def get_state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Return copies of the running phase's own arrays, and where it stands."""
        own = self._own_variables() if self._engine is not None else []
        arrays = {f"{index:04d}": variable.numpy().copy() for index, variable in enumerate(own)}
        return arrays, {name: getattr(self, name) for name in FACTS}

    def set_state(self, arrays: Mapping[str, Array], facts: Mapping[str, Any]) -> None:
        """Go on from what `get_state` returned; the main model's variables have to be restored before.

        Raises:
            RunError: If the arrays belong to another model.
        """
        for name in FACTS:
            setattr(self, name, facts[name])
        self._engine = None
        if self.is_over:
            self._inputs = None
        if not arrays:
            return
        own = self._own_variables()
        saved = [arrays[name] for name in sorted(arrays)]
        if [value.shape for value in saved] != [tuple(variable.shape) for variable in own]:
            raise RunError("the saved state belongs to another model: the recipe or the versions have changed.")
        for variable, value in zip(own, saved, strict=True):
            variable.assign(value)
