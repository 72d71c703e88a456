"""The learning-rate range test: train with rates that rise from tiny to divergence, then put everything back.

Smith (2015), arXiv:1506.01186, section 3.3, "LR range test". The engine, its compiled programs and the order of
examples are those of training; only the table of rates is another, and chunks are one batch long, so that the loss of
each batch can be read.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from hornbook.builder.build import Built
from hornbook.builder.randomness import permutation
from hornbook.data import memory_budget
from hornbook.data.source import Array
from hornbook.engine.engine import Engine, EpochPlan
from hornbook.engine.turns import runs_at_once, side_by_side
from hornbook.errors import DivergedError
from hornbook.recipes.load import refuse_errors
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.rate import problems_of_search
from hornbook.trainer.lr_find.suggest import ANNEALED, HELD, Curve, Search, conclude, stops_here
from hornbook.trainer.prepare import Prepared, build_for, prepare, quiet_upstream_warnings
from hornbook.trainer.reuse.timeline import Timeline
from hornbook.trainer.signals import Interrupted, StopRequest

__all__ = [
    "MAX_RATE",
    "MIN_RATE",
    "find_learning_rate",
    "range_test",
    "search_rate",
    "unchanged",
]

MIN_RATE, MAX_RATE = 1e-7, 10.0
NUM_STEPS = 300
NUM_SEEDS = 3
ANNEALED_TO = 1 / 8  # of the peak rate, at the end of the run


def find_learning_rate(recipe: Recipe, data: Any = None, **options: Any) -> Search:
    """Look for a recipe's learning rate; the one that it has plays no part.

    Args:
        recipe: A checked recipe.
        data: Arrays in place of the recipe's data source.
        **options: Those of `search_rate`.

    Raises:
        RecipeError: If a range test would measure something else than the recipe's training.
        Interrupted: If a signal ended it.
    """
    refuse_errors(recipe, list(problems_of_search(recipe)))
    quiet_upstream_warnings()
    return search_rate(prepare(recipe, data), **options)


def search_rate(
    prepared: Prepared,
    *,
    seeds: int = NUM_SEEDS,
    lowest: float = MIN_RATE,
    highest: float = MAX_RATE,
    steps: int = NUM_STEPS,
    parallel: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Search:
    """Look for the learning rate of a prepared run; the run comes back exactly as it was.

    Args:
        prepared: A run before its first step, on one device.
        seeds: Range tests; the first has the run's own seed and model, the others fresh ones over the same examples.
        lowest: The first rate.
        highest: The last rate, where the loss does not diverge before.
        steps: Optimizer updates of each test; between `lowest` and `highest` their rates rise by a constant factor.
        parallel: Tests that run side by side in this process; omitted: as `runs_at_once` says. It changes no loss.
        say: Called with a line at the start, and a line for each test that is done.

    Raises:
        Interrupted: If a signal ended it.
    """
    rates = np.geomspace(lowest, highest, steps)
    numbers = [(prepared.recipe.seed + offset) % 2**31 for offset in range(seeds)]
    if parallel is None:
        budget = memory_budget(prepared.recipe)
        parallel = runs_at_once(prepared.recipe, prepared.splits.info, memory_budget=budget)
    at_once = min(parallel, seeds)
    say(_heading(numbers, at_once))
    curves: list[Curve] = []
    with StopRequest() as stop:
        jobs = [partial(_test_of, prepared, number, rates, stop) for number in numbers]
        for curve in side_by_side(jobs, at_once, goes_on=lambda: stop.signal is None):
            if stop.signal is None:
                curves.append(curve)
                say(f"[{len(curves)}/{seeds}] seed {curve.seed}: {_described(curve)}")
        if stop.signal is not None:
            done = f"{len(curves)} of {seeds} range tests {'was' if len(curves) == 1 else 'were'} done"
            raise Interrupted(f"stopped by {stop.name}: {done}, and nothing was found.", stop.exit_code)
    rates_of_run = prepared.table.rates
    return conclude(curves, ANNEALED if rates_of_run[-1] <= ANNEALED_TO * rates_of_run.max() else HELD)


def _heading(numbers: Sequence[int], at_once: int) -> str:
    if len(numbers) == 1:
        return f"range test with seed {numbers[0]}"
    return f"range tests with seeds {numbers[0]} to {numbers[-1]}" + (f", {at_once} at once" if at_once > 1 else "")


def _described(curve: Curve) -> str:
    if not len(curve.losses):
        return "no step had a finite loss"
    return f"{len(curve.losses)} steps, loss {curve.losses[0]:.3g}, {curve.losses.min():.3g} at best"


def _test_of(prepared: Prepared, seed: int, rates: Array, stop: StopRequest) -> Curve:
    """Return the range test of one seed, which a signal cuts short."""
    own = prepared if seed == prepared.recipe.seed else _with_seed(prepared, seed)
    return range_test(own, rates, is_stopped=lambda: stop.signal is not None)


def range_test(prepared: Prepared, rates: Array, *, is_stopped: Callable[[], bool] = lambda: False) -> Curve:
    """Train one step at each of (S,) rising rates, until the loss diverges, and put everything back.

    The schedule's momentum is the one that it has at its peak rate; a smaller last batch of an epoch is left out.

    Args:
        prepared: A run before its first step.
        rates: (S,) the rates.
        is_stopped: Asked after each batch; True ends the test there.
    """
    recipe, built = prepared.recipe, prepared.built
    accumulation = recipe.optimizer.accumulation
    table = np.repeat(np.asarray(rates, np.float32), accumulation)
    with unchanged(built):
        engine = Engine(replace(prepared.setup(), stream=None))  # of a source of batches the examples of its first pass
        phase = Timeline(recipe, built, batches=engine.batches).enter(0, batch=0)
        if phase is not None:
            engine.begin_phase(phase.key())
        batch_losses: list[float] = []

        def is_enough() -> bool:
            is_whole = len(batch_losses) % accumulation == 0
            has_seen_all = len(batch_losses) >= len(table) or is_stopped()
            return has_seen_all or (is_whole and stops_here(_step_losses(batch_losses, accumulation)))

        def on_chunk(done: int) -> bool:
            batch_losses.append(float(engine.loss_tracker.result()))
            engine.loss_tracker.reset_state()  # nobody reads the metrics
            return is_enough() or done == engine.full_batches

        momenta = np.full(engine.batches, prepared.table.momenta[np.argmax(prepared.table.rates)], np.float32)
        epoch, diverged = 0, False
        while not diverged and not is_enough():
            order = permutation(recipe.seed, epoch, len(prepared.splits.train))
            here = np.resize(table[len(batch_losses) :], engine.batches)
            try:
                engine.train_epoch(EpochPlan(order, here, momenta, epoch * engine.batches), repeat(1), on_chunk)
            except DivergedError:
                diverged = True
            epoch += 1
    losses = _step_losses(batch_losses, accumulation)
    return Curve(recipe.seed, np.asarray(rates, np.float64)[: len(losses)], losses, diverged or stops_here(losses))


def _step_losses(batch_losses: list[float], accumulation: int) -> Array:
    """Return (S,) the mean loss of the batches of each whole step."""
    whole = len(batch_losses) // accumulation * accumulation
    return np.asarray(np.asarray(batch_losses[:whole], np.float64).reshape(-1, accumulation).mean(axis=1))


@contextlib.contextmanager
def unchanged(built: Built) -> Iterator[None]:
    """Put weights, batch statistics, random generators, optimizer, metrics and what is frozen back at the end."""
    variables = [*built.training_model.variables, *built.optimizer.variables]
    variables += [variable for metric in built.metrics for variable in metric.variables]
    values = [variable.numpy().copy() for variable in variables]
    frozen = [(layer, layer.trainable) for layer in built.training_model.layers]
    try:
        yield
    finally:
        for layer, was_trainable in frozen:
            if layer.trainable != was_trainable:
                layer.trainable = was_trainable
        built.set_factors()
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _with_seed(prepared: Prepared, seed: int) -> Prepared:
    """Return the same run with another seed for weights, order and random layers; the examples stay."""
    changed = prepared.recipe.replaced({"seed": seed})
    return replace(prepared, recipe=changed, built=build_for(changed, prepared.splits))
