"""Whether signals reach the head and gradients reach the first layer, at the sizes that initializers are made for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from hornbook.builder.fitting import fits_first_weights
from hornbook.builder.phases import Phase
from hornbook.builder.signals import Expected, Signal, expected_signals
from hornbook.data.source import Array
from hornbook.display.text import number_text
from hornbook.engine.probe import Probe, Reading, activation_of
from hornbook.layers.scale import Scale
from hornbook.layers.series import FromSeriesScale, ToSeriesScale
from hornbook.recipes.thresholds import FLAT, KEPT
from hornbook.trainer.health.layers import layer_figures
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.sanity.outcome import Outcome, failed, passed, skipped

__all__ = ["Layers", "check_gradients", "check_signals", "look_at"]

SLACK, DEVIATIONS = 2.0, 3.0
"""How far one draw of the weights may be from theory's mean: this factor, times what so many deviations of the logarithm
of a mean square add, each layer of n units contributing a variance of 5/n (that of squares of rectified normal numbers)."""
COHERENCE = 10.0
"""Further factor for gradients: theory has those of different examples independent, which for 128 is off by √128 at most."""


@dataclass(frozen=True)
class Layers:
    """What was measured of a network before its first step, and what theory expects.

    Attributes:
        reading: What the probe has seen.
        figures: {layer: {figure: value}}.
        expected: {layer: what theory says}.
        examples: How many were looked at.
        hidden: Layers with weights in front of the head, in order.
    """

    reading: Reading
    figures: Mapping[str, Mapping[str, float]]
    expected: Mapping[str, Expected]
    examples: int
    hidden: tuple[str, ...]

    def figure(self, layer: str, name: str) -> float:
        """Return one figure; NaN where it was not measured."""
        return float(self.figures.get(layer, {}).get(name, math.nan))


def look_at(prepared: Prepared, probe: Probe) -> Layers:
    """Run some examples through the network, there and back."""
    reading, model = probe.read(), prepared.built.logits_model
    activations = {layer.name: activation_of(layer) for layer in model.layers}
    first = next((layer.name for layer in probe.layers if layer.weights), None)
    inputs = reading.outputs.get("inputs")
    start = Signal(0.0, 1.0) if inputs is None else Signal(float(inputs.mean()), float(np.mean(np.square(inputs))))
    with_kernel = [layer.name for layer in probe.layers if _has_kernel(layer)]
    return Layers(
        reading=reading,
        figures=layer_figures(reading, activations),
        expected={} if fits_first_weights(prepared.recipe) else expected_signals(model, start, first),
        examples=len(probe.inputs),
        hidden=tuple(name for name in with_kernel if name != "head" and not name.startswith("head_")),
    )


def _has_kernel(layer: keras.layers.Layer) -> bool:
    """Return whether a layer mixes what it reads; what only scales each number for itself does not."""
    if isinstance(layer, Scale | ToSeriesScale | FromSeriesScale):
        return False
    return any(len(weight.shape) > 1 for weight in layer.weights)


def check_signals(layers: Layers) -> Outcome:
    """Compare the spread of each layer's outputs with theory, and look for layers that tell examples no longer apart."""
    if layers.examples < 2:
        return skipped("there is one example, and a spread takes two.")
    rows = {name: _row(layers, name) for name in (*layers.hidden, *_heads(layers)) if name in layers.figures}
    figures: dict[str, Any] = {"layers": rows}
    for name, outputs in layers.reading.outputs.items():
        if not np.isfinite(outputs).all():
            return failed(f"'{name}' gives numbers that are not finite.", **figures)
    if not layers.hidden:
        return skipped("no hidden layers: there is nothing that a signal could get lost in.", **figures)
    wrong = _alike(layers) or _flat(layers) or _lost(layers) or _unlike_theory(layers, rows)
    if wrong:
        return failed(wrong, **figures)
    spreads = [layers.figure(name, "deviation") for name in rows]
    known = [row["expected"] for row in rows.values() if row["expected"] is not None]
    measured = f"deviations of {number_text(_short(min(spreads)))} to {number_text(_short(max(spreads)))}"
    if not known:
        return passed(f"{measured}; theory says nothing of these layers", **figures)
    return passed(
        f"{measured}, theory {number_text(_short(min(known)))} to {number_text(_short(max(known)))}", **figures
    )


def _heads(layers: Layers) -> list[str]:
    """Return the layers that give the scores of a head."""
    weights = layers.reading.weights
    return [
        name
        for name in layers.figures
        if name == "head" or (name.startswith("head_") and any(each.ndim > 1 for each in weights.get(name, ())))
    ]


def _short(value: float) -> float:
    return float(f"{value:.2g}")


def _row(layers: Layers, name: str) -> dict[str, float | None]:
    expected = layers.expected.get(name)
    signal = expected.signal if expected is not None else None
    return {
        "deviation": layers.figure(name, "deviation"),
        "expected": None if signal is None else signal.deviation,
    }


def tolerance(expected: Expected) -> float:
    """Return the factor by which one draw of the weights may be from theory, either way."""
    return SLACK * math.exp(DEVIATIONS * math.sqrt(5 * expected.narrowness) / 2)


def _alike(layers: Layers) -> str:
    """Return what is wrong where the units of a layer all do the same, and would for ever."""
    for name in layers.hidden:
        weights = [weight for weight in layers.reading.weights.get(name, ()) if weight.ndim > 1]
        kernels = [weight for weight in weights if weight.shape[-1] > 1]  # a depthwise one has a unit for each channel
        if kernels and (kernels[0] == kernels[0][..., :1]).all():
            return (
                f"all units of '{name}' begin with the same weights, get the same gradients and so stay the same. Use an "
                "initializer that draws numbers."
            )
    return ""


def _flat(layers: Layers) -> str:
    """Return what is wrong where an activation is flat, or its units are off for all examples."""
    for name in layers.figures:
        saturated, dead = layers.figure(name, "saturated"), layers.figure(name, "dead")
        if saturated > FLAT:
            return (
                f"{saturated:.0%} of the outputs of '{name}' lie where the activation is flat: weights or inputs are too "
                "large."
            )
        units = layers.reading.outputs[name].shape[-1] if name in layers.reading.outputs else 1
        most = 0.5 + DEVIATIONS * 0.5 / math.sqrt(units)
        if dead > min(most, 1 - 1e-9) and layers.examples >= 16:
            return (
                f"{dead:.0%} of the units of '{name}' are off for all {layers.examples} examples, where weights of random "
                f"sign leave {most:.0%} at most: look at initializer and bias."
            )
    return ""


def _lost(layers: Layers) -> str:
    """Return what is wrong where what differs between examples shrinks or grows too much on its way to the head."""
    inputs = layers.reading.outputs.get("inputs")
    start = _between_examples(inputs) if inputs is not None else None
    for name in layers.hidden:
        spread = _between_examples(layers.reading.outputs[name])
        start = spread if start is None else start
        if spread == 0:
            return f"'{name}' gives the same for all examples: nothing of the inputs gets through it."
        if spread < KEPT * start:
            return (
                f"between examples, outputs of '{name}' differ by {number_text(_short(spread / start))} of what inputs do: "
                "the signal vanishes on its way. Use normalization, or an initializer that suits the activation."
            )
        if spread > start / KEPT:
            return (
                f"between examples, outputs of '{name}' differ by {number_text(_short(spread / start))} times what inputs "
                "do: the signal explodes on its way. Use an initializer that suits the activation."
            )
    return ""


def _between_examples(outputs_RU: Array) -> float:
    """Return the root mean square of the units' deviations: without what is the same for all examples."""
    return float(np.sqrt(np.mean(outputs_RU.astype(np.float64).var(axis=0))))


def _unlike_theory(layers: Layers, rows: Mapping[str, Mapping[str, float | None]]) -> str:
    for name, row in rows.items():
        expected, measured = layers.expected.get(name), row["deviation"] or 0.0
        if expected is None or expected.signal is None or expected.signal.deviation == 0:
            continue
        factor = measured / expected.signal.deviation
        if not 1 / tolerance(expected) <= factor <= tolerance(expected):
            return (
                f"outputs of '{name}' have a deviation of {number_text(_short(measured))}, and its initializer makes one of "
                f"{number_text(_short(expected.signal.deviation))}: its inputs or weights are not what they should be."
            )
    return ""


def check_gradients(prepared: Prepared, layers: Layers, phases: tuple[Phase, ...]) -> Outcome:
    """Look whether gradients reach every layer that learns, at sizes that one learning rate can serve."""
    built, reading = prepared.built, layers.reading
    named = _never_learned(prepared)
    sizes = {name: _norm(gradients) for name, gradients in reading.gradients.items()}
    figures: dict[str, Any] = {"layers": {name: _gradient_row(layers, name) for name in sizes}}
    if named:
        return failed(
            f"{named} never {'learns' if named.count(chr(39)) == 2 else 'learn'}, and nothing was learned before: random "
            "layers stay random. Unfreeze them ('trainable', 'reuse.freeze').",
            **figures,
        )
    if not sizes:
        return failed("no layer learns. Unfreeze some ('trainable', 'reuse.freeze').", **figures)
    for name, size in sizes.items():
        if not math.isfinite(size):
            return failed(f"the gradient of '{name}' is {size}. Look at inputs, initializer and loss.", **figures)
    still = [name for name, size in sizes.items() if size == 0]
    if still and not _is_solved(layers):
        return failed(f"no gradient reaches {_quoted(still)}: it cannot learn. {_cause(layers)}", **figures)
    wrong = _unequal(layers)
    if wrong:
        return failed(wrong, **figures)
    if len(layers.hidden) < 1:
        return passed(f"the head gets one of norm {number_text(_short(next(iter(sizes.values()))))}", **figures)
    frozen = sorted(phases[0].frozen & set(sizes)) if phases else []
    waits = f"; {len(frozen)} wait until they are unfrozen" if frozen else ""
    shares = _shares(layers)
    span = ""
    if shares:
        known = [value for name in shares if (value := _expected_gradient(layers, name)) is not None]
        theory = f" (theory {number_text(_short(min(known)))})" if known else ""
        span = f", the smallest kernel's {number_text(_short(min(shares.values())))} of the head's{theory}"
    count = sum(len(layer.trainable_variables) > 0 for layer in built.logits_model.layers)
    who = "the layer that learns gets" if count == 1 else f"all {count} layers that learn get"
    return passed(f"{who} one{span}{waits}", **figures)


def _norm(arrays: Any) -> float:
    with np.errstate(all="ignore"):
        return float(np.sqrt(sum(float(np.sum(np.square(array, dtype=np.float64))) for array in arrays)))


def _is_solved(layers: Layers) -> bool:
    """Return whether the loss is 0 before the first step, so that there is nothing to learn from these examples."""
    return layers.reading.loss == 0 and layers.reading.loss_deviation == 0


def _quoted(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _cause(layers: Layers) -> str:
    zero = [name for name in (*layers.hidden, *_heads(layers)) if _norm(layers.reading.weights.get(name, ())) == 0]
    if zero:
        return f"The weights of {_quoted(zero)} begin at 0, and gradients are multiplied by them."
    return "Look for activations without a slope, and for weights that begin at 0."


def _never_learned(prepared: Prepared) -> str:
    """Return the layers with weights that are frozen throughout though they hold nothing but what was drawn."""
    built = prepared.built
    learned = set(built.copied.start) if built.copied is not None else set()
    names = [
        layer.name
        for layer in built.logits_model.layers
        if _has_kernel(layer) and not layer.trainable_variables and layer.name not in learned
    ]
    return _quoted(names) if names else ""


def _shares(layers: Layers) -> dict[str, float]:
    """Return the gradient of each hidden kernel as a part of the head's."""
    head = layers.figure("head", "gradient_rms")
    if not head > 0:
        return {}
    rows = {name: layers.figure(name, "gradient_rms") / head for name in layers.hidden}
    return {name: share for name, share in rows.items() if not math.isnan(share) and not name.startswith("embedding")}


def _expected_gradient(layers: Layers, name: str) -> float | None:
    expected = layers.expected.get(name)
    return expected.gradient if expected is not None else None


def _gradient_row(layers: Layers, name: str) -> dict[str, float | None]:
    return {
        "norm": _norm(layers.reading.gradients[name]),
        "of_head": _shares(layers).get(name),
        "expected": _expected_gradient(layers, name),
    }


def _unequal(layers: Layers) -> str:
    """Return what is wrong where gradients vanish or explode on their way, or are far from theory."""
    for name, share in _shares(layers).items():
        expected = layers.expected.get(name)
        if share < KEPT or share > 1 / KEPT:
            word = "vanish" if share < KEPT else "explode"
            said = f" (theory: {number_text(_short(expected.gradient))})" if expected and expected.gradient else ""
            return (
                f"the gradient of '{name}' is {number_text(_short(share))} of the head's{said}: gradients {word} on their "
                "way back. Use normalization, or another activation with the initializer that suits it."
            )
        if expected is None or not expected.gradient:
            continue
        widest = COHERENCE * tolerance(Expected(None, None, max(e.narrowness for e in layers.expected.values())))
        if not 1 / widest <= share / expected.gradient <= widest:
            return (
                f"the gradient of '{name}' is {number_text(_short(share))} of the head's, and theory says "
                f"{number_text(_short(expected.gradient))}."
            )
    return ""
