"""The command `hornbook train`. TensorFlow is imported when it runs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hornbook.atomic import replacing
from hornbook.commands.gates import Gates, RequireOption
from hornbook.commands.options import (
    ConfigOption,
    DeviceOption,
    JsonOption,
    OverrideArguments,
    QuietOption,
    examples,
    import_tensorflow,
    load_or_explain,
)
from hornbook.commands.running import train_and_print
from hornbook.display.text import path_text
from hornbook.errors import UsageError
from hornbook.recipes.control import control_of
from hornbook.recipes.recipe import Recipe
from hornbook.runs.directory import find_unfinished
from hornbook.startup import process_start

if TYPE_CHECKING:
    from hornbook.trainer.listeners import Listener
    from hornbook.trainer.result import TrainResult

__all__ = ["COMMANDS"]


def train(
    config: ConfigOption,
    overrides: OverrideArguments = None,
    runs: Annotated[str, typer.Option(help="Folder below which the run's folder is made")] = "runs",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print layers, steps, rates, memory and time, and stop")
    ] = False,
    sample: Annotated[
        Path | None,
        typer.Option("--sample", help="With --dry-run: draw a dozen images as training shows them, to this .png"),
    ] = None,
    require: RequireOption = None,
    device: DeviceOption = None,
    control: Annotated[
        bool, typer.Option("--control", help="Train with nothing learned before: no pretraining, no reused weights")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the newest run of this recipe if it is unfinished")
    ] = False,
    report: Annotated[bool, typer.Option("--report", help="Write the run's page, report.html, at the end")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a recipe and leave a run directory."""
    gates = Gates(require)
    _check_sample(sample, dry_run=dry_run)
    recipe, checked = load_or_explain(config, overrides)
    gates.check_names(recipe)
    if control:
        recipe = control_of(recipe)

    if dry_run:
        import_tensorflow(device, quiet=quiet)
        _print_plan(recipe, sample)
        return

    from hornbook.data.shelf import Shelf

    shelf = Shelf(room=0)
    # goes on while TensorFlow is imported
    shelf.begin(recipe.data, seed=recipe.seed, task=recipe.task, heads=recipe.heads)

    def run_it(listeners: "Sequence[Listener]") -> "TrainResult | None":
        from hornbook.trainer.resume import resume as resume_run
        from hornbook.trainer.train import train as train_recipe

        source = (checked.config.text, (*checked.overrides, *(["--control"] if control else [])))
        unfinished = find_unfinished(Path(runs), recipe.name or "recipe", source) if resume else None
        started = process_start()
        if unfinished is not None:
            return resume_run(unfinished, listeners=listeners, started=started, trust=recipe.is_trusted, shelf=shelf)
        return train_recipe(recipe, runs=runs, listeners=listeners, source=source, started=started, shelf=shelf)

    def tell_of_page(run: Path) -> None:
        if report or not quiet:
            _tell_of_page(run, recipe, is_written=report)

    result = train_and_print(run_it, device=device, as_json=as_json, quiet=quiet, afterwards=tell_of_page)
    if result is not None:
        _check_gates(gates, result, recipe)


def _tell_of_page(run: Path, recipe: Recipe, *, is_written: bool) -> None:
    """Write a run's page and say where it is, or say how to write it."""
    if not is_written:
        print(f"page    hornbook report {run}", file=sys.stderr)
        return
    from hornbook.pages import write_page_of
    from hornbook.runs.directory import Run

    print(f"page    {path_text(write_page_of(Run(run), trust=recipe.is_trusted))}", file=sys.stderr)


def _check_sample(sample: Path | None, *, dry_run: bool) -> None:
    if sample is not None and not dry_run:
        raise UsageError(f"--sample {sample}: is drawn without training. Add --dry-run.")
    if sample is not None and sample.suffix != ".png":
        raise UsageError(f"--sample {sample}: the picture is a PNG file. Name one that ends in .png.")


def _print_plan(recipe: Recipe, sample: Path | None) -> None:
    """Print the plan of a run, and draw what it shows to `sample`."""
    from hornbook.trainer.plan import plan_lines
    from hornbook.trainer.prepare import prepare

    prepared = prepare(recipe)
    info = prepared.splits.info
    if sample is not None and info.kind != "image":
        raise UsageError(f"--sample {sample}: images are drawn, and '{info.name}' holds none. Leave it out.")
    print("\n".join(plan_lines(prepared)))
    if sample is not None:
        from hornbook.inference.augmented import augmented_sheet

        with replacing(sample) as temporary:
            temporary.write_bytes(augmented_sheet(prepared.recipe, prepared.splits))
        print(f"{'sample':<10}{path_text(sample)}")


def _check_gates(gates: Gates, result: "TrainResult", recipe: Recipe) -> None:
    """Compare the final weights' figures with the gates; those of the training split are measured only for a gate."""
    figures = {"validation": result.validation, "test": result.test}
    if "train" in gates.splits():
        from hornbook.inference.evaluate import evaluate_run

        figures["train"] = evaluate_run(str(result.run), split="train", trust=recipe.is_trusted).metrics
    gates.check(figures)


COMMANDS = (
    (
        train,
        examples(
            "hornbook train --config he_elu_bn.yaml",
            "hornbook train -c he_elu_bn.yaml activation=leaky_relu training.epochs=5",
            "hornbook train -c he_elu_bn.yaml --dry-run",
            "hornbook train -c cnn_augmentation.yaml --dry-run --sample augmented.png",
        ),
    ),
)
