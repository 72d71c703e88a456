"""The evaluate and predict commands. TensorFlow is imported when they run."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from hornbook.commands.gates import Gates, RequireOption
from hornbook.commands.options import (
    AnywayOption,
    CheckpointOption,
    HeadOption,
    RunArguments,
    TrustOption,
    Which,
    examples,
    find_whole,
    import_tensorflow,
)
from hornbook.errors import UsageError
from hornbook.recipes.load import load_recipe
from hornbook.runs.members import are_several

__all__ = ["COMMANDS"]


class SplitName(StrEnum):
    """Which examples to evaluate on."""

    train = "train"
    validation = "validation"
    test = "test"


class Gaps(StrEnum):
    """What to do with missing values where training had none."""

    fill = "fill"
    skip = "skip"


SamplesOption = Annotated[
    int | None,
    typer.Option("--mc-samples", min=2, metavar="N", help="Monte Carlo dropout: predict each example N times"),
]
ArrayOption = Annotated[
    str | None,
    typer.Option("--array", metavar="NAME", help="The array of inputs in a .npz file; omitted: the recipe's"),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option("--threshold", metavar="NUMBER", help="Output above which a label is given; omitted: the run's own"),
]
MissingOption = Annotated[
    Gaps | None,
    typer.Option("--missing", help="Missing values where training had none: fill in its mean, or skip such rows"),
]

# ---- of evaluate
EvaluatedSplitOption = Annotated[SplitName | None, typer.Option(help="train, validation or test; omitted: test")]
TargetsOption = Annotated[
    str | None,
    typer.Option("--input", "-i", metavar="FILE", help="A file with targets, in place of a split; - for CSV on stdin"),
]
CalibrationOption = Annotated[
    bool, typer.Option("--calibration", help="Also expected calibration error and the reliability curve")
]
FittedOption = Annotated[bool, typer.Option("--temperature", help="Also fit a temperature on the validation split")]
ErrorsOption = Annotated[
    int | None,
    typer.Option("--errors", min=1, metavar="N", help="Also the N most confidently wrong examples, or residuals"),
]
ImportanceOption = Annotated[
    bool, typer.Option("--importance", help="Also how much worse it gets when a column of a table is shuffled")
]
RepeatsOption = Annotated[
    int | None, typer.Option("--repeats", min=2, metavar="N", help="Shuffles of each column; omitted: 10")
]

# ---- of predict
ExamplesOption = Annotated[
    str | None,
    typer.Option("--input", "-i", metavar="FILE", help="A .npz, .npy, CSV or Parquet file; - for CSV on stdin"),
]
PredictedSplitOption = Annotated[
    SplitName | None, typer.Option(help="A split of the run, in place of a file: train, validation or test")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="A .csv or .npz file to write; omitted: CSV to stdout")
]
KeepOption = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="COLUMN", help="Write this column too: an id; of a split index, the target"),
]
CalibratedOption = Annotated[
    bool, typer.Option("--temperature", help="Calibrate by a temperature fitted on the validation split")
]


def evaluate(
    runs: RunArguments,
    split: EvaluatedSplitOption = None,
    input: TargetsOption = None,
    array: ArrayOption = None,
    missing: MissingOption = None,
    head: HeadOption = None,
    threshold: ThresholdOption = None,
    checkpoint: CheckpointOption = None,
    mc_samples: SamplesOption = None,
    calibration: CalibrationOption = False,
    temperature: FittedOption = False,
    trust: TrustOption = False,
    anyway: AnywayOption = False,
    errors: ErrorsOption = None,
    importance: ImportanceOption = False,
    repeats: RepeatsOption = None,
    require: RequireOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON")] = False,
) -> None:
    """Evaluate a run: loss, metrics, figures of each class.

    On a split of its own data, or with --input on a file of examples and their targets. Of several runs, a sweep or an
    ablation: what the mean of their predictions gains over a single one.
    """
    reading: dict[str, Any] = {"input": input, "array": array, "missing": missing.value if missing else None}
    if are_several(runs):
        one = {
            "--threshold": threshold, "--mc-samples": mc_samples, "--calibration": calibration, "--temperature": temperature,
            "--errors": errors, "--importance": importance, "--require": require,
        }  # fmt: skip
        _refuse_for_several([option for option, value in one.items() if value])
        _compare(runs, split, checkpoint, reading, head=head, trust=trust, anyway=anyway, as_json=as_json)
        return
    (run,) = runs
    if repeats is not None and not importance:
        raise UsageError(f"--repeats {repeats} says how often columns are shuffled. Give --importance too.")
    gates = Gates(require, default="input" if input is not None else "test" if split is None else None)
    _check(run, gates, head, trust=trust, calibration=calibration, temperature=temperature)
    import_tensorflow()
    from hornbook.inference.evaluate import evaluate_run

    which = checkpoint.value if checkpoint else None
    same: dict[str, Any] = {"threshold": threshold, "which": which, "trust": trust, "anyway": anyway, "head": head}
    report = evaluate_run(
        run, split=split.value if split else None, mc_samples=mc_samples, calibration=calibration, temperature=temperature,
        errors=errors, timing=True, importance=(repeats or 10) if importance else None, **reading, **same,
    )  # fmt: skip
    for note in report.notes:
        print(note, file=sys.stderr)
    print(json.dumps(report.record(), indent=2) if as_json else report.text())
    figures = {report.split or "input": report.metrics}
    figures |= {other: evaluate_run(run, split=other, **same).metrics for other in sorted(gates.splits() - {*figures})}
    gates.check(figures)


def _check(
    run: str, gates: Gates, head: str | None, *, trust: bool, calibration: bool, temperature: bool
) -> None:  # fmt: skip
    """Refuse what a run cannot be asked for, before TensorFlow is imported."""
    trained = find_whole(run, "result", "data")
    if gates.conditions:
        from hornbook.inference.trust.calibration import one_head

        recipe = load_recipe(trained.recipe_path, for_training=False, of_run=True, trust=trust)
        is_of_head = head is not None and recipe.heads is not None
        gates.check_names(recipe.of_head(one_head("--require", head, recipe)) if is_of_head else recipe)
    if calibration or temperature:
        from hornbook.inference.trust.calibration import check_options

        check_options(trained, calibration=calibration, temperature=temperature, head=head)


def _refuse_for_several(options: list[str]) -> None:
    if options:
        raise UsageError(f"{options[0]} is about one run, and there are several to average. Leave it out.")


def _compare(
    runs: list[str], split: SplitName | None, checkpoint: Which | None, reading: dict[str, Any],
    *, head: str | None, trust: bool, anyway: bool, as_json: bool,
) -> None:  # fmt: skip
    """Print what averaging several runs gains."""
    import_tensorflow()
    from hornbook.inference.evaluate import check_choices
    from hornbook.inference.trust.ensemble import Members, compare_members

    check_choices(split=split.value if split else None, **reading)
    members = Members(runs, which=checkpoint.value if checkpoint else None, trust=trust, head=head)
    comparison = compare_members(members, split=split.value if split else None, anyway=anyway, **reading)
    for note in comparison.notes:
        print(note, file=sys.stderr)
    print(json.dumps(comparison.record(), indent=2) if as_json else comparison.text())


def predict(
    runs: RunArguments,
    input: ExamplesOption = None,
    split: PredictedSplitOption = None,
    output: OutputOption = None,
    array: ArrayOption = None,
    keep: KeepOption = None,
    missing: MissingOption = None,
    head: HeadOption = None,
    threshold: ThresholdOption = None,
    checkpoint: CheckpointOption = None,
    mc_samples: SamplesOption = None,
    temperature: CalibratedOption = False,
    trust: TrustOption = False,
    anyway: AnywayOption = False,
) -> None:
    """Predict labels and probabilities for a file or a split.

    Of several runs, a sweep or an ablation: the mean of what they predict.
    """
    if input is None and split is None:
        raise UsageError("what to predict? Name a file with --input, or a split of the run with --split.")
    trained = None if are_several(runs) else find_whole(runs[0], "result", "data")
    if temperature and trained is not None:
        if mc_samples is not None:
            raise UsageError("--temperature is fitted to predictions without dropout. Leave it out, or --mc-samples.")
        from hornbook.inference.trust.calibration import check_options

        check_options(trained, calibration=False, temperature=True, head=head)
    import_tensorflow()
    from hornbook.inference.predict import predict_file

    notes = predict_file(
        runs,
        input,
        split=split.value if split else None,
        output=output,
        array=array,
        keep=keep or (),
        missing=missing.value if missing else None,
        threshold=threshold,
        which=checkpoint.value if checkpoint else None,
        mc_samples=mc_samples,
        temperature=temperature,
        trust=trust,
        anyway=anyway,
        head=head,
    )
    for note in notes:
        print(note, file=sys.stderr)


COMMANDS = (
    (
        evaluate,
        examples(
            "hornbook evaluate runs/he_elu_bn/latest",
            "hornbook evaluate he_elu_bn --split validation",
            "hornbook evaluate he_elu_bn --input labelled.npz",
            "hornbook evaluate he_elu_bn --mc-samples 100 --calibration",
            "hornbook evaluate he_elu_bn --errors 20",
            "hornbook evaluate he_elu_bn default_nesterov",
            "hornbook evaluate he_elu_bn --require 'train_accuracy>=0.9'",
        ),
    ),
    (
        predict,
        examples(
            "hornbook predict runs/he_elu_bn/latest --input images.npz",
            "hornbook predict he_elu_bn -i images.npz -o predictions.csv",
            "hornbook predict he_elu_bn -i images.npz --mc-samples 100",
            "hornbook predict he_elu_bn --split test --keep index --keep y",
            "hornbook predict he_elu_bn default_nesterov -i images.npz",
        ),
    ),
)
