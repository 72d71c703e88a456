"""Trains the shipped recipes and writes docs/gallery.json, from which the site draws its gallery: `make gallery`.

`python scripts/measure_gallery.py [RECIPE …]` trains all of them, or some. It takes half an hour on two cores and needs
MNIST and Fashion-MNIST (HORNBOOK_DATA, else they are downloaded). What a recipe says was not measured is not run.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from gallery.expected import EPOCHS, SMALL_WEIGHTS, expected_of, promise
from gallery.measured import Measured, mark, read, write

import hornbook
from hornbook import HornbookError, Recipe, startup
from hornbook.display.learning import figures_of
from hornbook.recipes import shipped_recipes
from hornbook.runs.directory import Run, is_pretraining

TESTS = Path(__file__).parents[1] / "tests"
POINTS = 40
"""As many points has a curve at most."""
BINS = 61
SMALL = 1e-3
"""Weights below this are as good as zero."""
UNMEASURED = "not measured"
"""So begins the `Expected` line of a recipe that is not run here."""


def main() -> None:
    """Measure what is asked for, one recipe after the other, and write the file after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE")
    asked = parser.parse_args().recipes
    texts = shipped_recipes()
    if unknown := sorted({*asked} - {*texts}):
        parser.error(f"no shipped recipe: {', '.join(unknown)}")
    startup.import_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # where recipes look for earlier runs
        failed = [name for name in in_order(asked or [*texts]) if not is_measured(name, texts[name])]
        os.chdir(TESTS)
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def in_order(names: Sequence[str]) -> list[str]:
    """Return recipes in an order in which earlier models are there, those that were not asked for included."""
    needed = {_earlier(hornbook.load_recipe(name, for_training=False)) for name in names} - {""}
    return [*sorted(needed), *(name for name in names if name not in needed)]


def _earlier(recipe: Recipe) -> str:
    """Return which recipe's newest run a recipe begins with."""
    begin = recipe.reuse.from_ if recipe.reuse is not None else ""
    return begin.removeprefix("runs/").removesuffix("/latest") if isinstance(begin, str) else ""


def is_measured(name: str, text: str) -> bool:
    """Measure one recipe; return False, and say why, where it cannot be run."""
    if expected_of(text).startswith(UNMEASURED):
        print(f"{name}: {expected_of(text)}")
        return True
    try:
        recipe = hornbook.load_recipe(name, for_training=False)
        entry = of_sweep(recipe) if recipe.sweep is not None else of_run(recipe, text)
    except HornbookError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    write({**read(), name: entry})
    print(f"{name}: {entry.figures.get('test') or entry.figures['train']}", flush=True)
    return True


def of_run(recipe: Recipe, text: str) -> Measured:
    """Train a recipe and return what the gallery shows of it."""
    if recipe.data.name == "image_folder":
        sys.path.append(str(TESTS))
        from pictures import write_digits

        write_digits(Path(recipe.data.path), per_class=200, classes=10)
    result = hornbook.train(recipe.name or "", progress=False)
    if result.state != "finished":
        raise HornbookError(f"the run is {result.state}")
    rows = [row for row in result.history if not is_pretraining(row)]
    figures = {"train": _numbers(rows[-1]), "validation": _numbers(result.validation), "test": _numbers(result.test)}
    if result.forecast:
        figures["test"] |= _numbers(result.forecast["figures"]["model"])
    figures["run"] = {EPOCHS: result.epochs}
    step = max(1, -(-len(rows) // POINTS))
    shown = [row for place, row in enumerate(rows) if place % step == 0 or place == len(rows) - 1]
    curves = {"epoch": [row["epoch"] for row in shown]}
    for key in _drawn_keys(text, result.history, rows):
        curves[key] = [_short(row[key], 4) for row in shown]
    weights: dict[str, Any] = {}
    if recipe.regularization.l1 is not None:
        kernels = [
            variable.numpy().ravel() for variable in result.model.trainable_variables if variable.name == "kernel"
        ]
        figures["run"][SMALL_WEIGHTS] = _short(100 * float(np.mean(np.abs(np.concatenate(kernels)) < SMALL)))
        weights = _histogram(kernels[0])
    follows = recipe.schedule.watched_value() is not None
    entry = Measured(
        mark(recipe), date.today().isoformat(), _versions(), figures,
        batches=recipe.training.batches(Run(result.run).data["counts"]["train"]), best_epoch=result.best_epoch,
        curves=curves, rates=[_short(row["learning_rate"], 4) for row in shown] if follows else [], weights=weights,
    )  # fmt: skip
    if recipe.name != "fashion_model_a":  # on which others are trained
        shutil.rmtree(result.run)
    return entry


def _drawn_keys(text: str, history: Sequence[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the figure that the recipe's promise is about and the loss, each with that of validation where there is one."""
    names = figures_of(rows)
    claimed = [claim.figure for claim in promise(expected_of(text)).claims]
    ends = [name for figure in claimed for name in names if name == figure or name.endswith(f"_{figure}")]
    chosen = dict.fromkeys([*(ends or names[1:])[:1], "loss"])
    return [key for name in chosen for key in (name, f"val_{name}") if all(key in row for row in rows)]


def of_sweep(recipe: Recipe) -> Measured:
    """Run a recipe's sweep and return what the gallery shows of it."""
    from hornbook.runs.sweeps import SweepFolder

    result = hornbook.run_sweep(recipe, progress=False)
    if result.state != "finished":
        raise HornbookError(f"the sweep is {result.state}")
    figures: dict[str, dict[str, float]] = {"validation": {}, "test": {}}
    for name, interval in result.confirmed.items():
        split, _, figure = name.partition("_")
        figures["test" if split == "test" else "validation"][figure] = _short(interval.mean)
    folder = SweepFolder(result.folder).opened()
    scores = [row.outcome.score if row.outcome is not None else None for _, row in sorted(folder.rows.items())]
    folder.close()
    shutil.rmtree(result.folder)
    trials = [None if score is None else _short(score, 4) for score in scores]
    return Measured(mark(recipe), date.today().isoformat(), _versions(), figures, trials=trials)


def _histogram(kernel: np.ndarray) -> dict[str, Any]:
    reach = float(np.quantile(np.abs(kernel), 0.999))
    counts, _ = np.histogram(kernel, BINS, (-reach, reach))
    return {"reach": _short(reach), "shares": [_short(100 * count / kernel.size, 4) for count in counts.tolist()]}


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    """Return the figures among some values."""
    kinds = {"epoch", "seconds", "train_seconds", "learning_rate", "momentum"}
    return {
        key: _short(value)
        for key, value in values.items()
        if isinstance(value, int | float) and key not in kinds and not key.startswith("val_")
    }


def _short(value: float, digits: int = 6) -> float:
    return float(f"{value:.{digits}g}")


def _versions() -> dict[str, str]:
    import keras
    import tensorflow as tf

    return {"Hornbook": hornbook.__version__, "TensorFlow": tf.__version__, "Keras": keras.__version__}


if __name__ == "__main__":
    main()
