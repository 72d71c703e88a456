"""What `train --dry-run` prints: layers, parameters, steps, and the rate over the run."""

from collections.abc import Iterator

import numpy as np

from hornbook.data.source import Array
from hornbook.trainer.prepare import Prepared
from hornbook.trainer.pretraining.phase import phase_names
from hornbook.trainer.progress import heading

__all__ = ["length_notes", "plan_lines"]

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60
LABEL = 10


def plan_lines(prepared: Prepared) -> list[str]:
    """Return the plan of a run as lines of at most 80 characters."""
    return [*heading(prepared), "", *_layers(prepared), "", *_steps(prepared)]


def _layers(prepared: Prepared) -> Iterator[str]:
    yield f"{'layer':<28} {'kind':<22} {'output':<17} {'parameters':>10}"
    model = prepared.built.training_model
    for layer in model.layers:
        shape = "×".join("?" if size is None else str(size) for size in layer.output.shape[1:])
        yield f"{layer.name[:28]:<28} {type(layer).__name__[:22]:<22} {shape[:17]:<17} {layer.count_params():>10,}"
    yield f"{'total':<28} {'':<22} {'':<17} {model.count_params():>10,}"


def _steps(prepared: Prepared) -> Iterator[str]:
    recipe, table = prepared.recipe, prepared.table
    length, accumulation = table.length, recipe.optimizer.accumulation
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
