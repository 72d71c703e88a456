"""What `train --dry-run` prints: layers, parameters, expected signals, phases, steps, rates, memory and time."""

from collections.abc import Iterator, Mapping

import keras
import numpy as np

from hornbook.builder.fitting import fits_first_weights
from hornbook.builder.signals import Expected, Signal, expected_signals, input_of
from hornbook.data.source import Array
from hornbook.data.storage.rows import in_memory, select
from hornbook.display.text import cut, cut_inside, hanging
from hornbook.trainer.needs import needs_of
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.pretraining.phase import phase_names
from hornbook.trainer.progress import heading
from hornbook.trainer.reuse.timeline import Timeline

__all__ = ["length_notes", "plan_lines"]

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60
LABEL = 10
EXAMPLES = 256
NOT_FIRST = (keras.layers.Normalization, keras.layers.Attention)
"""Layers with weights that prepare inputs, or join several."""


def plan_lines(prepared: Prepared) -> list[str]:
    """Return the plan of a run as lines of at most 80 characters."""
    return [*heading(prepared), "", *_layers(prepared), "", *_steps(prepared), *_phases(prepared), *_needs(prepared)]


def _layers(prepared: Prepared) -> Iterator[str]:
    """Yield a line per layer; `expected` is the standard deviation of its outputs that theory says it begins with."""
    yield f"{'layer':<24} {'kind':<20} {'output':<13} {'parameters':>11} {'expected':>8}"
    model = prepared.built.training_model
    expected = expected_of(prepared)
    for layer in model.layers:
        shape = "×".join("?" if size is None else str(size) for size in layer.output.shape[1:])
        signal = expected[layer.name].signal if layer.name in expected else None
        deviation = "" if signal is None else f"{signal.deviation:.2g}"
        name, kind = cut_inside(layer.name, 24), cut(type(layer).__name__, 20)
        yield f"{name:<24} {kind:<20} {cut(shape, 13):<13} {layer.count_params():>11,} {deviation:>8}".rstrip()
    yield f"{'total':<24} {'':<20} {'':<13} {model.count_params():>11,}"


def expected_of(prepared: Prepared) -> Mapping[str, Expected]:
    """Return what theory says of each layer's outputs before the first step, from what some training examples are.

    Nothing where examples have changed the first weights.
    """
    if fits_first_weights(prepared.recipe):
        return {}
    model = prepared.built.training_model
    first = next((layer for layer in model.layers if layer.weights and not isinstance(layer, NOT_FIRST)), None)
    if first is None or not input_of(first).dtype.startswith("float"):
        return expected_signals(model, Signal(0.0, 1.0), None if first is None else first.name)
    split = prepared.splits.train
    rows = np.linspace(0, len(split) - 1, min(len(split), EXAMPLES)).astype(int)
    x = np.asarray(in_memory(select(split.x, np.unique(rows))), np.float32)
    seen = np.asarray(keras.Model(model.input, input_of(first))(x, training=False), np.float64)
    return expected_signals(model, Signal(float(seen.mean()), float(np.mean(seen**2))), first.name)


def _steps(prepared: Prepared) -> Iterator[str]:
    recipe, table = prepared.recipe, prepared.table
    length, accumulation = table.length, recipe.optimizer.accumulation
    if not length.total:
        yield f"{'steps':<{LABEL}}none: nothing is fine-tuned"
        return
    batches = f"{table.batches} batches of {recipe.training.batch_size}"
    pretraining = recipe.pretraining
    if pretraining is not None and prepared.unlabeled is not None:
        phases = ", ".join(phase_names(recipe))
        size = pretraining.batch_size or recipe.training.batch_size
        each = f"{pretraining.epochs} epochs of {-(-len(prepared.unlabeled) // size)} batches of {size}"
        yield f"{'before':<{LABEL}}pretraining {phases}: {each}"
    updates = f", {accumulation} batches a step" if accumulation > 1 else ""
    left = length.total % accumulation
    updates += f", the last {left} without one" if left else ""
    yield f"{'steps':<{LABEL}}{length.steps:,} in {length.epochs} epochs of {batches}{updates}"
    for note in length_notes(prepared):
        yield f"{'':<{LABEL}}{note}"
    rates = table.rates
    peak = int(np.argmax(rates))
    if recipe.optimizer.is_auto:
        yield f"{'rate':<{LABEL}}{recipe.schedule.name}: found when training begins, then in these proportions"
        yield f"{'':<{LABEL}}{sparkline(rates)}"
    elif recipe.schedule.watched_value() is not None:
        name = recipe.schedule.name
        yield f"{'rate':<{LABEL}}{name}: {rates[0]:.3g}, lowered when the monitored value stands still"
    elif float(rates.min()) == float(rates.max()):
        yield f"{'rate':<{LABEL}}{recipe.schedule.name}: {rates[0]:.3g} throughout"
    else:
        rise = f" to {rates[peak]:.3g} in epoch {peak // table.batches + 1}, then" if peak > 0 else ""
        yield f"{'rate':<{LABEL}}{recipe.schedule.name}: {rates[0]:.3g}{rise} to {rates[-1]:.3g}"
        yield f"{'':<{LABEL}}{sparkline(rates)}"
    if table.moves_momentum:
        yield f"{'momentum':<{LABEL}}{table.momenta[0]:.3g} to {table.momenta.min():.3g} and back"
        yield f"{'':<{LABEL}}{sparkline(table.momenta, lowest=float(table.momenta.min()) - 0.05)}"


def _phases(prepared: Prepared) -> Iterator[str]:
    """Yield a line for each stretch of epochs in which other layers learn, where there are several."""
    if prepared.recipe.reuse is None:
        return
    timeline = Timeline(prepared.recipe, prepared.built, batches=prepared.table.batches)
    learning = timeline.layers_with_weights()
    for number, phase in enumerate(timeline.phases):
        yield from hanging(f"{'' if number else 'phases':<{LABEL}}", phase.sentence(learning))


def _needs(prepared: Prepared) -> Iterator[str]:
    needs = needs_of(prepared)
    parts = {"weights": needs.weights, "optimizer": needs.optimizer, "a batch": needs.activations, "data": needs.data}
    shares = ", ".join(f"{name} {_bytes(size)}" for name, size in parts.items())
    yield from hanging(f"{'memory':<{LABEL}}", f"about {_bytes(needs.memory)} besides TensorFlow's own: {shares}")
    count = f"{needs.batches:,} batches of {_milliseconds(needs.step_s)}"
    each = f"{_seconds(needs.compiling_s)} to build the programs, {count}"
    yield from hanging(f"{'time':<{LABEL}}", f"very roughly {_seconds(needs.seconds)}: {each}")


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _milliseconds(seconds: float) -> str:
    return f"{float(f'{seconds * 1e3:.1g}'):g} ms" if seconds < 1 else f"{seconds:.1f} s"


def _seconds(seconds: float) -> str:
    if seconds < 90:
        return f"{float(f'{seconds:.1g}'):g} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def length_notes(prepared: Prepared) -> list[str]:
    """Return what is said in steps, in epochs: a run's last epoch may be shorter, and figures come with each epoch's end."""
    recipe, length = prepared.recipe, prepared.table.length
    stopping, schedule = recipe.training.early_stopping, recipe.schedule
    notes = []
    if isinstance(recipe.training.epochs, str):
        short = length.batches_of(length.epochs - 1)
        if length.epochs == 1 and short < length.batches:
            notes.append(f"{recipe.training.epochs}: {short} of the {length.batches} batches of an epoch")
        else:
            last = f", of which the last has {short}" if short < length.batches else ""
            notes.append(f"{recipe.training.epochs}: {_count(length.epochs)} of {length.batches} batches{last}")
    written = {"early stopping's patience": stopping.patience} if stopping is not None else {}
    written |= {f"the schedule's {name}": getattr(schedule, name) for name in schedule.epoch_durations}
    for what, duration in written.items():
        if isinstance(duration, str) and "step" in duration:
            notes.append(f"{what} of {duration}: {_count(length.in_epochs(duration))}, as figures come once an epoch")
    return notes


def _count(epochs: int) -> str:
    return f"{epochs} epoch" + "s" * (epochs != 1)


def sparkline(values: Array, *, lowest: float = 0.0) -> str:
    """Return a curve as one line of block characters, `lowest` at the bottom."""
    picked = values[np.linspace(0, len(values) - 1, min(WIDTH, len(values))).astype(int)]
    span = float(values.max()) - lowest
    levels = np.round((picked - lowest) / span * (len(BARS) - 1)) if span > 0 else np.zeros(len(picked))
    return "".join(BARS[int(level)] for level in levels)
