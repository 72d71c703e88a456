"""Random changes of training examples that Keras lacks, or has in a way that XLA cannot compile: cutout, mixup, cutmix.

Mixing changes targets too, so a layer alone cannot do it: who trains draws a `Mixture`, opens it with `mixing` around the
forward pass, and asks it for the loss. With none open the layer does nothing.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

__all__ = ["Mixing", "MixingModel", "Mixture", "RandomCutout", "mixing"]

Tensor = Any
QUANTILES = 4096


@keras.saving.register_keras_serializable("hornbook")
class RandomCutout(keras.layers.Layer):
    """Set a square of each picture to 0 while training, elsewhere in each; parts of it may lie outside of the picture.

    DeVries and Taylor (2017), arXiv:1708.04552, who do so to standardized pictures, of which 0 is the mean.

    Args:
        side: Of the square, as a fraction of height and width.
        seed: Seed of its places.
    """

    def __init__(self, side: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.side, self.seed = side, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Return pictures in the shape of `inputs`, (B, H, W, C)."""
        if not training:
            return inputs
        centers_B2 = keras.random.uniform((ops.shape(inputs)[0], 2), seed=self.seed_generator)
        sides_B = ops.full_like(centers_B2[:, 0], self.side)
        is_inside = _boxes(centers_B2, sides_B, inputs.shape[1:3])
        return inputs * ops.cast(1.0 - is_inside, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        return {**super().get_config(), "side": self.side, "seed": self.seed}


def _boxes(centers_B2: Tensor, sides_B: Tensor, size: Sequence[int]) -> Tensor:
    """Return (B, H, W, 1) of 1 inside of a box and 0 elsewhere.

    Args:
        centers_B2: Where the middle is, from 0 to 1 of height and width.
        sides_B: Of the box, as a share of height and width; what lies outside of the picture is cut off.
        size: (H, W).
    """
    inside = []
    for axis, length in enumerate(size):
        side_B = ops.round(sides_B * length)
        first_B = ops.floor(centers_B2[:, axis] * length) - ops.floor(side_B / 2)
        places = ops.arange(length, dtype="float32")[None]
        inside.append(ops.logical_and(places >= first_B[:, None], places < (first_B + side_B)[:, None]))
    rows, columns = inside
    return ops.cast(ops.logical_and(rows[:, :, None], columns[:, None, :]), "float32")[..., None]


@dataclass(frozen=True)
class Mixture:
    """What becomes of a batch: of each example and of the one before it, its partner (the batch's order is random).

    Attributes:
        map: The share of the partner in each number of the inputs; broadcasts to their shape.
        share_B: The example's own share in the target.
        mixes_targets: Whether targets are numbers, which are mixed themselves.
    """

    map: Tensor
    share_B: Tensor
    mixes_targets: bool

    def inputs(self, x: Tensor) -> Tensor:
        """Return the mixed inputs, in the shape of `x`."""
        share = ops.cast(self.map, x.dtype)
        return x * (1 - share) + ops.roll(x, 1, axis=0) * share

    def loss(self, y: Tensor, weights_B: Tensor | None, loss_of: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Return the loss of the batch.

        Of classes and labels it is the mixture of both examples' losses, for a cross-entropy the same as the loss of
        mixed one-hot targets. Numbers are mixed themselves.

        Args:
            y: (B,) or (B, K), the targets of the examples.
            weights_B: Weight of each in the loss, or None.
            loss_of: The loss of targets with weights (B,).
        """
        weights_B = ops.ones_like(self.share_B) if weights_B is None else ops.cast(weights_B, "float32")
        own_B, partner_B = self.share_B * weights_B, (1 - self.share_B) * ops.roll(weights_B, 1, axis=0)
        if self.mixes_targets:
            return loss_of(self.targets(y), own_B + partner_B)
        return loss_of(y, own_B) + loss_of(ops.roll(y, 1, axis=0), partner_B)

    def targets(self, y: Tensor) -> Tensor:
        """Return what metrics compare predictions with: the heavier example's class or labels, or the mixed numbers."""
        share = ops.reshape(self.share_B, (-1, *[1] * (len(y.shape) - 1)))
        partner = ops.roll(y, 1, axis=0)
        if self.mixes_targets:
            return ops.cast(y, "float32") * share + ops.cast(partner, "float32") * (1 - share)
        return ops.where(share >= 0.5, y, partner)

    def part(self, begin: Tensor, end: Tensor) -> "Mixture":
        """Return the mixture of some of the examples, whose partners are among them."""
        return Mixture(self.map[begin:end], self.share_B[begin:end], self.mixes_targets)


_OPEN: ContextVar[Mixture | None] = ContextVar("mixture", default=None)


@contextlib.contextmanager
def mixing(mixture: Mixture | None) -> Iterator[None]:
    """Let the model's `Mixing` layer mix what passes through it while this is open."""
    token = _OPEN.set(mixture)
    try:
        yield
    finally:
        _OPEN.reset(token)


@keras.saving.register_keras_serializable("hornbook")
class Mixing(keras.layers.Layer):
    """Mix each example of a batch with another one where a mixture is open, see `mixing`; nothing otherwise.

    Mixup takes λ of one and 1 - λ of the other, λ drawn from Beta(alpha, alpha) for each example: Zhang et al. (2018),
    arXiv:1710.09412. Cutmix puts a box of the other of the area 1 - λ in its place, what of it lies outside of the
    picture cut off: Yun et al. (2019), arXiv:1905.04899. With both, each example takes one or the other with even odds.

    Args:
        mixup: alpha, or None.
        cutmix: alpha, or None.
        mixes_targets: Whether targets are numbers and no classes or labels.
        seed: Seed of the draws.
    """

    def __init__(
        self,
        mixup: float | None = None,
        cutmix: float | None = None,
        mixes_targets: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mixup, self.cutmix, self.mixes_targets, self.seed = mixup, cutmix, mixes_targets, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.example_shape: tuple[int | None, ...] = ()

    def build(self, input_shape: Any) -> None:
        """Keep the shape of an example."""
        self.example_shape = tuple(input_shape[1:])

    def draw(self, size: Tensor) -> Mixture:
        """Return what becomes of a batch of so many examples; each call draws anew."""
        draws = keras.random.uniform((size, 4), seed=self.seed_generator)
        ones = [1] * len(self.example_shape)
        partner_B = ops.zeros_like(draws[:, 0])
        if self.mixup:
            partner_B = 1 - beta_quantile(draws[:, 0], self.mixup)
        share, map_ = 1 - partner_B, ops.reshape(partner_B, (-1, *ones))
        if not self.cutmix:
            return Mixture(map_, share, self.mixes_targets)
        sides_B = ops.sqrt(1 - beta_quantile(draws[:, 0], self.cutmix))
        boxes = _boxes(draws[:, 1:3], sides_B, [side or 0 for side in self.example_shape[:2]])
        is_cut = ops.cast(draws[:, 3] < (0.5 if self.mixup else 2.0), "float32")
        map_ = map_ + ops.reshape(is_cut, (-1, *ones)) * (boxes - map_)
        return Mixture(map_, 1 - ops.mean(map_, axis=(1, 2, 3)), self.mixes_targets)

    def call(self, inputs: Tensor) -> Tensor:
        """Return the inputs, mixed where a mixture is open."""
        mixture = _OPEN.get()
        return inputs if mixture is None else mixture.inputs(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for saving."""
        names = ("mixup", "cutmix", "mixes_targets", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("hornbook")
class MixingModel(keras.Model):
    """A functional model with a `Mixing` layer, which mixes in `fit` as Hornbook's own engines do."""

    def train_step(self, data: Any) -> Any:
        """Draw the batch's mixture, and train on it."""
        layer = next((layer for layer in self.layers if isinstance(layer, Mixing)), None)
        if layer is None:
            return super().train_step(data)
        with mixing(layer.draw(ops.shape(data[1])[0])):
            return super().train_step(data)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss of the open mixture, penalties included once."""
        mixture, own = _OPEN.get(), super().compute_loss
        if mixture is None:
            return own(x, y, y_pred, sample_weight, training)
        penalties = sum(self.losses) if self.losses else 0.0

        def loss_of(targets: Tensor, weights_B: Tensor) -> Tensor:
            return own(x, targets, y_pred, weights_B, training) - penalties

        return mixture.loss(y, sample_weight, loss_of) + penalties

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the metrics, of a mixture against its heavier example."""
        mixture = _OPEN.get()
        if mixture is not None:
            y = mixture.targets(y)
            sample_weight = None if sample_weight is None else mixture.targets(sample_weight)
        return super().compute_metrics(x, y, y_pred, sample_weight)


@functools.cache
def _quantiles(alpha: float) -> Any:
    """Return the quantiles of Beta(alpha, alpha) at 0, 1/4096, … 1, float32."""
    from scipy.special import betaincinv

    return np.asarray(betaincinv(alpha, alpha, np.linspace(0, 1, QUANTILES + 1)), np.float32)


def beta_quantile(uniform_B: Tensor, alpha: float) -> Tensor:
    """Return draws from Beta(alpha, alpha), made of draws from [0, 1): XLA has no way to draw them itself.

    Between 4,097 exact quantiles lie straight lines, so that no probability is off by more than 1/4096.
    """
    table = ops.convert_to_tensor(_quantiles(alpha))
    place = uniform_B * QUANTILES
    below = ops.floor(place)
    number = ops.cast(below, "int32")
    lower, upper = ops.take(table, number, axis=0), ops.take(table, number + 1, axis=0)
    return lower + (place - below) * (upper - lower)
