"""Rules about what hidden layers can learn at all: units that start equal, signals that die, layers that do nothing."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.connections import sources
from hornbook.recipes.sections.initializer import (
    Constant,
    InitializerSpec,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
)
from hornbook.recipes.sections.model import Cnn, Layers, Mlp, ResidualCnn, Rnn, WideAndDeep
from hornbook.recipes.thresholds import KEPT, SIGMOIDS

SIGMOID = frozenset({"sigmoid", "hard_sigmoid"})
TANH = frozenset({"tanh", "softsign", "hard_tanh"})
DEEP = {"sigmoid": SIGMOIDS, "tanh": 8}
"""Layers in a row after which little is left of a gradient."""
WIDE = 100.0
"""Factor by which the signal's variance may grow from the first hidden layer to the last one."""
ACTIVE_HALF = frozenset({"relu", "leaky_relu", "prelu", "rrelu", "elu", "gelu", "silu"})
"""Activations that keep about half of the variance."""
BENDING = frozenset({"multiply", "maximum", "minimum", "dot", "attention"})
"""Layers that join others otherwise than by sums."""


@dataclass(frozen=True)
class Hidden:
    """A hidden layer that learns: its activation, initializer, whether it is normalized, and where that is written."""

    activation: str
    initializer: InitializerSpec
    is_normalized: bool
    path: Path


def hidden_layers(recipe: Recipe) -> list[Hidden]:
    """Return the hidden layers that learn, in order; none of recurrent networks, whose cells have states."""
    default = recipe.activation.name if recipe.activation is not None else "relu"
    normalized = recipe.normalization.name != "none"
    if isinstance(recipe.model, Layers):
        return [
            Hidden(
                layer.activation.name if layer.activation is not None else default,
                layer.initializer or recipe.initializer,
                (layer.normalization or recipe.normalization).name != "none",
                ("model", "layers", index),
            )
            for index, layer in enumerate(recipe.model.layers)
            if layer.takes_ingredients() and layer.learns() and not layer.is_recurrent()
        ]
    if isinstance(recipe.model, Rnn):
        return []
    widths = recipe.model.hidden_units() or ()
    return [Hidden(default, recipe.initializer, normalized, ()) for _ in widths]


def has_learned_before(recipe: Recipe) -> bool:
    """Return whether hidden layers begin with what was learned before, not with what the initializer draws."""
    return recipe.reuse is not None or recipe.pretraining is not None


def units_start_different(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A constant in front of hidden units: they start equal."""
    if has_learned_before(recipe) or recipe.model.hidden_units() == (1,):
        return
    said: set[Path] = set()
    for layer in hidden_layers(recipe):
        chosen = layer.initializer
        is_one_number = isinstance(chosen, Constant) and isinstance(chosen.value, int | float)
        if chosen.name not in {"zeros", "ones"} and not is_one_number:
            continue
        own = isinstance(recipe.model, Layers) and chosen is not recipe.initializer
        path: Path = (*layer.path, "initializer") if own else ("initializer",)
        if path in said:
            continue
        said.add(path)
        message = (
            f"with '{chosen.name}' all units of a hidden layer start equal, and nothing in the layer tells them apart: they "
            "stay equal or nearly so."
        )
        hint = "Omit it: the default suits the activation. For biases write 'initializer: {name: default, bias: "
        yield Problem(path, message, hint + f"{chosen.name}}}'.", severity="warning")


def signal_keeps_its_size(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A fixed deviation under which the signal grows or dies from layer to layer."""
    chosen, widths = recipe.initializer, recipe.model.hidden_units()
    if not isinstance(recipe.model, Mlp) or not widths or has_learned_before(recipe):
        return
    if not isinstance(chosen, RandomNormal | TruncatedNormal | RandomUniform) or recipe.normalization.name != "none":
        return
    if chosen.data_dependent is not None:
        return
    if isinstance(chosen, RandomUniform):
        mean, variance = (chosen.minval + chosen.maxval) / 2, (chosen.maxval - chosen.minval) ** 2 / 12
    else:
        mean, variance = chosen.mean, chosen.stddev**2
    activation = recipe.activation.name if recipe.activation is not None else "relu"
    kept = 0.5 if activation in ACTIVE_HALF else 1.0
    fans = [*([facts.input_size] if facts.input_size is not None else []), *widths[:-1]]
    if not fans:
        return
    factor = 1.0
    for fan in fans:
        factor *= (fan * variance + (fan * mean / 2) ** 2) * kept
    largest = max(fan * variance + (fan * mean / 2) ** 2 for fan in fans)
    path: Path = ("initializer",)
    hint = "Omit it: the default follows the layers' sizes."
    if activation in SIGMOID | TANH and largest > WIDE:
        message = f"weighted sums start with a deviation of {largest**0.5:.3g}, where '{activation}' is flat."
        yield Problem(path, message, hint, severity="warning")
    elif activation not in SIGMOID | TANH and factor > WIDE:
        message = f"the variance of the signal grows {factor:.2g} times on its way through the hidden layers."
        yield Problem(path, message, hint, severity="warning")
    elif factor < KEPT:
        message = f"the variance of the signal falls to {factor:.2g} of itself on its way through the hidden layers."
        yield Problem(path, message, hint, severity="warning")


def _longest_run(recipe: Recipe, names: Collection[str]) -> int:
    """Return how many layers with such activations and no normalization lie one behind the other on the shortest way back.

    Where layers are joined, the gradient takes the way with the fewest of them: a skip connection leaves them aside.
    """
    hidden = hidden_layers(recipe)
    by_place = dict(enumerate(hidden))
    read: tuple[tuple[int, ...], ...] = tuple((place - 1,) for place in by_place)
    if isinstance(recipe.model, Layers):
        by_place, read = {int(layer.path[2]): layer for layer in hidden}, sources(recipe.model.layers)
    runs: list[int] = []
    for place, places in enumerate(read):
        before = min((runs[each] if each >= 0 else 0 for each in places), default=0)
        layer = by_place.get(place)
        saturates = layer is not None and layer.activation in names and not layer.is_normalized
        runs.append(before + 1 if saturates else before if layer is None else 0)
    return max(runs, default=0)


def gradients_reach_the_first_layer(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Many saturating layers in a row without normalization."""
    if has_learned_before(recipe) or isinstance(recipe.model, ResidualCnn):
        return
    for kind, names in (("sigmoid", SIGMOID), ("tanh", TANH)):
        longest = _longest_run(recipe, names)
        if longest >= DEEP[kind]:
            shrinks = "at least four times smaller with each" if kind == "sigmoid" else "smaller with each"
            message = (
                f"{longest} layers of '{kind}' in a row without normalization: the gradient gets {shrinks}, and hardly "
                "reaches the first ones."
            )
            hint = "Use 'activation: relu', or add 'normalization: batch_normalization'."
            yield Problem(("activation",), message, hint, severity="warning")


def hidden_layers_bend(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Hidden layers without any activation."""
    layers = hidden_layers(recipe)
    if not isinstance(recipe.model, Mlp | Cnn | Layers | WideAndDeep) or not layers:
        return
    if any(layer.activation != "linear" for layer in layers):
        return
    if isinstance(recipe.model, Layers) and any(
        item.is_recurrent() or item.name in BENDING or any(part in item.name for part in ("activation", "pool", "elu"))
        for item in recipe.model.layers
    ):
        return
    count = f"{len(layers)} hidden layers" if len(layers) > 1 else "a hidden layer"
    message = f"{count} without a nonlinear activation can compute no more than none at all."
    if isinstance(recipe.model, Cnn) and recipe.model.pooling == "max":
        message = f"{count} have no nonlinear activation, so that nothing but the pooling bends anything."
    path: Path = ("activation",) if recipe.activation is not None else ("model", "layers")
    yield Problem(path, message, "Use 'activation: relu'.", severity="warning")


def hidden_units_are_free(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Softmax between hidden layers."""
    layers = hidden_layers(recipe)
    if any(layer.activation == "softmax" for layer in layers):
        message = (
            "'softmax' lets the units of a hidden layer share 1 among them, so it passes on little; it is for the head."
        )
        own = [layer.path for layer in layers if layer.activation == "softmax" and layer.path]
        path: Path = ("activation",) if recipe.activation is not None or not own else (*own[0], "activation")
        yield Problem(path, message, "Use 'relu'.", severity="warning")


RULES = (
    ("symmetry", ("model", "initializer", "reuse", "pretraining"), units_start_different),
    ("initializer-size", ("data", "model", "initializer", "activation", "normalization"), signal_keeps_its_size),
    ("deep-saturating", ("model", "activation", "normalization"), gradients_reach_the_first_layer),
    ("linear-hidden", ("model", "activation"), hidden_layers_bend),
    ("hidden-softmax", ("model", "activation"), hidden_units_are_free),
)
