"""What a recipe can say of a training on a source of batches that Python passes, and what is told of one."""

from collections.abc import Iterator
from dataclasses import replace

from hornbook.data.sources.streams import Stream
from hornbook.errors import Problem, RecipeError
from hornbook.recipes.facts import Facts
from hornbook.recipes.recipe import Recipe
from hornbook.recipes.rules.check import check_rules

__all__ = ["on_stream", "stream_notes"]

ENGINE = ("training", "engine")


def on_stream(recipe: Recipe, stream: Stream) -> Recipe:
    """Return the recipe as it trains on a source of batches: by Keras's `fit`, in the source's own batches.

    Raises:
        RecipeError: With everything in it that cannot be meant.
    """
    problems = list(_problems(recipe, stream))
    changed = recipe.replaced({"training.engine": "fit", "training.batch_size": stream.batch_size})
    hint = f"It is what trains on a {stream.name}: change what it cannot do, or pass 'hornbook.from_dataset(…)'."
    for problem in check_rules(changed, Facts.of(changed)):
        if problem.severity == "error" and problem.path == ENGINE and not problems:
            problems.append(replace(problem, hint=hint))
    if problems:
        raise RecipeError(problems)
    return changed


def _problems(recipe: Recipe, stream: Stream) -> Iterator[Problem]:
    training, name = recipe.training, f"a {stream.name}"
    once = "Pass 'hornbook.from_dataset(…)', which reads it into arrays once."
    if training.engine not in {"auto", "fit"}:
        message = f"'{training.engine}' gathers its own batches, and {name} brings its own: Keras's 'fit' trains on it."
        yield Problem(ENGINE, message, f"Omit it. {once}")
    if training.strategy is not None:
        yield Problem(("training", "strategy"), f"{name} is read by one device.", f"Remove it. {once}")
    if recipe.pretraining is not None:
        yield Problem(
            ("pretraining",), f"pretraining needs inputs in an order of its own, and {name} has its own.", once
        )
    if (
        stream.gives_batches()
        and "batch_size" in training.model_fields_set
        and training.batch_size != stream.batch_size
    ):
        message = f"{name} gives batches of {stream.batch_size}."
        single = ", or pass single examples: 'dataset.unbatch()'" if hasattr(stream.source, "unbatch") else ""
        hint = f"Remove it{single}."
        yield Problem(("training", "batch_size"), message, hint)
    if stream.gives_batches() and training.drop_remainder:
        yield Problem(("training", "drop_remainder"), f"{name} makes its own batches.", "Remove it.")


def stream_notes(stream: Stream) -> list[str]:
    """Return what is the source's own, and what a run on it cannot keep."""
    begins = "goes on where the last one ended" if stream.steps is not None else "begins it anew"
    workers = getattr(stream.source, "workers", 1) or 1
    notes = [f"batches are read one by one: the {workers} workers of this {stream.name} are not started"]
    kept = f" (of inputs, of one batch in {stream.every}, which the memory budget holds)" if stream.every > 1 else ""
    return [
        *(notes if workers > 1 else ()),
        f"a {stream.name} of {stream.batches:,} batches an epoch: order and what it draws are its own; each epoch {begins}",
        f"scaling, classes and counts are those of one pass over it{kept}. Resuming goes on with an epoch, and the source "
        "from its beginning: exact where it gives the same each time",
    ]
