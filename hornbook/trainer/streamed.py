"""What a recipe can say of a training on a source of batches that Python passes, and what is told of one."""

from collections.abc import Iterator

from hornbook.data.sources.streams import Stream
from hornbook.errors import Problem, RecipeError
from hornbook.recipes.recipe import Recipe

__all__ = ["on_stream", "stream_notes"]


def on_stream(recipe: Recipe, stream: Stream) -> Recipe:
    """Return the recipe as it trains on a source of batches: by Keras's `fit`, in the source's own batches.

    Raises:
        RecipeError: With everything in it that cannot be meant.
    """
    problems = list(_problems(recipe, stream))
    if problems:
        raise RecipeError(problems)
    return recipe.replaced({"training.engine": "fit", "training.batch_size": stream.batch_size})


def _problems(recipe: Recipe, stream: Stream) -> Iterator[Problem]:
    training, name = recipe.training, f"a {stream.name}"
    once = "Pass 'hornbook.from_dataset(…)', which reads it into arrays once."
    if training.engine not in {"auto", "fit"}:
        message = f"'{training.engine}' gathers its own batches, and {name} brings its own: Keras's 'fit' trains on it."
        yield Problem(("training", "engine"), message, f"Omit it. {once}")
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
        hint = "Remove it, or pass single examples: 'dataset.unbatch()'."
        yield Problem(("training", "batch_size"), message, hint)
    if stream.gives_batches() and training.drop_remainder:
        yield Problem(("training", "drop_remainder"), f"{name} makes its own batches.", "Remove it.")


def stream_notes(stream: Stream) -> list[str]:
    """Return what is the source's own, and what a run on it cannot keep."""
    begins = "goes on where the last one ended" if stream.steps is not None else "begins it anew"
    return [
        f"a {stream.name} of {stream.batches:,} batches an epoch: order and what it draws are its own; each epoch {begins}",
        "scaling, classes and counts are those of one pass over it. Resuming goes on with an epoch, and the source from its "
        "beginning: exact where the source gives the same each time",
    ]
