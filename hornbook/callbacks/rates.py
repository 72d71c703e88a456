"""The learning rate and momentum of every step of a run, computed before it starts."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hornbook.recipes.language.durations import Length
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.schedule import ConstantSchedule, ScheduleSpec

__all__ = ["RateTable", "rate_table", "table_of"]


@dataclass(frozen=True)
class RateTable:
    """Rates and momenta of a run, one per batch.

    Attributes:
        rates: (batches of the run,) float32; steps that gather several batches repeat their rate.
        momenta: The same for the momentum; all equal where the schedule leaves it alone.
        moves_momentum: Whether the schedule moves it.
        amounts: (batches of the run, 2) float32, factors of dropout and weight decay; None where neither moves.
        length: Epochs, batches and steps of the run.
    """

    rates: NDArray[np.float32]
    momenta: NDArray[np.float32]
    moves_momentum: bool
    length: Length
    amounts: NDArray[np.float32] | None = None

    @property
    def batches(self) -> int:
        """Batches per epoch; the last one may have fewer."""
        return self.length.batches

    def at(self, batch: int, factor: float = 1.0) -> tuple[np.float32, np.float32]:
        """Return (rate, momentum) of one batch of the run, counted from 0, with a factor on the rate; the last goes on."""
        batch = min(batch, len(self.rates) - 1)
        return self.rates[batch] * np.float32(factor), self.momenta[batch]

    def epoch(self, epoch: int, factor: float = 1.0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return (rates, momenta) of each batch of one epoch, counted from 0, with a factor on the rates."""
        here = slice(epoch * self.batches, (epoch + 1) * self.batches)
        return self.rates[here] * np.float32(factor), self.momenta[here]

    def amounts_of(self, epoch: int) -> NDArray[np.float32] | None:
        """Return the factors of dropout and weight decay of each batch of one epoch, counted from 0."""
        return None if self.amounts is None else self.amounts[epoch * self.batches : (epoch + 1) * self.batches]


def rate_table(recipe: Recipe, *, batches: int) -> RateTable:
    """Return the table of a recipe that trains on so many batches per epoch.

    The schedule's clock is the optimizer's update: with `accumulation: 4` four batches share one step. Where the rate is
    still to be found, the table holds the schedule's factors alone.
    """
    optimizer = recipe.optimizer
    length = recipe.training.length(batches=batches, accumulation=optimizer.accumulation)
    table = table_of(
        recipe.schedule,
        peak=1.0 if optimizer.is_auto else optimizer.rate(),
        momentum=optimizer.momentum_value(),
        length=length,
    )
    decay = optimizer.weight_decay
    schedules = (recipe.regularization.dropout_schedule, None if decay is None else decay.schedule)
    if schedules == (None, None):
        return table
    factors = [
        table_of(schedule or ConstantSchedule(), peak=1.0, momentum=0.0, length=length).rates for schedule in schedules
    ]
    return replace(table, amounts=np.stack(factors, axis=1))


def table_of(schedule: ScheduleSpec, *, peak: float, momentum: float, length: Length) -> RateTable:
    """Return the table of a schedule.

    Args:
        schedule: As in a recipe; its durations may be of any unit.
        peak: The rate that its factors are of.
        momentum: The optimizer's own; 0 where there is none.
        length: Epochs, batches and steps of the run.
    """
    total_steps = length.steps
    per_epoch = max(length.batches // length.accumulation, 1)
    schedule = schedule.in_steps(steps_per_epoch=per_epoch, total_steps=total_steps)
    rates, momenta, moves = [], [], False
    for step in range(total_steps + 1):
        clock = min(step, total_steps)
        rates.append(peak * schedule.warmed_factor(clock, total_steps))
        moved = schedule.warmed_momentum(clock, total_steps, momentum)
        moves = moves or moved is not None
        momenta.append(momentum if moved is None else moved)
    steps = np.minimum(np.arange(length.total) // length.accumulation, total_steps)
    return RateTable(
        rates=np.asarray(rates, np.float32)[steps],
        momenta=np.asarray(momenta, np.float32)[steps],
        moves_momentum=moves,
        length=length,
    )
