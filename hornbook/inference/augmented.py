"""A dozen training examples as they are stored and as training shows them, augmented: the same layers, draws and seed."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from hornbook.builder.augmentation import AUGMENTATION, white_of
from hornbook.builder.inputs import STANDARDIZE, build_inputs
from hornbook.builder.randomness import derive_seed, permutation
from hornbook.data.facts import DataInfo
from hornbook.data.source import Array, Splits
from hornbook.display.sheet import Row, contact_sheet
from hornbook.layers.augmentation import Mixing, mixing
from hornbook.recipes.recipe import Recipe
from hornbook.upstream import seed_states, set_step, threefry

__all__ = ["TrainingView", "augmented_sheet"]

EXAMPLES, EPOCHS = 12, 3


def augmented_sheet(recipe: Recipe, splits: Splits, *, is_small: bool = False) -> bytes:
    """Return a PNG with a row of images as they are stored, and one for each of the first epochs as it shows them.

    With the engine `fit`, and on several devices, training draws in another order, so that it shows others.

    Args:
        recipe: A resolved recipe.
        splits: Its data, which is images.
        is_small: Whether it stands in a page.
    """
    info, train = splits.info, splits.train
    examples = permutation(recipe.seed, 0, len(train))[:EXAMPLES]
    stored = np.asarray(train.x[examples], np.float64) / (splits.preprocessing.scale or 1.0)
    ends = _ends(stored, splits)
    labels = [_label(info, [(1.0, train.y[row])]) for row in examples]
    rows = [Row("stored", [_colors(image, ends) for image in stored], labels)]
    if recipe.data.augmentation is None:
        return contact_sheet(rows, is_small=is_small)
    epochs = recipe.training.epochs
    view = TrainingView(recipe, splits)
    for epoch in range(min(EPOCHS, epochs) if isinstance(epochs, int) else 1):
        images, labels = view.of_epoch(epoch, examples)
        rows.append(Row(f"epoch {epoch + 1}", [_colors(image, ends) for image in images], labels))
    return contact_sheet(rows, is_small=is_small)


class TrainingView:
    """The part of the network that changes examples, up to the last layer that does.

    Args:
        recipe: A resolved recipe with augmentation.
        splits: Its data.
    """

    def __init__(self, recipe: Recipe, splits: Splits) -> None:
        self.recipe, self.splits = recipe, splits
        preprocessing = splits.preprocessing
        inputs, x, _ = build_inputs(recipe, splits.info, preprocessing, white=white_of(splits.info, preprocessing))
        layers = keras.Model(inputs, x).layers
        last = max(place for place, layer in enumerate(layers) if layer.name.startswith(AUGMENTATION))
        self.model = keras.Model(inputs, layers[last].output)
        self.mixer = next((layer for layer in self.model.layers if isinstance(layer, Mixing)), None)
        states = seed_states(self.model)
        self.states = list(states.values())
        self.seeds = tf.constant([derive_seed(recipe.seed, name) for name in states], tf.int64)
        self.programs: dict[bool, Callable[..., Any]] = {
            jit: tf.function(self._program(jit=jit), jit_compile=jit, autograph=False) for jit in (False, True)
        }

    def _program(self, *, jit: bool) -> Callable[..., Any]:
        def program(x: Any, number: Any) -> Any:
            set_step(self.states, self.seeds, number)
            with threefry(active=jit):
                mixture = None if self.mixer is None else self.mixer.draw(x.shape[0])
                with mixing(mixture):
                    images = self.model(x, training=True)
            return images, tf.ones(x.shape[0]) if mixture is None else mixture.share_B

        return program

    def of_epoch(self, epoch: int, examples: Array) -> tuple[list[Array], list[str]]:
        """Return the images and labels that an epoch has of some examples, from the batches in which it has them."""
        train, size = self.splits.train, self.recipe.training.batch_size
        places = np.argsort(permutation(self.recipe.seed, epoch, len(train)))[examples]
        batches = {number: self.batch(epoch, number) for number in sorted({*(places // size).tolist()})}
        images, labels = [], []
        for place in places.tolist():
            rows, of_batch, shares = batches[place // size]
            number, share = place % size, float(shares[place % size])
            images.append(of_batch[number])
            pair = [(share, train.y[rows[number]]), (1 - share, train.y[rows[number - 1]])]
            labels.append(_label(self.splits.info, pair))
        return images, labels

    def batch(self, epoch: int, batch: int) -> tuple[Array, Array, Array]:
        """Return the rows of a batch, its images as training shows them, and their own shares of their targets.

        The images are in the unit of scaled ones, before they are standardized.
        """
        size = self.recipe.training.batch_size
        order = permutation(self.recipe.seed, epoch, len(self.splits.train))
        rows = order[batch * size :][:size]
        step = epoch * -(-len(order) // size) + batch
        jit = self.recipe.training.engine == "xla" and len(rows) == size
        x = tf.cast(np.asarray(self.splits.train.x[rows]), self.model.inputs[0].dtype)
        images, shares = self.programs[jit](x, tf.constant(step, tf.int64))
        images = images.numpy()
        for layer in self.model.layers:
            if layer.name == STANDARDIZE:
                images = images * np.sqrt(np.asarray(layer.variance)) + np.asarray(layer.mean)
        return rows, images, shares.numpy()


def _ends(images: Array, splits: Splits) -> tuple[float, float]:
    """Return the numbers of black and white."""
    if splits.preprocessing.scale is not None:
        return 0.0, 1.0
    if splits.info.input_dtype == "uint8":
        return 0.0, 255.0
    return min(0.0, float(images.min())), max(float(images.max()), 1e-9)


def _colors(image: Array, ends: tuple[float, float]) -> Array:
    """Return an image (H, W, C) as red, green and blue from 0 to 1."""
    pixels = ((image - ends[0]) / (ends[1] - ends[0])).clip(0, 1)
    return pixels[..., :3] if pixels.shape[-1] >= 3 else np.repeat(pixels[..., :1], 3, axis=-1)


def _label(info: DataInfo, parts: list[tuple[float, Any]]) -> str:
    """Return the target of a mixture in words: ``3 70 %`` and ``+ 8 30 %`` below it; a number is mixed itself.

    Of several heads the first two have a line each.
    """
    if info.heads:
        own = [(info.of_head(head.name), [(share, y[head.place]) for share, y in parts]) for head in info.heads[:2]]
        return "\n".join(_label(facts, pairs) for facts, pairs in own)
    if info.task == "regression":
        return "\n".join(f"{value:.4g}" for value in np.ravel(sum(share * np.asarray(y) for share, y in parts))[:2])
    shares: dict[str, float] = {}
    for share, y in parts:
        shares[_name(info, y)] = shares.get(_name(info, y), 0.0) + share
    percents = {name: round(100 * share) for name, share in shares.items()}
    kept = {name: percent for name, percent in percents.items() if percent}
    if len(kept) == 1:
        return next(iter(kept))
    return "\n+ ".join(f"{name} {percent} %" for name, percent in kept.items())


def _name(info: DataInfo, y: Any) -> str:
    names = info.class_names or [str(number) for number in range(info.num_classes)]
    if info.task == "multilabel":
        return ", ".join(name for name, is_there in zip(names, np.ravel(y), strict=True) if is_there) or "none"
    return str(names[int(np.ravel(y)[0])])
