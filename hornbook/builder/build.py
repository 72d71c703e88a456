"""Recipe → the two views over the same variables: the plain Keras model and the training view."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from hornbook.builder.augmentation import AUGMENTATION, white_of
from hornbook.builder.features.backbones import features
from hornbook.builder.features.free_layers import layer_names
from hornbook.builder.features.members import MEMBERS, is_ensemble
from hornbook.builder.features.tokens import vocabulary_of
from hornbook.builder.heads.losses import StandardizedLoss
from hornbook.builder.heads.metrics import build_metric
from hornbook.builder.heads.several import (
    HeadPart,
    activate,
    build_heads,
    build_heads_loss,
    in_loss,
    parts_of,
    view_of_scores,
)
from hornbook.builder.heads.single import (
    HEAD_CLAMP,
    HEAD_TARGET,
    build_head,
    build_loss,
    decision_threshold,
    learned,
    target_scaling,
    target_transform,
    training_view,
)
from hornbook.builder.inputs import build_inputs
from hornbook.builder.memory import within_memory
from hornbook.builder.optimizers import build_optimizer, variable_factors
from hornbook.builder.outside import wrap
from hornbook.builder.phases import frozen_forever
from hornbook.builder.randomness import derive_seed
from hornbook.builder.reuse import Copied, EarlierModel, attach, copy_by_name, fit_inputs, own_preprocessing
from hornbook.data.facts import DataInfo, Preprocessing
from hornbook.data.source import Array
from hornbook.errors import Problem, RecipeError
from hornbook.layers.augmentation import Mixing, MixingModel, Mixture
from hornbook.layers.members import MembersModel
from hornbook.layers.series import FromSeriesScale, SeriesLoss
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.model import Layers
from hornbook.upstream import REFUSALS, reason, set_rate_factors

__all__ = [
    "Built", "as_targets", "build_around", "build_model", "compile_plain", "compile_shown", "loss_of", "metrics_of",
]  # fmt: skip


@dataclass(frozen=True)
class Built:
    """A recipe's model in several views over the same variables, with optimizer, loss and metrics.

    Attributes:
        model: The plain Keras model: what is saved, what callbacks and users see; ends in probabilities. Keras's image
            layers change images unless told that this is no training, so it has none of the augmentation.
        training_model: The same with augmentation; the same object as `model` where there is none.
        logits_model: `training_model` up to what the loss is computed from: the head's weighted sums, of an ensemble each
            member's. The same object as `training_model` where that is all of it.
        optimizer: A stock Keras optimizer, built.
        loss: A Keras loss for what `logits_model` returns.
        metrics: Fresh Keras metrics for what `model` returns.
        copied: What came from an earlier model, or None.
        tail: The layers behind `logits_model`.
        fixed: Layers that never learn: those that the recipe says so of, and batch normalization that it keeps.
        factors: {id of a variable: factors of its rate and decay} that the recipe names.
        heads: The heads, where there are several; the layers behind `logits_model` are theirs then, and `tail` is empty.
        class_weights: Of several heads, what each class counts in the loss while training, by their names.
        weighted_loss: The loss with these weights; None where all classes count alike.
    """

    model: keras.Model
    training_model: keras.Model
    logits_model: keras.Model
    optimizer: keras.optimizers.Optimizer
    loss: keras.losses.Loss
    metrics: tuple[keras.metrics.Metric, ...]
    tail: tuple[str, ...] = ()
    copied: Copied | None = None
    fixed: frozenset[str] = frozenset()
    factors: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    heads: tuple[HeadPart, ...] = ()
    class_weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    weighted_loss: keras.losses.Loss | None = None

    @property
    def training_loss(self) -> keras.losses.Loss:
        """What training minimizes: the loss, of several heads with the weights of their classes."""
        return self.loss if self.weighted_loss is None else self.weighted_loss

    def weighing(self, class_weights: Mapping[str, tuple[float, ...]]) -> "Built":
        """Return the same where classes of some heads count differently in the loss while training."""
        if not class_weights:
            return self
        loss = build_heads_loss(self.heads, self.training_model, of_scores=True, class_weights=class_weights)
        return replace(self, class_weights=class_weights, weighted_loss=loss)

    def set_factors(self, by_variable: Mapping[int, float] | None = None) -> None:
        """Let the optimizer use the recipe's factors of rates and decays, times those given by the id of the variable."""
        others = {} if by_variable is None else by_variable
        rates = {key: self.factors.get(key, (1.0, 1.0))[0] * others.get(key, 1.0) for key in {*self.factors, *others}}
        set_rate_factors(self.optimizer, rates, {key: decay for key, (_, decay) in self.factors.items()})

    @property
    def from_logits(self) -> bool:
        """Whether the loss reads weighted sums instead of what an activation makes of them."""
        return any(name.endswith("_activation") for name in self.tail)

    def activate(self, scores: Any) -> Any:
        """Return the model's outputs from what `logits_model` returns."""
        if self.heads:
            return activate(self.heads, self.model, scores)
        for name in self.tail:
            scores = self.model.get_layer(name)(scores)
        return scores

    def mixture(self, size: Any) -> Mixture | None:
        """Return what becomes of a training batch of so many examples, drawn anew; None where none are mixed."""
        layers = [layer for layer in self.training_model.layers if isinstance(layer, Mixing)]
        return layers[0].draw(size) if layers else None

    def in_loss(self, y: Any) -> Any:
        """Return targets in the unit of the loss: transformed and standardized where the model's last layers undo that."""
        return in_loss(self.heads, self.model, y) if self.heads else learned(self.model, y)


def build_model(
    recipe: Recipe, info: DataInfo, preprocessing: Preprocessing, source: EarlierModel | None = None
) -> Built:
    """Return the model of a resolved recipe.

    Args:
        recipe: A recipe as `resolve` returns it.
        info: Facts about the data: shapes, classes.
        preprocessing: Statistics of the training split.
        source: The earlier model that `reuse` names.

    Raises:
        RecipeError: If Keras refuses what the recipe asks for, or the earlier model does not fit.
    """
    try:
        with within_memory(trains=source is None):
            inputs, outputs, copied = _connect(recipe, info, preprocessing, source)
    except REFUSALS as error:
        message = f"Keras refuses this network: {reason(error)}."
        raise RecipeError([Problem(("model",), message, code="layer")]) from error
    model = keras.Model(inputs, outputs, name=recipe.name or "recipe")
    if source is not None and recipe.reuse is not None and source.pairs is not None:
        copied = copy_by_name(model, source, source.pairs, fresh=recipe.reuse.weights == "fresh")
    names = [layer.name for layer in model.layers]
    own = {layer.name for layer in model.layers if not layer.trainable and not _is_copied(layer, copied)}
    kept = _kept_statistics(recipe, model, copied)
    for name in kept | frozen_forever(recipe.reuse, names, list(copied.origin) if copied else ()):
        model.get_layer(name).trainable = False
    return _built(recipe, model, copied=copied, fixed=frozenset(own | kept))


def build_around(recipe: Recipe, model: keras.Model) -> Built:
    """Return a network that is there already with a resolved recipe's optimizer, loss and metrics.

    Args:
        recipe: A resolved recipe.
        model: The network, with augmentation where the recipe trains with it; it ends in the recipe's outputs.
    """
    fixed = frozenset(layer.name for layer in model.layers if not layer.trainable)
    return _built(recipe, model, copied=None, fixed=fixed)


def _built(recipe: Recipe, model: keras.Model, *, copied: Copied | None, fixed: frozenset[str]) -> Built:
    """Return a network with all that trains it."""
    heads = parts_of(recipe)
    logits, tail = (view_of_scores(heads, model), ()) if heads else training_view(recipe, model)
    factors = variable_factors(recipe.optimizer, model)
    built = Built(
        model=_without_augmentation(model) if recipe.data.augmentation is not None else model,
        training_model=model,
        logits_model=model if logits is None else logits,
        tail=tail,
        optimizer=build_optimizer(
            recipe.optimizer, recipe.training.gradient_clipping, model, precision=recipe.training.precision
        ),
        loss=loss_of(recipe, model, heads, tail),
        metrics=metrics_of(recipe, model, heads),
        heads=heads,
        copied=copied,
        fixed=fixed,
        factors=factors,
    )
    built.set_factors()
    return built


def loss_of(
    recipe: Recipe, model: keras.Model, heads: tuple[HeadPart, ...], tail: tuple[str, ...]
) -> keras.losses.Loss:
    """Return the loss of what is in front of a network's last layers, `tail` of one head."""
    if heads:
        return build_heads_loss(heads, model, of_scores=True)
    from_logits = any(name.endswith("_activation") for name in tail)
    loss = build_loss(recipe, from_logits=from_logits, of_members=is_ensemble(recipe))
    scales = [layer for layer in model.layers if isinstance(layer, FromSeriesScale)]
    return SeriesLoss(loss, scales[0]) if scales else loss


def metrics_of(recipe: Recipe, model: keras.Model, heads: tuple[HeadPart, ...]) -> tuple[keras.metrics.Metric, ...]:
    """Return fresh metrics of what a network returns."""
    if heads:
        return tuple(metric for part in heads for metric in part.metrics(model))
    task, decision = recipe.task or "regression", decision_threshold(recipe)
    specs = recipe.training.metrics or ()
    return tuple(build_metric(spec, task, units=recipe.head.units, decision=decision) for spec in specs)


def _is_copied(layer: keras.layers.Layer, copied: Copied | None) -> bool:
    return copied is not None and layer.name in copied.origin


def _kept_statistics(recipe: Recipe, model: keras.Model, copied: Copied | None) -> set[str]:
    """Return the copied batch normalization, where the recipe keeps it as it is."""
    if recipe.reuse is None or recipe.reuse.batch_normalization != "keep":
        return set()
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    return {layer.name for layer in layers if _is_copied(layer, copied)}


def _connect(
    recipe: Recipe, info: DataInfo, preprocessing: Preprocessing, source: EarlierModel | None
) -> tuple[Any, Any, Copied | None]:
    """Return (inputs, outputs, what was copied): inputs → kept layers, if any → backbone → head."""
    white = white_of(info, preprocessing)
    if source is None or recipe.reuse is None or source.pairs is not None:
        inputs, x, wide = build_inputs(recipe, info, preprocessing, white=white)
        x = features(x, recipe, vocabulary=vocabulary_of(info, preprocessing), wide=wide)
        return inputs, _outputs(inputs, x, recipe, preprocessing), None
    inputs, x, _ = build_inputs(recipe, info, own_preprocessing(source, preprocessing), white=white)
    x = fit_inputs(x, source, info, preprocessing)
    x, copied = attach(source, x, seed=recipe.seed, fresh=recipe.reuse.weights == "fresh")
    if recipe.reuse.dropout:
        seed = derive_seed(recipe.seed, "reused_dropout")
        x = keras.layers.Dropout(recipe.reuse.dropout, seed=seed, name="reused_dropout")(x)
    before: dict[str, Any] = {"blocks_before": source.blocks(), "taken": frozenset(copied.origin)}
    x = features(x, recipe, **before)
    return inputs, _outputs(inputs, x, recipe, preprocessing, **before), copied


def _outputs(inputs: Any, x: Any, recipe: Recipe, preprocessing: Preprocessing, **before: Any) -> Any:
    """Return the outputs of a recipe's head, or of its heads; `before` is what `layer_names` takes of an earlier model."""
    if recipe.heads is not None:
        model, names = recipe.model, dict[str, str]()
        if isinstance(model, Layers):
            pairs = zip(model.layers, layer_names(model, **before), strict=True)
            names = {item.as_: name for item, name in pairs if item.as_ is not None}
        return build_heads(inputs, x, recipe, preprocessing, names)
    return build_head(x, recipe, preprocessing, inputs)


def _without_augmentation(model: keras.Model) -> keras.Model:
    """Return a model of the same layers, with nothing in the places of the augmenting ones."""

    def keep(layer: keras.layers.Layer) -> keras.layers.Layer:
        return keras.layers.Identity(name=layer.name) if layer.name.startswith(AUGMENTATION) else layer

    plain = keras.models.clone_model(model, clone_function=keep)
    plain.name = model.name
    return plain


def compile_shown(built: Built, recipe: Recipe, info: DataInfo, *, for_training: bool) -> keras.Model:
    """Return what `compile_plain` does, with inputs and outputs as users have them; arguments as of that.

    Several heads are outputs by name, each with its loss, its weight and its metrics, as Keras has them; `fit` takes targets
    of the same names. A head that clamps what it predicts learns of what is clamped.
    """
    if built.heads:
        return _compile_heads(built, recipe, info, for_training=for_training)
    model = compile_plain(built, recipe, for_training=for_training)
    shown = wrap(model, info)
    if shown is not model:
        shown.compile(optimizer=built.optimizer, loss=model.loss, metrics=list(built.metrics))
    return shown


def _compile_heads(built: Built, recipe: Recipe, info: DataInfo, *, for_training: bool) -> keras.Model:
    """Return `compile_shown` of several heads."""
    whole, heads = built.training_model if for_training else built.model, built.heads
    outputs = {part.name: part.output(whole) for part in heads}
    named = keras.Model(whole.input, outputs, name=whole.name)
    shown = wrap(named, replace(info, heads=()))
    metrics = {part.name: part.own_metrics() for part in heads}
    shown.compile(
        optimizer=_optimizer_in_order(built, recipe, named),
        loss={part.name: part.losses(whole)[1] for part in heads},
        loss_weights={part.name: part.weight for part in heads},
        metrics={name: found for name, found in metrics.items() if found},
    )
    return shown


def _optimizer_in_order(built: Built, recipe: Recipe, model: keras.Model) -> keras.optimizers.Optimizer:
    """Return the optimizer, as it stands, with its variables in the order of a model that has the same in another.

    A saved model is read with its own order.
    """
    training = recipe.training
    optimizer = build_optimizer(recipe.optimizer, training.gradient_clipping, model, precision=training.precision)
    stands = {variable.path: variable for variable in built.optimizer.variables}
    for variable in optimizer.variables:
        if variable.path in stands:
            variable.assign(stands[variable.path])
    replace(built, optimizer=optimizer).set_factors()
    return optimizer


def compile_plain(built: Built, recipe: Recipe, *, for_training: bool, is_weighted: bool = False) -> keras.Model:
    """Return the model, compiled the way a Keras user would: ready for `fit`, `evaluate` and `predict`.

    Args:
        built: What `build_model` returned.
        recipe: The same recipe.
        for_training: Whether to return the view with augmentation.
        is_weighted: Whether weights of examples count in metrics too.
    """
    model = built.training_model if for_training else built.model
    if any(isinstance(layer, Mixing) for layer in model.layers):
        model = MixingModel(model.inputs, model.outputs, name=model.name)
    kind = "weighted_metrics" if is_weighted else "metrics"
    reads_scores = (
        built.heads or {MEMBERS, HEAD_CLAMP, HEAD_TARGET} & {*built.tail} or isinstance(built.loss, SeriesLoss)
    )
    if for_training and reads_scores:
        members = MembersModel(model.inputs, model.outputs, name=model.name)
        members.train_by(built.logits_model, built.activate, built.in_loss)
        members.compile(optimizer=built.optimizer, loss=built.training_loss, **{kind: list(built.metrics)})
        return members
    if built.heads:
        loss: keras.losses.Loss = build_heads_loss(built.heads, model, of_scores=False)
        model.compile(optimizer=built.optimizer, loss=loss, **{kind: list(built.metrics)})
        return model
    loss, scaling = build_loss(recipe, from_logits=False), target_scaling(model)
    if scaling is not None:
        mean, deviation = np.ravel(scaling.mean), np.sqrt(np.ravel(scaling.variance))
        loss = StandardizedLoss(loss, mean.tolist(), deviation.tolist(), transform=target_transform(model))
    model.compile(optimizer=built.optimizer, loss=loss, **{kind: list(built.metrics)})
    return model


def as_targets(y: Array, model: keras.Model) -> Array:
    """Return targets in the shape that losses and metrics expect: (N, 1) under a head of one unit."""
    return y[:, None] if y.ndim == 1 and model.output_shape[-1] == 1 else y
