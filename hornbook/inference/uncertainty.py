"""Monte Carlo dropout: many predictions of one model, each with other dropped units, and what they say together.

Only layers that drop out run as in training; everything else, batch normalization and augmentation included, stays in
inference mode, so that nothing of the model changes. Gal and Ghahramani (2016), arXiv:1506.02142.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from hornbook.builder.randomness import derive_seed
from hornbook.data.source import Array
from hornbook.engine.prediction import large_batch
from hornbook.errors import UsageError
from hornbook.inference.trained import Trained
from hornbook.upstream import set_step

__all__ = ["Uncertainty", "check_dropout", "monte_carlo", "sample_run"]

Kind = Literal["classes", "labels", "numbers"]
DROPOUT = (keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout)


@dataclass(frozen=True)
class Uncertainty:
    """What S samples say about each of N examples with K outputs.

    Attributes:
        mean: (N, K), the mean of the samples: the prediction.
        std: (N, K), their standard deviation (of the S values, divided by S).
        entropy: Predictive entropy of the mean in nats, H[E p]: everything that is uncertain. (N,), or (N, K) where
            each output is a label of its own; None where outputs are no probabilities.
        mutual_information: H[E p] - E H[p] in nats, in the same shape: what is uncertain because the samples disagree.
            Houlsby et al. (2011), arXiv:1112.5745.
    """

    mean: Array
    std: Array
    entropy: Array | None
    mutual_information: Array | None


def drawing_layers(model: keras.Model) -> list[Any]:
    """Return the layers that drop out: dropout of any kind at a rate above 0, and recurrent layers with dropout inside.

    Gaussian noise is none of them: it stands for noise in the data and is added, where dropout, also the Gaussian kind,
    multiplies and so stands for uncertain weights. Randomized activations are none either. Recurrent dropout keeps one
    mask over all time steps, as the theory asks: Gal and Ghahramani (2016), arXiv:1512.05287.
    """
    found: list[Any] = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += drawing_layers(layer)
        elif _drops_out(layer):
            found.append(layer)
    return found


def _drops_out(layer: Any) -> bool:
    if isinstance(layer, keras.layers.Bidirectional):
        return _drops_out(layer.forward_layer) or _drops_out(layer.backward_layer)
    if isinstance(layer, keras.layers.RNN):
        return bool(getattr(layer, "dropout", 0) or getattr(layer, "recurrent_dropout", 0))
    return isinstance(layer, DROPOUT) and layer.rate > 0


def check_dropout(model: keras.Model, name: str) -> None:
    """Raise a UsageError that names the run if nothing in its model drops out."""
    if not drawing_layers(model):
        kinds = ", ".join(sorted({type(layer).__name__ for layer in model.layers}))
        raise UsageError(
            f"{name}: Monte Carlo samples need dropout, and this model has none. Its layers: {kinds}. Train with "
            "regularization.dropout (or alpha_dropout, spatial_dropout, gaussian_dropout), or leave out --mc-samples."
        )


def sample_run(trained: Trained, x: Any, samples: int) -> Uncertainty:
    """Return what Monte Carlo dropout says about inputs (N, …), with draws that follow from the run's seed.

    Raises:
        UsageError: If the run's model has no dropout, or `samples` is below 2.
    """
    head = trained.recipe.head.activation
    kinds: dict[str, Kind] = {"softmax": "classes", "sigmoid": "labels"}
    is_number = trained.info.task == "regression" or head is None
    kind = "numbers" if is_number or head is None else kinds.get(head.name, "numbers")
    found = monte_carlo(trained.model, x, samples=samples, seed=trained.recipe.seed, kind=kind)
    if trained.info.task != "binary" or found.entropy is None or found.mutual_information is None:
        return found
    return replace(found, entropy=found.entropy[:, 0], mutual_information=found.mutual_information[:, 0])


def monte_carlo(model: keras.Model, x: Any, *, samples: int, seed: int, kind: Kind) -> Uncertainty:
    """Return mean, standard deviation, entropy and mutual information of predictions with dropout.

    The same model, inputs, samples and seed give the same numbers. All samples of a chunk of examples are one compiled
    call; what is kept are sums over the samples, so that memory does not grow with their number.

    Args:
        model: A functional Keras model with one input; left as it is.
        x: Inputs (N, …).
        samples: How often each example is predicted, at least 2.
        seed: What the dropped units follow from.
        kind: What outputs (N, K) are: ``classes`` (probabilities of one distribution), ``labels`` (each the
            probability of a yes), or ``numbers`` (no entropies).

    Raises:
        UsageError: If the model has no dropout, or `samples` is below 2.
    """
    if samples < 2:
        raise UsageError(f"Monte Carlo dropout needs at least 2 samples, found {samples}.")
    check_dropout(model, model.name)
    before, after, copies = _sampling_view(model)
    rows = large_batch(after)
    at_once = min(samples, rows)
    size = rows // at_once
    draw = tf.function(_Draw(before, after, copies, seed, kind), autograph=False, reduce_retracing=True)
    step, parts = 0, []
    for start in range(0, len(x), size):
        batch = tf.constant(x[start : start + size])
        sums: Any = 0
        for first in range(0, samples, at_once):  # once, unless there are thousands of samples
            count = tf.constant(min(at_once, samples - first))
            drawn = draw(batch, count, tf.constant(step, tf.int64))
            sums = [total.numpy() + old for total, old in zip(drawn, sums or [0, 0, 0], strict=True)]
            step += 1
        parts.append(sums)
    empty = np.zeros((0, model.output_shape[-1]))
    totals = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [empty, empty, empty]
    return _summary(*totals, samples=samples, kind=kind)


def _sampling_view(model: keras.Model) -> tuple[keras.Model | None, keras.Model, list[Any]]:
    """Return the part of the model in front of its first dropout (or None), the rest, and the rest's dropout layers.

    The first part gives every sample the same, so it runs once. Layers and weights are shared with the model, except
    for those that draw: copies of them draw whatever mode they are called in.
    """
    drawing = {id(layer): layer for layer in drawing_layers(model)}
    copies: dict[int, Any] = {}

    def replaced(layer: Any) -> Any:
        if id(layer) not in drawing:
            return layer
        copies[id(layer)] = _always_drawing(layer)
        return copies[id(layer)]

    view = keras.models.clone_model(model, clone_function=replaced, recursive=True)
    for key, copy in copies.items():
        if copy.weights:  # of a recurrent layer
            copy.set_weights(drawing[key].get_weights())
    found = list(copies.values())
    first = next((layer for layer in view.layers if any(layer is copy for copy in found)), None)
    if first is None:  # it is inside a model that is a layer
        return None, view, found
    try:
        return keras.Model(view.input, first.input), keras.Model(first.input, view.output), found
    except ValueError:  # a shortcut or a mask leads around the first dropout
        return None, view, found


def _always_drawing(layer: Any) -> Any:
    copy = type(layer).from_config(layer.get_config())
    call = copy.call
    copy.call = lambda *args, **kwargs: call(*args, **{**kwargs, "training": True})
    return copy


class _Draw:
    """Samples of a chunk of examples, as sums over the samples."""

    def __init__(
        self, before: keras.Model | None, after: keras.Model, copies: Sequence[Any], seed: int, kind: Kind
    ) -> None:
        self.before, self.after, self.kind = before, after, kind
        self.states: list[Any] = []
        seeds = []
        for layer in copies:
            states = [item for item in layer.non_trainable_variables if "seed_generator_state" in item.path]
            self.states += states
            seeds += [derive_seed(seed, "monte_carlo", layer.name, str(index)) for index in range(len(states))]
        self.seeds = np.asarray(seeds, np.int64)

    def __call__(self, batch: Any, count: Any, step: Any) -> tuple[Any, Any, Any]:
        """Return Σp and Σp² (B, K), and the sum of the samples' entropies (B,) or (B, K), all float64.

        Args:
            batch: Inputs (B, …).
            count: Samples to draw of each.
            step: Number of the call; every call draws anew.
        """
        set_step(self.states, self.seeds, step)
        x = tf.cast(batch, (self.before or self.after).inputs[0].dtype)
        if self.before is not None:
            x = self.before(x, training=False)
        outputs = tf.cast(self.after(tf.repeat(x, count, axis=0), training=False), tf.float64)
        p = tf.reshape(outputs, [-1, count, outputs.shape[-1]])  # B examples, S samples, K outputs
        entropies = tf.zeros_like(p)
        if self.kind != "numbers":
            entropies = -tf.math.xlogy(p, p)
        if self.kind == "labels":
            entropies -= tf.math.xlog1py(1 - p, -p)
        if self.kind == "classes":
            entropies = tf.reduce_sum(entropies, axis=-1)
        return tf.reduce_sum(p, axis=1), tf.reduce_sum(p * p, axis=1), tf.reduce_sum(entropies, axis=1)


def _summary(total: Array, squares: Array, entropies: Array, *, samples: int, kind: Kind) -> Uncertainty:
    mean = total / samples
    std = np.sqrt(np.maximum(squares / samples - mean**2, 0))
    if kind == "numbers":
        return Uncertainty(mean, std, None, None)
    entropy = _plogp(mean).sum(axis=-1) if kind == "classes" else _plogp(mean) + _plogp(1 - mean)
    return Uncertainty(mean, std, entropy, np.maximum(entropy - entropies / samples, 0))


def _plogp(p: Array) -> Array:
    """Return -p ln p, 0 at 0."""
    return np.asarray(-p * np.log(np.where(p > 0, p, 1)))
