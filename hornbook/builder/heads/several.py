"""Several heads over one backbone: their outputs side by side, their losses in one sum, metrics for each.

Each head is built, and trained, as the only head of a recipe would be. Outputs (B, K) and targets (B, T) of all heads are
one matrix each, in the order of the recipe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import ops

from hornbook.builder.heads.losses import StandardizedLoss
from hornbook.builder.heads.metrics import build_metric
from hornbook.builder.heads.single import (
    build_head,
    build_loss,
    decision_threshold,
    layers_behind_scores,
    learned,
    target_scaling,
    target_transform,
)
from hornbook.data.facts import Preprocessing
from hornbook.data.source import Split
from hornbook.errors import Problem, RecipeError
from hornbook.layers.heads import HeadColumns, HeadLoss, HeadMetric, HeadsLoss, with_scores
from hornbook.recipes.language.hints import did_you_mean
from hornbook.recipes.recipe import Recipe
from hornbook.upstream import inputs_of_output

__all__ = ["HeadPart", "activate", "build_heads", "build_heads_loss", "in_loss", "parts_of", "view_of_scores"]

OUTPUTS = "head_outputs"
"""Name of the layer that puts the outputs of all heads side by side."""
SCORES = "head_scores"
"""Name of the layer that does so with what their losses read, while training."""

Tensor = Any


@dataclass(frozen=True)
class HeadPart:
    """One of several heads.

    Attributes:
        name: The head's.
        recipe: The recipe as if it had this head alone.
        weight: What its loss counts in the sum.
        columns: Its columns of targets and outputs.
        number: Its place among the heads.
    """

    name: str
    recipe: Recipe
    weight: float
    columns: HeadColumns
    number: int

    @property
    def layer(self) -> str:
        """The name of its dense layer, with which those of its other layers begin."""
        return f"head_{self.name}"

    def output(self, model: keras.Model) -> Tensor:
        """Return its outputs in the network of all heads, (B, K)."""
        return inputs_of_output(model)[self.number]

    def model(self, model: keras.Model) -> keras.Model:
        """Return the network of all heads as one that has this head alone: the same layers, its outputs."""
        return keras.Model(model.input, self.output(model), name=model.name)

    def split(self, split: Split) -> Split:
        """Return the same examples with the targets of this head alone."""
        first, end = self.columns.targets
        y = split.y[:, first:end]
        y = y.astype(np.int32) if self.columns.is_class else y
        return replace(split, y=y[:, 0] if end - first == 1 else y)

    def tail(self, model: keras.Model) -> tuple[str, ...]:
        """Return the names of its layers behind what its loss reads."""
        return layers_behind_scores(self.recipe, model, self.layer)

    def activate(self, model: keras.Model, scores: Tensor) -> Tensor:
        """Return its outputs from its scores."""
        for name in self.tail(model):
            scores = model.get_layer(name)(scores)
        return scores

    def losses(self, model: keras.Model) -> tuple[keras.losses.Loss, keras.losses.Loss]:
        """Return its loss of scores, and the same loss of outputs."""
        tail = self.tail(model)
        of_scores = build_loss(self.recipe, from_logits=f"{self.layer}_activation" in tail)
        of_outputs = build_loss(self.recipe, from_logits=False)
        scaling = target_scaling(model, self.layer)
        if scaling is not None:
            mean, deviation = ops.reshape(scaling.mean, (-1,)), ops.sqrt(ops.reshape(scaling.variance, (-1,)))
            transform = target_transform(model, self.layer)
            of_outputs = StandardizedLoss(
                of_outputs, ops.convert_to_numpy(mean).tolist(), ops.convert_to_numpy(deviation).tolist(), transform
            )
        return of_scores, of_outputs

    def metrics(self, model: keras.Model) -> list[keras.metrics.Metric]:
        """Return fresh metrics of this head, its loss first."""
        of_scores, of_outputs = self.losses(model)
        columns = self.columns
        loss = HeadLoss(
            of_scores, of_outputs, columns, lambda y: learned(model, y, self.layer), name=f"{self.name}_loss"
        )
        others = [HeadMetric(metric, columns, name=f"{self.name}_{metric.name}") for metric in self.own_metrics()]
        return [loss, *others]

    def own_metrics(self) -> list[keras.metrics.Metric]:
        """Return fresh metrics of its own targets and outputs, as of a network that has no other head."""
        view = self.recipe
        keys: dict[str, Any] = {"units": view.head.units, "decision": decision_threshold(view)}
        return [build_metric(spec, view.task or "regression", **keys) for spec in view.training.metrics or ()]


def parts_of(recipe: Recipe) -> tuple[HeadPart, ...]:
    """Return the heads of a resolved recipe in their order; nothing where it has a single one."""
    parts, target, output = list[HeadPart](), 0, 0
    for number, (name, named) in enumerate((recipe.heads or {}).items()):
        if named.units is None or named.task is None:
            raise ValueError("resolve the recipe first: its heads are open")
        is_class = named.task in {"binary", "multiclass"}
        width = 1 if is_class else named.units
        columns = HeadColumns((target, target + width), (output, output + named.units), is_class)
        parts.append(HeadPart(name, recipe.of_head(name), named.weight, columns, number))
        target, output = target + width, output + named.units
    return tuple(parts)


def build_heads(
    inputs: Tensor, x: Tensor, recipe: Recipe, preprocessing: Preprocessing, names: Mapping[str, str]
) -> Tensor:
    """Return the outputs of all heads side by side, (B, K).

    Args:
        inputs: What the network reads.
        x: The features behind the backbone, (B, F).
        recipe: A resolved recipe with several heads.
        preprocessing: Statistics of the training split.
        names: What layers to which the recipe gives a name (`as`) are called in the network.

    Raises:
        RecipeError: If a head begins at a block that there is not.
    """
    outputs = []
    for part in parts_of(recipe):
        block = (recipe.heads or {})[part.name].from_
        features = x if block is None else _behind(names.get(block, block), inputs, x, part, [*names])
        own = preprocessing.of_targets(slice(*part.columns.targets))
        outputs.append(build_head(features, part.recipe, own, name=part.layer))
    return keras.layers.Concatenate(name=OUTPUTS, dtype="float32")(outputs)


def _behind(block: str, inputs: Tensor, x: Tensor, part: HeadPart, named: Sequence[str]) -> Tensor:
    """Return what a block returns, as features (B, F): of pictures and sequences the mean over all places."""
    layers = keras.Model(inputs, x).layers
    own = [layer for layer in layers if layer.name == block or layer.name.startswith(f"{block}_")]
    if not any(layer.name == block for layer in layers):
        blocks = [layer.name for layer in layers if layer.weights and not layer.name.endswith("_normalization")]
        path, message = ("heads", part.name, "from"), f"there is no block '{block}' to begin at."
        raise RecipeError([Problem(path, message, did_you_mean(block, [*named, *blocks]), code="heads-from")])
    features = own[-1].output
    pooling = {3: keras.layers.GlobalAveragePooling1D, 4: keras.layers.GlobalAveragePooling2D}.get(len(features.shape))
    return features if pooling is None else pooling(name=f"{part.layer}_pooling")(features)


def view_of_scores(parts: tuple[HeadPart, ...], model: keras.Model) -> keras.Model:
    """Return the network up to what the losses of its heads read, side by side: (B, K)."""
    scores = []
    for part in parts:
        tail = part.tail(model)
        scores.append(model.get_layer(tail[0]).input if tail else part.output(model))
    return keras.Model(model.input, keras.layers.Concatenate(name=SCORES, dtype="float32")(scores), name="logits")


def activate(parts: tuple[HeadPart, ...], model: keras.Model, scores: Tensor) -> Tensor:
    """Return the outputs of all heads from the scores of all, which they carry along."""
    outputs = [part.activate(model, part.columns.of_outputs(scores)) for part in parts]
    return with_scores(ops.concatenate(outputs, axis=-1), scores)


def in_loss(parts: tuple[HeadPart, ...], model: keras.Model, y: Tensor) -> Tensor:
    """Return the targets of all heads in the units of their losses, (B, T) float32."""
    y = ops.cast(y, "float32")
    return ops.concatenate([learned(model, y[:, slice(*part.columns.targets)], part.layer) for part in parts], axis=-1)


def build_heads_loss(
    parts: tuple[HeadPart, ...],
    model: keras.Model,
    *,
    of_scores: bool,
    class_weights: Mapping[str, Sequence[float]] | None = None,
) -> HeadsLoss:
    """Return the weighted sum of the heads' losses: of scores and targets as `in_loss` returns them, or of outputs.

    `class_weights` says by head what each of its classes counts, where they do not count alike.
    """
    entries = {
        part.name: {
            "loss": part.losses(model)[0 if of_scores else 1],
            "weight": part.weight,
            "columns": part.columns,
            "class_weights": (class_weights or {}).get(part.name),
        }
        for part in parts
    }
    return HeadsLoss(entries)
