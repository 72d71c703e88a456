"""Rules about `shrink`: the earlier run is read, never loaded, as soon as the recipe is checked."""

from collections.abc import Iterator

from hornbook.errors import HornbookError, Problem
from hornbook.recipes.before import as_before
from hornbook.recipes.facts import Facts
from hornbook.recipes.language.text import parse
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.shrunk import NETWORK
from hornbook.runs.directory import Run, find_run
from hornbook.runs.model_file import read_model_file


def run_is_usable(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """An earlier run that is not there, not finished or damaged, needs code, or cannot be taken apart."""
    shrink = recipe.shrink
    if shrink is None:
        return
    path = ("shrink", "from")
    try:
        run = find_run(shrink.from_)
        state = run.result["state"]
        if state != "finished":
            message = f"{run.path} is not finished: {state}."
            yield Problem(path, message, f"Finish it first: hornbook resume {run.path}")
            return
        stored = read_model_file(run.model_path())
    except HornbookError as error:
        yield Problem(path, str(error), "Train the earlier run first, or name another.")
        return
    if stored.needs_code and not shrink.trust:
        message = f"{stored.path} holds code or layers of another package: {', '.join(stored.needs_code)}."
        yield Problem(
            path, message, "It is not loaded. If you know where it comes from, add 'trust: true', or --trust."
        )
    yield from _other_network(recipe, run)


def _other_network(recipe: Recipe, run: Run) -> Iterator[Problem]:
    """Yield a problem for each section that describes another network than the earlier run has."""
    earlier = parse(run.recipe_text, origin=str(run.recipe_path)).tree
    try:
        as_before(earlier)
        theirs = Recipe.model_validate(earlier).to_dict()
    except (ValueError, AttributeError):
        message = f"{run.recipe_path} is damaged, or of a version whose recipes this one cannot read."
        yield Problem(("shrink", "from"), message, f"'hornbook check --config {run.recipe_path}' says where.")
        return
    ours = recipe.to_dict()
    for key in NETWORK:
        if key != "data" and ours.get(key) != theirs.get(key):
            message = "is not what the earlier run has, and its network is what is made smaller."
            yield Problem((key,), message, f"Remove '{key}'. Without 'model' all of these are that run's.")


def training_fits(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """What shrinking does not go with, and fine-tuning that nothing would be left of."""
    shrink, training = recipe.shrink, recipe.training
    if training.epochs == 0 and shrink is None:
        yield Problem(("training", "epochs"), "expected a number of at least 1, found 0.")
    if shrink is None:
        return
    for key in ("reuse", "pretraining"):
        if getattr(recipe, key) is not None:
            message = "the network that is made smaller has learned already."
            yield Problem((key,), message, f"Remove '{key}' or 'shrink'.")
    if recipe.optimizer.is_auto:
        message = (
            "the rate of fine-tuning is not found by a range test, which would train other weights than those left."
        )
        yield Problem(("optimizer", "learning_rate"), message, "Give a number; a tenth of the earlier run's is usual.")
    if training.precision != "float32":
        message = f"a smaller model computes in float32, and '{training.precision}' is asked for."
        yield Problem(("training", "precision"), message, "Remove it: it would compute otherwise than it is saved.")
    if training.strategy is not None:
        message = f"shrinking runs on one device, and '{training.strategy}' on several."
        yield Problem(("training", "strategy"), message, "Remove it.")
    if shrink.prune is None and training.epochs != 0:
        message = f"nothing is pruned, so there is nothing to fine-tune for {training.duration}."
        yield Problem(("training", "epochs"), message, "Set it to 0, or say in 'shrink.prune' how much becomes zero.")
    if shrink.prune is not None and shrink.prune.until is not None:
        yield from _too_late(recipe, facts)


def _too_late(recipe: Recipe, facts: Facts) -> Iterator[Problem]:
    """Yield a problem where the last weights would become zero behind the end of the run."""
    until = recipe.shrink.prune.until if recipe.shrink is not None and recipe.shrink.prune is not None else None
    path = ("shrink", "prune", "until")
    if recipe.training.epochs == 0:
        yield Problem(
            path, "nothing is fine-tuned, so weights become zero at once.", "Remove it, or train: training.epochs=5"
        )
        return
    batches = facts.batches(recipe)
    in_steps = isinstance(until, str) and "step" in until
    if until is None or (batches is None and in_steps != isinstance(recipe.training.epochs, str)):
        return
    length = recipe.training.length(batches=batches or 1000, accumulation=recipe.optimizer.accumulation)
    if length.in_batches(until) > length.total:
        message = f"the run of {recipe.training.duration} ends before all of the share is zero."
        yield Problem(path, message, "Shorten it, or train longer.")


RULES = (
    ("shrink-source", ("shrink", *(key for key in NETWORK if key != "data")), run_is_usable),
    ("shrink-training", ("shrink", "training", "reuse", "pretraining", "optimizer"), training_fits),
)
