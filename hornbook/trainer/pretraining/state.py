"""Where a run stands in its pretraining, so that it can be saved and restored exactly."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hornbook.data.source import Array
from hornbook.engine.engine import Engine, EpochPlan, permutation
from hornbook.errors import RunError
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.pretraining.phase import build_engine, phase_names, phase_seed

__all__ = ["Pretraining", "make_pretraining"]

FACTS = ("index", "epoch", "batch", "epoch_seconds")


class Pretraining:
    """The phases of a run's pretraining, and the one that is running.

    Attributes:
        names: The phases in order.
        index: Phases done.
        epoch: Epochs done of the running phase.
        batch: Batches done of its running epoch.
        epoch_seconds: Training seconds of that epoch so far, earlier processes included.
        epochs: Epochs of each phase.
    """

    def __init__(self, prepared: Prepared) -> None:
        given = prepared.recipe.pretraining
        if given is None:
            raise ValueError("the recipe has no pretraining")
        self.names = phase_names(prepared.recipe)
        self.epochs = given.epochs
        self.rate = given.optimizer.rate()
        self.momentum = given.optimizer.momentum_value()
        self.index = self.epoch = self.batch = 0
        self.epoch_seconds = 0.0
        self._prepared: Prepared | None = prepared
        self._engine: Engine | None = None

    @property
    def is_done(self) -> bool:
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

    @property
    def size(self) -> int:
        """How many inputs there are."""
        return len(self._ready().unlabeled)

    def _ready(self) -> Any:
        if self._prepared is None or self._prepared.unlabeled is None:
            raise ValueError("pretraining is done")
        return self._prepared

    def engine(self) -> Engine:
        """Return the running phase's engine, made of the main model as it is now where there is none yet."""
        if self._engine is None:
            prepared, name = self._ready(), self.names[self.index]
            self._engine = build_engine(
                prepared.recipe,
                prepared.built,
                prepared.unlabeled,
                name,
                structure=prepared.structure(with_statistics=True),
            )
        return self._engine

    def plan(self) -> EpochPlan:
        """Return order and rates of the running epoch."""
        engine = self.engine()
        order = permutation(phase_seed(self._ready().recipe, self.names[self.index]), self.epoch, self.size)
        rates, momenta = (np.full(engine.batches, value, np.float32) for value in (self.rate, self.momentum))
        return EpochPlan(order, rates, momenta, self.epoch * engine.batches)

    def close_epoch(self) -> None:
        """Go on to the next epoch, phase, or to training."""
        self.epoch, self.batch, self.epoch_seconds = self.epoch + 1, 0, 0.0
        if self.epoch < self.epochs:
            return
        built = self.engine().built
        inner = getattr(built.optimizer, "inner_optimizer", built.optimizer)
        if inner.use_ema:
            inner.finalize_variable_values(built.model.trainable_variables)
        self.index, self.epoch, self._engine = self.index + 1, 0, None
        if self.is_done:
            self._prepared = None

    def _own_variables(self) -> list[Any]:
        """Return what a phase has beside the main model's variables: decoder or head, optimizer, counts."""
        engine = self.engine()
        main = {id(variable) for variable in self._ready().built.training_model.variables}
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
        if self.is_done:
            self._prepared = None
        if not arrays:
            return
        own = self._own_variables()
        saved = [arrays[name] for name in sorted(arrays)]
        if [value.shape for value in saved] != [tuple(variable.shape) for variable in own]:
            raise RunError("the saved state belongs to another model: the recipe or the versions have changed.")
        for variable, value in zip(own, saved, strict=True):
            variable.assign(value)


def make_pretraining(prepared: Prepared) -> Pretraining | None:
    """Return the pretraining of a run, or None where the recipe has none or is its control."""
    return Pretraining(prepared) if prepared.unlabeled is not None else None
