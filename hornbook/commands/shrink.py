"""The command `hornbook shrink`: a recipe with `shrink` written from options, and trained. TensorFlow is imported then."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hornbook.commands.options import (
    DeviceOption,
    JsonOption,
    OverrideArguments,
    QuietOption,
    RunArgument,
    TrustOption,
    examples,
    find_whole,
    load_or_explain,
)
from hornbook.commands.running import train_and_print
from hornbook.errors import UsageError
from hornbook.recipes.language.text import to_yaml
from hornbook.startup import process_start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hornbook.trainer.listeners import Listener
    from hornbook.trainer.result import TrainResult

__all__ = ["COMMANDS", "section_of"]


class Fold(StrEnum):
    """What goes into the weights beside it."""

    all = "all"
    normalization = "normalization"
    inputs = "inputs"
    none = "none"


class Scope(StrEnum):
    """Over what weights are compared."""

    whole = "global"
    layer = "layer"


class Schedule(StrEnum):
    """When weights become zero."""

    cubic = "cubic"
    once = "once"


class Precision(StrEnum):
    """What weights are rounded to."""

    float32 = "float32"
    float16 = "float16"
    int8 = "int8"


def section_of(source: str, **options: Any) -> dict[str, Any]:
    """Return the `shrink` section of a recipe, of options that are None where nothing was said.

    Raises:
        UsageError: If an option of pruning stands alone.
    """
    prune = {key: options.pop(key) for key in ("share", "threshold", "scope", "schedule", "until")}
    prune = {key: value for key, value in prune.items() if value is not None}
    if prune and not {"share", "threshold"} & set(prune):
        raise UsageError(
            f"--{next(iter(prune))} says how weights become zero. Say how many too: --share 0.8 or --threshold 0.01."
        )
    section = {"from": source, **{key: value for key, value in options.items() if value is not None}}
    return section | ({"prune": prune} if prune else {})


def shrink(
    run: RunArgument,
    overrides: OverrideArguments = None,
    fold: Annotated[Fold | None, typer.Option(help="What is folded into weights; omitted: all that is exact")] = None,
    share: Annotated[float | None, typer.Option(help="Set this share of the weights to zero, 0.9")] = None,
    threshold: Annotated[float | None, typer.Option(help="Set weights to zero whose size is below this")] = None,
    scope: Annotated[Scope | None, typer.Option(help="Compare weights in the whole network or per layer")] = None,
    schedule: Annotated[
        Schedule | None, typer.Option(help="Zeros come by and by, or all before the first epoch")
    ] = None,
    until: Annotated[str | None, typer.Option(help="When the last zeros come: '5 epochs', 50%")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of fine-tuning; omitted: none")] = None,
    keep_units: Annotated[bool, typer.Option("--keep-units", help="Keep units that have no weights left")] = False,
    precision: Annotated[Precision | None, typer.Option(help="What weights are rounded to")] = None,
    calibration: Annotated[int | None, typer.Option(help="Training rows that levels of int8 are chosen on")] = None,
    max_loss: Annotated[float | None, typer.Option(help="Points that may be lost; omitted: 0.5")] = None,
    runs: Annotated[str, typer.Option(help="Folder below which the run's folder is made")] = "runs",
    device: DeviceOption = None,
    trust: TrustOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make a run's model smaller and faster, and measure it.

    Normalization is folded into weights, small weights become zero, units without weights go, and weights are rounded,
    each by option. The result is a run of its own; exit code 3 and none where it is worse by more than --max-loss.
    """
    find_whole(run, "result", "data", "environment")
    chosen = {"fold": fold, "scope": scope, "schedule": schedule, "precision": precision}
    section = section_of(
        run,
        **{key: None if value is None else value.value for key, value in chosen.items()},
        share=share,
        threshold=threshold,
        until=int(until) if until is not None and until.isdecimal() else until,
        units=False if keep_units else None,
        calibration=calibration,
        max_loss=max_loss,
        trust=trust or None,
    )
    text = to_yaml({"shrink": section} | ({"training": {"epochs": epochs}} if epochs is not None else {}))
    recipe, checked = load_or_explain(text, overrides)

    def run_it(listeners: "Sequence[Listener]") -> "TrainResult":
        from hornbook.trainer.train import train

        source = checked.config.text, checked.overrides
        return train(recipe, runs=runs, listeners=listeners, source=source, started=process_start())

    train_and_print(run_it, device=device, as_json=as_json, quiet=quiet)


COMMANDS = (
    (
        shrink,
        examples(
            "hornbook shrink he_elu_bn",
            "hornbook shrink mnist_300_100 --share 0.9 --epochs 10 --precision int8",
            "hornbook shrink he_elu_bn --precision float16 --max-loss 0",
        ),
    ),
)
