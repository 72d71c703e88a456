"""Rules about amounts far from what anybody trains with: rates, dropout, penalties, patience. Always warnings."""

from collections.abc import Iterator
from typing import Any

from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.model import Layers, Rnn
from hornbook.recipes.sections.regularization import Regularization
from hornbook.recipes.thresholds import BATCHES, CLIP, DECAY, DROPPED, ENOUGH, NOISE, USUAL_BATCH

HIGHEST = {
    "sgd": 10.0, "adam": 0.3, "adamw": 0.3, "adamax": 0.3, "nadam": 0.3, "rmsprop": 0.3, "lamb": 0.3, "muon": 0.3,
    "schedule_free_adamw": 0.3, "lion": 0.1, "adagrad": 10.0, "ftrl": 10.0, "adadelta": 100.0,
}  # fmt: skip
"""Rates from which on an optimizer leaves every minimum; of SGD, divided by 1 - momentum."""
LOWEST = 1e-7
SMALL_RATE, SHORTEST_WAY = 3e-5, 0.01
"""A rate that is too low for a run, if all of its steps together move a weight by no more than this."""
SCALE_FREE = frozenset({"adagrad", "adadelta", "adafactor", "ftrl"})  # whose steps do not follow from the rate alone
MOST_L1, MOST_L2 = 0.03, 0.1
"""Penalties under which a network of two hidden layers names one class for everything (digits, 64-32 units)."""
MOST_SMOOTHED = 0.5
MOST_MOMENTUM = 0.995
FEWEST_STEPS = 100
FALLEN = 1e-4
"""What is left of a rate in the middle of a run that learns nothing more in its second half."""


def _warn(path: Path, message: str, hint: str) -> Problem:
    return Problem(path, message, hint, severity="warning")


def rate_can_be_used(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A learning rate with which the optimizer cannot train."""
    optimizer, sweep = recipe.optimizer, recipe.sweep
    if optimizer.is_auto or (sweep is not None and "optimizer.learning_rate" in sweep.space):
        return
    rate, path = optimizer.rate(), ("optimizer", "learning_rate")
    is_perceptron = recipe.head.loss is not None and recipe.head.loss.name == "perceptron"
    momentum = optimizer.momentum_value() if optimizer.name == "sgd" else 0.0
    reach = rate / (1 - momentum) if momentum < 1 else rate
    highest = HIGHEST.get(optimizer.name)
    if highest is not None and reach >= highest and not is_perceptron:
        with_momentum = f" with momentum {momentum:g}" if momentum else ""
        message = (
            f"{rate:g}{with_momentum} is far above what '{optimizer.name}' can use: weights jump over every minimum."
        )
        yield _warn(path, message, "'hornbook lr-find' looks for one; the default is a start.")
        return
    if rate <= LOWEST:
        message = f"{rate:g} is so low that no weight moves in a run of {recipe.training.duration}."
        yield _warn(path, message, "'hornbook lr-find' looks for one; the default is a start.")
        return
    batches = facts.batches(recipe)
    if batches is None or rate > SMALL_RATE or optimizer.name in SCALE_FREE or recipe.reuse is not None:
        return
    steps = recipe.training.length(batches=batches, accumulation=optimizer.accumulation).steps
    if reach * steps < SHORTEST_WAY:
        way = f"rate × steps = {reach * steps:.2g}, about how far weights get"
        message = f"{rate:g} is low for a run of {steps:,} steps: {way}."
        yield _warn(path, message, "'hornbook lr-find' looks for one; or train longer.")


def _regularizations(recipe: Recipe) -> Iterator[tuple[Path, Regularization]]:
    yield ("regularization",), recipe.regularization
    if isinstance(recipe.model, Layers):
        for index, layer in enumerate(recipe.model.layers):
            if layer.regularization is not None:
                yield ("model", "layers", index, "regularization"), layer.regularization


def regularization_leaves_something(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Dropout, noise, penalties or decay that leave nothing to learn from."""
    for path, section in _regularizations(recipe):
        for name in ("dropout", "input_dropout", "alpha_dropout", "spatial_dropout", "gaussian_dropout"):
            share = getattr(section, name)
            if share is not None and share >= DROPPED:
                yield _warn((*path, name), _dropped(share), "Use 0.1 to 0.5.")
        noise = section.gaussian_noise
        if noise is not None and noise >= NOISE:
            message = f"noise with a deviation of {noise:g} drowns activations, which are about 1."
            yield _warn((*path, "gaussian_noise"), message, "Use 0.1 or so.")
        if recipe.model.hidden_units() == ():
            continue
        for name, most in (("l1", MOST_L1), ("l2", MOST_L2)):
            factor = getattr(section, name)
            if factor is not None and factor >= most:
                message = f"a penalty of {factor:g} outweighs any loss: it pulls all weights to 0."
                yield _warn((*path, name), message, "Use 0.01 or less.")
    model = recipe.model
    if isinstance(model, Rnn) and model.recurrent_dropout >= DROPPED:
        yield _warn(("model", "recurrent_dropout"), _dropped(model.recurrent_dropout), "Use 0.1 to 0.5.")
    smoothing = getattr(recipe.head.loss, "label_smoothing", None) or 0.0
    if smoothing >= MOST_SMOOTHED:
        message = f"a smoothing of {smoothing:g} leaves the right class hardly more than the others."
        yield _warn(("head", "loss", "label_smoothing"), message, "Use 0.1.")
    decay = recipe.optimizer.weight_decay
    if decay is not None and not recipe.optimizer.is_auto and recipe.optimizer.rate() * decay.rate >= DECAY:
        share = recipe.optimizer.rate() * decay.rate
        message = f"each step takes rate × decay = {share:.2g} of every weight, so none can grow."
        yield _warn(("optimizer", "weight_decay"), message, "Use 0.01 or less.")


def _dropped(share: float) -> str:
    return f"dropping {share:.0%} leaves too little to learn from.".replace("%", " %")


def patience_is_some(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """No patience at all."""
    stopping = recipe.training.early_stopping
    if stopping is not None and _is_none(stopping.patience):
        message = "without patience training ends with the first epoch that is no better, which may be the second."
        yield _warn(("training", "early_stopping", "patience"), message, "Use 5 or more.")
    patience: Any = getattr(recipe.schedule, "patience", None)
    if patience is not None and recipe.schedule.watched_value() is not None and _is_none(patience):
        message = "without patience each epoch that is no better lowers the rate."
        yield _warn(("schedule", "patience"), message, "Use 3 or more.")


def _is_none(patience: int | str) -> bool:
    return patience == 0 or (isinstance(patience, str) and patience.split()[0].rstrip("%") in {"0", "0.0"})


def steps_follow_gradients(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Momentum that forgets nothing, gradients clipped to nothing."""
    optimizer, clipping = recipe.optimizer, recipe.training.gradient_clipping
    momentum = optimizer.momentum_value()
    if momentum > MOST_MOMENTUM and optimizer.momentum_option is not None:
        message = f"a momentum of {momentum:g} averages over the last {1 / max(1 - momentum, 1e-9):,.0f} steps."
        yield _warn(("optimizer", optimizer.momentum_option), message, "Use 0.9 to 0.99.")
    if clipping is not None and clipping.threshold <= CLIP and optimizer.name == "sgd":
        message = f"gradients cut down to {clipping.threshold:g} move no weight."
        yield _warn(("training", "gradient_clipping", "threshold"), message, "Use 1 or so.")


def run_has_steps(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Batches so large that a whole run has only a few steps."""
    batches, size, count = facts.batches(recipe), recipe.training.batch_size, facts.train_size
    if batches is None or count is None or batches > BATCHES or count < ENOUGH or size > count:
        return
    if recipe.training.epochs == 0:
        return
    steps = recipe.training.length(batches=batches, accumulation=recipe.optimizer.accumulation).steps
    if steps < FEWEST_STEPS:
        message = f"with batches of {size:,} for {count:,} training examples the whole run has {steps} steps."
        yield _warn(("training", "batch_size"), message, f"Use {USUAL_BATCH} to 256, or train longer.")


def rate_lasts(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A schedule that has ended before half of the run."""
    schedule, batches = recipe.schedule, facts.batches(recipe)
    if schedule.watched_value() is not None or schedule.name == "constant":
        return
    written = [recipe.training.epochs, *(getattr(schedule, key) for key in schedule.durations)]
    if batches is None and any("step" in str(one) or isinstance(one, int) for one in written[1:]):
        return  # only the data tells how many steps an epoch has
    accumulation = recipe.optimizer.accumulation
    length = recipe.training.length(batches=batches or 1000 * accumulation, accumulation=accumulation)
    steps = length.steps
    if steps < FEWEST_STEPS:
        return
    per_epoch = max(length.batches // accumulation, 1)
    ready = schedule.in_steps(steps_per_epoch=per_epoch, total_steps=steps)
    middle = ready.warmed_factor(steps // 2, steps)
    if middle <= FALLEN and ready.warmed_factor(steps - 1, steps) <= FALLEN:
        message = f"in the middle of the run the rate has fallen to {middle:.1g} of its peak: the rest learns nothing."
        yield _warn(("schedule",), message, "Let it fall more slowly, or train for fewer epochs.")


RULES = (
    ("rate", ("data", "optimizer", "training", "head", "reuse", "sweep"), rate_can_be_used),
    ("few-steps", ("data", "optimizer", "training"), run_has_steps),
    ("schedule-end", ("data", "schedule", "optimizer", "training"), rate_lasts),
    ("too-much", ("model", "regularization", "optimizer", "head"), regularization_leaves_something),
    ("no-patience", ("training", "schedule"), patience_is_some),
    ("idle-steps", ("optimizer", "training"), steps_follow_gradients),
)
