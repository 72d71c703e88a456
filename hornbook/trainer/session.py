"""Everything that changes while a run trains, in one place, so that it can be saved and restored exactly."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hornbook.builder.randomness import permutation
from hornbook.callbacks.watchers import BestKeeper, EarlyStopper, PlateauReducer, keeper_of, stopper_of
from hornbook.data.source import Array
from hornbook.engine.engine import EpochPlan
from hornbook.engine.evaluation import Evaluator
from hornbook.engine.loops import Loop, make_loop
from hornbook.errors import DivergedError, RunError
from hornbook.recipes.language.durations import Length, to_seconds
from hornbook.recipes.recipe import Recipe
from hornbook.runs.states import State
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.pretraining.state import Pretraining
from hornbook.trainer.reuse.timeline import Timeline
from hornbook.trainer.user_callbacks import UserCallbacks
from hornbook.trainer.weights import averaged, snapshot

__all__ = ["Candidate", "Session"]

DIVERGED_HINT = "Lower optimizer.learning_rate, or clip: training.gradient_clipping={by: global_norm, threshold: 1.0}."


@dataclass(frozen=True)
class Candidate:
    """What is different for a training that is one of many to choose from: its test examples are left alone.

    Attributes:
        until: Pause after so many epochs, able to go on as if nothing had been; None trains to the end.
    """

    until: int | None = None


class Session:
    """A run in progress.

    Attributes:
        length: Epochs, batches and steps of the whole run.
        masks: Which weights are alive, where a model is made smaller; None otherwise.
        epoch: Epochs done.
        batch: Batches done of the epoch that is running.
        history: One row per epoch done, those of pretraining first.
        pretraining: The phases in front of the first epoch, or None.
        best_weights: Copies of the best epoch's weights, or None.
        epoch_start: The state at the start of the running epoch, where going back to it may become necessary.
        rate_factor: What performance scheduling has made of the rate.
        divergence_factor: What rolling back after divergence has made of it.
        rollbacks: How often the run went back.
        spent_s: Seconds trained before this process.
        epoch_seconds: Training seconds of the running epoch before this process.
        is_done: Whether nothing is left to do.
        candidate: Set where the run is one of many to choose from.
        limit_s: Seconds after which the run ends.
        on_divergence: What to do when the run diverges; None ends it.
        restores_best: Whether the run ends with the best epoch's weights.
        every_s: How often the recipe wants its state saved; None: as often as it costs little.

    Args:
        prepared: A run before its first step.
        callbacks: A user's Keras callbacks.
        candidate: See above.
    """

    def __init__(
        self, prepared: Prepared, callbacks: Sequence[Any] = (), *, candidate: Candidate | None = None
    ) -> None:
        recipe, training = prepared.recipe, prepared.recipe.training
        recipe.optimizer.rate()  # a run with an open rate must not begin
        self.loop: Loop = make_loop(prepared.setup())
        self.users = UserCallbacks(callbacks, prepared, self.loop)
        self.prepared = _without_copies(prepared, self.loop)
        self.pretraining: Pretraining | None = None
        if self.prepared.unlabeled is not None:
            structure = prepared.structure(with_statistics=True)
            self.pretraining = Pretraining(recipe, prepared.built, self.prepared.unlabeled, structure=structure)
        self.evaluator = Evaluator(prepared.built, prepared.structure())
        self.timeline = Timeline(recipe, prepared.built, batches=self.loop.batches)
        self.masks = prepared.shrinking.masks if prepared.shrinking is not None else None
        self.keeper = make_keeper(recipe, self.last_start)
        self.length = prepared.table.length
        self.stopper = make_stopper(recipe, self.length, self.last_start)
        schedule = recipe.schedule.in_epochs(self.length)
        self.reducer: PlateauReducer | None = schedule.build_watcher(recipe.optimizer.rate())
        self.epoch = 0
        self.batch = 0
        self.history: list[dict[str, Any]] = []
        self.best_weights: list[Any] | None = None
        self.epoch_start: State | None = None
        self.rate_factor = 1.0
        self.divergence_factor = 1.0
        self.rollbacks = 0
        self.spent_s = 0.0
        self.epoch_seconds = 0.0
        self.is_done = not self.length.epochs
        self.stop_reason = "nothing to fine-tune" if self.is_done else ""
        self.candidate = candidate
        self.limit_s = to_seconds(training.max_time) if training.max_time is not None else math.inf
        self.every_s: float | None = None
        if training.checkpoint is not None and training.checkpoint.every is not None:
            self.every_s = to_seconds(training.checkpoint.every)
        self.on_divergence = training.on_divergence
        self.restores_best = training.early_stopping is not None and training.early_stopping.restore_best
        self._started = time.perf_counter()

    @property
    def last_start(self) -> int:
        """The epoch, counted from 0, from which on epochs are compared: whole phases and all zeros are behind it."""
        return max(self.timeline.last_start, self.masks.last_start if self.masks is not None else 0)

    @property
    def elapsed_s(self) -> float:
        """Seconds this run has taken so far, in all its processes."""
        return self.spent_s + time.perf_counter() - self._started

    def leave_out(self, seconds: float) -> None:
        """Do not count seconds that something else than the run has just taken: `max_time` is about training."""
        self._started += seconds

    @property
    def until(self) -> int:
        """Epochs after which to pause or end."""
        epochs = self.length.epochs
        return epochs if self.candidate is None or self.candidate.until is None else min(self.candidate.until, epochs)

    @property
    def is_over(self) -> bool:
        """Whether no epoch is left to train now."""
        return self.is_done or self.epoch >= self.until

    @property
    def batches(self) -> int:
        """Batches of the running epoch, the last of which may be the run's last step."""
        return self.length.batches_of(self.epoch)

    @property
    def phase(self) -> str:
        """What the history calls the running epoch's phase."""
        return self.timeline.at(self.epoch).name

    @property
    def rate(self) -> float:
        """The learning rate of the running epoch's last batch that is done, or that there is."""
        return float(self._rates()[0][self.batch - 1])

    def _rates(self) -> tuple[Array, Array]:
        """Return rate and momentum of each batch of the running epoch: the table's, times what has lowered the rate."""
        return self.prepared.table.epoch(self.epoch, self.rate_factor * self.divergence_factor)

    def enter(self) -> list[str]:
        """Bring the model into the running epoch's phase; returns a sentence about it if it is a new one."""
        phase = self.timeline.enter(self.epoch, batch=self.batch)
        if phase is not None:
            self.loop.begin_phase(phase.key())
        if self.masks is not None and self.batch == 0:
            self.masks.enter(self.epoch)
        self._keep_epoch_start()
        return [phase.sentence(self.timeline.layers_with_weights())] if phase is not None else []

    def make_ready(self) -> None:
        """Begin to compile what the running epoch needs, beside what follows."""
        self.loop.make_ready(self.plan())
        self.evaluator.make_ready(self.prepared.splits.validation)

    def plan(self) -> EpochPlan:
        """Return order and rates of the running epoch."""
        order = permutation(self.prepared.recipe.seed, self.epoch, len(self.prepared.splits.train))
        amounts = self.prepared.table.amounts_of(self.epoch)
        return EpochPlan(order, *self._rates(), self.epoch * self.loop.batches, amounts)

    def figures(self) -> dict[str, float]:
        """Return the running epoch's figures, and keep the weights if they are the best so far."""
        built, figures = self.prepared.built, self.loop.logs()
        with averaged(built.optimizer):
            if self.masks is not None:
                self.masks.hold()  # averages remember what dead weights were
            hooks = self.users if self.users.has_any else None
            validated = self.evaluator.of_split(self.prepared.splits.validation, hooks)
            figures |= {f"val_{name}": value for name, value in validated.items()}
            figures |= {"zeros": self.masks.zeros()} if self.masks is not None else {}
            if self.keeper.is_best(self.epoch + 1, figures):
                self.best_weights = snapshot(built.model)
        return figures

    def is_best(self) -> bool:
        """Return whether the running epoch, whose figures are known, is the best so far."""
        return self.keeper.best_epoch == self.epoch + 1

    def close(self, figures: Mapping[str, float]) -> None:
        """Move on to the next epoch; sets `is_done` if there should be none."""
        self.epoch, self.batch, self.epoch_seconds = self.epoch + 1, 0, 0.0
        if self.reducer is not None:
            self.rate_factor = self.reducer.update(figures)
        if self.users.wants_stop:
            self.is_done, self.stop_reason = True, f"a callback stopped training after epoch {self.epoch}"
            return
        stopper = self.stopper
        if stopper is not None and stopper.should_stop(self.epoch, figures) and self.epoch < self.length.epochs:
            self.is_done, self.stop_reason = True, stopper.reason

    def recover(self, error: DivergedError) -> str:
        """Go back to the start of the epoch with a lower rate, as often as the recipe allows.

        Raises:
            DivergedError: Where it does not.
        """
        said = f"training diverged in epoch {self.epoch + 1}: {error}."
        policy, start = self.on_divergence, self.epoch_start
        if start is None or policy is None:
            raise DivergedError(f"{said} {DIVERGED_HINT}") from error
        rollbacks, factor = self.rollbacks + 1, self.divergence_factor * policy.rate_factor
        if rollbacks > policy.rollback:
            message = f"{said} {DIVERGED_HINT} The run went back {policy.rollback} times already."
            raise DivergedError(message) from error
        self.set_state(start)
        self.rollbacks, self.divergence_factor = rollbacks, factor
        return f"{said} Going back to the start of epoch {self.epoch + 1} with {factor:g} times the rate."

    def forget_unlabeled(self) -> None:
        """Let go of the inputs of a pretraining that is over: they may take much memory."""
        self.prepared = replace(self.prepared, unlabeled=None)

    def running_epoch(self) -> str:
        """Return the running epoch, for people."""
        if self.pretraining is not None and not self.pretraining.is_over:
            return self.pretraining.place
        return f"epoch {self.epoch + 1}"

    def place(self) -> str:
        """Return where the run stands, for people."""
        if self.pretraining is not None and not self.pretraining.is_over:
            return f"{self.pretraining.place} after {self.pretraining.batch} batches"
        return f"epoch {self.epoch + 1} after {self.batch} of {self.batches} batches"

    def watchers(self) -> dict[str, Any]:
        """Return what has a state of its own, by name."""
        watchers = {"keeper": self.keeper, "stopper": self.stopper, "reducer": self.reducer}
        return {name: watcher for name, watcher in watchers.items() if watcher is not None}

    def _variables(self) -> dict[str, Any]:
        """Return every variable that training changes, by a name that is the same in every process."""
        built = self.prepared.built
        groups: list[tuple[str, list[Any]]] = [
            ("model", list(built.training_model.variables)),
            ("optimizer", list(built.optimizer.variables)),
            ("metric", [variable for metric in self.loop.trackers() for variable in metric.variables]),
            ("mask", self.masks.variables if self.masks is not None else []),
        ]
        return {f"{group}/{index:04d}": variable for group, items in groups for index, variable in enumerate(items)}

    def get_state(self) -> State:
        """Return copies of everything."""
        arrays = {name: variable.numpy().copy() for name, variable in self._variables().items()}
        for index, weights in enumerate(self.best_weights or []):
            arrays[f"best/{index:04d}"] = weights
        facts = {name: getattr(self, name) for name in FACTS}
        if self.pretraining is not None:
            own, facts["pretraining"] = self.pretraining.get_state()
            arrays |= {PRETRAINING + name: array for name, array in own.items()}
        facts["spent_s"] = self.elapsed_s
        facts["history"] = [dict(row) for row in self.history]
        facts["watchers"] = {name: watcher.get_state() for name, watcher in self.watchers().items()}
        facts["callbacks"] = self.users.get_state()
        return State(arrays, facts)

    def _keep_epoch_start(self) -> None:
        """Remember the state at the start of an epoch, if the recipe or the loop may have to go back to it."""
        may_go_back = self.on_divergence is not None or not self.loop.can_pause
        if may_go_back and (self.batch == 0 or self.epoch_start is None):
            self.epoch_start = self.get_state()

    def resumable_state(self) -> State:
        """Return what another process can go on from, the start of the running epoch included if it may be needed."""
        state, start = self.get_state(), self.epoch_start
        if self.is_done or not self.batch or start is None:
            return state
        if not self.loop.can_pause:
            return start
        arrays = {START + name: array for name, array in start.arrays.items()}
        return State({**state.arrays, **arrays}, {**state.facts, "epoch_start": start.facts})

    def set_state(self, state: State) -> None:
        """Go on from what `get_state` or `resumable_state` returned, in this or another process.

        Raises:
            RunError: If the state belongs to another model.
        """
        variables = self._variables()
        prefixes = ("best/", START, PRETRAINING)
        saved = {name: array for name, array in state.arrays.items() if not name.startswith(prefixes)}
        if saved.keys() != variables.keys() or any(saved[n].shape != tuple(v.shape) for n, v in variables.items()):
            raise RunError("the saved state belongs to another model: the recipe or the versions have changed.")
        for name, variable in variables.items():
            variable.assign(saved[name])
        if self.pretraining is not None:
            own = {
                name.removeprefix(PRETRAINING): a for name, a in state.arrays.items() if name.startswith(PRETRAINING)
            }
            self.pretraining.set_state(own, state.facts["pretraining"])
        best = [state.arrays[name] for name in sorted(state.arrays) if name.startswith("best/")]
        self.best_weights = best or None
        for name in FACTS:
            setattr(self, name, state.facts[name])
        self.history = [dict(row) for row in state.facts["history"]]
        for name, watcher in self.watchers().items():
            watcher.set_state(state.facts["watchers"].get(name, {}))
        start = {name.removeprefix(START): array for name, array in state.arrays.items() if name.startswith(START)}
        self.epoch_start = State(start, state.facts["epoch_start"]) if start else None
        self.users.set_state(state.facts["callbacks"])
        self._started = time.perf_counter()


PRETRAINING = "pretraining/"  # before the names of the arrays of a phase in front of the first epoch
START = "start/"  # before the names of the arrays of `epoch_start`
FACTS = (
    "epoch",
    "batch",
    "rate_factor",
    "divergence_factor",
    "rollbacks",
    "spent_s",
    "epoch_seconds",
    "is_done",
    "stop_reason",
)


def _without_copies(prepared: Prepared, loop: Loop) -> Prepared:
    """Return the same, with the training inputs as a view of the engine's, where it holds them in memory."""
    array = getattr(getattr(loop, "feed", None), "array", None)
    if array is None:
        return prepared
    train = replace(prepared.splits.train, x=array)
    return replace(prepared, splits=replace(prepared.splits, train=train))


def make_keeper(recipe: Recipe, first_epoch: int = 0) -> BestKeeper:
    """Return what knows the best epoch of a resolved recipe.

    Args:
        recipe: A resolved recipe.
        first_epoch: The last phase's first epoch, counted from 0; those before it are not candidates.
    """
    checkpoint, stopping = recipe.training.checkpoint, recipe.training.early_stopping
    if checkpoint is None:
        raise ValueError("resolve the recipe first: its checkpoint is open")
    start = first_epoch + (stopping.start_from_epoch if stopping is not None else 0)
    return keeper_of(checkpoint, start_from_epoch=start)


def make_stopper(recipe: Recipe, length: Length, first_epoch: int = 0) -> EarlyStopper | None:
    """Return the recipe's early stopping, its patience in epochs; it begins to watch at `first_epoch`."""
    stopping = recipe.training.early_stopping
    return None if stopping is None else stopper_of(stopping, length, first_epoch=first_epoch)
