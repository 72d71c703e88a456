"""Hornbook: Keras training recipes. One YAML file names the ingredients; Hornbook checks, trains and explains.

    >>> import hornbook
    >>> recipe = hornbook.load_recipe("he_elu_bn", ["activation=leaky_relu"])
    >>> result = hornbook.train(recipe)
    >>> result.model                                    # a plain keras.Model

Importing this imports no TensorFlow; `build` and `train` do.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook import callbacks
from hornbook.errors import HornbookError, Problem, RecipeError
from hornbook.recipes import Component, Recipe, check_recipe, load_recipe, register

if TYPE_CHECKING:
    from hornbook.doctor.diagnose import Diagnosis
    from hornbook.study.table import Study
    from hornbook.sweep.result import SweepResult
    from hornbook.trainer.lr_find.suggest import Search
    from hornbook.trainer.result import TrainResult

__all__ = [
    "Component",
    "HornbookError",
    "Problem",
    "Recipe",
    "RecipeError",
    "ablate",
    "build",
    "callbacks",
    "check_recipe",
    "diagnose",
    "find_learning_rate",
    "health",
    "load_recipe",
    "register",
    "run_sweep",
    "shrink",
    "train",
]
__version__ = "0.1.0"

AnyRecipe = Recipe | str | Path | Mapping[str, Any]
"""A checked recipe, or what `load_recipe` makes one of."""


def _checked(recipe: AnyRecipe) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else load_recipe(recipe)


def build(recipe: AnyRecipe, data: Any = None) -> Any:
    """Return the recipe's model as a plain, compiled `keras.Model`; see `hornbook.trainer.train`.

    Its optimizer knows a single rate, the peak: `hornbook.callbacks.from_recipe(recipe)` returns the schedule, with its
    momentum, and early stopping as callbacks for `fit`.
    """
    recipe = _checked(recipe)
    from hornbook import startup

    startup.import_tensorflow()
    from hornbook.trainer.train import build as build_recipe

    return build_recipe(recipe, data)


def train(
    recipe: AnyRecipe, *, data: Any = None, callbacks: Sequence[Any] = (), runs: str = "runs", progress: bool = True
) -> "TrainResult":
    """Train a recipe and leave a run directory; see `hornbook.trainer.train`.

    Args:
        recipe: A recipe from `load_recipe`, or what that takes: a file, the name of a shipped one, a mapping.
        data: Arrays in place of the recipe's data source: ``(x, y)``, ``((x, y), (x_test, y_test))`` …
        callbacks: Keras callbacks.
        runs: Folder below which the run's own folder is made.
        progress: Whether to print progress.
    """
    recipe = _checked(recipe)
    from hornbook import startup

    startup.import_tensorflow()
    from rich.console import Console

    from hornbook.trainer.progress import ConsoleProgress
    from hornbook.trainer.train import train as train_recipe

    console = ConsoleProgress(Console(highlight=False))
    try:
        return train_recipe(recipe, data=data, callbacks=callbacks, runs=runs, listeners=[console] if progress else [])
    finally:
        console.close()


def diagnose(run: str | Path, *, mute: Sequence[str] = ()) -> "Diagnosis":
    """Return what is wrong with a run, and what to change; see `hornbook.doctor.diagnose`.

    Args:
        run: A run's folder, or a recipe's name.
        mute: Codes of findings to leave out.

    Example:
        >>> [finding.code for finding in hornbook.diagnose("he_elu_bn").findings]
        []
    """
    from hornbook.doctor.diagnose import diagnose as examine

    return examine(run, mute=mute)


def health(run: str | Path) -> Any:
    """Return what was recorded of a run's layers as a polars DataFrame: a row per measurement and layer.

    Args:
        run: A run's folder, or a recipe's name.
    """
    from hornbook.runs import find_run

    return find_run(run).health_frame()


def find_learning_rate(recipe: AnyRecipe, *, data: Any = None, seeds: int = 3) -> "Search":
    """Return what range tests say of a recipe's learning rate; see `hornbook.trainer.lr_find.search`.

    Args:
        recipe: As for `train`; the rate that it has plays no part.
        data: Arrays in place of the recipe's data source.
        seeds: Range tests, each with another seed.

    Returns:
        `rate`, or None with `reasons`; `band` over the seeds; `curves` with rates and losses.

    Raises:
        RecipeError: If a range test would measure something else than the recipe's training.
    """
    recipe = _checked(recipe)
    from hornbook import startup

    startup.import_tensorflow()
    from hornbook.trainer.lr_find.search import find_learning_rate as find

    return find(recipe, data, seeds=seeds)


def run_sweep(
    recipe: AnyRecipe, *, runs: str | Path = "runs", fresh: bool = False, workers: int = 1, progress: bool = True
) -> "SweepResult":
    """Run a recipe's sweep, or go on with its newest unfinished one; see `hornbook.sweep.sweep`.

    Args:
        recipe: As for `train`, with a `sweep` section.
        runs: Folder below which the sweep's own folder is made.
        fresh: Whether to begin anew in any case.
        workers: Processes on this machine that train at the same time.
        progress: Whether to print progress and the result.

    Raises:
        HornbookError: If no trial ended with a score.
    """
    recipe = _checked(recipe)
    from hornbook import startup

    startup.import_tensorflow()
    from rich.console import Console

    from hornbook.sweep.sweep import sweep
    from hornbook.sweep.view import ConsoleView

    view = ConsoleView(Console(highlight=False), Console(highlight=False)) if progress else None
    return sweep(recipe, runs=runs, fresh=fresh, workers=workers, view=view)


def shrink(
    run: str | Path,
    overrides: Sequence[str] = (),
    *,
    epochs: int = 0,
    runs: str | Path = "runs",
    progress: bool = True,
    **section: Any,
) -> "TrainResult":
    """Make a run's model smaller and faster, prove what it costs, and leave a run of its own; see docs/shrink.md.

    Args:
        run: The earlier run's folder, or its recipe's name.
        overrides: ``key.path=value`` for the recipe of the new run, as on the command line.
        epochs: Epochs of fine-tuning.
        runs: Folder below which the run's own folder is made.
        progress: Whether to print progress.
        section: Keys of `shrink` in a recipe: ``prune={"share": 0.9}``, ``precision="int8"``, ``max_loss=0.5`` …

    Raises:
        RecipeError: If what is asked for cannot be meant.
        GateError: If the model is worse by more than `max_loss` points; then no run is kept.

    Example:
        >>> hornbook.shrink("mnist_300_100", prune={"share": 0.9}, epochs=10, precision="int8").shrink["size"]
    """
    tree = {"shrink": {"from": str(run), **section}, "training": {"epochs": epochs}}
    return train(load_recipe(tree, overrides), runs=str(runs), progress=progress)


def ablate(
    config: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    vary: Mapping[str, Sequence[Any]] | None = None,
    drop: Sequence[str] = (),
    seeds: int = 5,
    folds: int | None = None,
    cross: bool = False,
    tune: str | None = None,
    metric: str | None = None,
    target: str | None = None,
    runs: str | Path = "runs",
    progress: bool = True,
) -> "tuple[Study, Path]":
    """Train variants of a recipe over the same seeds; return what was found and the folder with its page.

    Args:
        config: A file, the name of a shipped recipe, or a mapping.
        overrides: As on the command line, for all variants.
        vary: Keys and their values: ``{"activation": ["elu", "tanh"]}``.
        drop: Keys to leave out, each in a variant of its own.
        seeds: Runs per variant.
        folds: Folds of a cross-validation in place of seeds.
        cross: Whether to try all combinations instead of one change at a time.
        tune: A key whose value each variant chooses first.
        metric: What to compare; omitted: the first metric, on validation.
        target: Count epochs and seconds until ``val_accuracy>=0.95``.
        runs: Folder below which runs are made.
        progress: Whether to print a line per run.

    Raises:
        RecipeError: With all problems of all variants, before anything is trained.
        UsageError: For what else cannot be meant, too few seeds among it.
    """
    from hornbook import startup

    startup.import_tensorflow()
    from hornbook.recipes.language.text import plain, to_yaml
    from hornbook.study.ablate import ablate as run_ablation
    from hornbook.study.factors import parse_factors, vary_options
    from hornbook.study.plan import make_plan

    text = to_yaml(plain(config)) if isinstance(config, Mapping) else str(config)
    factors = parse_factors(vary_options(vary or {}), drop, cross=cross)
    plan = make_plan(text, overrides, factors, seeds=seeds, cross=cross, tune=tune, folds=folds)
    say = print if progress else (lambda text: None)
    return run_ablation(plan, runs=Path(runs), metric=metric, target=target, say=say)
