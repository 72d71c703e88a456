"""What the layers show: signals and gradients on their way, dead and saturated units, inputs, normalization."""

import math
from collections.abc import Iterator

from hornbook.doctor.case import Case
from hornbook.doctor.finding import Finding
from hornbook.recipes.sections.model import Mlp, Rnn
from hornbook.recipes.sections.reuse import Application
from hornbook.recipes.thresholds import FLAT, INPUTS, SIGMOIDS

__all__ = ["RULES"]

APART = 50.0
"""How many times wider one raw column may be than another."""
ELU = ("activation=elu", "initializer=default")
UNFIT_STATES = {
    "sigmoid": "keeps at most a quarter of its gradient each time",
    "hard_sigmoid": "keeps at most a fifth of its gradient each time",
    "relu": "has no bound: it grows or dies out",
    "linear": "has no bound: it grows or dies out",
    "softmax": "shares a sum of 1 among its units",
}
"""Activations that a simple recurrent cell remembers nothing by, over a `LONG` sequence."""
LONG = 20
VANISHED = 1e-2
"""Gradient of the first layer as a part of the last hidden one's, per weight."""
GAIN = (0.12, 6.0)
"""What one layer may do to the size of its inputs when training begins."""
GROWN = 30.0
DEAD = 0.6


def raw_inputs(case: Case) -> Iterator[Finding]:
    """Inputs of another order of magnitude than the weights expect."""
    deviation, mean = case.figure("inputs", "deviation"), case.figure("inputs", "mean")
    highest, lowest = case.figure("inputs", "highest"), case.figure("inputs", "lowest")
    if deviation is None or mean is None or highest is None or lowest is None:
        return
    reuse = case.recipe.reuse
    if reuse is not None and isinstance(reuse.from_, Application):
        return  # it gets what it was trained with, pixels of 0 to 255 for instance
    if case.is_tiny or case.data.get("kind") == "tokens" or (0.5 < deviation < 2 and abs(mean) < 0.5):
        return
    reach = max(abs(highest), abs(lowest))
    columns = [each for each in (case.examples.column_deviations if case.examples is not None else ()) if each > 0]
    is_raw = (
        bool(columns) and max(columns) < 3 * deviation * len(columns) ** 0.5
    )  # what goes in is as wide as the columns
    apart = max(columns) / min(columns) if len(columns) > 1 and is_raw else 1.0
    too_large = deviation > INPUTS[1] or abs(mean) > INPUTS[1]
    too_small = reach < 0.3 and deviation < 0.1
    uneven = apart > APART and reach > 3
    if not (too_large or too_small or uneven):
        return
    evidence = f"the inputs go from {lowest:.4g} to {highest:.4g} (mean {mean:.3g}, deviation {deviation:.3g})"
    if apart > APART:
        evidence += f"; one column is {apart:.3g} times as wide as another"
    explained = case.explained("val_")
    is_harmless = explained is not None and explained > 0.9 and not too_large
    yield Finding(
        "not_normalized_inputs", "tip" if is_harmless else "issue", 0.94 if too_large else 0.75, evidence,
        ("data.standardize=true",),
    )  # fmt: skip


def initial_weights(case: Case) -> Iterator[Finding]:
    """Weights that are all alike, or of another size than the number of inputs asks for."""
    initializer = case.recipe.initializer
    repair = ("initializer=default",)
    is_one_number = not isinstance(getattr(initializer, "value", 0.0), list | tuple)
    if case.hidden and initializer.name in ("zeros", "ones", "constant") and is_one_number:
        evidence = (
            f"'{initializer.name}' gives all units of a layer the same weights: they get the same "
            "gradient and stay alike"
        )
        yield Finding("bad_initializer", "issue", 0.98, evidence, repair)
        return
    worst, where = 1.0, ""
    for layer in case.hidden:
        gain = _gain(case, layer)
        if gain is not None and abs(math.log(max(gain, 1e-12))) > abs(math.log(worst)):
            worst, where = max(gain, 1e-12), layer
    if GAIN[0] <= worst <= GAIN[1] or not _is_fixed_size(initializer.name):
        return
    evidence = (
        f"before the first step '{where}' returns {worst:.3g} times the size of its inputs; about 1 "
        "keeps the signal alive"
    )
    recovered = case.learned > 0.95
    yield Finding("bad_initializer", "tip" if recovered else "issue", 0.3 if recovered else 0.9, evidence, repair)


def _is_fixed_size(name: str) -> bool:
    return name in ("random_normal", "random_uniform", "truncated_normal", "variance_scaling", "identity")


def _gain(case: Case, layer: str) -> float | None:
    """Return the size of a layer's first outputs (its bias apart) relative to its inputs."""
    layers = list(case.health[0]["layers"]) if case.health else []
    place = layers.index(layer) if layer in layers else 0
    before = next((name for name in reversed(layers[:place]) if case.figure(name, "deviation") is not None), None)
    after = case.figure(layer, "deviation")
    if before is None or after is None:
        return None
    mean, deviation = case.figure(before, "mean") or 0.0, case.figure(before, "deviation") or 0.0
    size = math.hypot(mean, deviation)
    return after / size if size > 0 else None


def shrinking_gradients(case: Case) -> Iterator[Finding]:
    """A first layer that gets a fraction of the last one's gradient."""
    if len(case.hidden) < 3:
        return
    place = min(1, len(case.health) - 1)
    ratio = case.gradient_ratio(place)
    if ratio is None or not ratio < VANISHED:
        return
    first, last = case.hidden[0], case.hidden[-1]
    evidence = (
        f"at step {case.health[place]['step']} the gradient of '{first}' is {ratio:.2g} times that "
        f"of '{last}', per weight"
    )
    activation = case.recipe.activation.name if case.recipe.activation is not None else "linear"
    change = ELU if activation in ("sigmoid", "softmax", "hard_sigmoid") else ("initializer=default",)
    change = change if case.recipe.initializer.name == "default" or change is ELU else ("initializer=default",)
    if activation not in ("sigmoid", "softmax", "hard_sigmoid") and case.recipe.initializer.name == "default":
        change = ("normalization=batch_normalization",)
    poor = (case.explained() or 0.0) < 0.8
    confidence = 0.95 if ratio < VANISHED / 30 else 0.86
    yield Finding("vanishing_gradient", "issue" if poor else "tip", confidence if poor else 0.3, evidence, change)


def growing_signals(case: Case) -> Iterator[Finding]:
    """Signals that grow from layer to layer, or gradients beyond measure."""
    if not case.health or len(case.hidden) < 2:
        return
    sizes = [(name, case.figure(name, "deviation") or 0.0) for name in case.hidden]
    start = math.hypot(case.figure("inputs", "mean") or 0.0, case.figure("inputs", "deviation") or 1.0)
    name, size = max(sizes, key=lambda item: item[1])
    if start <= 0 or size / start < GROWN or len(case.hidden) < 3:
        return
    evidence = f"before the first step '{name}' returns numbers {size / start:.3g} times as large as the inputs"
    change = (
        ("initializer=default",)
        if case.recipe.initializer.name != "default"
        else ("normalization=batch_normalization",)
    )
    yield Finding("exploding_gradient", "issue", 0.93, evidence, change)


def dead_units(case: Case) -> Iterator[Finding]:
    """ReLU units that are 0 for every example."""
    if not case.health:
        return
    first = _most(case, "dead", 0)
    last = _most(case, "dead", -1)
    if last is None or last[1] < DEAD:
        return
    born = first is not None and first[1] > DEAD
    at = "before the first step" if born else f"after epoch {case.health[-1]['epoch']:g}"
    name, share = first if born and first is not None else last
    if len(case.recipe.model.hidden_units() or ()) and min(case.recipe.model.hidden_units() or (9,)) <= 3:
        return  # of so few units some are dead by chance
    evidence = f"{share:.0%} of the units of '{name}' return 0 for all examples {at}"
    explained = case.explained()
    poor = explained is None or explained < 0.8
    if born:
        yield Finding("dying_relu", "issue", 0.96, evidence, ("initializer=default",))
    else:
        yield Finding(
            "dying_relu",
            "issue" if poor else "tip",
            0.7 if poor else 0.3,
            evidence,
            ("activation=leaky_relu", "initializer=default"),
        )


def saturated_units(case: Case) -> Iterator[Finding]:
    """Sigmoid or tanh units where they are flat."""
    if not case.health:
        return
    first = _most(case, "saturated", 0)
    last = _most(case, "saturated", -1)
    worst, place = (first, 0) if first is not None and first[1] > FLAT else (last, -1)
    if worst is None or worst[1] < FLAT:
        return
    name, share = worst
    at = "before the first step" if place == 0 else f"after epoch {case.health[-1]['epoch']:g}"
    evidence = (
        f"{share:.0%} of the outputs of '{name}' lie where "
        f"'{case.health[0]['layers'][name]['activation']}' is flat, {at}"
    )
    poor = case.learned < 0.8
    yield Finding("saturated", "issue" if poor else "tip", 0.85 if place == 0 else 0.6, evidence, ELU)


def _most(case: Case, figure: str, place: int) -> tuple[str, float] | None:
    values = [(name, case.figure(name, figure, place)) for name in case.activations]
    known = [(name, value) for name, value in values if value is not None]
    return max(known, key=lambda item: item[1], default=None)


def hidden_activation(case: Case) -> Iterator[Finding]:
    """An activation that hidden layers do not learn with."""
    recipe = case.recipe
    if recipe.activation is None or not recipe.model.hidden_units():
        return
    name = recipe.activation.name
    change = ("activation=relu", "initializer=default")
    if isinstance(recipe.model, Rnn) and recipe.model.cell == "simple" and name in UNFIT_STATES:
        steps = case.data["input_shape"][0] or 0  # None where it varies
        if steps >= LONG and (case.best_explained or 0.0) < 0.8 and (case.explained("val_") or 0.0) < 0.8:
            evidence = f"a state that goes through '{name}' {steps} times {UNFIT_STATES[name]}"
            yield Finding(
                "wrong_activation_hidden", "issue", 0.85, evidence, ("activation=tanh", "initializer=default")
            )
    elif name == "linear" and isinstance(recipe.model, Mlp):
        evidence = (
            f"{len(recipe.model.hidden_units() or ())} hidden layers are linear, so the whole network "
            "is one linear layer"
        )
        yield Finding("wrong_activation_hidden", "issue", 0.94, evidence, change)
    elif name == "softmax":
        evidence = (
            "'softmax' lets the units of a hidden layer share a sum of 1: signal and gradient shrink with their number"
        )
        yield Finding("wrong_activation_hidden", "issue", 0.93, evidence, change)
    elif name == "exponential":
        evidence = "'exponential' outputs and gradients grow without bound"
        yield Finding("wrong_activation_hidden", "issue", 0.93, evidence, change)
    elif name in ("sigmoid", "hard_sigmoid") and len(case.hidden) >= SIGMOIDS and recipe.normalization.name == "none":
        evidence = (
            f"{len(case.hidden)} layers of '{name}' without normalization: each passes at most a "
            "quarter of the gradient on"
        )
        yield Finding("wrong_activation_hidden", "issue", 0.8, evidence, ELU)


def frozen_layers(case: Case) -> Iterator[Finding]:
    """Layers with weights that never learn."""
    if not case.health:
        return
    layers = case.health[0]["layers"]
    still = [
        name
        for name, figures in layers.items()
        if name != "inputs" and "gradient_norm" not in figures and not figures.get("activation")
    ]
    model = case.recipe.model
    frozen = [name for name in still if not name.endswith(("_normalization", "_activation"))]
    listed = [layer for layer in getattr(model, "layers", ()) if getattr(layer, "trainable", True) is False]
    if not frozen and not listed:
        return
    explained = case.explained()
    poor = explained is None or explained < 0.9
    evidence = (
        f"{len(frozen) or len(listed)} layers with weights do not learn ({', '.join(frozen[:3]) or 'trainable: false'})"
    )
    if explained is not None:
        evidence += f"; the network has learned {max(explained, 0):.0%} of what there is on its training examples"
    frozen_places = [place for place, layer in enumerate(getattr(model, "layers", ())) if layer in listed]
    thaw = tuple(f"model.layers.{place}.trainable=true" for place in frozen_places)
    yield Finding(
        "frozen_too_much", "issue" if poor else "tip", 0.9 if poor else 0.3, evidence, thaw, "Let more layers learn."
    )


def moving_statistics(case: Case) -> Iterator[Finding]:
    """Batch normalization that computes otherwise in validation than in training."""
    if not case.health:
        return
    gaps = [
        (name, case.figure(name, "mean_gap", -1) or 0.0, case.figure(name, "variance_ratio", -1) or 1.0)
        for name in case.health[-1]["layers"]
        if case.figure(name, "mean_gap", -1) is not None
    ]
    if not gaps:
        return
    name, gap, ratio = max(gaps, key=lambda item: item[1] + math.log(max(item[2], 1.0)))
    train, validated = case.explained(), case.explained("val_")
    worse = train is not None and validated is not None and train - validated > 0.2
    if (gap > 0.6 or ratio > 2.5) and worse:
        evidence = (
            f"in '{name}' the moving mean is {gap:.2g} deviations from the batches' and the variance "
            f"{ratio:.2g} times another; "
            f"with the batches' statistics the network has learned {train:.0%}, with the moving ones "
            f"{max(validated or 0, -9):.0%}"
        )
        yield Finding("batch_norm_mismatch", "issue", 0.92, evidence, ("normalization.momentum=0.9",))


RULES = (
    raw_inputs, initial_weights, shrinking_gradients, growing_signals, dead_units, saturated_units, hidden_activation,
    frozen_layers, moving_statistics,
)  # fmt: skip
