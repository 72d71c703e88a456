"""Tuners: who decides what a sweep tries next, `sweep.tuner` in a recipe. They are keras-tuner's oracles."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hornbook.recipes.language.spec import Component, ComponentOf, NonNegative, Positive, PositiveInt, register

__all__ = ["Bayesian", "Grid", "Hyperband", "RandomSearch", "Tuner", "TunerSpec"]


class TunerSpec(Component):
    """Base of every tuner. The space is declared in `sweep.space`; the tuner's draws follow from the recipe's seed."""

    kind: ClassVar[str] = "tuner"


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

    num_initial_points: PositiveInt | None = None
    """Trials at random before the model is asked; omitted: three for each key of the space."""
    alpha: Positive = 1e-4
    """Noise of the objective that the model expects: the variance of equal trials, in units of the objective's own."""
    beta: NonNegative = 2.6
    """Curiosity: how many standard deviations of doubt a promise is worth."""
