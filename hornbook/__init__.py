"""Hornbook: Keras training recipes. One YAML file names the ingredients; Hornbook checks, trains and explains.

    >>> import hornbook
    >>> recipe = hornbook.load_recipe("he_elu_bn", ["activation=leaky_relu"])
    >>> result = hornbook.train(recipe)
    >>> result.model                                    # a plain keras.Model

Importing this imports no TensorFlow; `build` and `train` do.
"""

from hornbook.ending import leave_at_ctrl_c

leave_at_ctrl_c()  # in front of everything that takes time to import

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hornbook import callbacks, startup
from hornbook.errors import HornbookError, Problem, RecipeError, UsageError
from hornbook.recipes import Component, Recipe, check_recipe, load_recipe, register

if TYPE_CHECKING:
    from hornbook.doctor.diagnose import Diagnosis
    from hornbook.estimator import Estimator
    from hornbook.exports.export import Export
    from hornbook.pages import Page
    from hornbook.study.learning.table import LearningCurve
    from hornbook.study.table import Study
    from hornbook.sweep.result import SweepResult
    from hornbook.trainer.lr_find.suggest import Search
    from hornbook.trainer.result import TrainResult

__all__ = [
    "Component",
    "Estimator",
    "HornbookError",
    "Problem",
    "Recipe",
    "RecipeError",
    "ablate",
    "build",
    "callbacks",
    "check_recipe",
    "diagnose",
    "export",
    "find_learning_rate",
    "from_dataset",
    "health",
    "learning_curve",
    "load_recipe",
    "register",
    "report",
    "run_sweep",
    "shrink",
    "train",
]
__version__ = "0.2.0"

AnyRecipe = Recipe | str | Path | Mapping[str, Any]
"""A checked recipe, or what `load_recipe` makes one of."""


def __getattr__(name: str) -> Any:
    """Import what stands on scikit-learn once it is asked for."""
    if name == "Estimator":
        from hornbook.estimator import Estimator

        return Estimator
    raise AttributeError(f"module 'hornbook' has no attribute {name!r}")


def _checked(recipe: AnyRecipe) -> Recipe:
    return recipe if isinstance(recipe, Recipe) else load_recipe(recipe)


def build(recipe: AnyRecipe, data: Any = None) -> Any:
    """Return the recipe's model as a plain, compiled `keras.Model`; see `hornbook.trainer.train`.

    Its optimizer knows a single rate, the peak: `hornbook.callbacks.from_recipe(recipe)` returns the schedule, with its
    momentum, and early stopping as callbacks for `fit`.
    """
    recipe = _checked(recipe)
    startup.import_tensorflow()
    from hornbook.trainer.train import build as build_recipe

    return build_recipe(recipe, data)


def train(
    recipe: AnyRecipe,
    *,
    data: Any = None,
    validation_data: Any = None,
    steps_per_epoch: int | None = None,
    callbacks: Sequence[Any] = (),
    runs: str = "runs",
    progress: bool = True,
) -> "TrainResult":
    """Train a recipe and leave a run directory; see `hornbook.trainer.train`.

    Args:
        recipe: A recipe from `load_recipe`, or what that takes: a file, the name of a shipped one, a mapping.
        data: What takes the place of the recipe's data source: arrays, ``(x, y)``, ``(x, y, sample_weight)``,
            ``((x, y), (x_test, y_test))`` …, or a source of batches, which keeps its own order and draws: a
            ``tf.data.Dataset``, a function that returns a generator, a ``keras.utils.PyDataset``.
        validation_data: ``(x, y)`` or ``(x, y, sample_weight)`` to validate on, or a source of batches, read once.
        steps_per_epoch: Batches of an epoch, for a source of batches without an end.
        callbacks: Keras callbacks.
        runs: Folder below which the run's own folder is made.
        progress: Whether to print progress.
    """
    recipe = _checked(recipe)
    startup.import_tensorflow()
    from hornbook.data.sources.given import given
    from hornbook.display import terminal
    from hornbook.trainer.progress import ConsoleProgress
    from hornbook.trainer.train import train as train_recipe

    data = given(data, validation_data, steps_per_epoch)
    console = ConsoleProgress(terminal.console())
    try:
        return train_recipe(recipe, data=data, callbacks=callbacks, runs=runs, listeners=[console] if progress else [])
    finally:
        console.close()


def from_dataset(source: Any) -> tuple[Any, ...]:
    """Return all examples of a source of batches as arrays, (x, y) or (x, y, sample_weight), from one pass over it.

    With arrays Hornbook makes the order itself: epochs follow from the seed, and a run resumes to the same bits. What the
    source draws or changes from epoch to epoch is frozen as this pass found it.

    Args:
        source: A ``tf.data.Dataset``, of batches or of single examples, a function that returns a generator of batches, or a
            ``keras.utils.PyDataset``.

    Raises:
        UsageError: If it has no end.
        DataError: If it does not fit in half of the memory, or what it gives is no examples.

    Example:
        >>> hornbook.train(recipe, data=hornbook.from_dataset(dataset))
    """
    from hornbook.data.sources.given import read_once

    return read_once(source)


def diagnose(run: str | Path, *, mute: Sequence[str] = ()) -> "Diagnosis":
    """Return what is wrong with a run, and what to change; see `hornbook.doctor.diagnose`.

    Args:
        run: A run's folder, or a recipe's name.
        mute: Codes of findings to leave out.

    Examples:
        >>> [finding.code for finding in hornbook.diagnose("he_elu_bn").findings]
        []
    """
    from hornbook.doctor.diagnose import diagnose as examine

    return examine(run, mute=mute)


def export(run: str | Path, to: str | Sequence[str], **options: Any) -> "list[Export]":
    """Write a run's model in other formats, each proved in its own runtime; see `hornbook.exports.export.export_run`.

    Args:
        run: A run's folder, or a recipe's name.
        to: ``saved_model``, ``onnx``, ``litert``, ``openvino``, ``keras``, several of them, or ``all``.
        options: ``precision``, ``output``, ``which``, ``trust``, ``anyway``, ``force``.
    """
    startup.import_tensorflow()
    from hornbook.exports.export import export_run

    return export_run(run, to, **options)


def health(run: str | Path) -> Any:
    """Return what was recorded of a run's layers as a polars DataFrame: a row per measurement and layer.

    Args:
        run: A run's folder, or a recipe's name.
    """
    from hornbook.runs import find_run

    return find_run(run).health_frame()


def report(run: Any, *others: Any, output: str | Path | None = None, trust: bool = False) -> "Page":
    """Write the page of a run, or the one that compares several; returns its path, which a notebook shows as a link.

    Args:
        run: What `train` or `run_sweep` has returned, or a run's, sweep's or ablation's folder, or a recipe's name.
        others: Runs to compare it with.
        output: The file to write; omitted: in the run's folder. A sweep and an ablation have written theirs already.
        trust: Whether code that a run's model holds may be run.

    Raises:
        UsageError: If there is no such run.
        RunError: If the page cannot be written.

    Examples:
        >>> hornbook.report(result)
        Page('runs/he_elu_bn/20261126-121110-ac60/report.html')
    """
    from hornbook.pages import Page, write_pages

    (path,) = write_pages(
        [_folder(one) for one in (run, *others)],
        output=Path(output) if output is not None else None,
        trust=trust,
        import_tensorflow=startup.import_tensorflow,
    )
    return Page(path)


def _folder(run: Any) -> str:
    """Return the folder of what a run, sweep or result is known by."""
    for name in ("run", "folder", "path"):
        if isinstance(known := getattr(run, name, None), Path):
            return str(known)
    return str(run)


def find_learning_rate(recipe: AnyRecipe, *, data: Any = None, seeds: int = 3, parallel: int | None = None) -> "Search":
    """Return what range tests say of a recipe's learning rate; see `hornbook.trainer.lr_find.search`.

    Args:
        recipe: As for `train`; the rate that it has plays no part.
        data: Arrays in place of the recipe's data source.
        seeds: Range tests, each with another seed.
        parallel: Range tests at once; omitted: by network and cores.

    Returns:
        `rate`, or None with `reasons`; `band` over the seeds; `curves` with rates and losses.

    Raises:
        RecipeError: If a range test would measure something else than the recipe's training.
    """
    recipe = _checked(recipe)
    startup.import_tensorflow()
    from hornbook.trainer.lr_find.search import find_learning_rate as find

    return find(recipe, data, seeds=seeds, parallel=parallel)


def run_sweep(
    recipe: AnyRecipe,
    *,
    runs: str | Path = "runs",
    fresh: bool = False,
    workers: int = 1,
    parallel: int | None = None,
    on: str | None = None,
    each: str | None = None,
    progress: bool = True,
) -> "SweepResult":
    """Run a recipe's sweep, or go on with its newest unfinished one; see `hornbook.sweep.sweep`.

    Args:
        recipe: As for `train`, with a `sweep` section.
        runs: Folder below which the sweep's own folder is made.
        fresh: Whether to begin anew in any case.
        workers: Processes on this machine that train at the same time.
        parallel: Trials at once; omitted: by network and cores, or as many as the cluster has room for.
        on: ``ray`` or ``ray://host:port``: the cluster whose machines train.
        each: What each run gets of them: ``cpus=2,gpus=0.5``.
        progress: Whether to print progress and the result.

    Raises:
        HornbookError: If no trial ended with a score.
    """
    recipe = _checked(recipe)
    startup.import_tensorflow()
    from hornbook.display import terminal
    from hornbook.machines.where import where_of
    from hornbook.sweep.sweep import sweep
    from hornbook.sweep.view import ConsoleView

    view = ConsoleView(terminal.console(), terminal.console()) if progress else None
    where = where_of(on, each)
    return sweep(recipe, runs=runs, fresh=fresh, workers=workers, parallel=parallel, on=where, view=view)


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

    Examples:
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
    parallel: int | None = None,
    on: str | None = None,
    each: str | None = None,
    runs: str | Path = "runs",
    progress: bool = True,
) -> "tuple[Study, Path]":
    """Train variants of a recipe over the same seeds; return what was found and the folder with its page.

    Args:
        config: A file, the name of a shipped recipe, or a mapping.
        overrides: As on the command line, for all variants.
        vary: Keys and their values: ``{"activation": ["elu", "tanh"]}``.
        drop: Keys to leave out, each in a variant of its own; ``key+key`` leaves out both in one.
        seeds: Runs per variant.
        folds: Folds of a cross-validation in place of seeds.
        cross: Whether to try all combinations instead of one change at a time.
        tune: A key whose value each variant chooses first.
        metric: What to compare; omitted: the first metric, on validation.
        target: Count epochs and seconds until ``val_accuracy>=0.95``.
        parallel: Runs at once; omitted: by network and cores, or as many as the cluster has room for.
        on: ``ray`` or ``ray://host:port``: the cluster whose machines train.
        each: What each run gets of them: ``cpus=2,gpus=0.5``.
        runs: Folder below which runs are made.
        progress: Whether to print a line per run.

    Raises:
        RecipeError: With all problems of all variants, before anything is trained.
        UsageError: For what else cannot be meant, too few seeds among it.
    """
    startup.import_tensorflow()
    from hornbook.machines.where import where_of
    from hornbook.recipes.language.text import plain, to_yaml
    from hornbook.study.ablate import ablate as run_ablation
    from hornbook.study.factors import parse_factors, vary_options
    from hornbook.study.plan import make_plan

    text = to_yaml(plain(config)) if isinstance(config, Mapping) else str(config)
    factors = parse_factors(vary_options(vary or {}), drop, cross=cross)
    plan = make_plan(text, overrides, factors, seeds=seeds, cross=cross, tune=tune, folds=folds)
    say = print if progress else (lambda text: None)
    where = where_of(on, each)
    return run_ablation(plan, runs=Path(runs), metric=metric, target=target, parallel=parallel, on=where, say=say)


def learning_curve(
    config: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    examples: str | Sequence[int] | None = None,
    vary: Mapping[str, Sequence[Any]] | None = None,
    seeds: int = 5,
    metric: str | None = None,
    runs: str | Path = "runs",
    progress: bool = True,
) -> "tuple[LearningCurve, Path]":
    """Train a recipe on ever more examples over the same seeds; return what was found and the folder with its page.

    Args:
        config: A file, the name of a shipped recipe, or a mapping.
        overrides: As on the command line, for all runs.
        examples: Counts, or ``"10%,50%,100%"``; omitted: five sizes, each twice the one before; with `vary` all examples.
        vary: One key with its values, from small to large networks: ``{"model.units": [[8], [32]]}``.
        seeds: Runs per point.
        metric: What to measure; omitted: the first metric.
        runs: Folder below which runs are made.
        progress: Whether to print a line per run.

    Raises:
        RecipeError: With all problems of all values, before anything is trained.
        UsageError: For what else cannot be meant: too few seeds, sizes that the data does not have.
    """
    startup.import_tensorflow()
    from hornbook.recipes.language.text import plain, to_yaml
    from hornbook.study.factors import vary_options
    from hornbook.study.learning.plan import make_plan
    from hornbook.study.learning.run import learning_curve as run_learning_curve

    text = to_yaml(plain(config)) if isinstance(config, Mapping) else str(config)
    amounts = examples if examples is None or isinstance(examples, str) else ",".join(map(str, examples))
    options = vary_options(vary or {})
    if len(options) > 1:
        raise UsageError("vary: a curve is drawn over the values of one key. Give one.")
    plan = make_plan(text, overrides, examples=amounts, vary=next(iter(options), None), seeds=seeds)
    say = print if progress else (lambda text: None)
    return run_learning_curve(plan, runs=Path(runs), metric=metric, say=say)
