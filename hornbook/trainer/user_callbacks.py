"""A user's Keras callbacks, called when and as often as `model.fit` would call them."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from hornbook.atomic import jsonable
from hornbook.builder import compile_plain
from hornbook.builder.build import as_targets
from hornbook.callbacks.for_fit import RateSchedule
from hornbook.data.source import Array
from hornbook.engine.engine import Engine
from hornbook.engine.loops import Loop
from hornbook.errors import UsageError
from hornbook.runs.directory import is_pretraining
from hornbook.trainer.listeners import Listener, Position
from hornbook.trainer.prepare import Prepared

__all__ = ["UserCallbacks"]

NOT_LOGS = frozenset({"epoch", "phase", "train_seconds", "seconds"})
FROM_RECIPE = "which comes from the recipe: use 'schedule'"
REFUSED = {
    keras.callbacks.LearningRateScheduler: "The rate comes from the recipe: use 'schedule'.",
    keras.callbacks.ReduceLROnPlateau: "The rate comes from the recipe: use 'schedule: performance'.",
    RateSchedule: "The recipe's own 'schedule' is at work; this one is for your own 'fit'.",
    keras.callbacks.BackupAndRestore: "A run keeps its own state.",
    keras.callbacks.SwapEMAWeights: "Averages come from the recipe: use 'optimizer.ema', which validation sees too.",
}
BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


class UserCallbacks(Listener):
    """The callbacks a user passes, with the plain model; they do not see pretraining, nor the test at the end.

    They listen, and are asked: one of them may end the run, and some have a state to go on from.

    Attributes:
        has_any: Whether there are callbacks at all.
        sees_batches: Whether one of them has a hook for each batch of training.

    Raises:
        UsageError: If something else than a Keras callback is passed, or one that does the recipe's work.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback], prepared: Prepared, loop: Loop) -> None:
        self._callbacks = list(_checked(callbacks))
        self.has_any = bool(self._callbacks)
        self._seeing = [callback for callback in self._callbacks if _sees_batches(callback)]
        self.sees_batches = bool(self._seeing)
        self._model = prepared.built.model
        self._optimizer = prepared.built.optimizer
        self._momentum_option = prepared.recipe.optimizer.momentum_option
        self._loop = loop
        self._restored: Sequence[Any] = ()
        self._logs: dict[str, Any] = {}
        self._model.stop_training = False
        if not self.has_any:
            return
        _compile(prepared)
        params = {"verbose": 0, "epochs": prepared.table.length.epochs, "steps": prepared.table.batches}
        self._called = list(self._callbacks)
        if not any(isinstance(callback, keras.callbacks.History) for callback in self._callbacks):
            self._called.append(keras.callbacks.History())  # `fit` always has one, as model.history
        for callback in self._called:
            with self._leaves_the_rate(callback, "set_model"):
                callback.set_params(params)
                callback.set_model(self._model)
            if isinstance(callback, keras.callbacks.History):
                self._model.history = callback

    @property
    def wants_stop(self) -> bool:
        """Whether a callback has set `model.stop_training`."""
        return bool(self._model.stop_training)

    @property
    def notes(self) -> list[str]:
        """What a user should know of the price."""
        if not self.sees_batches or not isinstance(self._loop, Engine):
            return []
        names = ", ".join(dict.fromkeys(type(callback).__name__ for callback in self._seeing))
        return [f"steps run one by one, which is slower, because of a callback's hooks for batches: {names}"]

    def get_state(self) -> list[Any]:
        """Return the state of each callback that has a `get_state`, None for the others.

        Raises:
            UsageError: If one returns what JSON cannot hold.
        """
        states = [callback.get_state() if hasattr(callback, "get_state") else None for callback in self._callbacks]
        for callback, state in zip(self._callbacks, states, strict=True):
            try:
                json.dumps(jsonable(state))
            except (TypeError, ValueError) as error:
                name = type(callback).__name__
                raise UsageError(f"callbacks: {name}.get_state() returns what JSON cannot hold ({error}).") from error
        return states

    def set_state(self, states: Sequence[Any]) -> None:
        """Give each callback with a `set_state` its state back, now and after it was told that training begins."""
        self._restored = states
        for callback, state in zip(self._callbacks, states, strict=False):
            if state is not None and hasattr(callback, "set_state"):
                callback.set_state(state)

    def on_train_begin(self) -> None:
        """Call the callbacks before the first epoch with labels; Keras's own forget everything there."""
        if self.has_any:
            self._call("on_train_begin", {})
            self.set_state(self._restored)
            self.get_state()

    def on_epoch_begin(self, place: Position) -> None:
        """Call the callbacks before an epoch, counted from 0 as Keras does; not before the rest of one."""
        if self.has_any and not place.is_pretraining and not place.batch:
            self._call("on_epoch_begin", place.epoch - 1, {})

    def on_train_batch_begin(self, rates: Array, batch: int) -> None:
        """Call the hooks before a batch of an epoch with such rates; they see the one it is trained with."""
        self._optimizer.learning_rate.assign(rates[batch])
        self._call("on_train_batch_begin", batch, logs={})

    def on_chunk(self, place: Position) -> None:
        """Call the hooks after a batch: chunks are batches where there are such hooks."""
        if self.sees_batches and not place.is_pretraining:
            self._call("on_train_batch_end", place.batch - 1, logs=self._loop.logs())

    def on_test_begin(self) -> None:
        """Call the callbacks before a validation."""
        self._call("on_test_begin", {})

    def on_test_batch_begin(self, batch: int) -> None:
        """Call the hooks before a batch of a validation."""
        self._call("on_test_batch_begin", batch, logs={})

    def on_test_batch_end(self, batch: int, logs: Mapping[str, float]) -> None:
        """Call the hooks after a batch of a validation, with its figures so far."""
        self._call("on_test_batch_end", batch, logs=dict(logs))

    def on_test_end(self, logs: Mapping[str, float]) -> None:
        """Call the callbacks after a validation, with its figures."""
        self._call("on_test_end", dict(logs))

    def on_epoch(self, row: Mapping[str, Any], *, is_best: bool) -> None:
        """Call the callbacks after an epoch."""
        if self.has_any and not is_pretraining(row):
            self._logs = {key: value for key, value in row.items() if key not in NOT_LOGS}
            self._call("on_epoch_end", row["epoch"] - 1, self._logs)

    def on_train_end(self) -> None:
        """Call the callbacks after the last epoch, when they may still change the weights."""
        if self.has_any:
            self._call("on_train_end", self._logs)

    def _call(self, hook: str, *arguments: Any, logs: dict[str, Any] | None = None) -> None:
        """Call one hook of all callbacks, the way `fit` does: hooks for batches get their logs by name.

        Raises:
            UsageError: If one of them sets the learning rate or the momentum.
        """
        named = {} if logs is None else {"logs": logs}
        for callback in self._called:
            with self._leaves_the_rate(callback, hook):
                getattr(callback, hook)(*arguments, **named)

    @contextlib.contextmanager
    def _leaves_the_rate(self, callback: keras.callbacks.Callback, hook: str) -> Iterator[None]:
        """Refuse a callback that has set the rate or the momentum when this closes: the next step would not heed it."""
        rate = self._optimizer.learning_rate
        before, momentum = rate.numpy(), self._momentum()
        yield
        setting = f"callbacks: {type(callback).__name__}.{hook} sets the"
        if self._optimizer.learning_rate is not rate or rate.numpy() != before:
            raise UsageError(f"{setting} learning rate, {FROM_RECIPE}.")
        if self._momentum() != momentum:
            raise UsageError(f"{setting} momentum, {FROM_RECIPE} or 'optimizer'.")

    def _momentum(self) -> Any:
        optimizer = getattr(self._optimizer, "inner_optimizer", self._optimizer)
        return getattr(optimizer, self._momentum_option) if self._momentum_option is not None else None


def _checked(callbacks: Sequence[Any]) -> Iterator[keras.callbacks.Callback]:
    """Yield the callbacks, those inside of Keras's list of callbacks too.

    Raises:
        UsageError: If one is something else, or does what the recipe does.
    """
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.CallbackList):
            yield from _checked(callback.callbacks)
            continue
        if not isinstance(callback, keras.callbacks.Callback):
            raise UsageError(f"callbacks: expected keras.callbacks.Callback objects, found {callback!r}.")
        for cls, hint in REFUSED.items():
            if isinstance(callback, cls):
                raise UsageError(f"callbacks: {type(callback).__name__} cannot work here. {hint}")
        yield callback


def _sees_batches(callback: keras.callbacks.Callback) -> bool:
    """Return whether a callback has a hook for each batch of training that does something."""
    if getattr(callback, "save_freq", None) == "epoch":  # Keras's checkpoints have one for when it is a number
        return False
    return any(
        hook in vars(callback) or getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook)
        for hook in BATCH_HOOKS
    )


def _compile(prepared: Prepared) -> None:
    """Compile the model that callbacks see, its metrics built as within `fit`: they look at what it has."""
    built, y = prepared.built, prepared.splits.train.y[:1]
    model = compile_plain(built, prepared.recipe, for_training=False)
    outputs = np.zeros((1, *model.output_shape[1:]), np.float32)
    arguments = (None, as_targets(y, model), outputs)
    if prepared.strategy is None:
        model.compute_metrics(*arguments)
    else:
        prepared.strategy.run(model.compute_metrics, args=arguments)
    for metric in built.metrics:
        metric.reset_state()
