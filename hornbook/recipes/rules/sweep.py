"""Rules about `sweep`: everything that can be known to be wrong before the first trial."""

from collections.abc import Collection, Iterator, Sequence

from hornbook.display.condition import Condition
from hornbook.errors import Path, Problem
from hornbook.recipes.facts import Facts, recorded_names
from hornbook.recipes.language.hints import did_you_mean, nearest
from hornbook.recipes.language.keys import split_key
from hornbook.recipes.language.spec import catalog
from hornbook.recipes.language.text import shown
from hornbook.recipes.losses import holds_penalties, keys_of_other_losses, other_figure
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.sections.sweep import (
    KNEE,
    PARAMETERS,
    Bayesian,
    Choices,
    Hyperband,
    Optuna,
    RandomSearch,
    Range,
    Sweep,
    values_of,
)  # fmt: skip
from hornbook.recipes.space import matching, ordered, settings, try_values

FIXED = {
    "sweep": "a sweep does not vary itself.",
    "format": "there is one format.",
    "name": "trials are named by their numbers.",
    "notes": "it changes nothing.",
    "tags": "they change nothing.",
    "tracking": "it changes nothing of a training.",
    "data": "trials are compared on one validation split, which this would change.",
    "task": "trials are compared by one figure on one task.",
}
MAY_VARY = ("data.limit", "data.standardize", "data.scale", "data.augmentation")


def objective_is_recorded(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """An objective that no trial records, or that is not of the validation split."""
    sweep, recorded = recipe.sweep, recorded_names(recipe, facts)
    if sweep is None:
        return
    if not facts.has_validation:
        message = "trials are compared on the validation split, and there is none."
        yield Problem(("sweep", "objective"), message, "Set 'data.split.validation' to hold out examples.")
        return
    known = [name for name in recorded if name.startswith("val_")] if recorded is not None else []
    for place, objective in enumerate(sweep.objectives):
        path: Path = ("sweep", "objective") if isinstance(sweep.objective, str) else ("sweep", "objective", place)
        if objective in sweep.objectives[:place]:
            yield Problem(path, f"'{objective}' is listed twice.", "Remove one of them.")
        elif objective != PARAMETERS and recorded is not None and objective not in known:
            yield _not_recorded(objective, path, known, recorded)
    if set(sweep.objectives) <= {PARAMETERS}:
        message = "the smallest model is found without training; what it is to be good at is missing."
        yield Problem(("sweep", "objective"), message, "Add a figure of the validation split: [val_loss, parameters].")


def _not_recorded(objective: str, path: Path, known: Sequence[str], recorded: Collection[str]) -> Problem:
    if objective in recorded:
        message = f"'{objective}' is measured on the training examples, which every trial can learn by heart."
        return Problem(path, message, f"Use 'val_{objective}'.")
    is_metric = objective.removeprefix("val_") in catalog("metric")
    is_near = not is_metric and nearest(objective, known, kind="metric")
    hint = did_you_mean(objective, known, kind="metric") if is_near else ""
    message = f"'{objective}' is not recorded. Recorded: {', '.join(known)}."
    return Problem(path, message, hint or "Add it to 'training.metrics'.")


def objective_measures_the_same(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A loss as the objective over keys that change what the loss is: the smallest says nothing then."""
    sweep, recorded = recipe.sweep, recorded_names(recipe, facts) or {}
    if sweep is None:
        return
    for key in sweep.space:
        if key.split(".")[0] not in {"head", "heads", "regularization"}:
            continue
        around = next(settings(sweep, key))
        tried = [try_values(recipe, {**around, key: value})[0] for value in values_of(sweep.space[key])]
        trials = [trial for trial in tried if trial is not None]
        for objective in sweep.objectives if len(trials) > 1 else ():
            other = other_figure(objective, [name for name in recorded if name != objective], trials)
            hint = f"Use 'objective: {other}'." if other is not None else "Use a metric of 'training.metrics'."
            if keys_of_other_losses(objective, trials):
                message = f"trials with other values have another '{objective}', by which they are to be compared."
                yield Problem(("sweep", "space", key), message, hint)
            elif holds_penalties(objective, trials):
                message = f"'{objective}' holds the penalty: it is lower where that is smaller, whatever was learned."
                yield Problem(("sweep", "space", key), message, hint, severity="warning")


def several_objectives_are_told_apart(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What has no meaning with one objective or with several: `select`, `mode`, a tuner that models one."""
    sweep = recipe.sweep
    if sweep is None:
        return
    path: Path = ("sweep", "select")
    if len(sweep.objectives) == 1:
        if sweep.select is not None:
            message = "with one objective the best trial wins."
            yield Problem(path, message, "Remove it, or list several objectives.")
        return
    if sweep.mode is not None:
        message = "'mode' is the direction of a single objective."
        yield Problem(("sweep", "mode"), message, "Remove it: metrics know which direction is better.")
    tuner = sweep.tuner
    if tuner.most_objectives == 1 or (isinstance(tuner, Optuna) and tuner.sampler == "cma_es"):
        place: Path = ("sweep", "tuner") if tuner.most_objectives == 1 else ("sweep", "tuner", "sampler")
        name = tuner.name if tuner.most_objectives == 1 else "cma_es"
        message = f"'{name}' decides by one figure, and there are {len(sweep.objectives)} objectives."
        yield Problem(place, message, "Use 'optuna' with its samplers tpe or nsga2, or 'random' or 'grid'.")
    for text in sweep.conditions:
        condition = Condition.parse(text)
        if condition is None:
            message = f"{shown(text)} is neither '{KNEE}' nor a condition."
            yield Problem(path, message, "Write for instance 'parameters<=20000'.")
        elif condition.name not in sweep.objectives:
            message = f"'{condition.name}' is no objective."
            yield Problem(path, message, f"Objectives: {', '.join(sweep.objectives)}.")


def evolution_has_ranges(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """CMA-ES over a space that it cannot search, or only in part."""
    sweep = recipe.sweep
    if sweep is None or not isinstance(sweep.tuner, Optuna) or sweep.tuner.sampler != "cma_es":
        return
    path: Path = ("sweep", "tuner", "sampler")
    searched = [key for key, entry in sweep.space.items() if isinstance(entry, Range) and not entry.when]
    left = [key for key in sweep.space if key not in searched]
    if len(searched) < 2:
        message = f"cma_es searches two ranges or more, and the space has {len(searched) or 'none'} that always count."
        yield Problem(path, message, "Use the sampler tpe.")
    elif left:
        message = f"cma_es searches ranges that always count; {', '.join(left)} will be drawn at random."
        yield Problem(path, message, "The sampler tpe learns of these too.", severity="warning")


def tuner_has_its_options(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A budget that the tuner cannot work with, or none where it needs one."""
    sweep = recipe.sweep
    if sweep is None:
        return
    tuner = sweep.tuner
    if isinstance(tuner, Hyperband):
        if sweep.max_trials is not None:
            message = "hyperband's number of trials follows from 'max_epochs' and 'factor'."
            yield Problem(("sweep", "max_trials"), message, "Remove it, or limit 'total_epochs'.")
        if "training.epochs" in sweep.space:
            message = "hyperband decides how long each trial is trained."
            yield Problem(("sweep", "space", "training.epochs"), message, "Set 'tuner.max_epochs' instead.")
        return
    is_endless = sweep.max_trials is None and sweep.total_epochs is None and sweep.max_time is None
    if is_endless and isinstance(tuner, RandomSearch | Bayesian | Optuna):
        message = f"'{tuner.name}' does not end by itself."
        yield Problem(("sweep",), message, "Set 'max_trials', 'total_epochs' or 'max_time'.")


def space_is_of_this_recipe(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A key of the space that the recipe does not have, or values that it cannot take."""
    sweep = recipe.sweep
    if sweep is None:
        return
    for key in sweep.space:
        path: Path = ("sweep", "space", key)
        top = key.split(".")[0]
        if "" in key.split("."):
            yield Problem(path, "this is no key of a recipe.", "Write for instance 'optimizer.learning_rate'.")
        elif top in FIXED and not any(key == may or key.startswith(f"{may}.") for may in MAY_VARY):
            yield Problem(path, FIXED[top], "Remove it from the space.")
        elif top not in type(recipe).model_fields:
            hint = did_you_mean(top, [name for name in type(recipe).model_fields if name not in FIXED])
            yield Problem(path, f"a recipe has no key '{top}'.", hint, code="unknown-key")
        elif top == "heads" and not {*split_key(key)[1:2]} <= {*(recipe.heads or ())}:
            name = split_key(key)[1]
            yield Problem(path, f"the recipe has no head '{name}'.", did_you_mean(str(name), recipe.heads or ()))
        else:
            yield from _values_fit(recipe, sweep, key, path)


def _values_fit(recipe: Recipe, sweep: Sweep, key: str, path: Path) -> Iterator[Problem]:
    """Yield the first thing that is wrong with each value, unless it is right under some value of the keys around."""
    entry = sweep.space[key]
    for place, value in enumerate(values_of(entry)):
        problems: list[Problem] = []
        for around in settings(sweep, key):
            changed, found = try_values(recipe, {**around, key: value})
            if changed is not None:
                problems = []
                break
            own = [p for p in found if p.path[: len(split_key(key))] == split_key(key)[: len(p.path)]]
            problems = problems or own or found
        if not problems:
            continue
        first = problems[0]
        if first.code == "unknown-key" and len(first.path) <= len(split_key(key)):
            yield Problem(path, first.message, first.hint, code="unknown-key")
            return
        where = (*path, place) if isinstance(entry, Choices) else path
        inside = ".".join(str(part) for part in first.path[len(split_key(key)) :])
        yield Problem(where, f"{inside}: {first.message}" if inside else first.message, first.hint)
        if not isinstance(entry, Choices):
            return


def conditions_are_met(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """A condition on a key that does not vary, or on a value that it never has."""
    sweep = recipe.sweep
    if sweep is None:
        return
    for key, entry in sweep.space.items():
        for parent, wanted in (entry.when or {}).items():
            path: Path = ("sweep", "space", key, "when", parent)
            above = sweep.space.get(parent)
            if above is None:
                others = [other for other in sweep.space if other != key]
                message = f"'{parent}' is not in the space, so there is nothing to wait for."
                yield Problem(path, message, did_you_mean(parent, others))
            elif not isinstance(above, Choices):
                message = f"'{parent}' is a range; a condition needs choices."
                yield Problem(path, message, f"List the values of '{parent}'.")
            else:
                for value in wanted if isinstance(wanted, list) and wanted not in above.choices else [wanted]:
                    if not matching(above, value):
                        message = f"'{parent}' is never {shown(value)}."
                        yield Problem(path, message, f"Its choices: {', '.join(map(shown, above.choices))}.")
    try:
        ordered(sweep.space)
    except ValueError as error:
        message = f"these wait for each other: {error}."
        yield Problem(("sweep", "space"), message, "Remove one of their 'when'.")


SECTIONS = tuple(name for name in Recipe.model_fields if name not in {"format", "name", "notes", "tags"})
RULES = (
    ("sweep-objective", ("sweep", "data", "task", "training"), objective_is_recorded),
    ("sweep-loss", SECTIONS, objective_measures_the_same),
    ("sweep-objectives", ("sweep",), several_objectives_are_told_apart),
    ("sweep-tuner", ("sweep",), tuner_has_its_options),
    ("sweep-evolution", ("sweep",), evolution_has_ranges),
    ("sweep-space", SECTIONS, space_is_of_this_recipe),
    ("sweep-condition", ("sweep",), conditions_are_met),
)
