"""What Hornbook's callbacks for `model.fit` have in common: options by a recipe's rules, and a state to go on from."""

from collections.abc import Mapping
from typing import Any

import keras
from pydantic import ValidationError

from hornbook.errors import RecipeError, UsageError
from hornbook.recipes.language.spec import Spec, catalog
from hornbook.recipes.language.translate import problems_of
from hornbook.recipes.sections.schedule import Schedule
from hornbook.recipes.sections.training import Checkpoint, EarlyStopping

__all__ = ["Continued", "accumulation_of", "mode_of", "options_of"]


class _Options(Spec):
    """What the callbacks take, by the same rules as in a recipe."""

    schedule: Schedule | None = None
    """How the rate moves."""
    early_stopping: EarlyStopping | None = None
    """When to stop."""
    checkpoint: Checkpoint | None = None
    """Which epoch is the best."""


def options_of(**sections: Any) -> _Options:
    """Return checked options.

    Raises:
        RecipeError: With everything that is wrong.
    """
    try:
        return _Options.model_validate(sections)
    except ValidationError as error:
        raise RecipeError(problems_of(error, sections, _Options), origin="hornbook.callbacks") from error


def mode_of(monitor: str) -> str:
    """Return which direction is better of a value, by its name.

    Raises:
        UsageError: If it is neither a loss nor one of Hornbook's metrics.
    """
    name = monitor.removeprefix("val_")
    modes = {"loss": "min"} | {metric: cls.mode for metric, cls in catalog("metric").items()}  # type: ignore[attr-defined]
    if name not in modes:
        raise UsageError(f"monitor '{monitor}': nothing says which direction is better. Add mode='min' or mode='max'.")
    return str(modes[name])


class Continued(keras.callbacks.Callback):
    """Begins anew with each `fit`, but for the one after `set_state`."""

    def __init__(self) -> None:
        super().__init__()
        self._state: Mapping[str, Any] | None = None
        self._is_training = False

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on in the next `fit`, or in the running one, from what `get_state` returned."""
        self._state = state
        if self._is_training:
            self._continue()

    def _continue(self) -> None:
        if self._state is not None:
            self._restore(self._state)
            self._state = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew, or go on from a state."""
        self._begin(self._state or {})
        self._is_training = True
        self._continue()

    def on_train_end(self, logs: Any = None) -> None:
        """Training is over."""
        self._is_training = False

    def _begin(self, state: Mapping[str, Any]) -> None:
        """Make ready for a training that goes on from a state, empty for one that is new."""
        raise NotImplementedError

    def _restore(self, state: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def _length(self, name: str, given: int | None) -> int:
        """Return the epochs, or the batches of an epoch (`steps`), of this `fit`, if they are not given.

        Raises:
            UsageError: If Keras does not know.
        """
        length = given if given is not None else (self.params or {}).get(name)
        if not length:
            raise UsageError(
                f"{type(self).__name__}: Keras does not know how many batches an epoch of this data has. "
                "Give 'steps_per_epoch'."
            )
        return int(length)

    def _checked(self, monitor: str, logs: Mapping[str, Any] | None) -> Mapping[str, float]:
        """Return the logs, which have the monitored value.

        Raises:
            UsageError: If they have not.
        """
        if monitor not in (logs or {}):
            recorded = ", ".join(logs or {}) or "nothing"
            hint = " 'fit' records it where it is given validation_data." if monitor.startswith("val_") else ""
            message = f"{type(self).__name__}: there is no '{monitor}' after an epoch, only {recorded}."
            raise UsageError(message + hint)
        return dict(logs or {})


def accumulation_of(model: keras.Model) -> int:
    """Return how many batches a step of a model's training takes."""
    optimizer = getattr(model, "optimizer", None)
    return getattr(getattr(optimizer, "inner_optimizer", optimizer), "gradient_accumulation_steps", None) or 1
