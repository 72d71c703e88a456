"""Regularization: any combination, each key a technique. The one ingredient without `name`."""

from typing import Annotated

from pydantic import Field

from hornbook.recipes.language.spec import Positive, Rate, Spec
from hornbook.recipes.sections.schedule import Schedule

__all__ = ["Regularization"]

Penalty = Annotated[float, Field(ge=0)]


class Regularization(Spec):
    """What keeps the network from learning the training set by heart. Any combination of the keys.

    Penalties (`l1`, `l2`) cover every kernel, the head's included; everything else covers the hidden layers.

    Example:
        regularization: {dropout: 0.2, l2: 0.0001}
    """

    l1: Penalty | None = Field(default=None, examples=[1e-5])
    """Penalty l1·Σ|w| on every kernel: many weights become zero. Tibshirani (1996), "Regression shrinkage and selection
    via the lasso"."""

    l2: Penalty | None = Field(default=None, examples=[1e-4])
    """Penalty l2·Σw² on every kernel: weights stay small. With `l1` also given: both (elastic net). Krogh and Hertz
    (1992), "A simple weight decay can improve generalization"."""

    dropout: Rate | None = Field(default=None, examples=[0.2])
    """Fraction of each hidden layer's outputs set to zero while training. Srivastava et al. (2014), JMLR 15."""

    dropout_schedule: Schedule | None = Field(default=None, examples=["flat_cosine"])
    """How `dropout` changes during the run: any schedule of rates whose values are known before it; omitted: not at all.
    Holzmüller et al. (2024), arXiv:2407.04491."""

    input_dropout: Rate | None = Field(default=None, examples=[0.2])
    """Fraction of the inputs set to zero while training. Srivastava et al. (2014), JMLR 15."""

    alpha_dropout: Rate | None = Field(default=None, examples=[0.2])
    """Dropout that keeps mean and variance, for SELU. Klambauer et al. (2017), arXiv:1706.02515."""

    spatial_dropout: Rate | None = Field(default=None, examples=[0.2])
    """Dropout of whole channels of convolutional and recurrent layers. Tompson et al. (2015), arXiv:1411.4280."""

    gaussian_dropout: Rate | None = Field(default=None, examples=[0.2])
    """Multiplies outputs by 1-centred Gaussian noise of variance rate/(1 - rate). Srivastava et al. (2014), section 10."""

    gaussian_noise: Positive | None = Field(default=None, examples=[0.1])
    """Standard deviation of Gaussian noise added to each hidden layer's outputs. Bishop (1995), "Training with noise is
    equivalent to Tikhonov regularization"."""

    max_norm: Positive | None = Field(default=None, examples=[1.0])
    """Largest norm of each hidden unit's incoming weights; longer ones are rescaled after each step. Srebro and
    Shraibman (2005); Srivastava et al. (2014)."""
