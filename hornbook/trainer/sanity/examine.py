"""The checks before training, in order, each with its reason."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hornbook.builder.phases import phases_of
from hornbook.builder.randomness import derive_seed
from hornbook.display.text import COLUMNS, hanging
from hornbook.engine.probe import Probe
from hornbook.errors import DataError
from hornbook.recipes.recipe import Recipe
from hornbook.trainer.prepare import Prepared, prepare
from hornbook.trainer.sanity.batch import SmallBatch, check_fit, check_saving, check_zeroed, loss_of, without_draws
from hornbook.trainer.sanity.data import check_data
from hornbook.trainer.sanity.layers import Layers, check_gradients, check_signals, look_at
from hornbook.trainer.sanity.outcome import Outcome, failed, skipped
from hornbook.trainer.sanity.start import check_initial_loss
from hornbook.upstream import REFUSALS, reason

__all__ = ["CHECKS", "Report", "examine"]

CHECKS = ("data", "initial loss", "signal", "gradients", "small batch", "zeroed inputs", "save and load")
MARKS = {"pass": "PASS", "fail": "FAIL", "skip": "SKIP"}


@dataclass(frozen=True)
class Report:
    """What all checks have found.

    Attributes:
        name: The recipe's.
        outcomes: {check: what it found}, in order.
        seconds: How long they took, data and model included.
    """

    name: str
    outcomes: Mapping[str, Outcome]
    seconds: float

    @property
    def failures(self) -> list[str]:
        """Names of the checks that failed."""
        return [name for name, outcome in self.outcomes.items() if outcome.verdict == "fail"]

    def lines(self) -> list[str]:
        """Return the table as lines of at most 80 columns."""
        lines = [
            line
            for name, outcome in self.outcomes.items()
            for line in hanging(f"{name:<14}{MARKS[outcome.verdict]}  ", outcome.reason, COLUMNS)
        ]
        count = len(self.failures)
        end = f"{count} of {len(self.outcomes)} checks failed" if count else "nothing that speaks against training"
        return [*lines, f"{self.name}: {end}, {self.seconds:.1f} s"]

    def record(self) -> dict[str, Any]:
        """Return the report as plain values."""
        checks = [
            {"check": name, "verdict": outcome.verdict, "reason": outcome.reason, "figures": dict(outcome.figures)}
            for name, outcome in self.outcomes.items()
        ]
        return {"recipe": self.name, "ok": not self.failures, "seconds": round(self.seconds, 2), "checks": checks}


def examine(recipe: Recipe, data: Any = None, *, on_check: Callable[[str], None] | None = None) -> Report:
    """Load the data, build the network, and compare both with theory, without training it.

    Args:
        recipe: A checked recipe. Of a sweep, the training that its trials vary; a distributed one runs on one device.
        data: Arrays in place of the recipe's data source.
        on_check: Called with the name of each check before it runs.

    Raises:
        RecipeError: If recipe and data do not fit together.
    """
    started = time.perf_counter()
    recipe = recipe.replaced({"sweep": None, "training.strategy": None})
    outcomes = {}
    with np.errstate(all="ignore"):  # a network that explodes is a finding
        for name, outcome in _outcomes(recipe, data, on_check or (lambda _: None)):
            outcomes[name] = outcome
    return Report(recipe.name or "recipe", outcomes, time.perf_counter() - started)


def _outcomes(recipe: Recipe, data: Any, begin: Callable[[str], None]) -> Iterator[tuple[str, Outcome]]:
    begin(CHECKS[0])
    try:
        prepared = prepare(recipe, data)
    except DataError as error:
        yield CHECKS[0], failed(str(error))
        yield from ((name, skipped("the data cannot be used.")) for name in CHECKS[1:])
        return
    rows = np.random.default_rng(derive_seed(recipe.seed, "health")).permutation(len(prepared.splits.train))
    layers: Layers | None
    try:
        probe = Probe(prepared.setup(), rows)
        layers, unseen = look_at(prepared, probe), skipped("")
    except REFUSALS as error:
        layers, unseen = None, skipped(f"this network cannot be looked into: {reason(error)}.")
    if layers is None:
        yield from ((name, unseen) for name in CHECKS[:4])
    else:
        yield CHECKS[0], check_data(prepared, layers.reading.outputs.get("inputs"))
        begin(CHECKS[1])
        model = without_draws(prepared.built.logits_model)
        loss = float(loss_of(prepared.built, model, probe.inputs, probe.targets))
        yield CHECKS[1], check_initial_loss(prepared, loss, probe.targets)
        yield CHECKS[2], check_signals(layers)
        yield CHECKS[3], check_gradients(prepared, layers, _phases(prepared))
    begin(CHECKS[4])
    batch = SmallBatch(prepared)
    fit = check_fit(batch, started=time.perf_counter())
    yield CHECKS[4], fit
    yield CHECKS[5], check_zeroed(batch, fit)
    begin(CHECKS[6])
    yield CHECKS[6], check_saving(prepared)


def _phases(prepared: Prepared) -> Any:
    names = [layer.name for layer in prepared.built.training_model.layers]
    copied = list(prepared.built.copied.origin) if prepared.built.copied is not None else []
    return phases_of(prepared.recipe, names, copied, batches=prepared.table.batches)
