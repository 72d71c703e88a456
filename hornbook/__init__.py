"""Hornbook: Keras training recipes. One YAML file names the ingredients; Hornbook checks, trains and explains.

    >>> import hornbook
    >>> recipe = hornbook.load_recipe("he_elu_bn", ["activation=leaky_relu"])
    >>> result = hornbook.train(recipe)
    >>> result.model                                    # a plain keras.Model

Importing this imports no TensorFlow; `build` and `train` do.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hornbook.errors import HornbookError, Problem, RecipeError
from hornbook.recipes import Component, Recipe, check_recipe, load_recipe, register

if TYPE_CHECKING:
    from hornbook.trainer.result import TrainResult

__all__ = [
    "Component",
    "HornbookError",
    "Problem",
    "Recipe",
    "RecipeError",
    "build",
    "check_recipe",
    "load_recipe",
    "register",
    "train",
]
__version__ = "0.1.0"


def build(recipe: Recipe, data: Any = None) -> Any:
    """Return the recipe's model as a plain, compiled `keras.Model`; see `hornbook.trainer.build`."""
    from hornbook import startup

    startup.import_tensorflow()
    from hornbook.trainer.prepare import build as build_recipe

    return build_recipe(recipe, data)


def train(
    recipe: Recipe, *, data: Any = None, callbacks: Sequence[Any] = (), runs: str = "runs", progress: bool = True
) -> "TrainResult":
    """Train a recipe and leave a run directory; see `hornbook.trainer.train`.

    Args:
        recipe: A checked recipe, from `load_recipe`.
        data: Arrays in place of the recipe's data source: ``(x, y)``, ``((x, y), (x_test, y_test))`` …
        callbacks: Keras callbacks.
        runs: Folder below which the run's own folder is made.
        progress: Whether to print progress.
    """
    from hornbook import startup

    startup.import_tensorflow()
    from rich.console import Console

    from hornbook.trainer.progress import ConsoleReporter
    from hornbook.trainer.train import train as train_recipe

    reporter = ConsoleReporter(Console(highlight=False)) if progress else None
    try:
        return train_recipe(recipe, data=data, callbacks=callbacks, runs=runs, reporter=reporter)
    finally:
        if reporter is not None:
            reporter.close()
