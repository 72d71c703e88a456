"""The evaluate and predict commands. TensorFlow is imported when they run."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hornbook.recipes.commands import examples
from hornbook.runs import find_run

__all__ = ["COMMANDS"]

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, runs/NAME/latest, or a recipe's name")]


class SplitName(StrEnum):
    """Which examples to evaluate on."""

    train = "train"
    validation = "validation"
    test = "test"


class Which(StrEnum):
    """Which weights."""

    best = "best"
    last = "last"


def evaluate(
    run: RunArgument,
    split: Annotated[SplitName, typer.Option(help="train, validation or test")] = SplitName.test,
    checkpoint: Annotated[Which | None, typer.Option(help="best or last; omitted: the run's final weights")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Evaluate a run: loss, metrics, and the figures of each class."""
    find_run(run)  # before TensorFlow, which takes seconds to import
    from hornbook import startup

    startup.import_for_command()
    from hornbook.inference.report import evaluate_run

    report = evaluate_run(run, split=split.value, which=checkpoint.value if checkpoint else None)
    for note in report.notes:
        print(note, file=sys.stderr)
    print(json.dumps(report.record(), indent=2) if as_json else report.text())


def predict(
    run: RunArgument,
    input: Annotated[Path, typer.Option("--input", "-i", help="A .npz, .npy, CSV or Parquet file")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .csv or .npz file to write; omitted: CSV to stdout")
    ] = None,
    checkpoint: Annotated[Which | None, typer.Option(help="best or last; omitted: the run's final weights")] = None,
) -> None:
    """Predict labels and probabilities for a file's examples."""
    find_run(run)
    from hornbook import startup

    startup.import_for_command()
    from hornbook.inference.predictions import predict_file

    notes = predict_file(run, input, output=output, which=checkpoint.value if checkpoint else None)
    for note in notes:
        print(note, file=sys.stderr)


COMMANDS = (
    (evaluate, examples("hornbook evaluate runs/he_elu_bn/latest", "hornbook evaluate he_elu_bn --split validation")),
    (
        predict,
        examples(
            "hornbook predict runs/he_elu_bn/latest --input images.npz",
            "hornbook predict he_elu_bn -i images.npz -o predictions.csv",
        ),
    ),
)
