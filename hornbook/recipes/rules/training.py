"""Rules about monitors, optimizer, schedule and training that would make a run wrong."""

from collections.abc import Iterator

from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.language.durations import to_steps
from hornbook.recipes.language.hints import nearest
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.normalization import BatchNormalization
from hornbook.recipes.sections.optimizer import SGD
from hornbook.recipes.sections.schedule import OneCycle, Performance, PiecewiseConstant


def _monitors(recipe: Recipe) -> Iterator[tuple[Path, str]]:
    training = recipe.training
    if training.early_stopping is not None:
        yield ("training", "early_stopping", "monitor"), training.early_stopping.monitor
    if training.checkpoint is not None:
        yield ("training", "checkpoint", "monitor"), training.checkpoint.monitor
    watched = recipe.schedule.watched_value()
    if watched is not None:
        yield ("schedule", "monitor"), watched


def monitors_are_recorded(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A monitor that the run does not record."""
    recorded = recorded_names(recipe, facts)
    if recorded is None:
        return
    for path, monitor in _monitors(recipe):
        if monitor in recorded or (not facts.has_validation and monitor.removeprefix("val_") in recorded):
            continue
        known = [name for name in recorded if name.startswith("val_")] if monitor.startswith("val_") else list(recorded)
        hint = "" if nearest(monitor, known, kind="metric") else "Add it to 'training.metrics'."
        yield Problem(path, f"'{monitor}' is not recorded. Recorded: {', '.join(known or recorded)}.", hint)


def validation_for_monitors(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Without a validation split, what monitors it falls back to the training value."""
    if facts.has_validation:
        return
    for path, monitor in _monitors(recipe):
        if monitor.startswith("val_"):
            message = f"there is no validation split, so '{monitor.removeprefix('val_')}' is monitored instead."
            yield Problem(path, message, "Set 'data.split.validation' to hold out examples.", severity="warning")


def one_idea_of_best(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Early stopping and checkpoints must agree on what the best epoch is."""
    stopping, checkpoint = recipe.training.early_stopping, recipe.training.checkpoint
    if stopping is not None and checkpoint is not None and stopping.monitor != checkpoint.monitor:
        message = (
            f"the best epoch is chosen by '{checkpoint.monitor}' here and by '{stopping.monitor}' in early stopping."
        )
        yield Problem(("training", "checkpoint", "monitor"), message, "Use one monitor; 'checkpoint' may be omitted.")
    elif stopping is not None and checkpoint is not None and stopping.ties != checkpoint.ties:
        message = (
            f"of equally good epochs the {checkpoint.ties} is kept here, and the {stopping.ties} by early stopping."
        )
        yield Problem(("training", "checkpoint", "ties"), message, "Say the same; 'checkpoint' may be omitted.")


def momentum_is_there(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Options that need momentum, in an optimizer without any."""
    optimizer, schedule = recipe.optimizer, recipe.schedule
    if isinstance(optimizer, SGD) and optimizer.nesterov and not optimizer.momentum:
        yield Problem(("optimizer", "nesterov"), "Nesterov's look-ahead needs momentum.", "Add 'momentum: 0.9'.")
    if isinstance(schedule, OneCycle) and not optimizer.momentum_value():
        for key in ("max_momentum", "min_momentum"):
            if getattr(schedule, key) is None:
                continue
            message = f"'{optimizer.name}' runs without a momentum that could be cycled."
            yield Problem(("schedule", key), message, f"Remove '{key}', or use 'sgd' with momentum.")


def schedule_fits_run(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A warm-up, boundaries or decay that reach beyond the end of the run."""
    schedule, training, accumulation = recipe.schedule, recipe.training, recipe.optimizer.accumulation
    batches = facts.batches(recipe)
    length = training.length(batches=batches or 1000 * accumulation, accumulation=accumulation)
    per_epoch = max(length.batches // accumulation, 1)

    def too_long(duration: int | str) -> bool:
        is_share = isinstance(duration, str) and "%" in duration
        in_steps = isinstance(duration, int) or "step" in duration
        if batches is None and not is_share and in_steps != isinstance(training.epochs, str):
            return False  # only the data tells how many steps an epoch has
        return to_steps(duration, unit="steps", steps_per_epoch=per_epoch, total_steps=length.steps) > length.steps

    if schedule.warmup is not None and too_long(schedule.warmup.duration):
        path: Path = ("schedule", "warmup")
        yield Problem(
            path, f"the warm-up is longer than the run of {training.duration}.", "Shorten it, for instance to 5%."
        )
    if isinstance(schedule, PiecewiseConstant):
        if any(too_long(boundary) for boundary in schedule.boundaries):
            message = f"a boundary lies beyond the run of {training.duration}, so its factor is never used."
            yield Problem(("schedule", "boundaries"), message, "Move it, or train longer.", severity="warning")
        return
    for name in schedule.durations:
        if too_long(getattr(schedule, name)):
            message = f"is longer than the run of {training.duration}: the schedule does not come to its end."
            yield Problem(("schedule", name), message, "A percentage follows the run's length.", severity="warning")


def batches_for_batch_normalization(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Batch normalization over one example, in each batch or in the last one, sees no variance."""
    if recipe.training.batch_size == 1 and isinstance(recipe.normalization, BatchNormalization):
        message = "batch normalization over one example removes everything there is to learn from."
        yield Problem(("training", "batch_size"), message, "Use 16 or more, or 'layer_normalization'.")
        return
    size, count = recipe.training.batch_size, facts.train_size
    is_alone = count is not None and count > size and count % size == 1 and not recipe.training.drop_remainder
    if count is not None and is_alone and isinstance(recipe.normalization, BatchNormalization):
        message = (
            f"the last batch of an epoch has a single one of the {count:,} examples, and its variance of 0 enters the "
            "statistics of batch normalization."
        )
        better = next(larger for larger in range(size + 1, count + 1) if count % larger != 1)
        hint = f"Use {better}, or leave it out (drop_remainder: true)."
        yield Problem(("training", "batch_size"), message, hint, severity="warning")


def strategy_fits(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What does not work on several devices at once."""
    strategy, optimizer = recipe.training.strategy, recipe.optimizer
    if strategy is None:
        return
    if optimizer.accumulation > 1:
        message = "gradients are not accumulated over batches and devices at the same time."
        yield Problem(("optimizer", "accumulation"), message, "Use larger batches instead.")
    if optimizer.ema is not None:
        yield Problem(("optimizer", "ema"), "averaged weights are not kept on several devices.", "Remove it.")
    if strategy == "multi_worker" and recipe.training.max_time is not None:
        message = "the workers' clocks differ, so they cannot stop together."
        yield Problem(("training", "max_time"), message, "Set 'epochs'.")
    if recipe.training.on_divergence is not None:
        message = "a distributed run does not roll back."
        yield Problem(("training", "on_divergence"), message, "Remove it.")
    if recipe.training.engine == "fit":
        message = "Keras's 'fit' does not train on several machines here."
        yield Problem(("training", "engine"), message, "Omit it.")
    if recipe.training.engine == "fused_graph":
        message = "one operation normalizes the images of one device, and several devices count those of all."
        yield Problem(("training", "engine"), message, "Omit it.")


def engine_fits(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What Keras's own `fit` cannot do."""
    if recipe.training.engine != "fit":
        return
    if isinstance(recipe.schedule, OneCycle) and recipe.optimizer.momentum_value():
        message = "Keras's 'fit' cannot move the momentum, which 'one_cycle' does."
        yield Problem(("training", "engine"), message, "Omit 'engine', or use another schedule.")
    if recipe.optimizer.ema is not None:
        message = "Keras's 'fit' overwrites the weights with their average after each epoch."
        yield Problem(("training", "engine"), message, "Omit 'engine' or 'optimizer.ema'.")


def modes_follow_metrics(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A `mode` that takes the worst value of a metric for its best."""
    recorded = recorded_names(recipe, facts) or {}
    training, schedule, sweep = recipe.training, recipe.schedule, recipe.sweep
    given: list[tuple[Path, str, str | None]] = []
    if training.early_stopping is not None:
        given.append((("training", "early_stopping"), training.early_stopping.monitor, training.early_stopping.mode))
    if training.checkpoint is not None:
        given.append((("training", "checkpoint"), training.checkpoint.monitor, training.checkpoint.mode))
    if isinstance(schedule, Performance):
        given.append((("schedule",), schedule.monitor, schedule.mode))
    if sweep is not None and len(sweep.objectives) == 1:
        given.append((("sweep",), sweep.objectives[0], sweep.mode))
    for path, monitor, mode in given:
        better = recorded.get(monitor) or recorded.get(monitor.removeprefix("val_"))
        if mode is not None and better is not None and mode != better:
            improves = {"max": "higher", "min": "lower"}[better]
            message = (
                f"'{monitor}' is the better the {improves} it is; 'mode: {mode}' takes its worst value for the best."
            )
            yield Problem((*path, "mode"), message, "Remove it: the metric says which is better.", severity="warning")


FLOAT32_HALF_STEP = 2.0**-25
"""A share of a float32 number that is lost when it is subtracted from it, whatever the number."""


def decay_is_felt(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Weight decay so small that no weight changes by it."""
    optimizer = recipe.optimizer
    decay = optimizer.weight_decay.rate if optimizer.weight_decay is not None else 0.0
    if optimizer.is_auto or not decay:
        return
    share = optimizer.rate() * decay
    if share <= FLOAT32_HALF_STEP:
        message = (
            f"a step takes rate × decay = {optimizer.rate():g} × {decay:g} = {share:.2g} of each weight, which is less than "
            "a float32 number can change by: no weight decays."
        )
        hint = f"Use {4 * FLOAT32_HALF_STEP / optimizer.rate():.1g} or more, or 0 for none."
        yield Problem(("optimizer", "weight_decay"), message, hint, severity="warning")


def budget_can_be_kept(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A memory budget for data that is read whole."""
    pretraining = recipe.pretraining
    has_other_inputs = pretraining is not None and (pretraining.data is not None or pretraining.inputs is not None)
    if recipe.training.memory_budget is None or has_other_inputs or not recipe.data.is_read_whole:
        return
    message = (
        f"'{recipe.data.name}' is a table, which is read into memory whatever its size: the budget changes nothing."
    )
    hint = "Remove it; arrays in '.npy' or '.npz' files are streamed."
    yield Problem(("training", "memory_budget"), message, hint, severity="warning")


def amounts_have_schedules(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Schedules of dropout and weight decay that nothing follows, or that need to know how the run goes."""
    regularization, decay = recipe.regularization, recipe.optimizer.weight_decay
    given = {
        ("regularization", "dropout_schedule"): (regularization.dropout_schedule, regularization.dropout, "dropout"),
        ("optimizer", "weight_decay", "schedule"): (
            decay.schedule if decay else None,
            decay.rate if decay else None,
            "weight decay",
        ),
    }
    for path, (schedule, amount, what) in given.items():
        if schedule is None:
            continue
        if not amount:
            yield Problem(path, f"there is no {what} to change during the run.", "Remove it.")
        if schedule.watched_value() is not None:
            message = f"'{schedule.name}' follows what the run records, and this is known before it."
            yield Problem(path, message, "Use 'flat_cosine' or another schedule of the step.")
        if recipe.training.strategy is not None:
            message = f"training on several devices keeps {what} as it is."
            yield Problem(path, message, "Remove it, or 'training.strategy'.")


RULES = (
    ("amount-schedule", ("regularization", "optimizer", "training"), amounts_have_schedules),
    ("monitor", ("data", "task", "training", "schedule"), monitors_are_recorded),
    ("no-validation", ("data", "training", "schedule"), validation_for_monitors),
    ("mode", ("data", "task", "training", "schedule", "sweep"), modes_follow_metrics),
    ("idle-decay", ("optimizer",), decay_is_felt),
    ("idle-budget", ("data", "training", "pretraining"), budget_can_be_kept),
    ("two-bests", ("training",), one_idea_of_best),
    ("momentum", ("optimizer", "schedule"), momentum_is_there),
    ("schedule-length", ("schedule", "training"), schedule_fits_run),
    ("strategy", ("training", "optimizer"), strategy_fits),
    ("engine-fit", ("training", "optimizer", "schedule"), engine_fits),
    ("batch-of-one", ("normalization", "training"), batches_for_batch_normalization),
)
