"""The evaluate and predict commands. TensorFlow is imported when they run."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hornbook.commands.options import RunArgument, TrustOption, examples, find_whole, import_tensorflow
from hornbook.errors import UsageError

__all__ = ["COMMANDS"]

SamplesOption = Annotated[
    int | None,
    typer.Option("--mc-samples", min=2, metavar="N", help="Monte Carlo dropout: predict each example N times"),
]
AnywayOption = Annotated[bool, typer.Option("--anyway", help="Go on where the run's data has changed since training")]


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
    mc_samples: SamplesOption = None,
    calibration: Annotated[
        bool, typer.Option("--calibration", help="Also expected calibration error and the reliability curve")
    ] = False,
    temperature: Annotated[
        bool, typer.Option("--temperature", help="Also fit a temperature on the validation split")
    ] = False,
    trust: TrustOption = False,
    anyway: AnywayOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Evaluate a run: loss, metrics, figures of each class."""
    trained = find_whole(run, "result", "data")
    if calibration or temperature:
        from hornbook.inference.calibration import check_options

        check_options(trained, calibration=calibration, temperature=temperature)
    import_tensorflow()
    from hornbook.inference.evaluate import evaluate_run

    report = evaluate_run(
        run,
        split=split.value,
        which=checkpoint.value if checkpoint else None,
        mc_samples=mc_samples,
        calibration=calibration,
        temperature=temperature,
        trust=trust,
        anyway=anyway,
    )
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
    mc_samples: SamplesOption = None,
    temperature: Annotated[
        bool, typer.Option("--temperature", help="Calibrate by a temperature fitted on the validation split")
    ] = False,
    trust: TrustOption = False,
    anyway: AnywayOption = False,
) -> None:
    """Predict labels and probabilities for a file's examples."""
    trained = find_whole(run, "result", "data")
    if temperature:
        if mc_samples is not None:
            raise UsageError("--temperature is fitted to predictions without dropout. Leave it out, or --mc-samples.")
        from hornbook.inference.calibration import check_options

        check_options(trained, calibration=False, temperature=True)
    import_tensorflow()
    from hornbook.inference.predict import predict_file

    notes = predict_file(
        run,
        input,
        output=output,
        which=checkpoint.value if checkpoint else None,
        mc_samples=mc_samples,
        temperature=temperature,
        trust=trust,
        anyway=anyway,
    )
    for note in notes:
        print(note, file=sys.stderr)


COMMANDS = (
    (
        evaluate,
        examples(
            "hornbook evaluate runs/he_elu_bn/latest",
            "hornbook evaluate he_elu_bn --split validation",
            "hornbook evaluate he_elu_bn --mc-samples 100 --calibration",
        ),
    ),
    (
        predict,
        examples(
            "hornbook predict runs/he_elu_bn/latest --input images.npz",
            "hornbook predict he_elu_bn -i images.npz -o predictions.csv",
            "hornbook predict he_elu_bn -i images.npz --mc-samples 100",
        ),
    ),
)
