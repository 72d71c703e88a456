"""A user's Keras callbacks, called by the fused engine: epoch hooks each epoch, batch hooks at the ends of chunks."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from hornbook.atomic import jsonable
from hornbook.builder import compile_plain
from hornbook.engine.loops import Loop
from hornbook.errors import UsageError
from hornbook.runs.directory import is_pretraining
from hornbook.trainer.listeners import Listener, Position
from hornbook.trainer.prepare import Prepared

__all__ = ["UserCallbacks"]

NOT_LOGS = frozenset({"epoch", "phase", "train_seconds", "seconds"})
REFUSED = {
    keras.callbacks.LearningRateScheduler: "The rate comes from the recipe: use 'schedule'.",
    keras.callbacks.ReduceLROnPlateau: "The rate comes from the recipe: use 'schedule: performance'.",
    keras.callbacks.BackupAndRestore: "A run keeps its own state.",
}


class UserCallbacks(Listener):
    """Keras's `CallbackList` around the callbacks a user passes, with the plain model; they do not see pretraining.

    They listen, and are asked: one of them may end the run, and some have a state to go on from.

    Raises:
        UsageError: If something else than a Keras callback is passed, or one that sets the learning rate.
    """

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback], prepared: Prepared, loop: Loop) -> None:
        for callback in callbacks:
            if not isinstance(callback, keras.callbacks.Callback):
                raise UsageError(f"callbacks: expected keras.callbacks.Callback objects, found {callback!r}.")
            for cls, hint in REFUSED.items():
                if isinstance(callback, cls):
                    raise UsageError(f"callbacks: {cls.__name__} cannot work here. {hint}")
        self._model = prepared.built.model
        self._optimizer = prepared.built.optimizer
        self._callbacks = list(callbacks)
        self._has_any = bool(callbacks)
        self._loop = loop
        self._restored: Sequence[Any] = ()
        if self._has_any:
            compile_plain(
                prepared.built, prepared.recipe, for_training=False
            )  # callbacks look at model.optimizer and model.metrics
        self._model.stop_training = False
        params = {"epochs": prepared.recipe.training.epochs, "steps": prepared.table.batches, "verbose": 0}
        self._list = keras.callbacks.CallbackList(
            list(callbacks), add_history=False, add_progbar=False, model=self._model, **params
        )

    @property
    def wants_stop(self) -> bool:
        """Whether a callback has set `model.stop_training`."""
        return bool(self._model.stop_training)

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
        if self._has_any:
            self._list.on_train_begin()
            self.set_state(self._restored)
            self.get_state()

    def on_epoch_begin(self, place: Position) -> None:
        """Call the callbacks before an epoch, counted from 0 as Keras does; not before the rest of one."""
        if self._has_any and not place.is_pretraining and not place.batch:
            self._list.on_epoch_begin(place.epoch - 1)

    def on_chunk(self, place: Position) -> None:
        """Call the batch hooks for the last batch of a chunk."""
        if self._has_any and not place.is_pretraining:
            self._list.on_train_batch_end(place.batch - 1, self._loop.logs())

    def on_epoch(self, row: Mapping[str, Any], *, is_best: bool) -> None:
        """Call the callbacks after an epoch.

        Raises:
            UsageError: If one of them has set the learning rate.
        """
        if not self._has_any or is_pretraining(row):
            return
        before = self._optimizer.learning_rate.numpy()
        self._list.on_epoch_end(row["epoch"] - 1, {key: value for key, value in row.items() if key not in NOT_LOGS})
        if self._optimizer.learning_rate.numpy() != before:
            raise UsageError(
                "callbacks: one of them sets the learning rate, which comes from the recipe: use 'schedule'."
            )

    def on_train_end(self) -> None:
        """Call the callbacks after the last epoch, when they may still change the weights."""
        if self._has_any:
            self._list.on_train_end()
