"""Lets the layers of a phase learn: freezes and thaws them, sets their rates, and starts the optimizer afresh."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hornbook.builder.build import Built
from hornbook.builder.phases import Phase, phases_of
from hornbook.data.source import Array
from hornbook.errors import Problem, RecipeError
from hornbook.recipes.recipe import Recipe

__all__ = ["Timeline"]


class Timeline:
    """The phases of a run, and the one that its model is in.

    Args:
        recipe: The resolved recipe.
        built: Its model.
        batches: Batches per epoch.

    Raises:
        RecipeError: If nothing would learn in a phase.
    """

    def __init__(self, recipe: Recipe, built: Built, *, batches: int) -> None:
        names = [layer.name for layer in built.training_model.layers]
        copied = list(built.copied.origin) if built.copied is not None else []
        self._built = built
        phases = phases_of(recipe, names, copied, batches=batches)
        self.phases = tuple(replace(phase, frozen=phase.frozen | built.fixed) for phase in phases)
        self.is_trivial = recipe.reuse is None
        self.current: Phase | None = None
        self._start: list[Array] = []
        if any(phase.resets_optimizer for phase in self.phases):
            self._start = [variable.numpy() for variable in built.optimizer.variables]
        for phase in self.phases if not self.is_trivial else ():
            if not self._learning(phase):
                message = f"nothing would learn from epoch {phase.start + 1} on: every layer with weights is frozen."
                raise RecipeError(
                    [Problem(("reuse", "freeze"), message, "Leave some layers free.", code="reuse-timeline")]
                )

    def layers_with_weights(self) -> list[str]:
        """Return the layers that have something to learn, frozen or not."""
        return [layer.name for layer in self._built.training_model.layers if layer.weights and _learns(layer)]

    def _learning(self, phase: Phase) -> list[str]:
        return [name for name in self.layers_with_weights() if name not in phase.frozen]

    def at(self, epoch: int) -> Phase:
        """Return the phase of an epoch, counted from 0."""
        return [phase for phase in self.phases if phase.start <= epoch][-1]

    @property
    def last_start(self) -> int:
        """The first epoch of the last phase, counted from 0; early stopping and the best epoch count from there."""
        return self.phases[-1].start

    def enter(self, epoch: int, *, batch: int) -> Phase | None:
        """Bring the model into the phase of an epoch; returns the phase if it is another than before.

        Args:
            epoch: The running epoch, counted from 0.
            batch: Batches of it that are done; the optimizer starts afresh only in front of the first.
        """
        phase = self.at(epoch)
        if phase is self.current:
            return None
        self.current = phase
        if self.is_trivial:
            return None
        factors: dict[int, float] = {}
        for layer in self._built.training_model.layers:
            layer.trainable = layer.name not in phase.frozen
            factors |= {id(variable): phase.factors.get(layer.name, 1.0) for variable in layer.variables}
        self._built.set_factors(factors)
        if phase.resets_optimizer and epoch == phase.start and not batch:
            for variable, value in zip(self._built.optimizer.variables, self._start, strict=True):
                variable.assign(value)
        return phase


def _learns(layer: Any) -> bool:
    """Return whether a layer has weights that are meant to be trained, whether or not it is frozen now."""
    return any(variable.path.rsplit("/", 1)[-1] not in NEVER_TRAINED for variable in layer.weights)


NEVER_TRAINED = frozenset(
    {"moving_mean", "moving_variance", "mean", "variance", "count", "seed_generator_state"}
    | {"places", "below", "at", "above", "starts", "slopes", "lows", "highs"}  # tables of quantiles and bins
)


def moved(start: Sequence[Array], now: Sequence[Array]) -> float:
    """Return how far weights have moved, relative to their norm at the start: ‖w − w₀‖ / ‖w₀‖."""
    length = np.sqrt(sum(float(np.sum(np.square(weight, dtype=np.float64))) for weight in start))
    pairs = zip(start, now, strict=True)
    distance = np.sqrt(sum(float(np.sum(np.square(new - old, dtype=np.float64))) for old, new in pairs))
    return float(distance / length) if length else float(distance)
