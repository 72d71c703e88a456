"""The fused engine: many steps in one compiled call over arrays that live on the device.

An epoch is a pure function of (seed, epoch): the order of examples and every random draw derive from them. A chunk of
steps is one call whose bounds are arguments, so cutting an epoch anywhere changes no bit.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hornbook.data import memory_budget
from hornbook.data.source import Array
from hornbook.engine.feed import Block, Resident, make_feed
from hornbook.engine.programs import Programs
from hornbook.engine.steps import Setup, Steps
from hornbook.errors import DivergedError
from hornbook.upstream import Statistics

__all__ = ["Engine", "EpochPlan"]


@dataclass(frozen=True)
class EpochPlan:
    """What one epoch needs besides the data.

    Attributes:
        order: (N,) int32, the order of examples.
        rates: (S,) float32, the learning rate of each batch; the epoch ends after the last of them.
        momenta: (S,) float32, the momentum of each batch; unused where the schedule leaves it alone.
        first_batch: Batches trained before this epoch.
        amounts: (S, 2) float32, factors of dropout and weight decay of each batch; None where neither moves.
    """

    order: Array
    rates: Array
    momenta: Array
    first_batch: int
    amounts: Array | None = None

    @property
    def moving(self) -> Array:
        """What moves beside the rate: (S,) momenta, or (S, 3) with the factors of dropout and weight decay."""
        return self.momenta if self.amounts is None else np.column_stack([self.momenta, self.amounts])

    @property
    def batches(self) -> int:
        """Batches of this epoch: those of the training split, or fewer where the run ends before."""
        return len(self.rates)


class Engine:
    """Trains a setup on one device; the training split stays on it, or on disk where it exceeds the memory budget."""

    can_pause = True

    def __init__(self, setup: Setup) -> None:
        self.built = setup.built
        self.full_batches, self.batches = len(setup.train) // setup.batch_size, setup.batches
        self.feed = make_feed(setup.train, setup.targets(), setup.batch_size, memory_budget=memory_budget(setup.recipe))
        self.loss_tracker = keras.metrics.Mean(name="loss")
        states, seeds = setup.seeds()
        training = setup.recipe.training
        # Accumulated or scaled gradients are complete inside the optimizer only.
        clips_before = setup.recipe.optimizer.accumulation == 1 and training.precision != "mixed_float16"
        self.steps = Steps(
            built=setup.built,
            batch_size=setup.batch_size,
            states=states,
            seeds=seeds,
            loss_tracker=self.loss_tracker,
            weights_K=None if setup.weights_K is None else tf.constant(setup.weights_K, tf.float32),
            momentum_option=setup.momentum_option,
            jit=training.engine == "xla",
            fuses=training.engine == "fused_graph",
            statistics=Statistics(setup.built.training_model),
            clipping=setup.clipping if clips_before else None,
        )
        self.programs = Programs(setup.structure, self.steps.externals())
        self._kind = "fused " if self.steps.fuses else ""  # XLA's programs are told apart by how they are compiled
        self.phase = self._kind

    def begin_phase(self, key: str) -> None:
        """Use programs of their own for other layers learning, or other rates."""
        self.phase = self._kind + key

    def make_ready(self, plan: EpochPlan) -> None:
        """Trace the programs of an epoch, and have them compiled beside what follows; examples on disk are left there."""
        if not isinstance(self.feed, Resident):
            return
        if self.full_batches:
            data, weights = self._data(next(self.feed.blocks(plan.order, 0)), plan)
            none = tf.constant(0)
            self.programs.make_ready(
                f"chunk {self.phase}", self.steps.chunk, *data, none, none, *weights, jit=self.steps.jit
            )
        if self.full_batches < plan.batches:
            self.programs.make_ready(f"rest {self.phase}", self.steps.rest, *self._rest(plan))

    def train_epoch(
        self,
        plan: EpochPlan,
        chunk_sizes: Iterator[int],
        on_chunk: Callable[[int], bool],
        *,
        start: int = 0,
        before_chunk: Callable[[int], None] | None = None,
    ) -> bool:
        """Train one epoch; its loss and metrics are in `logs()` afterwards.

        Args:
            plan: Order, rates and momenta.
            chunk_sizes: How many batches the next chunk takes.
            on_chunk: Called with the batches done after each chunk; True ends the epoch there.
            start: Batches of this epoch that are done already; its metrics go on from what they hold then.
            before_chunk: Called with the batches done before each chunk.

        Returns:
            Whether the epoch was ended early.

        Raises:
            DivergedError: If the loss of a batch, or a weight after a chunk, is not finite.
        """
        if start == 0:
            self.reset()
        last = min(self.full_batches, plan.batches)
        if start < last:
            for block in self.feed.blocks(plan.order, start):
                if block.base >= last:
                    break
                for done in self._train_block(block, plan, chunk_sizes, before_chunk, max(start, block.base)):
                    if on_chunk(done) and done < plan.batches:
                        return True
        if self.full_batches < plan.batches:
            if before_chunk is not None:
                before_chunk(self.full_batches)
            finite = self.programs.call(f"rest {self.phase}", self.steps.rest, *self._rest(plan))
            _check_finite(finite, self.batches)
            on_chunk(self.batches)
        return False

    def _train_block(
        self,
        block: Block,
        plan: EpochPlan,
        chunk_sizes: Iterator[int],
        before_chunk: Callable[[int], None] | None,
        done: int,
    ) -> Iterator[int]:
        """Train the batches of one block from `done` on, in chunks; yields the batches done after each."""
        base, last = block.base, min(block.end, plan.batches)
        data, weights = self._data(block, plan)
        while done < last:
            if before_chunk is not None:
                before_chunk(done)
            end = min(done + max(next(chunk_sizes), 1), last)
            bounds = tf.constant(done - base), tf.constant(end - base)
            reached, *finite = self.programs.call(
                f"chunk {self.phase}", self.steps.chunk, *data, *bounds, *weights, jit=self.steps.jit
            )
            done = base + int(reached)
            _check_finite(finite, done)
            yield done

    def _data(self, block: Block, plan: EpochPlan) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return what a chunk of a block takes before its bounds, and what after them.

        Within a block batches count from 0: XLA would compile anew for each block that began elsewhere.
        """
        base, room = block.base, len(block.order) // self.steps.batch_size
        last = min(block.end, plan.batches)
        parts = (plan.rates[base:last], plan.moving[base:last])
        tables = [tf.constant(np.resize(part, (room, *part.shape[1:]))) for part in parts]
        first = tf.constant(plan.first_batch + base, tf.int64)
        return (block.inputs, block.targets, block.order, *tables, first), block.weights

    def _rest(self, plan: EpochPlan) -> tuple[Any, ...]:
        """Return what the step of an epoch's smaller last batch takes."""
        *data, weights = self.feed.rest(plan.order)
        number = tf.constant(plan.first_batch + self.full_batches, tf.int64)
        return (*data, tf.constant(plan.rates), tf.constant(plan.moving), number, *weights)

    def reset(self) -> None:
        """Start counting loss and metrics afresh."""
        for metric in self.trackers():
            metric.reset_state()

    def trackers(self) -> tuple[keras.metrics.Metric, ...]:
        """Return what counts loss and metrics."""
        return (self.loss_tracker, *self.built.metrics)

    def logs(self) -> dict[str, float]:
        """Return loss and metrics over all batches since `reset`."""
        return {metric.name: float(metric.result()) for metric in self.trackers()}


def _check_finite(finite: Sequence[Any], done: int) -> None:
    """Stop where numbers are lost; `finite` says whether losses are finite, and weights."""
    has_finite_loss, has_finite_weights = finite
    if not has_finite_loss:
        raise DivergedError(f"the loss of batch {done} is not a finite number")
    if not has_finite_weights:
        raise DivergedError(f"after batch {done} some weights are not finite numbers")
