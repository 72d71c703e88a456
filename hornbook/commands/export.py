"""The export command. TensorFlow is imported when it runs."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hornbook.commands.options import (
    AnywayOption,
    CheckpointOption,
    HeadOption,
    RunArgument,
    TrustOption,
    examples,
    find_whole,
    import_tensorflow,
)
from hornbook.display.text import hanging, path_text
from hornbook.errors import GateError
from hornbook.runs.usage import size_text

if TYPE_CHECKING:
    from hornbook.exports.export import Export

__all__ = ["COMMANDS"]


class Target(StrEnum):
    """What to write."""

    all = "all"
    saved_model = "saved_model"
    onnx = "onnx"
    litert = "litert"
    openvino = "openvino"
    keras = "keras"
    package = "package"


class Precision(StrEnum):
    """What numbers are stored in."""

    float32 = "float32"
    float16 = "float16"
    int8 = "int8"


def export(
    run: RunArgument,
    to: Annotated[
        Target, typer.Option(help="The format; all: each one; package: a folder that predicts without Hornbook")
    ],
    precision: Annotated[Precision, typer.Option(help="What weights are stored in")] = Precision.float32,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file or folder to write; omitted: exports/ in the run's folder"),
    ] = None,
    checkpoint: CheckpointOption = None,
    head: HeadOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there")] = False,
    trust: TrustOption = False,
    anyway: AnywayOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list with an entry per format")] = False,
) -> None:
    """Write a run's model for other programs, and prove it.

    Each file is run in its own runtime on rows of the validation split; one that predicts otherwise is deleted.
    """
    find_whole(run, "result", "data")
    import_tensorflow()
    from hornbook.exports.export import export_run

    written = export_run(
        run,
        to.value,
        precision=precision.value,
        output=output,
        which=checkpoint.value if checkpoint else None,
        trust=trust,
        anyway=anyway,
        force=force,
        head=head,
    )
    if as_json:
        print(json.dumps([each.record() for each in written], indent=2))
    else:
        for each in written:
            print("\n".join(_lines(each)))
    if all(each.path is None for each in written):
        raise GateError("nothing was exported")


def _lines(each: "Export") -> list[str]:
    name = f"{each.format:<12} "
    if each.path is None or each.proof is None:
        return hanging(name, f"refused: {each.reason}")
    return [*hanging(name, f"{each.proof.text()}, {size_text(each.bytes)}"), f"{'':<13}{path_text(each.path)}"]


COMMANDS = (
    (
        export,
        examples(
            "hornbook export he_elu_bn --to onnx",
            "hornbook export he_elu_bn --to litert --precision int8 -o digits.tflite",
            "hornbook export he_elu_bn --to all",
            "hornbook export he_elu_bn --to package -o digits",
        ),
    ),
)
