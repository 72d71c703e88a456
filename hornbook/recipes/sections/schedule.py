"""Learning-rate schedules: `schedule` in a recipe. Pure functions of the step, without TensorFlow."""

import math
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from hornbook.recipes.language.durations import Duration, LongerThanZero
from hornbook.recipes.language.spec import ComponentOf, Fraction, NonNegative, Positive, Rate, register, resolve_target
from hornbook.recipes.sections.schedule_spec import ScheduleSpec, Warmup, check_step, steps_of

__all__ = ["Schedule", "ScheduleSpec", "Warmup"]

Schedule = Annotated[ScheduleSpec, ComponentOf("schedule")]
DecaySteps = Annotated[Duration, Field(description="Length of the decay; a bare number means steps.")]
EndFactor = Annotated[Fraction, Field(description="Fraction of the rate that is left at the end.")]
Staircase = Annotated[bool, Field(description="Fall in steps, once per `decay_steps`, instead of smoothly.")]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _epochs(duration: int | str) -> int:
    if not isinstance(duration, int):
        raise ValueError("convert durations with in_epochs() first")
    return duration


@register
class ConstantSchedule(ScheduleSpec):
    """The same rate from start to end.

    With a warm-up: raise it once, then hold it. Géron, ch. 11, "Learning rate scheduling".

    Example:
        schedule: {name: constant, warmup: 2 epochs}
    """

    name: Literal["constant"] = "constant"
    rate_can_be_found: ClassVar[bool] = True

    def factor(self, step: int, total_steps: int) -> float:
        """Return 1."""
        check_step(step, total_steps)
        return 1.0


@register
class Power(ScheduleSpec):
    """1/(1 + t/s)^c: falls fast, then ever more slowly.

    With c = 1: half after s steps, a third after 2s. Géron, ch. 11, "power scheduling"; Robbins and Monro (1951).

    Example:
        schedule: {name: power, decay_steps: 5 epochs, power: 1.0}
    """

    name: Literal["power"] = "power"
    durations: ClassVar[tuple[str, ...]] = ("decay_steps",)

    decay_steps: DecaySteps = "20%"
    power: Positive = 1.0
    """The exponent c."""

    def factor(self, step: int, total_steps: int) -> float:
        """Return (1 + step/decay_steps)^(-power)."""
        check_step(step, total_steps)
        return float((1 + step / steps_of(self.decay_steps, total_steps)) ** -self.power)


@register
class Exponential(ScheduleSpec):
    """decay_rate^(t/s): ten times lower every s steps by default.

    Géron, ch. 11, "exponential scheduling": η(t) = η₀·0.1^(t/s). Senior et al. (2013), "An empirical study of learning
    rates in deep neural networks for speech recognition".

    Example:
        schedule: {name: exponential, decay_steps: 20 epochs, decay_rate: 0.1}
    """

    name: Literal["exponential"] = "exponential"
    rate_can_be_found: ClassVar[bool] = True
    durations: ClassVar[tuple[str, ...]] = ("decay_steps",)

    decay_steps: DecaySteps = "100%"
    decay_rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Factor that the rate falls by every `decay_steps`."""
    staircase: Staircase = False

    def factor(self, step: int, total_steps: int) -> float:
        """Return decay_rate^(step/decay_steps), with whole exponents only if `staircase`."""
        check_step(step, total_steps)
        exponent = step / steps_of(self.decay_steps, total_steps)
        return float(self.decay_rate ** (math.floor(exponent) if self.staircase else exponent))


@register
class PiecewiseConstant(ScheduleSpec):
    """One factor up to each boundary, the last one after it.

    `boundaries: [5 epochs]` changes with the first step of the sixth epoch. Géron, ch. 11, "piecewise constant
    scheduling".

    Example:
        schedule: {name: piecewise_constant, boundaries: [5 epochs, 15 epochs], factors: [1.0, 0.5, 0.1]}
    """

    name: Literal["piecewise_constant"] = "piecewise_constant"
    durations: ClassVar[tuple[str, ...]] = ("boundaries",)

    boundaries: Annotated[tuple[Duration, ...], BeforeValidator(_as_tuple), Field(min_length=1)] = ("50%", "75%")
    """Where the factor changes; a bare number means steps."""
    factors: Annotated[tuple[NonNegative, ...], BeforeValidator(_as_tuple), Field(min_length=2)] = (1.0, 0.1, 0.01)
    """Factor of each interval, one more than boundaries."""

    @model_validator(mode="after")
    def _one_more(self) -> Self:
        if len(self.factors) != len(self.boundaries) + 1:
            raise PydanticCustomError(
                "lengths",
                "{boundaries} boundaries need {needed} factors, found {factors}.",
                {
                    "boundaries": len(self.boundaries),
                    "needed": len(self.boundaries) + 1,
                    "factors": len(self.factors),
                },
            )
        return self

    def factor(self, step: int, total_steps: int) -> float:
        """Return the factor of the interval that `step` is in; a boundary belongs to the interval after it."""
        check_step(step, total_steps)
        passed = sum(step >= steps_of(boundary, total_steps) for boundary in self.boundaries)
        return float(self.factors[passed])


@register
class Performance(ScheduleSpec):
    """Multiply the rate by `reduction` when the monitored value has not improved for as long as `patience`.

    Keras's ReduceLROnPlateau; Géron, ch. 11, "performance scheduling".

    Example:
        schedule: {name: performance, monitor: val_loss, reduction: 0.5, patience: 5}
    """

    name: Literal["performance"] = "performance"
    epoch_durations: ClassVar[tuple[str, ...]] = ("patience", "cooldown")

    monitor: str = "val_loss"
    """Recorded value that has to improve."""
    mode: Literal["min", "max"] | None = None
    """Which direction is better; omitted: known from the metric."""
    reduction: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Factor that the rate is multiplied by each time."""
    patience: LongerThanZero = 10
    """How long to wait for an improvement; a bare number means epochs, and anything else is rounded up to whole ones."""
    min_delta: NonNegative = 1e-4
    """Smallest change that counts as an improvement."""
    cooldown: Duration = 0
    """How long to wait after a reduction before counting again; in epochs, as `patience`."""
    min_learning_rate: NonNegative = 0.0
    """The rate never falls below this."""

    def watched_value(self) -> str | None:
        """Return the monitor."""
        return self.monitor

    def build_watcher(self, learning_rate: float) -> Any:
        """Return a `hornbook.callbacks.PlateauReducer`."""
        return resolve_target("hornbook.callbacks.watchers:PlateauReducer")(
            self.monitor,
            self.mode or "min",
            reduction=self.reduction,
            patience=_epochs(self.patience),
            min_delta=self.min_delta,
            cooldown=_epochs(self.cooldown),
            min_factor=self.min_learning_rate / learning_rate,
        )

    def factor(self, step: int, total_steps: int) -> float:
        """Return 1: the metric acts between epochs, on top of this."""
        check_step(step, total_steps)
        return 1.0


@register
class OneCycle(ScheduleSpec):
    """Raise the learning rate to its peak, lower it, then anneal it almost to zero.

    Meant for short runs with a large peak rate (`optimizer.learning_rate`); the momentum goes the other way, from its
    own value down by 0.1 at the peak and back. Smith (2018), arXiv:1803.09820.

    Example:
        schedule: {name: one_cycle, start_factor: 0.1, end_factor: 0.001, max_momentum: 0.95, min_momentum: 0.85}
    """

    name: Literal["one_cycle"] = "one_cycle"
    rate_can_be_found: ClassVar[bool] = True

    rising: Annotated[float, Field(gt=0, lt=1)] = 0.45
    """Fraction of the run in which the rate rises; it falls during as long a time."""
    start_factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Fraction of the peak rate at the start, and at the end of the fall."""
    end_factor: Annotated[float, Field(ge=0, le=1)] = 0.001
    """Fraction of the peak rate at the end of the run."""
    max_momentum: Rate | None = None
    """Momentum at the start and the end; omitted: the optimizer's own."""
    min_momentum: Rate | None = None
    """Momentum at the peak; omitted: 0.1 below `max_momentum`."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.rising > 0.5:
            raise PydanticCustomError("rising", "rising is at most 0.5: the rate falls for as long as it rises.")
        if None not in (self.max_momentum, self.min_momentum) and self.min_momentum > self.max_momentum:  # type: ignore[operator]
            raise PydanticCustomError("order", "min_momentum is above max_momentum.")
        return self

    def _position(self, step: int, total_steps: int) -> tuple[float, float]:
        """Return how far the cycle has gone up (0 to 1, 1 at the peak) and how far the final annealing has come."""
        check_step(step, total_steps)
        rise = self.rising * total_steps
        if step <= rise:
            return (step / rise if rise else 1.0), 0.0
        if step <= 2 * rise:
            return 2 - step / rise, 0.0
        rest = total_steps - 2 * rise
        return 0.0, (step - 2 * rise) / rest

    def factor(self, step: int, total_steps: int) -> float:
        """Return start_factor at the ends of the cycle, 1 at its peak, end_factor at the end of the run."""
        up, final = self._position(step, total_steps)
        if final:
            return self.start_factor + (self.end_factor - self.start_factor) * final
        return self.start_factor + (1 - self.start_factor) * up

    def momentum(self, step: int, total_steps: int, momentum: float) -> float | None:
        """Return the momentum, lowest at the peak; None for an optimizer without momentum."""
        high = self.max_momentum if self.max_momentum is not None else momentum
        if not high:
            return None
        low = self.min_momentum if self.min_momentum is not None else max(high - 0.1, 0.0)
        up, _ = self._position(step, total_steps)
        return high + (low - high) * up


@register
class Cosine(ScheduleSpec):
    """Half a cosine from the full rate down to `end_factor`.

    Hardly any tuning: only the length of the run. Loshchilov and Hutter (2016), arXiv:1608.03983.

    Example:
        schedule: {name: cosine, warmup: 5%}
    """

    name: Literal["cosine"] = "cosine"
    rate_can_be_found: ClassVar[bool] = True
    durations: ClassVar[tuple[str, ...]] = ("decay_steps",)

    decay_steps: DecaySteps = "100%"
    end_factor: EndFactor = 0.0

    def factor(self, step: int, total_steps: int) -> float:
        """Return end + (1 - end)·(1 + cos(π·t/T))/2, constant after T."""
        check_step(step, total_steps)
        length = steps_of(self.decay_steps, total_steps)
        return self.end_factor + (1 - self.end_factor) * 0.5 * (1 + math.cos(math.pi * min(step / length, 1.0)))


@register
class CosineRestarts(ScheduleSpec):
    """Cosine decay that starts again at the full rate, each time `t_mul` times longer and `m_mul` times lower.

    "Warm restarts": Loshchilov and Hutter (2016), arXiv:1608.03983.

    Example:
        schedule: {name: cosine_restarts, first_decay_steps: 5 epochs, t_mul: 2.0}
    """

    name: Literal["cosine_restarts"] = "cosine_restarts"
    durations: ClassVar[tuple[str, ...]] = ("first_decay_steps",)

    first_decay_steps: Duration = "15%"
    """Length of the first cycle; a bare number means steps."""
    t_mul: Annotated[float, Field(ge=1)] = 2.0
    """How many times longer each cycle is than the one before."""
    m_mul: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor of each cycle's peak rate on the one before."""
    end_factor: EndFactor = 0.0

    def factor(self, step: int, total_steps: int) -> float:
        """Return the cosine of the cycle that `step` is in."""
        check_step(step, total_steps)
        start, length, peak = 0.0, float(steps_of(self.first_decay_steps, total_steps)), 1.0
        while step >= start + length:
            start, length, peak = start + length, length * self.t_mul, peak * self.m_mul
        cosine = 0.5 * (1 + math.cos(math.pi * (step - start) / length))
        return self.end_factor + (1 - self.end_factor) * peak * cosine


@register
class FlatCosine(ScheduleSpec):
    """The full rate for a while, then half a cosine down to `end_factor`.

    For the rate, and for dropout and weight decay, which then stop where the weights settle. Holzmüller et al. (2024),
    arXiv:2407.04491.

    Example:
        schedule: {name: flat_cosine, flat: 50%}
    """

    name: Literal["flat_cosine"] = "flat_cosine"
    durations: ClassVar[tuple[str, ...]] = ("flat",)

    flat: Duration = "50%"
    """How long nothing changes; a bare number means steps."""
    end_factor: EndFactor = 0.0

    def factor(self, step: int, total_steps: int) -> float:
        """Return 1 up to `flat`, then end + (1 - end)·(1 + cos(π·t/T))/2 over the steps that are left."""
        check_step(step, total_steps)
        begin = steps_of(self.flat, total_steps)
        if step <= begin:
            return 1.0
        place = (step - begin) / max(total_steps - begin, 1)
        return self.end_factor + (1 - self.end_factor) * 0.5 * (1 + math.cos(math.pi * min(place, 1.0)))


@register
class Coslog(ScheduleSpec):
    """Cosine waves from 0 to the full rate and back, each twice as long as the one before: (1 - cos(2π·log₂(1 + …)))/2.

    Several chances to leave a bad start, and a long last descent. `cycles: 4` is called coslog4. Holzmüller et al. (2024),
    arXiv:2407.04491.

    Example:
        schedule: {name: coslog, cycles: 4}
    """

    name: Literal["coslog"] = "coslog"

    cycles: Annotated[int, Field(ge=1, le=20)] = 4
    """How many waves."""

    def factor(self, step: int, total_steps: int) -> float:
        """Return (1 - cos(2π·log₂(1 + (2^cycles - 1)·t/T)))/2."""
        check_step(step, total_steps)
        place = step / total_steps if total_steps else 0.0
        return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + (2**self.cycles - 1) * place)))


@register
class Polynomial(ScheduleSpec):
    """(1 - t/T)^power down to `end_factor`; a straight line with power 1.

    Keras: `PolynomialDecay`. Used by Liu et al. (2015), arXiv:1506.04579.

    Example:
        schedule: {name: polynomial, power: 1.0, end_factor: 0.01}
    """

    name: Literal["polynomial"] = "polynomial"
    durations: ClassVar[tuple[str, ...]] = ("decay_steps",)

    decay_steps: DecaySteps = "100%"
    end_factor: EndFactor = 0.0
    power: Positive = 1.0
    """Exponent: 1 is a straight line, 2 falls faster at first."""

    def factor(self, step: int, total_steps: int) -> float:
        """Return end + (1 - end)·(1 - t/T)^power, constant after T."""
        check_step(step, total_steps)
        remaining = 1 - min(step / steps_of(self.decay_steps, total_steps), 1.0)
        return float(self.end_factor + (1 - self.end_factor) * remaining**self.power)


@register
class InverseTime(ScheduleSpec):
    """1/(1 + decay_rate·t/s).

    Keras: `InverseTimeDecay`. Robbins and Monro (1951), "A stochastic approximation method".

    Example:
        schedule: {name: inverse_time, decay_steps: 1 epochs, decay_rate: 0.5}
    """

    name: Literal["inverse_time"] = "inverse_time"
    durations: ClassVar[tuple[str, ...]] = ("decay_steps",)

    decay_steps: DecaySteps = "10%"
    decay_rate: Positive = 1.0
    """How fast the rate falls: 1 halves it after `decay_steps`."""
    staircase: Staircase = False

    def factor(self, step: int, total_steps: int) -> float:
        """Return 1/(1 + decay_rate·step/decay_steps), with whole quotients only if `staircase`."""
        check_step(step, total_steps)
        quotient = step / steps_of(self.decay_steps, total_steps)
        return 1 / (1 + self.decay_rate * (math.floor(quotient) if self.staircase else quotient))
