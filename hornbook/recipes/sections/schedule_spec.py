"""What every schedule is: factors of the rate by step, with a warm-up in front, in steps, epochs or percent."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator

from hornbook.recipes.language.durations import Duration, Length, to_steps
from hornbook.recipes.language.spec import Component, Fraction, Spec

__all__ = ["ScheduleSpec", "Warmup", "check_step", "steps_of"]


class Warmup(Spec):
    """Raise the rate linearly from `start_factor` to the schedule's start, in front of the schedule.

    Goyal et al. (2017), arXiv:1706.02677.
    """

    duration: Duration
    """Length of the warm-up; a bare number means steps."""
    start_factor: Fraction = 0.0
    """Fraction of the schedule's first rate to start from."""


def _warmup(value: Any) -> Any:
    return value if value is None or isinstance(value, dict | Spec) else {"duration": value}


class ScheduleSpec(Component):
    """Base of every schedule. `warmup` (a duration, or `{duration, start_factor}`) goes in front of any of them.

    In formulas t counts the steps, s is `decay_steps`, c is `power`, and T is the last step of the run.
    """

    kind: ClassVar[str] = "schedule"
    shared: ClassVar[frozenset[str]] = frozenset({"warmup"})
    durations: ClassVar[tuple[str, ...]] = ()
    """Options that are durations; a bare number means steps."""
    epoch_durations: ClassVar[tuple[str, ...]] = ()
    """Options that are durations of what acts between epochs; a bare number means epochs."""
    rate_can_be_found: ClassVar[bool] = False
    """Whether the rate of a range test has proved to suit it, see docs/lr_find.md."""

    warmup: Annotated[Warmup | None, BeforeValidator(_warmup, json_schema_input_type=Duration | Warmup | None)] = None
    """Rise of the rate in front of the schedule: a duration such as `5%`, or `{duration, start_factor}`."""

    def in_steps(self, *, steps_per_epoch: int, total_steps: int) -> Self:
        """Return the same schedule with every duration in steps; a percentage is of what follows the warm-up."""
        update: dict[str, Any] = {}
        if self.warmup is not None:
            length = to_steps(
                self.warmup.duration, unit="steps", steps_per_epoch=steps_per_epoch, total_steps=total_steps
            )
            update["warmup"] = {"duration": length, "start_factor": self.warmup.start_factor}
            total_steps = max(total_steps - length, 0)

        def convert(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(convert(item) for item in value)
            return to_steps(value, unit="steps", steps_per_epoch=steps_per_epoch, total_steps=total_steps)

        update |= {name: convert(getattr(self, name)) for name in self.durations}
        return type(self).model_validate({**self.model_dump(), **update})

    def in_epochs(self, length: Length) -> Self:
        """Return the same schedule with the durations of what acts between epochs in whole epochs, rounded up."""
        update = {name: length.in_epochs(getattr(self, name)) for name in self.epoch_durations}
        return self.model_copy(update=update)

    def factor(self, step: int, total_steps: int) -> float:
        """Return the fraction of `optimizer.learning_rate` to use at `step`.

        Args:
            step: Optimizer updates done so far, counted from 0 (after the warm-up, where there is one).
            total_steps: Updates in the whole run (after the warm-up).

        Raises:
            ValueError: If step is outside [0, total_steps].
        """
        raise NotImplementedError

    def momentum(self, step: int, total_steps: int, momentum: float) -> float | None:
        """Return the momentum to use at `step`, or None where the schedule leaves it alone."""
        return None

    def watched_value(self) -> str | None:
        """Return the recorded value that the rate follows; None where every rate is known before the run.

        A schedule that watches has options `monitor` and `mode`, which are filled in with what the run records.
        """
        return None

    def build_watcher(self, learning_rate: float) -> Any:
        """Return what lowers the rate between epochs, a `hornbook.callbacks.PlateauReducer` or the like; None without.

        Durations are in whole epochs by then: it is asked of what `in_epochs` returned.

        Args:
            learning_rate: The rate that factors are of.
        """
        return None

    def warmed_factor(self, step: int, total_steps: int) -> float:
        """Return `factor` with the warm-up, if any, in front of it."""
        if self.warmup is None:
            return self.factor(step, total_steps)
        length = self.warmup.duration
        if not isinstance(length, int):
            raise ValueError("convert durations with in_steps() first")
        rest = max(total_steps - length, 0)
        if step < length:
            start = self.warmup.start_factor
            return start + (self.factor(0, rest) - start) * (step + 1) / (length + 1)
        return self.factor(step - length, rest)

    def warmed_momentum(self, step: int, total_steps: int, momentum: float) -> float | None:
        """Return `momentum` with the warm-up, if any, in front of it."""
        length = int(self.warmup.duration) if self.warmup is not None else 0
        return self.momentum(max(step - length, 0), max(total_steps - length, 0), momentum)


def check_step(step: int, total_steps: int) -> None:
    """Raise a ValueError for a step outside [0, total_steps]."""
    if not 0 <= step <= total_steps:
        raise ValueError(f"step {step} is outside [0, {total_steps}]")


def steps_of(duration: int | str, total_steps: int) -> int:
    """Return a duration without epochs in steps, at least 1."""
    if isinstance(duration, str) and "epoch" in duration:
        raise ValueError("convert durations with in_steps() first")
    return max(to_steps(duration, unit="steps", steps_per_epoch=0, total_steps=total_steps), 1)
