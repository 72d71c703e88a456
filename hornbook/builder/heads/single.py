"""The head: from features to weighted sums (logits) and from them to what the saved model returns."""

from typing import Any

import keras
from keras import ops

from hornbook.builder.features.blocks import (
    Ingredients,
    build_initializer,
    build_normalization,
    ntk_scaled,
    suited_initializer,
)
from hornbook.builder.features.members import MEMBERS, is_ensemble, mean_of_members, own_heads
from hornbook.data.facts import Preprocessing, SeriesScale
from hornbook.layers.clamp import Clamp
from hornbook.layers.members import MembersLoss
from hornbook.layers.ordinal import OrderedClasses
from hornbook.layers.series import FromSeriesScale, SeriesNumber
from hornbook.layers.targets import TargetTransform
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.initializer import Default, Ntk
from hornbook.recipes.sections.normalization import NormalizationSpec

__all__ = [
    "HEAD",
    "HEAD_ACTIVATION",
    "HEAD_CLAMP",
    "HEAD_TARGET",
    "build_head",
    "build_loss",
    "decision_threshold",
    "head_layer",
    "layers_behind_scores",
    "learned",
    "target_scaling",
    "target_transform",
    "training_view",
    "trains_on_logits",
]

HEAD = "head"
HEAD_ACTIVATION = "head_activation"
"""Name of the layer between logits and outputs."""
HEAD_TARGET = "head_target"
"""Name of the layer that returns from the scale on which targets are learned."""
HEAD_CLAMP = "head_clamp"
"""Name of the layer that keeps outputs within the range of the training targets."""

ROLES = ("activation", "target", "clamp")
"""What the last layers of a head are for, in their order."""

Tensor = Any


def build_head(
    x: Tensor, recipe: Recipe, preprocessing: Preprocessing, inputs: Tensor = None, *, name: str = HEAD
) -> Tensor:
    """Return the outputs, (B, units), from the features of a resolved recipe's backbone; names of layers begin with `name`.

    Where targets are standardized, weighted sums are in standard deviations from the mean, outputs in the targets' unit.
    Of series on scales of their own, `inputs` (B, W, F + 1) say which series each example is of.

    Without hidden layers the recipe's `initializer` is the head's; otherwise the head starts as theory recommends for
    its own activation, unless `head.initializer` says otherwise.
    """
    head, normalization = recipe.head, recipe.normalization
    if head.units is None or head.activation is None:
        raise ValueError("resolve the recipe first: its head is open")
    ingredients = Ingredients.of(recipe)
    arguments = ingredients.weights(name)
    for constraint in [key for key in arguments if key.endswith("_constraint")]:
        del arguments[constraint]  # max-norm is for hidden units
    is_normalized = isinstance(normalization, NormalizationSpec) and normalization.output
    centers = isinstance(normalization, NormalizationSpec) and normalization.centers
    arguments |= {"use_bias": not (is_normalized and centers), "dtype": "float32"}
    chosen = head.initializer
    if chosen is None:
        chosen = recipe.initializer if recipe.model.hidden_units() == () else Default()
    if isinstance(chosen, Default):
        chosen = suited_initializer(head.activation).model_copy(update={"bias": chosen.bias})
    arguments["kernel_initializer"] = build_initializer(
        chosen, head.activation, seed=recipe.seed, name=f"{name}/kernel"
    )
    bias = chosen.bias or recipe.initializer.bias
    if bias is not None:
        arguments["bias_initializer"] = build_initializer(bias, head.activation, seed=recipe.seed, name=f"{name}/bias")
    if isinstance(chosen, Ntk):
        x = ntk_scaled(x, name, "float32")
    has_members, units = is_ensemble(recipe), 1 if head.ordinal else head.units
    arguments["use_bias"] = arguments["use_bias"] and not head.ordinal  # thresholds are biases
    logits = own_heads(x, units, arguments) if has_members else keras.layers.Dense(units, **arguments)(x)
    if is_normalized and isinstance(normalization, NormalizationSpec):
        logits = build_normalization(normalization, name=f"{name}_normalization", dtype="float32")(logits)
    if head.ordinal:
        logits = OrderedClasses(head.units, name=f"{name}_order", dtype="float32")(logits)
    if preprocessing.series is not None:
        outputs = _from_series(logits, inputs, preprocessing.series)
    elif head.standardize_targets:
        mean, variance = preprocessing.target_mean, preprocessing.target_variance
        undo = keras.layers.Normalization(
            axis=-1, mean=mean, variance=variance, invert=True, name=f"{name}_activation", dtype="float32"
        )
        outputs = undo(mean_of_members(logits) if has_members else logits)
        if head.target_transform is not None:
            knots = preprocessing.target_knots or ()
            outputs = TargetTransform(head.target_transform, knots, name=f"{name}_target", dtype="float32")(outputs)
    else:
        outputs = logits
        if head.activation.name != "linear":
            outputs = head.activation.build(name=f"{name}_activation", dtype="float32")(logits)
        outputs = mean_of_members(outputs) if has_members else outputs
    if head.clamp and preprocessing.target_low is not None and preprocessing.target_high is not None:
        outputs = Clamp(preprocessing.target_low, preprocessing.target_high, name=f"{name}_clamp", dtype="float32")(
            outputs
        )
    return outputs


def _from_series(logits: Tensor, inputs: Tensor, scales: SeriesScale) -> Tensor:
    """Return scores (B, K) on the scale of each series as numbers in the targets' unit."""
    number = SeriesNumber(name="head_series", dtype="float32")(inputs)
    scores = keras.layers.Concatenate(name="head_scores", dtype="float32")([logits, number])
    series, columns = len(scales.target_mean), len(scales.target_mean[0])
    layer = FromSeriesScale(series, columns, name=HEAD_ACTIVATION, dtype="float32")
    outputs = layer(scores)
    layer.learn(scales.target_mean, scales.target_deviation)
    return outputs


def training_view(recipe: Recipe, model: keras.Model) -> tuple[keras.Model | None, tuple[str, ...]]:
    """Return the network up to what the loss reads, None where that is all of it, and the layers behind that.

    Of an ensemble the loss reads each member's scores, and nothing is cut off in front of it.
    """
    names = [layer.name for layer in model.layers]
    place = len(names)
    activation, clamp = head_layer(model, "activation"), head_layer(model, "clamp")
    if activation is not None and trains_on_logits(recipe):
        place = names.index(activation.name)
    for name in (MEMBERS, clamp.name if clamp is not None else ""):
        if name in names:
            place = min(place, names.index(name))
    if place == len(names):
        return None, ()
    tail = tuple(names[place:])
    return keras.Model(model.input, model.get_layer(tail[0]).input, name="logits"), tail


def head_layer(model: keras.Model, role: str, name: str = HEAD) -> keras.layers.Layer | None:
    """Return a layer of a head by its role: `activation`, `target` or `clamp`; None where it has none.

    Args:
        model: The network.
        role: What the layer does.
        name: Which head; omitted: the only one, whatever it is called.
    """
    layers = {layer.name: layer for layer in model.layers}
    if f"{name}_{role}" in layers or name != HEAD:
        return layers.get(f"{name}_{role}")
    found = [layer for key, layer in layers.items() if key.startswith(f"{HEAD}_") and key.endswith(f"_{role}")]
    return found[0] if len(found) == 1 else None


def layers_behind_scores(recipe: Recipe, model: keras.Model, name: str) -> tuple[str, ...]:
    """Return the names of the layers of one of several heads that come behind what its loss reads, in their order.

    Args:
        recipe: The recipe as if it had this head alone.
        model: The network of all heads.
        name: What the names of the head's layers begin with.
    """
    found = {role: layer for role in ROLES if (layer := head_layer(model, role, name)) is not None}
    first = "activation" if "activation" in found and trains_on_logits(recipe) else "clamp"
    return tuple(layer.name for role, layer in found.items() if ROLES.index(role) >= ROLES.index(first))


def target_scaling(model: keras.Model, name: str = HEAD) -> keras.layers.Normalization | None:
    """Return the layer of a head whose targets are standardized that returns to their unit; None for any other."""
    layer = head_layer(model, "activation", name)
    return layer if isinstance(layer, keras.layers.Normalization) and layer.invert else None


def target_transform(model: keras.Model, name: str = HEAD) -> TargetTransform | None:
    """Return the layer of a head that returns from the scale on which targets are learned; None for any other."""
    layer = head_layer(model, "target", name)
    return layer if isinstance(layer, TargetTransform) else None


def learned(model: keras.Model, y: Tensor, name: str = HEAD) -> Tensor:
    """Return targets in the unit of the loss: transformed and standardized where the head's last layers undo that."""
    scaling, transform = target_scaling(model, name), target_transform(model, name)
    if scaling is None:
        return y
    y = ops.cast(y, "float32") if transform is None else transform.learned(y)
    return (y - scaling.mean) / ops.sqrt(scaling.variance)


def trains_on_logits(recipe: Recipe) -> bool:
    """Return whether the loss is computed in front of the head's activation."""
    head = recipe.head
    if head.standardize_targets:
        return True
    return head.loss is not None and head.activation is not None and head.loss.from_logits == head.activation.name


def decision_threshold(recipe: Recipe) -> float:
    """Return the output above which a unit says yes: 0 for a hinge loss's raw scores, otherwise 0.5."""
    return 0.0 if recipe.head.loss is not None and recipe.head.loss.gives_scores else 0.5


def build_loss(recipe: Recipe, *, from_logits: bool, of_members: bool = False) -> keras.losses.Loss:
    """Return the loss; `from_logits` where it gets weighted sums instead of the model's outputs, `of_members` each one's."""
    loss = recipe.head.loss
    if loss is None:
        raise ValueError("resolve the recipe first: its loss is open")
    takes_logits = loss.from_logits not in (None, "linear")
    built = loss.build(**({"from_logits": from_logits} if takes_logits else {}))
    return MembersLoss(built) if of_members else built
