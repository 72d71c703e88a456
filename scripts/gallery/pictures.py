"""The two pictures of a recipe: its learning curve, and what the ingredient does that sets it apart."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from math import log10
from typing import NamedTuple

from hornbook import Component, Recipe
from hornbook.callbacks.rates import rate_table
from hornbook.display.chart import ACCENT, PLAIN, QUIET, on_paper
from hornbook.display.learning import limits_of
from hornbook.display.lines import Line, LineChart, Mark
from hornbook.errors import UsageError
from hornbook.explain.pictures import Drawable

from .effects import FLOOR, SIZE, Part, effects
from .measured import Measured

COMMON = 15
"""An ingredient that more recipes share says nothing about one of them."""


class Shown(NamedTuple):
    """A picture of the page.

    Attributes:
        file: Its name.
        svg: The picture.
        label: What it shows, for those who cannot see it.
        caption: What stands below it.
    """

    file: str
    svg: str
    label: str
    caption: str


def learning(name: str, measured: Measured) -> Shown:
    """Return a recipe's learning curve, or the trials of its sweep."""
    if measured.trials:
        return _trials(name, measured)
    figure = next(key for key in measured.curves if key != "epoch")
    return _curve(name, figure, measured)


def _curve(name: str, figure: str, measured: Measured) -> Shown:
    epochs = [float(epoch) for epoch in measured.curves["epoch"] if epoch is not None]
    lines = tuple(
        Line(epochs, [float("nan") if value is None else value for value in measured.curves[key]], color, label=label)
        for key, label, color in ((figure, "training", PLAIN), (f"val_{figure}", "validation", ACCENT))
        if key in measured.curves
    )
    marks = (Mark(measured.best_epoch, "", QUIET),) if measured.best_epoch and len(epochs) > 1 else ()
    chart = LineChart(lines, "epoch", figure.replace("_", " "), limits_of(lines)[0], marks=marks, size=SIZE)
    ends = "; ".join(f"{line.label} from {line.y[0]:.4g} to {line.y[-1]:.4g}" for line in lines)
    label = f"{figure.replace('_', ' ')} by epoch: {ends}"
    best = ", dashed: the best epoch" if marks else ""
    return _shown(name, figure, chart, label, f"{figure.replace('_', ' ')} by epoch{best}")


def _trials(name: str, measured: Measured) -> Shown:
    scores = [float("nan") if score is None else score for score in measured.trials]
    line = Line([float(place) for place in range(1, len(scores) + 1)], scores, PLAIN, label="trials")
    chart = LineChart((line,), "trial", "objective", limits_of((line,))[0], size=SIZE)
    known = [score for score in measured.trials if score is not None]
    label = f"objective of {len(scores)} trials, from {min(known):.4g} to {max(known):.4g}"
    return _shown(name, "trials", chart, label, "the objective of each trial, in order")


class Candidate(NamedTuple):
    """An ingredient that has a picture.

    Attributes:
        key: What tells it from those of other recipes.
        name: The component's, or a key of `regularization`.
        draw: Draws it.
    """

    key: str
    name: str
    draw: Callable[[], Shown]


def rarities(recipes: Mapping[str, Recipe]) -> Counter[str]:
    """Return how many recipes have each ingredient that can be drawn, by its key."""
    return Counter(one.key for name, recipe in recipes.items() for one in _candidates(name, recipe, None))


def ingredient(name: str, recipe: Recipe, measured: Measured, rarity: Mapping[str, int]) -> Shown | None:
    """Return what an ingredient of a recipe does; without one that can be drawn, the loss.

    It is the one that the recipe is called after, else the one that the fewest shipped recipes share.

    Args:
        name: The recipe's.
        recipe: The recipe.
        measured: Its run.
        rarity: What `rarities` returns.
    """

    def order(one: Candidate) -> tuple[bool, int]:
        return f"_{one.name}_" not in f"_{name}_", rarity.get(one.key, 0)

    for one in sorted(_candidates(name, recipe, measured), key=order):
        if order(one) > (True, COMMON):
            break
        try:
            return one.draw()
        except UsageError:  # an activation of several numbers at once has no curve
            continue
    if measured.trials or next(key for key in measured.curves if key != "epoch") == "loss":
        return None
    return _curve(name, "loss", measured)


def _candidates(name: str, recipe: Recipe, measured: Measured | None) -> list[Candidate]:
    """Return what can be drawn of a recipe; without its run only what that takes no part in."""
    found = []
    if measured is not None and measured.weights:
        found.append(Candidate("weights", "l1", lambda: _weights(name, measured)))
    schedule, activation = recipe.schedule, recipe.activation
    is_known = schedule.watched_value() is None or measured is None or measured.rates
    if (schedule.name != "constant" or schedule.warmup is not None) and is_known and recipe.sweep is None:
        found.append(Candidate(_key(schedule), schedule.name, lambda: _rates(name, recipe, measured)))
    if activation is not None:
        found.append(Candidate(_key(activation), activation.name, lambda: _activation(name, recipe, activation.name)))
    if recipe.sweep is None:
        found += [Candidate(part.key, part.name, partial(_effect, name, recipe, part)) for part in effects(recipe)]
    return found


def _key(component: Component) -> str:
    return f"{component.kind} {component.name} {component.model_dump_json(exclude_defaults=True)}"


def _rates(name: str, recipe: Recipe, measured: Measured | None) -> Shown:
    """Draw the rate over the run that was measured."""
    if measured is None:
        raise TypeError("a rate over a run takes a run")
    schedule, moves_momentum = recipe.schedule, False
    if measured.rates:
        epochs = [float(epoch) for epoch in measured.curves["epoch"] if epoch is not None]
        rates = measured.rates
    else:
        table = rate_table(recipe, batches=measured.batches)
        every = max(1, len(table.rates) // 400)
        rates = table.rates[::every].tolist()
        epochs = [step * every / measured.batches for step in range(len(rates))]
        moves_momentum = table.moves_momentum
    line = Line(epochs, rates, PLAIN, width=2.4)
    chart = LineChart(
        (line,), "epoch", "learning rate", (0.0, 1.08 * max(rates)), ends=(min(0.0, epochs[0]), epochs[-1]), size=SIZE
    )  # fmt: skip
    first, last = rates[0], rates[-1]
    text = f"schedule {schedule.name}: the learning rate from {first:.3g} to {last:.3g}, at most {max(rates):.3g}"
    more = "; the momentum goes the other way" if moves_momentum else ""
    return _shown(
        name,
        "schedule",
        chart,
        text,
        f"schedule: {schedule.name}, the rate of each {'epoch' if measured.rates else 'step'}{more}",
    )


def _activation(name: str, recipe: Recipe, title: str) -> Shown:
    """Draw the activation as `hornbook show --plot` does, without the words above it."""
    drawing = Drawable("activation", title, recipe).drawing()
    chart = replace(drawing.chart, title="", note="", size=SIZE)
    tinted = ", flat where tinted" if chart.spans else ""
    return _shown(name, "activation", chart, drawing.text, f"activation: {title}, value and derivative{tinted}")


def _effect(name: str, recipe: Recipe, part: Part) -> Shown:
    effect = part.draw(recipe)
    return _shown(name, part.kind, effect.chart, effect.label, effect.caption)


def _weights(name: str, measured: Measured) -> Shown:
    """Draw how the weights of the first kernel are distributed in the end."""
    reach, shares = measured.weights["reach"], measured.weights["shares"]
    width = 2 * reach / len(shares)
    middles = [-reach + width * (place + 0.5) for place in range(len(shares))]
    heights = [max(log10(share), FLOOR) if share else FLOOR for share in shares]
    chart = LineChart(
        (Line(middles, heights, PLAIN, width=2.4),), "weight of the first layer", "log10 of % of the weights",
        (FLOOR, 2.2), ends=(-reach, reach), size=SIZE,
    )  # fmt: skip
    middle = shares[len(shares) // 2]
    text = f"weights of the first layer after the run: {middle:.3g} % of them within {width / 2:.2g} of 0"
    return _shown(name, "weights", chart, text, "regularization: l1, where the weights of the first layer end")


def _shown(name: str, part: str, chart: LineChart, label: str, caption: str) -> Shown:
    file = f"{name}-{part}"
    return Shown(f"{file}.svg", on_paper(chart.svg(f"gallery-{file}", label)), label, caption)
