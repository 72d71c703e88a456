"""The smallest weights set to exact zero, more with each epoch, and kept there while the others learn.

A mask for each kernel says which of its weights are alive. It is a constraint of the variable, which Keras's optimizers
apply after every update whatever engine calls them, so momentum, decay and averaging cannot bring a weight back.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from hornbook.data.source import Array
from hornbook.errors import Problem, RecipeError
from hornbook.recipes.language.durations import Length
from hornbook.recipes.sections.shrink import Prune

__all__ = ["Masks", "count_zeros", "progress"]

KERNELS = ("kernel", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel", "embeddings")
"""Names of the weights that become zero: what is multiplied with inputs, no biases, no normalization."""


class Masks:
    """Which weights of a network are alive.

    Attributes:
        variables: A mask for each kernel, to be saved with a run's state.

    Args:
        model: The network.
        prune: What becomes zero.
        length: Of the fine-tuning.
    """

    def __init__(self, model: keras.Model, prune: Prune, length: Length) -> None:
        self._prune, self._length = prune, length
        self._kernels = [kernel for _, kernel in kernels_of(model)]
        self._layers = [layer.name for layer, _ in kernels_of(model)]
        self._deviations = [float(np.std(kernel.numpy())) for kernel in self._kernels]
        self.variables: list[Any] = []
        for kernel in self._kernels:
            mask = keras.Variable(np.ones(kernel.shape, bool), dtype="bool", trainable=False, name="mask")
            kernel.constraint = _Masked(mask, kernel.constraint)
            self.variables.append(mask)
        self._masks_of(1.0)  # refuses at once what would leave a layer without weights

    @property
    def last_start(self) -> int:
        """The first epoch, counted from 0, that is trained with all zeros in place."""
        return max(self.pruning_epochs - 1, 0)

    @property
    def pruning_epochs(self) -> int:
        """Before how many epochs weights are set to zero."""
        if self._prune.schedule == "once" or not self._length.epochs:
            return 1
        return max(self._length.in_epochs("50%" if self._prune.until is None else self._prune.until), 1)

    def shares(self) -> list[float]:
        """Return how much of the whole amount is zero in each epoch, 1 being all of it."""
        return [progress(epoch, self.pruning_epochs) for epoch in range(max(self._length.epochs, 1))]

    def living(self) -> dict[str, int]:
        """Return how many weights of each layer stay, as they are now, by layer."""
        counts: dict[str, int] = {}
        for name, alive in zip(self._layers, self._masks_of(1.0), strict=True):
            counts[name] = counts.get(name, 0) + int(alive.sum())
        return counts

    def enter(self, epoch: int) -> None:
        """Set to zero what is to be zero in an epoch, counted from 0."""
        self._set(progress(epoch, self.pruning_epochs))

    def complete(self) -> None:
        """Set to zero all that is to be."""
        self._set(1.0)

    def hold(self) -> None:
        """Put the zeros into weights that came from elsewhere: averaged ones, or those of another epoch."""
        for kernel, mask in zip(self._kernels, self.variables, strict=True):
            kernel.assign(np.where(mask.numpy(), kernel.numpy(), np.float32(0)))

    def zeros(self) -> float:
        """Return the share of weights that are dead."""
        dead, total = count_zeros(self.variables)
        return dead / total

    def _set(self, amount: float) -> None:
        for mask, alive in zip(self.variables, self._masks_of(amount), strict=True):
            mask.assign(alive)
        self.hold()

    def _masks_of(self, amount: float) -> list[Array]:
        """Return which weights stay alive; where magnitudes are equal, the first ones go."""
        sizes = [np.abs(kernel.numpy()) for kernel in self._kernels]
        prune = self._prune
        if prune.threshold is not None:
            units = self._deviations if prune.scope == "layer" else [1.0] * len(sizes)
            alive = [size >= amount * prune.threshold * unit for size, unit in zip(sizes, units, strict=True)]
        elif prune.scope == "layer":
            alive = [_largest(size, amount * (prune.share or 0)) for size in sizes]
        else:
            flat = _largest(np.concatenate([size.reshape(-1) for size in sizes]), amount * (prune.share or 0))
            ends = np.cumsum([size.size for size in sizes])[:-1]
            alive = [part.reshape(size.shape) for part, size in zip(np.split(flat, ends), sizes, strict=True)]
        self._check(alive)
        return alive

    def _check(self, alive: Sequence[Array]) -> None:
        empty = [name for name, mask in zip(self._layers, alive, strict=True) if not mask.any()]
        if empty:
            key = "threshold" if self._prune.threshold is not None else "share"
            found = getattr(self._prune, key)
            message = (
                f"{found:g} would set all weights of '{empty[0]}' to zero: nothing would come through the network."
            )
            hint = "Take less, or 'scope: layer', which takes the same from each layer."
            raise RecipeError([Problem(("shrink", "prune", key), message, hint, code="shrink-weights")])


class _Masked(keras.constraints.Constraint):
    """A constraint that sets dead weights to zero, after the one that the layer has."""

    def __init__(self, mask: Any, inner: Any) -> None:
        self.mask, self.inner = mask, inner

    def __call__(self, weights: Any) -> Any:
        value = self.inner(weights) if self.inner is not None else weights
        return ops.where(self.mask, value, ops.zeros_like(value))


def progress(epoch: int, epochs: int) -> float:
    """Return how much of the whole amount is zero in an epoch, counted from 0: 1 - (1 - t)³.

    Zhu and Gupta (2017), arXiv:1710.01878, equation 1, with a start of 0.
    """
    return 1.0 - (1.0 - min((epoch + 1) / epochs, 1.0)) ** 3


def _largest(sizes: Array, share: float) -> Array:
    """Return True for all but so large a share of the smallest."""
    alive = np.ones(sizes.size, bool)
    alive[np.argsort(sizes, axis=None, kind="stable")[: round(share * sizes.size)]] = False
    return alive.reshape(sizes.shape)


def kernels_of(model: keras.Model) -> list[tuple[Any, Any]]:
    """Return (layer, kernel) of all weights that may become zero."""
    return [
        (layer, variable)
        for layer in model.layers
        for variable in layer.trainable_variables
        if variable.path.rsplit("/", 1)[-1] in KERNELS
    ]


def count_zeros(weights: Sequence[Any]) -> tuple[int, int]:
    """Return (zeros, numbers) of weights."""
    arrays = [np.asarray(weight) for weight in weights]
    return sum(int((array == 0).sum()) for array in arrays), sum(math.prod(array.shape) for array in arrays)
