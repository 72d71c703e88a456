"""Keras callbacks for anybody's `model.fit`: the schedules, early stopping and checkpoints of Hornbook's own runs.

Each has a state, which JSON can hold: `get_state` says where it stands, and after `set_state` the next `fit` goes on from
there. Without, each `fit` begins anew. A value that is NaN is never the best one.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from hornbook.atomic import replacing
from hornbook.callbacks.continued import Continued, accumulation_of, mode_of, options_of
from hornbook.callbacks.rates import RateTable, table_of
from hornbook.callbacks.watchers import BestKeeper, EarlyStopper, keeper_of, stopper_of
from hornbook.errors import UsageError
from hornbook.recipes import Recipe, load_recipe
from hornbook.recipes.facts import Facts
from hornbook.recipes.language.durations import Length
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.resolve import monitor_of
from hornbook.recipes.sections.schedule import ScheduleSpec
from hornbook.recipes.sections.training import Checkpoint
from hornbook.recipes.sections.training import EarlyStopping as Stopping
from hornbook.upstream import let_momentum_move

__all__ = ["BestCheckpoint", "EarlyStopping", "PerformanceSchedule", "RateSchedule", "from_recipe"]


class RateSchedule(Continued):
    """Any schedule of Hornbook's catalog for `model.fit`: a rate for each step, and the momentum where it moves.

    The run's length is that of `fit`; with `initial_epoch` the schedule begins there. History has the rate of each
    epoch's last step as `learning_rate`. A schedule that watches a value, as `performance` does, acts between epochs.

    Args:
        schedule: A name (``"one_cycle"``), a mapping (``{"name": "cosine", "warmup": "5%"}``) or a recipe's schedule.
        learning_rate: The rate that its factors are of; None: the optimizer's when this first trains.
        epochs: Epochs of the whole run, where one `fit` is only a part of it; None: those of `fit`.
        steps_per_epoch: Batches of an epoch, where Keras does not know; None: as it says.

    Raises:
        RecipeError: If there is no such schedule, or it has no such options.
        UsageError: If the optimizer has a schedule of its own, or no momentum to move; when training begins.

    Example:
        >>> model.fit(x, y, epochs=20, callbacks=[hornbook.callbacks.RateSchedule("one_cycle", learning_rate=0.05)])
    """

    def __init__(
        self,
        schedule: str | Mapping[str, Any] | ScheduleSpec,
        *,
        learning_rate: float | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
    ) -> None:
        super().__init__()
        given = dict(schedule) if isinstance(schedule, Mapping) else schedule
        spec = options_of(schedule=given).schedule
        if spec is None:
            raise UsageError(f"{type(self).__name__}: name a schedule, for instance 'one_cycle'.")
        watched = spec.watched_value()
        if watched is not None and getattr(spec, "mode", None) is None:
            spec = type(spec).model_validate({**spec.model_dump(), "mode": mode_of(watched)})
        self.schedule: ScheduleSpec = spec
        self.learning_rate = learning_rate
        self.epochs, self.steps_per_epoch = epochs, steps_per_epoch
        self.factor = 1.0
        self.step = 0  # batches done
        self._base: int | None = None  # batches done before the running epoch
        self._table: RateTable | None = None
        self._watcher: Any = None
        self._momentum: tuple[str, Any, float] | None = None  # option, variable, own number
        self._is_new = True

    def get_state(self) -> dict[str, Any]:
        """Return where the schedule stands."""
        table = self._table
        return {
            "step": self.step,
            "factor": self.factor,
            "learning_rate": self.learning_rate,
            "epochs": table.length.epochs if table is not None else self.epochs,
            "steps_per_epoch": table.batches if table is not None else self.steps_per_epoch,
            "watcher": self._watcher.get_state() if self._watcher is not None else None,
        }

    def _begin(self, state: Mapping[str, Any]) -> None:
        optimizer = self.model.optimizer
        if not hasattr(optimizer.learning_rate, "assign"):
            raise UsageError(
                "RateSchedule: the optimizer has a schedule of its own. Give it a number: learning_rate=0.01."
            )
        if getattr(self.model, "steps_per_execution", 1) != 1:
            raise UsageError("RateSchedule: the rate changes with each step. Compile without steps_per_execution.")
        self.learning_rate = state.get("learning_rate", self.learning_rate)
        if self.learning_rate is None:
            self.learning_rate = float(optimizer.learning_rate.numpy())
        self._base, self._is_new, self.step, self.factor = None, True, 0, 1.0
        self._tabulate(
            epochs=self._length("epochs", state.get("epochs", self.epochs)),
            batches=self._length("steps", state.get("steps_per_epoch", self.steps_per_epoch)),
        )

    def _tabulate(self, *, epochs: int, batches: int) -> None:
        """Make the table of rates and what watches, and the momentum a variable where it moves."""
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        option = _momentum_option(optimizer)
        own = float(getattr(optimizer, option)) if option is not None else 0.0
        length = Length.of(epochs, batches=batches, accumulation=accumulation_of(self.model))
        peak = float(self.learning_rate or 0.0)
        self._table = table_of(self.schedule, peak=peak, momentum=own, length=length)
        self._watcher = self.schedule.in_epochs(length).build_watcher(peak)
        self._momentum = None
        if self._table.moves_momentum:
            if option is None or not own:
                name = type(optimizer).__name__
                raise UsageError(
                    f"RateSchedule: {name} runs without a momentum that '{self.schedule.name}' could move."
                )
            self._momentum = option, let_momentum_move(optimizer, option), own
            self.model.make_train_function(force=True)  # one traced before has the number inside

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.step, self.factor = state["step"], state["factor"]
        self.learning_rate, self._is_new = state["learning_rate"], False
        if self._watcher is not None and state["watcher"] is not None:
            self._watcher.set_state(state["watcher"])

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Find the epoch's place in the table."""
        if self._is_new and self._table is not None:
            self.step, self._is_new = epoch * self._table.batches, False
        self._base = self.step

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the rate, and the momentum, of a step."""
        if self._table is None or self._base is None:
            return
        rate, momentum = self._table.at(self._base + batch, self.factor)
        self.model.optimizer.learning_rate.assign(rate)
        if self._momentum is not None:
            self._momentum[1].assign(momentum)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the batch."""
        self.step = (self._base or 0) + batch + 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Record the rate, and look at the watched value."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate.numpy())
        if self._watcher is not None:
            self.factor = self._watcher.update(self._checked(self._watcher.monitor, logs))

    def on_train_end(self, logs: Any = None) -> None:
        """Give the optimizer its own momentum back."""
        super().on_train_end(logs)
        if self._momentum is not None:
            option, _, own = self._momentum
            setattr(getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer), option, own)
            self.model.make_train_function(force=True)
            self._momentum = None


class PerformanceSchedule(RateSchedule):
    """Multiply the rate by `reduction` when a value has not improved for `patience` epochs: the schedule `performance`.

    Unlike Keras's ReduceLROnPlateau it goes on from a state, takes a warm-up, and is not stuck on a NaN.

    Args:
        monitor: Recorded value that has to improve.
        mode: ``min`` or ``max``; None: known from the metric.
        learning_rate: As for `RateSchedule`.
        options: More options of the schedule: `reduction`, `patience`, `min_delta`, `cooldown`, `min_learning_rate`,
            `warmup`.

    Raises:
        RecipeError: If there is no such option, or it takes no such value.
        UsageError: If nothing says which direction is better.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        mode: str | None = None,
        learning_rate: float | None = None,
        **options: Any,
    ) -> None:
        schedule = {"name": "performance", "monitor": monitor, "mode": mode, **options}
        super().__init__(schedule, learning_rate=learning_rate)


class EarlyStopping(Continued):
    """Stop when a value has not improved for `patience` epochs; the best epoch's weights are final.

    Unlike Keras's it goes on from a state, best weights included, and is not stuck on a NaN.

    Args:
        monitor: Recorded value that has to improve.
        mode: ``min`` or ``max``; None: known from the metric.
        patience: How long to wait: epochs, or a duration such as ``"500 steps"`` or ``"20%"``, rounded up to whole epochs.
        options: `min_delta`, `baseline`, `start_from_epoch` and `restore_best`, as in a recipe.

    Raises:
        RecipeError: If there is no such option, or it takes no such value.
        UsageError: If nothing says which direction is better.
    """

    def __init__(
        self, monitor: str = "val_loss", *, mode: str | None = None, patience: int | str = 10, **options: Any
    ) -> None:
        super().__init__()
        given = {"monitor": monitor, "mode": mode, "patience": patience, **options}
        stopping = options_of(early_stopping=given).early_stopping or Stopping()
        self.options = stopping.model_copy(update={"mode": stopping.mode or mode_of(monitor)})
        self._stopper: EarlyStopper | None = None
        self._keeper: BestKeeper | None = None
        self._best: list[Any] | None = None

    @property
    def best_epoch(self) -> int:
        """The best epoch so far, counted from 1; 0 where there is none."""
        return self._keeper.best_epoch if self._keeper is not None else 0

    def get_state(self) -> dict[str, Any]:
        """Return what was the best so far, its weights included, and how long ago that was."""
        if self._stopper is None or self._keeper is None:
            return {}
        weights = None if self._best is None else _as_text(self._best)
        return {"stopper": self._stopper.get_state(), "keeper": self._keeper.get_state(), "weights": weights}

    def _begin(self, state: Mapping[str, Any]) -> None:
        duration, epochs = self.options.patience, (self.params or {}).get("epochs", 1)
        length = Length.of(epochs, batches=1)
        if isinstance(duration, str) and "epoch" not in duration:
            accumulation = accumulation_of(self.model) if "step" in duration else 1
            length = Length.of(epochs, batches=self._length("steps", None), accumulation=accumulation)
        self._stopper = stopper_of(self.options, length)
        self._keeper = keeper_of(self.options, start_from_epoch=self.options.start_from_epoch)
        self._best = None

    def _restore(self, state: Mapping[str, Any]) -> None:
        if not state or self._stopper is None or self._keeper is None:
            return
        self._stopper.set_state(state["stopper"])
        self._keeper.set_state(state["keeper"])
        self._best = None if state["weights"] is None else _from_text(state["weights"])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look at the value."""
        if self._stopper is None or self._keeper is None:
            return
        logs = self._checked(self.options.monitor, logs)
        if self._keeper.is_best(epoch + 1, logs) and self.options.restore_best:
            self._best = self.model.get_weights()
        if self._stopper.should_stop(epoch + 1, logs):
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Put the best epoch's weights back."""
        super().on_train_end(logs)
        if self._best is not None:
            self.model.set_weights(self._best)


class BestCheckpoint(Continued):
    """Save the model after each epoch that is the best so far: whole or not at all, and never a worse one over a better.

    Args:
        path: A ``.keras`` file; its folder is made.
        monitor: Recorded value that says what is best.
        mode: ``min`` or ``max``; None: known from the metric.
        start_from_epoch: Epochs at the start that are not looked at.

    Raises:
        RecipeError, UsageError: If one of these cannot be.
    """

    def __init__(
        self, path: str | Path, monitor: str = "val_loss", *, mode: str | None = None, start_from_epoch: int = 0
    ) -> None:
        super().__init__()
        self.path = Path(path)
        if self.path.suffix != ".keras":
            raise UsageError(f"BestCheckpoint: {path} does not end in '.keras', which is what Keras saves models as.")
        checkpoint = options_of(checkpoint={"monitor": monitor, "mode": mode}).checkpoint or Checkpoint()
        self.options = checkpoint.model_copy(update={"mode": checkpoint.mode or mode_of(monitor)})
        self.start_from_epoch = start_from_epoch
        self._keeper = keeper_of(self.options, start_from_epoch=start_from_epoch)

    @property
    def best_epoch(self) -> int:
        """The best epoch so far, counted from 1; 0 where there is none."""
        return self._keeper.best_epoch

    def get_state(self) -> dict[str, Any]:
        """Return what was the best so far."""
        return self._keeper.get_state()

    def _begin(self, state: Mapping[str, Any]) -> None:
        self._keeper = keeper_of(self.options, start_from_epoch=self.start_from_epoch)

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._keeper.set_state(state)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save the model if it is the best so far."""
        if self._keeper.is_best(epoch + 1, self._checked(self.options.monitor, logs)):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path) as temporary:
                self.model.save(temporary)


def from_recipe(
    recipe: Recipe | str | Path | Mapping[str, Any], *, checkpoint: str | Path | None = None
) -> list[keras.callbacks.Callback]:
    """Return the callbacks that make `fit` of a recipe's model train as the recipe says: rate, momentum, stopping.

    For the model of `hornbook.build`, whose optimizer knows a single rate. What else a recipe may say is not theirs:
    epochs, batch size and class weights are arguments of `fit`, and divergence, pretraining and phases of `reuse` need
    `hornbook.train`.

    Args:
        recipe: As for `hornbook.build`.
        checkpoint: A ``.keras`` file for the best epoch's model; None: none.

    Returns:
        A schedule, a checkpoint if asked for, and early stopping if the recipe has it, in this order; in front of them
        what lets all see averaged weights, if the recipe has those.

    Raises:
        UsageError: If the recipe thaws layers in the course of training, or prunes, which callbacks cannot.

    Example:
        >>> recipe = hornbook.load_recipe("default_one_cycle")
        >>> model = hornbook.build(recipe)
        >>> model.fit(x, y, epochs=20, callbacks=hornbook.callbacks.from_recipe(recipe))
    """
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    if recipe.reuse is not None and recipe.reuse.unfreeze:
        raise UsageError(
            f"{recipe.name or 'recipe'}: reuse.unfreeze: callbacks cannot thaw layers of a compiled model; 'hornbook.train' "
            "can. Or add the override '~reuse.unfreeze': layers then stay as they are at the start."
        )
    if recipe.shrink is not None and recipe.shrink.prune is not None:
        raise UsageError(
            f"{recipe.name or 'recipe'}: shrink.prune: callbacks cannot keep weights of a compiled model at zero; "
            "'hornbook.train' can."
        )
    facts = Facts.of(recipe)
    schedule, stopping = recipe.schedule, recipe.training.early_stopping
    if schedule.watched_value() is not None:
        schedule = type(schedule).model_validate(
            schedule.model_dump() | monitor_of(recipe, facts, schedule.model_dump())
        )
    rate = None if recipe.optimizer.is_auto else recipe.optimizer.rate()
    callbacks: list[keras.callbacks.Callback] = [RateSchedule(schedule, learning_rate=rate)]
    if recipe.optimizer.ema is not None:
        callbacks.insert(0, keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    if checkpoint is not None:
        best = recipe.training.checkpoint or Checkpoint(monitor=stopping.monitor if stopping else "val_loss")
        start = stopping.start_from_epoch if stopping is not None else 0
        monitor = monitor_of(recipe, facts, best.model_dump())
        callbacks.append(BestCheckpoint(checkpoint, **monitor, start_from_epoch=start))
    if stopping is not None:
        callbacks.append(EarlyStopping(**stopping.model_dump() | monitor_of(recipe, facts, stopping.model_dump())))
    return callbacks


def _momentum_option(optimizer: keras.optimizers.Optimizer) -> str | None:
    """Return the attribute that schedules may move: SGD's momentum, Adam's beta_1; None where there is none."""
    for cls in catalog("optimizer").values():
        if cls.builds == f"keras.optimizers:{type(optimizer).__name__}":
            return cls.momentum_option  # type: ignore[attr-defined,no-any-return]
    return None


def _as_text(arrays: Sequence[Any]) -> str:
    """Return arrays as text, to the bit."""
    file = io.BytesIO()
    np.savez(file, *arrays)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _from_text(text: str) -> list[Any]:
    with np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False) as saved:
        return [saved[f"arr_{index}"] for index in range(len(saved.files))]
