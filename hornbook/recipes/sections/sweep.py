"""Many trainings of one recipe that differ in a few values: `sweep` in a recipe, and the tuners that decide what is tried.

Tuners are keras-tuner's oracles and Optuna's samplers.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from hornbook.errors import UsageError
from hornbook.recipes.language.durations import TimeSpan
from hornbook.recipes.language.spec import (
    Component,
    ComponentOf,
    NonNegative,
    Positive,
    PositiveInt,
    Spec,
    as_tuple,
    register,
)  # fmt: skip
from hornbook.recipes.language.text import shown

__all__ = [
    "KNEE", "PARAMETERS", "Bayesian", "Choices", "Grid", "Hyperband", "Optuna", "RandomSearch", "Range", "Sweep", "Tuner",
    "TunerSpec", "no_sweep", "values_of",
]  # fmt: skip


class TunerSpec(Component):
    """Base of every tuner. The space is declared in `sweep.space`; the tuner's draws follow from the recipe's seed."""

    kind: ClassVar[str] = "tuner"
    extra: ClassVar[str] = ""
    """What has to be installed besides: `hornbook[extra]`."""
    packages: ClassVar[tuple[str, ...]] = ()
    """The packages of that extra."""
    most_objectives: ClassVar[int | None] = None
    """Objectives at most; None for any number."""


Tuner = Annotated[TunerSpec, ComponentOf("tuner")]


@register
class RandomSearch(TunerSpec):
    """Draws every trial at random, none of them twice.

    Covers each single hyperparameter better than a grid of as many trials, because no value is repeated. Bergstra and
    Bengio (2012), "Random search for hyper-parameter optimization", JMLR 13.

    Example:
        sweep: {tuner: random, max_trials: 20, space: {optimizer: [adam, nadam, rmsprop]}}
    """

    name: Literal["random"] = "random"
    builds = "keras_tuner.oracles:RandomSearchOracle"


@register
class Grid(TunerSpec):
    """Tries every combination, the last key of the space changing fastest.

    For few values of few hyperparameters. A range without `step` stands for ten values. Bergstra and Bengio (2012), JMLR
    13, on why more than two or three keys are better drawn at random.

    Example:
        sweep: {tuner: grid, space: {activation: [elu, relu, tanh], training.batch_size: [16, 32, 64]}}
    """

    name: Literal["grid"] = "grid"
    builds = "keras_tuner.oracles:GridSearchOracle"


@register
class Hyperband(TunerSpec):
    """Trains many trials for a few epochs and goes on with the best of them, over and over.

    For long trainings whose first epochs tell good from bad. Each trial's schedule is as long as `max_epochs`, so that a
    trial that is trained further goes on exactly where it was. Li et al. (2018), "Hyperband", JMLR 18.

    Example:
        sweep: {tuner: {name: hyperband, max_epochs: 9}, space: {optimizer.learning_rate: [0.001, 0.01, 0.1]}}
    """

    name: Literal["hyperband"] = "hyperband"
    builds = "keras_tuner.oracles:HyperbandOracle"
    most_objectives = 1

    max_epochs: PositiveInt = 27
    """Epochs of the trials that come through to the end; takes the place of `training.epochs`."""
    factor: Annotated[int, Field(ge=2)] = 3
    """One in so many trials is trained further, for so many times the epochs."""
    hyperband_iterations: PositiveInt = 1
    """How often the whole procedure is repeated, each time with new trials."""


@register
class Bayesian(TunerSpec):
    """Models the objective by a Gaussian process and tries where the model promises most.

    For few, expensive trials over a handful of numbers. Snoek et al. (2012), "Practical Bayesian optimization of machine
    learning algorithms".

    Example:
        sweep: {tuner: bayesian, max_trials: 20, space: {optimizer.learning_rate: {min: 1e-4, max: 0.1, sampling: log}}}
    """

    name: Literal["bayesian"] = "bayesian"
    builds = "keras_tuner.oracles:BayesianOptimizationOracle"
    most_objectives = 1

    num_initial_points: PositiveInt | None = None
    """Trials at random before the model is asked; omitted: three for each key of the space."""
    alpha: Positive = 1e-4
    """Noise of the objective that the model expects: the variance of equal trials, in units of the objective's own."""
    beta: NonNegative = 2.6
    """Curiosity: how many standard deviations of doubt a promise is worth."""


@register
class Optuna(TunerSpec):
    """Asks one of Optuna's samplers, which learn from all trials before.

    For dozens of trials, and for spaces of choices and conditions, which a Gaussian process does not take well. `tpe` (a
    density of the good trials and one of the others) suits most spaces, and several objectives; `cma_es` (evolution
    strategy) is for many trials over several ranges; `nsga2` (a genetic algorithm) is for many trials with several
    objectives. Needs `pip install 'hornbook[optuna]'`. Akiba et al. (2019), "Optuna: a next-generation hyperparameter
    optimization framework", KDD; Bergstra et al. (2011), "Algorithms for hyper-parameter optimization", NIPS 24; Hansen
    (2016), "The CMA evolution strategy", arXiv:1604.00772; Deb et al. (2002), "A fast and elitist multiobjective genetic
    algorithm: NSGA-II".

    Example:
        sweep: {tuner: optuna, max_trials: 40, space: {optimizer: [adam, nadam], training.batch_size: [16, 32, 64]}}
    """

    name: Literal["optuna"] = "optuna"
    extra = "optuna"
    packages = ("optuna", "cmaes")

    sampler: Literal["tpe", "cma_es", "nsga2"] = "tpe"
    """Which of them."""
    startup_trials: PositiveInt | None = None
    """`tpe`, `cma_es`: trials at random before the sampler learns from them; omitted: 10 with tpe, 1 with cma_es."""
    candidates: PositiveInt | None = None
    """`tpe`: combinations that are drawn for a trial, of which the most promising is tried; omitted: 24."""
    multivariate: bool | None = None
    """`tpe`: whether keys are modelled together; omitted: with one objective."""
    population: Annotated[int, Field(ge=2)] | None = None
    """`cma_es`, `nsga2`: trials of a generation; omitted: 4 + 3 ln(keys) with cma_es, 50 with nsga2."""
    sigma: Positive | None = None
    """`cma_es`: how far the first generation spreads, in shares of a range; omitted: a sixth."""

    @model_validator(mode="after")
    def _has_the_sampler_s_options(self) -> "Optuna":
        own = SAMPLER_OPTIONS[self.sampler]
        for name in ("startup_trials", "candidates", "multivariate", "population", "sigma"):
            if getattr(self, name) is not None and name not in own:
                message = "the sampler '{sampler}' has no '{option}'. It has: {own}."
                facts = {"sampler": self.sampler, "option": name, "own": ", ".join(own)}
                raise PydanticCustomError("sampler_option", message, facts)
        return self


SAMPLER_OPTIONS = {
    "tpe": ("startup_trials", "candidates", "multivariate"),
    "cma_es": ("startup_trials", "population", "sigma"),
    "nsga2": ("population",),
}
PARAMETERS = "parameters"
"""The objective that is no figure of the validation split: how many numbers a model consists of."""
KNEE = "knee"

Condition = Annotated[dict[str, Any], Field(min_length=1)]
Number = int | float


class Choices(Spec):
    """A hyperparameter with listed values: names, numbers, lists or whole components."""

    choices: Annotated[tuple[Any, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]
    """The values, of any kind that the key takes."""
    when: Condition | None = None
    """Only part of the space where other keys have these values: `{optimizer: sgd}`, `{activation: [elu, relu]}`."""

    @model_validator(mode="after")
    def _has_values(self) -> "Choices":
        if not self.choices:
            raise PydanticCustomError("empty_choices", "there is no value to choose from.")
        repeated = [one for index, one in enumerate(self.choices) if one in self.choices[:index]]
        if repeated:
            raise PydanticCustomError("repeated", "{found} is listed twice.", {"found": shown(repeated[0])})
        return self


class Range(Spec):
    """A hyperparameter between two numbers, both included; whole numbers where the key takes only those."""

    min: Number
    """Smallest value."""
    max: Number
    """Largest value."""
    sampling: Literal["linear", "log"] = "linear"
    """Equal differences, or equal ratios, are equally likely."""
    step: Annotated[Number, Field(gt=0)] | None = None
    """The distance between values, from `min` on; with `sampling: log` the ratio between them."""
    when: Condition | None = None
    """Only part of the space where other keys have these values."""

    @model_validator(mode="after")
    def _is_a_range(self) -> "Range":
        if self.min >= self.max:
            message = "the range is empty: min is {low} and max {high}."
            raise PydanticCustomError("empty_range", message, {"low": shown(self.min), "high": shown(self.max)})
        if self.sampling == "log" and self.min <= 0:
            message = "a logarithmic range cannot contain {low}: every value has to be above 0."
            raise PydanticCustomError("log_range", message, {"low": shown(self.min)})
        if self.sampling == "log" and self.step is not None and self.step <= 1:
            message = "with 'sampling: log' each value is 'step' times the one before, so it has to be above 1."
            raise PydanticCustomError("log_step", message)
        return self

    def steps(self) -> tuple[Number, ...] | None:
        """Return every value of a range with `step`, the last one included where it is met; None without `step`."""
        if self.step is None:
            return None
        values: list[Number] = []
        while len(values) < MAX_STEPS:
            count = len(values)
            value = self.min * self.step**count if self.sampling == "log" else self.min + count * self.step
            if value > self.max * (1 + 1e-9) if self.max > 0 else value > self.max + 1e-9 * abs(self.max):
                break
            values.append(value if isinstance(value, int) else float(f"{value:.12g}"))
        return tuple(values)


MAX_STEPS = 100_000


def _entry(value: Any) -> Any:
    if isinstance(value, Choices | Range):
        return value
    if isinstance(value, list | tuple):
        value = {"choices": list(value)}
    if isinstance(value, Mapping) and {"min", "max", "step", "sampling"} & set(value):
        return Range.model_validate(value)
    if isinstance(value, Mapping) and "choices" in value:
        return Choices.model_validate(value)
    raise PydanticCustomError(
        "space_entry",
        "expected a list of choices, or a range such as {example}, found {found}",
        {"example": "{min: 0.001, max: 0.1, sampling: log}", "found": shown(value)},
    )


_WHEN = {"type": "object", "minProperties": 1}
_NUMBER = {"type": "number"}
Entry = Annotated[
    Choices | Range,
    BeforeValidator(_entry),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "minItems": 1},
                {
                    "type": "object",
                    "properties": {"choices": {"type": "array", "minItems": 1}, "when": _WHEN},
                    "required": ["choices"],
                    "additionalProperties": False,
                },
                {
                    "type": "object",
                    "properties": {
                        "min": _NUMBER,
                        "max": _NUMBER,
                        "step": {"type": "number", "exclusiveMinimum": 0},
                        "sampling": {"enum": ["linear", "log"]},
                        "when": _WHEN,
                    },
                    "required": ["min", "max"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


Texts = Annotated[
    str | tuple[str, ...],
    BeforeValidator(as_tuple),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]


class Sweep(Spec):
    """What a sweep tries, how it decides, and when it ends. `hornbook sweep` runs it.

    Every trial is a training of the recipe around it with other values. Trials are judged on the validation split alone;
    the winner is trained again with fresh seeds and tested. With several objectives there is no winner but a front: the
    trials that no other beats in all of them.
    """

    tuner: Tuner = RandomSearch()
    """Who decides what is tried next: `random`, `grid`, `hyperband`, `bayesian` or `optuna`."""
    objective: Texts = "val_loss"
    """The validation figure that trials are compared by, or a list of several; `parameters` is the size of the model."""
    select: Texts | None = None
    """With several objectives: which trial of the front wins, that is, of those that no other beats in all of them: `knee`,
    or the best by the first objective of those that meet conditions, `parameters<=20000`; omitted: none does."""
    mode: Literal["min", "max"] | None = None
    """Which direction is better; omitted: known from the metric."""
    space: Annotated[dict[str, Entry], Field(min_length=1)]
    """What varies: keys of the recipe, each with a list of choices or a range."""
    max_trials: PositiveInt | None = None
    """Trials at most; hyperband knows its number itself, a grid ends with its last combination."""
    total_epochs: PositiveInt | None = None
    """Start no more trials once all trials together have trained for so many epochs."""
    max_time: TimeSpan | None = None
    """Start no more trials after so long."""
    executions: PositiveInt = 1
    """Trainings per trial, with as many seeds; the trial's score is their mean."""
    confirm: Annotated[int, Field(ge=0)] = 3
    """How often the winner is trained again, with fresh seeds, and tested; 0: not at all."""
    keep_best: PositiveInt = 3
    """How many trials keep their models, beside those of the front; of the others everything but the models is kept."""

    @property
    def objectives(self) -> tuple[str, ...]:
        """Every objective, the first of which trials are listed by."""
        return (self.objective,) if isinstance(self.objective, str) else self.objective

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions of `select`; none where it names a rule."""
        if self.select is None or self.select == KNEE:
            return ()
        return (self.select,) if isinstance(self.select, str) else self.select


def no_sweep(origin: str) -> UsageError:
    """Return what to say of a recipe that was to be swept and has no `sweep`."""
    return UsageError(
        f"{origin}: there is no 'sweep' in this recipe, so nothing to try out. Add one (docs/sweep.md shows how), or run a "
        "shipped sweep: hornbook sweep --config sweep_random.yaml"
    )


def values_of(entry: Choices | Range) -> tuple[Any, ...]:
    """Return values to try an entry out with: every choice, or both ends of a range."""
    if isinstance(entry, Choices):
        return entry.choices
    steps = entry.steps()
    return (entry.min, steps[-1]) if steps is not None else (entry.min, entry.max)
